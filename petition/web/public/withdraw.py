"""Withdrawing a signature, or only removing its name. It is as easy as signing: with the receipt, without an account.

Nothing changes before the page has said exactly what will change, and nothing changes by following a link. Repeating a
request gives the same page.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import OpenCampaign
from petition.core.db import session as reading
from petition.core.db import transaction
from petition.publication import Snapshot
from petition.signatures import SignatureState
from petition.web.forms.base import FormRefused
from petition.web.forms.public import ReceiptForm, WithdrawForm
from petition.web.public import personal, receipt_text
from petition.web.public.receipt import not_a_receipt, posted_receipt
from petition.web.public.receipt_text import ReceiptFaulty
from petition.web.services import services

Act = Callable[[Session, OpenCampaign, bytes], SignatureState]
FINAL = {SignatureState.WITHDRAWN, SignatureState.REMOVED}

bp = Blueprint("withdraw", __name__)


def _page(form: ReceiptForm, slug: str) -> Response:
    snapshot, lang = personal.find(slug)
    return personal.render_page("withdraw", snapshot, lang, form, stage="ask")


@bp.get("/c/<slug>/withdraw")
def form(slug: str) -> Response:
    """Returns the page for pasting a receipt."""
    snapshot, lang = personal.find(slug)
    return personal.render_page("withdraw", snapshot, lang, ReceiptForm(), stage="ask", here="withdraw.form")


@bp.post("/c/<slug>/withdraw")
@personal.redrawn(_page, ReceiptForm, "receipt")
def change(slug: str) -> Response:
    """With a receipt, explain what will happen. With its secret, withdraw the signature."""
    snapshot, lang = personal.find(slug)
    if "withdraw" in request.form:
        return _done(snapshot, lang, signatures.withdraw)
    text = posted_receipt().receipt.data
    with not_a_receipt(lang):
        secret = receipt_text.secret_in(text, snapshot)
    return _confirm(snapshot, lang, secret)


@bp.post("/c/<slug>/hide")
@personal.redrawn(_page, ReceiptForm, "receipt")
def hide(slug: str) -> Response:
    """Remove the name. The signature stays counted."""
    snapshot, lang = personal.find(slug)
    return _done(snapshot, lang, signatures.hide)


def _confirm(snapshot: Snapshot, lang: str, w: bytes) -> Response:
    with reading() as session:
        found = signatures.status_of(session, services().page_cache.campaign(snapshot.slug), w)
    stage = "done" if found.state in FINAL else "confirm"
    form = WithdrawForm(data={"withdraw": w})
    return personal.render_page("withdraw", snapshot, lang, form, stage=stage, signature_status=found.state)


def _done(snapshot: Snapshot, lang: str, act: Act) -> Response:
    campaign = services().page_cache.campaign(snapshot.slug)
    with not_a_receipt(lang):
        w = _secret()
    with transaction() as session:
        state = act(session, campaign, w)
    return personal.render_page("withdraw", snapshot, lang, stage="done", signature_status=state)


def _secret() -> bytes:
    """Returns the secret that the page before posted. Raises ReceiptFaulty."""
    try:
        secret: bytes = WithdrawForm.read(request.form).withdraw.data
    except FormRefused as error:
        raise ReceiptFaulty from error
    return secret
