"""Changing one's mind: withdraw, or take the name off; as easy as signing, by receipt, without an account.

Guards that nothing changes before it was said exactly what will, and that nothing changes by following a link.
Refuses nobody twice: the same request again gives the same page.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import OpenCampaign
from petition.core.db import session as reading
from petition.core.db import transaction
from petition.core.encoding import b64u
from petition.publication import Snapshot
from petition.signatures import SignatureState
from petition.web.fields import Filled
from petition.web.forms import FormRefused
from petition.web.forms.public import WithdrawForm
from petition.web.public import personal, receipts
from petition.web.public.receipt import faulty, posted_receipt
from petition.web.public.receipts import ReceiptFaulty
from petition.web.services import services

Regret = Callable[[Session, OpenCampaign, bytes], SignatureState]
FINAL = {SignatureState.WITHDRAWN, SignatureState.REMOVED}

bp = Blueprint("withdraw", __name__)


@bp.get("/c/<slug>/withdraw")
def form(slug: str) -> Response:
    """Where a receipt is pasted to go back on a signature."""
    snapshot, lang = personal.find(slug)
    return personal.render_page("withdraw", snapshot, lang, stage="ask", here="withdraw.form")


@bp.post("/c/<slug>/withdraw")
def change(slug: str) -> Response:
    """A receipt is given: say what will happen. Its secret is given: do it."""
    snapshot, lang = personal.find(slug)
    if "withdraw" in request.form:
        return _regret(snapshot, lang, signatures.withdraw)
    text = posted_receipt()
    try:
        return _confirm(snapshot, lang, receipts.secret_in(text, snapshot))
    except ReceiptFaulty:
        return faulty("withdraw", snapshot, lang, text, stage="ask")
    except personal.REFUSALS as error:
        return personal.render_again(error, "receipt", "withdraw", snapshot, lang, {"receipt": text}, stage="ask")


@bp.post("/c/<slug>/hide")
def hide(slug: str) -> Response:
    """The name is taken off and the signature stays counted."""
    snapshot, lang = personal.find(slug)
    return _regret(snapshot, lang, signatures.hide)


def _confirm(snapshot: Snapshot, lang: str, w: bytes) -> Response:
    with reading() as session:
        found = signatures.status_of(session, services().page_cache.campaign(snapshot.slug), w)
    stage = "done" if found.state in FINAL else "confirm"
    return personal.render_page(
        "withdraw", snapshot, lang, Filled({"withdraw": b64u(w)}), stage=stage, standing=found.state
    )


def _regret(snapshot: Snapshot, lang: str, regret: Regret) -> Response:
    campaign = services().page_cache.campaign(snapshot.slug)
    try:
        w = WithdrawForm.read(request.form).withdraw.data
        with transaction() as session:
            state = regret(session, campaign, w)
    except FormRefused:
        return faulty("withdraw", snapshot, lang, "", stage="ask")
    except personal.REFUSALS as error:
        return personal.render_again(error, "receipt", "withdraw", snapshot, lang, {}, stage="ask")
    return personal.render_page("withdraw", snapshot, lang, stage="done", standing=state)
