"""The receipt: saved as a file, and looked up later.

Guards the way back of somebody without an account. Refuses to keep what is pasted here: it is read and forgotten.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from petition import signatures
from petition.core.db import session as reading
from petition.publication import Snapshot
from petition.web.api.answers import status_json
from petition.web.fields import Filled
from petition.web.public import personal, receipts, words
from petition.web.public.receipts import Kept, ReceiptFaulty
from petition.web.services import services

bp = Blueprint("receipt", __name__)


@bp.get("/c/<slug>/receipt")
def form(slug: str) -> Response:
    """Where a receipt is pasted."""
    snapshot, lang = personal.find(slug)
    return personal.render_page("receipt", snapshot, lang, here="receipt.form")


@bp.post("/c/<slug>/receipt")
def look(slug: str) -> Response:
    """Where the signature of a receipt stands."""
    snapshot, lang = personal.find(slug)
    text = posted_receipt()
    try:
        standing, epoch = stands(slug, receipts.read(text, snapshot))
    except ReceiptFaulty:
        return faulty("receipt", snapshot, lang, text)
    except personal.REFUSALS as error:
        return personal.render_again(error, "receipt", "receipt", snapshot, lang, {"receipt": text})
    return personal.render_page("receipt", snapshot, lang, Filled({"receipt": text}), standing=standing, epoch=epoch)


@bp.post("/c/<slug>/receipt.json")
def save(slug: str) -> Response:
    """The posted receipt as a file, for browsers without a script."""
    snapshot, lang = personal.find(slug)
    text = posted_receipt()
    try:
        receipts.read(text, snapshot)
    except ReceiptFaulty:
        return faulty("receipt", snapshot, lang, text)
    kept = {"Content-Disposition": 'attachment; filename="receipt.json"', "Cache-Control": "no-store"}
    return Response(text.encode(), headers=kept, content_type="application/json")


def posted_receipt() -> str:
    """The text that was pasted, else the file that was opened."""
    opened = request.files.get("file")
    text = request.form.get("receipt", "")
    return text if text.strip() or opened is None else opened.read().decode(errors="replace")


def faulty(template: str, snapshot: Snapshot, lang: str, text: str, **values: object) -> Response:
    """The page again for a text that is no receipt."""
    wrong = Filled({"receipt": text}, {"receipt": [words.sentence("not-a-receipt", lang)]})
    page = personal.render_page(template, snapshot, lang, wrong, **values)
    page.status_code = 422
    return page


def stands(slug: str, kept: Kept) -> tuple[str, int | None]:
    """Where the signature of a receipt stands, as the page names it, and its epoch; raises SignatureUnknown."""
    with reading() as session:
        found = signatures.status(session, services().page_cache.campaign(slug), kept.leaf)
    told = status_json(found)
    return "-".join(str(told[name]) for name in ("state", "why") if name in told), found.epoch
