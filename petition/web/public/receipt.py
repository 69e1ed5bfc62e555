"""The receipt pages: a signer saves a receipt as a file, and later looks up the signature.

With a receipt, people without an account can find their signature again. A pasted receipt is read and not stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from petition.core import clock
from petition.signatures import SignatureState, SignatureStatus
from petition.web import signing
from petition.web.api.answers import status_json
from petition.web.forms.base import FormRefused
from petition.web.forms.public import ReceiptForm
from petition.web.labels import UNNUMBERED
from petition.web.public import personal, receipt_text, words
from petition.web.public.receipt_text import ReceiptFaulty

bp = Blueprint("receipt", __name__)


def receipt_page(form: ReceiptForm, slug: str) -> Response:
    """Returns the page for pasting a receipt, with what was pasted."""
    snapshot, lang = personal.find(slug)
    return personal.render_page("receipt", snapshot, lang, form)


@bp.get("/c/<slug>/receipt")
def form(slug: str) -> Response:
    """Returns the empty page for pasting a receipt."""
    snapshot, lang = personal.find(slug)
    return personal.render_page("receipt", snapshot, lang, ReceiptForm(), here="receipt.form")


@bp.post("/c/<slug>/receipt")
@personal.redrawn(receipt_page, ReceiptForm, "receipt")
def look(slug: str) -> Response:
    """Returns the status of the signature of a posted receipt."""
    snapshot, lang = personal.find(slug)
    form = posted_receipt()
    with not_a_receipt(lang):
        kept = receipt_text.read(form.receipt.data, snapshot)
    found = signing.status(slug, kept.leaf, kept.ticket)
    status, epoch = shown_status(found)
    return personal.render_page("receipt", snapshot, lang, form, signature_status=status, epoch=epoch, found=found)


@bp.post("/c/<slug>/receipt.json")
@personal.redrawn(receipt_page, ReceiptForm, "receipt")
def save(slug: str) -> Response:
    """Returns the posted receipt as a file, for browsers without JavaScript."""
    snapshot, lang = personal.find(slug)
    text = posted_receipt().receipt.data
    with not_a_receipt(lang):
        receipt_text.read(text, snapshot)
    name = f"receipt-{clock.now().astimezone(UTC).date().isoformat()}.json"  # says nothing of the letter
    kept = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text.encode(), headers=kept, content_type="application/json")


def posted_receipt() -> ReceiptForm:
    """Returns the form with the pasted text, or else with the content of the chosen file. Raises FormRefused."""
    opened = request.files.get("file")
    text = request.form.get("receipt", "")
    text = text if text.strip() or opened is None else opened.read().decode(errors="replace")
    return ReceiptForm.read(MultiDict({"receipt": text, "publish_at": request.form.get("publish_at", "")}))


@contextmanager
def not_a_receipt(lang: str) -> Iterator[None]:
    """Raises FormRefused for a text that is not a receipt."""
    try:
        yield
    except ReceiptFaulty:
        raise FormRefused({"receipt": [words.sentence("not-a-receipt", lang)]}) from None


def shown_status(found: SignatureStatus) -> tuple[str, int | None]:
    """Returns a status as the page names it, and its epoch.

    While the count is not public, the epoch is None, because it reveals how many signed.
    """
    document = status_json(found)
    name = "-".join(str(document[name]) for name in ("state", "why") if name in document)
    if found.epoch is not None:
        return name, found.epoch
    return UNNUMBERED if name == SignatureState.LOGGED else name, None
