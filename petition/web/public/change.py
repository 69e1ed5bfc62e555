"""The page "Change your signature": correct the name, show more or less, remove the name, withdraw.

It needs the receipt, or the pass that signed, and no account. Nothing changes before the page has said what will be
visible and when, and nothing changes by following a link. With JavaScript the secret stays in the browser
(static/js/change.js): the script asks for an offer without it, and acts by the API's calls. Without JavaScript the page
carries the receipt from step to step; the server plays the signer's client, reveals the next value of the secret chain,
and forgets the receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, request, url_for

from petition.blindsign.passes import STEPS, reveal
from petition.core import clock
from petition.epochs.slots import Slots
from petition.publication import Snapshot
from petition.signatures import SignatureState, SignatureStatus, SignatureUnknown, ValueUsed
from petition.web import signing
from petition.web.forms.base import BaseForm
from petition.web.forms.public import Amending, ChangeForm, HashForm, ReceiptForm, TicketForm
from petition.web.forms.redraw import refused
from petition.web.public import personal, receipt_text, words
from petition.web.public.receipt import not_a_receipt, posted_receipt
from petition.web.public.receipt_text import ReceiptFaulty

Act = Callable[[str, bytes], SignatureState]

bp = Blueprint("change", __name__)


def _page(form: BaseForm, slug: str) -> Response:
    """Returns the page again after an error: with the choice if the receipt is one, else asking for the receipt.

    What was typed stays, also while the database does not answer.
    """
    snapshot, lang = personal.find(slug)
    if isinstance(form, ChangeForm):
        text = form.receipt.data or ""
        try:
            return _offer(snapshot, lang, form, _status_or_none(slug, receipt_text.secret_in(text, snapshot)))
        except (ReceiptFaulty, SignatureUnknown):
            form = refused(ReceiptForm(data={"receipt": text}), form.refusal or SignatureUnknown(), "receipt")
    return personal.render_page("change", snapshot, lang, form, stage="ask")


def _status_or_none(slug: str, w0: bytes) -> SignatureStatus:
    """Returns the status of a signature, or one that says nothing while it cannot be looked up."""
    try:
        return signing.status_of(slug, w0)
    except SignatureUnknown:
        raise
    except personal.REFUSALS:
        return SignatureStatus(SignatureState.PENDING, logged=False)


@bp.get("/c/<slug>/change")
def form(slug: str) -> Response:
    """Returns the page that asks for the receipt."""
    snapshot, lang = personal.find(slug)
    return personal.render_page("change", snapshot, lang, ReceiptForm(), stage="ask", here="change.form")


@bp.get("/c/<slug>/withdraw")
def moved(slug: str) -> Response:
    """Lead the page's earlier address to the present one."""
    return make_response(redirect(url_for("change.form", slug=slug, lang=request.args.get("lang"))))


@bp.post("/c/<slug>/change")
@personal.redrawn(_page, ReceiptForm, "receipt")
def change(slug: str) -> Response:
    """Receive a receipt, and say what can be changed. Nothing changes yet."""
    snapshot, lang = personal.find(slug)
    text = posted_receipt().receipt.data
    found = signing.status_of(slug, _secret(text, snapshot, lang))
    return _offer(snapshot, lang, _form_of(text, found), found)


@bp.post("/c/<slug>/offer")
@personal.redrawn(_page, ReceiptForm, "receipt")
def offer(slug: str) -> Response:
    """Say what can be changed to a script that keeps the secret, with templates of what comes after each act."""
    snapshot, lang = personal.find(slug)
    has_receipt = "hw" not in request.form
    found = _public_lookup(slug, has_receipt=has_receipt)
    return _offer(snapshot, lang, _form_of("", found), found, in_browser=True, kept=has_receipt, blank=ReceiptForm())


def _public_lookup(slug: str, *, has_receipt: bool) -> SignatureStatus:
    """Returns the status by what a receipt holds beside its secret, or by the public hash of the secret."""
    if not has_receipt:
        return signing.status_by_hash(slug, HashForm.read(request.form).hw.data)
    given = TicketForm.read(request.form)
    return signing.status(slug, given.leaf.data, given.ticket.data)


@bp.post("/c/<slug>/amend")
@personal.redrawn(_page, ChangeForm, "receipt")
def amend(slug: str) -> Response:
    """Change what the signature shows, and show the receipt of the change."""
    snapshot, lang = personal.find(slug)
    given = ChangeForm.read(request.form)
    w0 = _secret(given.receipt.data, snapshot, lang)
    choice, found = given.display_choice(), signing.status_of(slug, w0)
    for value in _values(w0, found):
        try:
            receipt = signing.amend(slug, Amending(value, choice))
        except ValueUsed:
            continue
        kept = receipt_text.changed_text(given.receipt.data, receipt)
        shown = words.summary(choice, lang, snapshot)
        blank = ReceiptForm(data={"receipt": kept, "publish_at": choice.publish_at})
        values = {"shown": shown, "kept": kept, "acts_on": _acts_on(snapshot)}
        return personal.render_page("change", snapshot, lang, blank, stage="changed", **values)
    raise ValueUsed


@bp.post("/c/<slug>/hide")
@personal.redrawn(_page, ReceiptForm, "receipt")
def hide(slug: str) -> Response:
    """Remove what the signature shows. It stays counted."""
    return _perform(slug, signing.hide, SignatureState.HIDDEN)


@bp.post("/c/<slug>/withdraw")
@personal.redrawn(_page, ReceiptForm, "receipt")
def withdraw(slug: str) -> Response:
    """Withdraw the signature."""
    return _perform(slug, signing.withdraw, SignatureState.WITHDRAWN)


def _perform(slug: str, act: Act, result: SignatureState) -> Response:
    """Carry out an act with the next value of the chain, unless it is done already."""
    snapshot, lang = personal.find(slug)
    w0 = _secret(posted_receipt().receipt.data, snapshot, lang)
    found = signing.status_of(slug, w0)
    state = found.state
    if found.amends or state is not result:
        state = act(slug, reveal(w0, min(found.used, STEPS)))
    return personal.render_page("change", snapshot, lang, stage="done", signature_status=state)


def _values(w0: bytes, found: SignatureStatus) -> list[bytes]:
    """Returns the values to try for a change: that of a change that waits, in case it is asked for again, then the next."""
    numbers = [*([found.used - 1] if found.amends else []), found.used]
    return [reveal(w0, number) for number in numbers if number <= STEPS]


def _offer(snapshot: Snapshot, lang: str, form: ChangeForm, found: SignatureStatus, **values: object) -> Response:
    """Returns the page with everything that can be changed, and what is shown now."""
    if found.state is SignatureState.REMOVED or (found.state is SignatureState.WITHDRAWN and not found.can_return):
        return personal.render_page("change", snapshot, lang, form, stage="done", signature_status=found.state)
    return personal.render_page(
        "change",
        snapshot,
        lang,
        form,
        stage="offer",
        found=found,
        left=max(0, STEPS + 1 - found.used),
        acts_on=_acts_on(snapshot),
        signature_status=found.state,
        **values,
    )


def _acts_on(snapshot: Snapshot) -> date | None:
    """Returns the day on which a change is written, in the letter's time zone, or None if each batch takes changes along, in a demonstration."""
    batch = snapshot.batch
    if batch.min == 1 or batch.since is None:
        return None
    slots = Slots(datetime.fromisoformat(batch.since), timedelta(seconds=batch.interval))
    return slots.next_acts(clock.now()).astimezone(ZoneInfo(snapshot.zone)).date()


def _form_of(text: str, found: SignatureStatus) -> ChangeForm:
    """Returns the form with the receipt and with what the signature shows, or will show once a change is written."""
    shows = found.shows
    values = {} if shows is None else {**shows.body().fields(), "show": shows.show, "publish_at": shows.publish_at}
    return ChangeForm(data={"receipt": text.strip(), **values})


def _secret(text: str, snapshot: Snapshot, lang: str) -> bytes:
    with not_a_receipt(lang):
        return receipt_text.secret_in(text, snapshot)
