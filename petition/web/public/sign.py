"""Signing: prove that you work there, choose what is shown, check it, sign. It takes four posts, or one page with JavaScript.

The answer to an address is the same for everybody. For a browser without JavaScript the pass is made here, shown and
not stored; the same page sent again gives the same pass. This module keeps nothing between steps: the page carries it.
The step that redeems a pass learns nothing from the step that issued it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256, shake_256
from itertools import count
from typing import Final

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import KeptPass
from petition.campaigns import CampaignState, OpenCampaign
from petition.core.encoding import MalformedEncoding, b64u, unb64u
from petition.publication import Snapshot
from petition.signatures import DisplayChoice, PassSpent, SignatureState, refuse_faults
from petition.verification import AlreadyVerified
from petition.web import signing
from petition.web.forms.base import BaseForm
from petition.web.forms.public import AddressForm, CodeForm, ReceiptForm, SignForm
from petition.web.public import personal, receipt_text, words
from petition.web.public.receipt import not_a_receipt, posted_receipt, receipt_page, shown_status
from petition.web.services import services

SEED_LENGTH = 32
SEED_LABEL = b"petition/page/v1\0"
ADDRESS_LABEL = b"petition/page-address/v1\0"
WITH_NEXT_STEP = (AlreadyVerified, PassSpent)

bp = Blueprint("sign", __name__)


class Stage(StrEnum):
    """What the page asks for."""

    ADDRESS = "address"
    CODE = "code"
    CHOOSE = "choose"
    CHECK = "check"
    RECEIPT = "receipt"


FORMS: Final = {Stage.ADDRESS: AddressForm, Stage.CODE: CodeForm, Stage.CHOOSE: SignForm}
"""The form of each step that can be rendered with anything in it."""
STEP_FIELDS: Final = {Stage.CHOOSE: "pass", Stage.CODE: "challenge"}
"""The field that identifies a posted step."""
BACK: Final = "back"
"""The button that goes back from the check to the choice."""


def _page(stage: Stage) -> Callable[[BaseForm, str], Response]:
    """Returns the function that renders a step again after an error. The page offers a next step where there is one."""

    def page(form: BaseForm, slug: str) -> Response:
        snapshot, lang = personal.find(slug)
        has_next_step, have_pass = isinstance(form.refusal, WITH_NEXT_STEP), "have" in request.form
        return _render(snapshot, lang, stage, form, has_next_step=has_next_step, have_pass=have_pass)

    return page


@bp.get("/c/<slug>/sign")
def form(slug: str) -> Response:
    """Returns the first step, or with `?have=pass` the second one, for people who kept a pass."""
    snapshot, lang = personal.find(slug)
    if request.args.get("have") == "pass":
        blank = _blank()
        return personal.render_page("sign", snapshot, lang, SignForm(), stage=Stage.CHOOSE, have_pass=True, blank=blank)
    fresh = AddressForm(data={"seed": b64u(secrets.token_bytes(SEED_LENGTH))})
    return personal.render_page("sign", snapshot, lang, fresh, stage=Stage.ADDRESS, here="sign.form", blank=_blank())


@bp.post("/c/<slug>/verify")
@personal.redrawn(_page(Stage.ADDRESS), AddressForm, "address")
def verify(slug: str) -> Response:
    """Receive an address. Whatever it is, the same page asks for the code."""
    snapshot, lang = personal.find(slug)
    given = AddressForm.read(request.form)
    challenge = signing.ask_for_code(slug, given.code_request())
    start = _start_of(given.seed.data)
    seed = _seed_for(start, given.address.data)
    asked = {"challenge": challenge, "seed": seed, "start": b64u(start), "address": given.address.data}
    return _render(snapshot, lang, Stage.CODE, CodeForm(data=asked))


@bp.post("/c/<slug>/pass")
@personal.redrawn(_page(Stage.CODE), CodeForm, "code")
def stamp(slug: str) -> Response:
    """Receive a code. The pass is made here and shown, and not stored."""
    snapshot, lang = personal.find(slug)
    return _render(snapshot, lang, Stage.CHOOSE, SignForm(data={"pass_": _pass(slug)}))


@bp.post("/c/<slug>/check")
@personal.redrawn(_page(Stage.CHOOSE), SignForm, "pass")
def check(slug: str) -> Response:
    """Receive a pass and a choice, and list what becomes public. Nothing is signed yet."""
    snapshot, lang = personal.find(slug)
    given = SignForm.read(request.form)
    signed = given.signing()
    KeptPass.decode(signed.held)
    refuse_faults(services().page_cache.campaign(slug), signed.choice)
    return _check_page(snapshot, lang, given, signed.choice)


@bp.post("/c/<slug>/sign")
@personal.redrawn(_page(Stage.CHOOSE), SignForm, "pass")
def sign(slug: str) -> Response:
    """Receive a pass and a choice, record the signature, and show the receipt."""
    snapshot, lang = personal.find(slug)
    given = SignForm.read(request.form).signing()
    kept = KeptPass.decode(given.held)
    receipt = signing.redeem(slug, kept.held, given.choice)
    return _receipt_page(snapshot, lang, given.choice, receipt_text.to_text(receipt, kept.w0, snapshot))


@bp.post("/c/<slug>/step")
@personal.redrawn(receipt_page, ReceiptForm, "receipt")
def step(slug: str) -> Response:
    """Render the current step again in another language. The posted form contains everything it needs."""
    snapshot, lang = personal.find(slug)
    if "receipt" in request.form:
        return _render_receipt_again(snapshot, lang)
    if "checked" in request.form and BACK not in request.form:
        return check(slug=slug)
    stage = next((each for each, name in STEP_FIELDS.items() if name in request.form), Stage.ADDRESS)
    return _render(snapshot, lang, stage, FORMS[stage](request.form), have_pass="have" in request.form)


def _render(snapshot: Snapshot, lang: str, stage: Stage, form: BaseForm, **values: object) -> Response:
    switch = _language_switch(snapshot, stage)
    return personal.render_page("sign", snapshot, lang, form, stage=stage, blank=_blank(), **switch, **values)


def _check_page(snapshot: Snapshot, lang: str, given: SignForm, choice: DisplayChoice) -> Response:
    shown = words.summary(choice, lang, snapshot)
    return _render(snapshot, lang, Stage.CHECK, given, shown=shown, have_pass="have" in request.form)


def _blank() -> dict[str, BaseForm]:
    """Returns empty forms for the steps that the script renders itself."""
    return {"code": CodeForm(), "choose": SignForm(), "receipt": ReceiptForm()}


def _language_switch(snapshot: Snapshot, stage: Stage) -> dict[str, object]:
    """Returns how a posted page changes its language: by posting its form again.

    A page that shows no form links to the first step instead.
    """
    stopped = stage is Stage.ADDRESS and (snapshot.signing_stopped() or snapshot.codes_stopped())
    has_form = stage is Stage.RECEIPT or (snapshot.state == CampaignState.OPEN and not stopped)
    return {"language_form": f"{stage}-form"} if has_form else {"here": "sign.form"}


def _pass(slug: str) -> str:
    blinding = _blinding(services().page_cache.campaign(slug), request.form.get("seed", ""))
    given = CodeForm.read(MultiDict({**request.form, "blinded": b64u(blinding.blinded)}))
    return passes.complete(blinding, signing.issue_stamp(slug, given.answer())).encode()


def _receipt_page(
    snapshot: Snapshot,
    lang: str,
    choice: DisplayChoice,
    text: str,
    status: tuple[str, int | None] = (SignatureState.PENDING, None),
) -> Response:
    return _render(
        snapshot,
        lang,
        Stage.RECEIPT,
        ReceiptForm(data={"receipt": text, "publish_at": choice.publish_at}),
        signature_status=status[0],
        epoch=status[1],
        receipt_to_check=text,
        shown=words.summary(choice, lang, snapshot),
    )


def _render_receipt_again(snapshot: Snapshot, lang: str) -> Response:
    """Render the page of a posted receipt again. The status is left out if it cannot be looked up."""
    given = posted_receipt()
    text = given.receipt.data.strip()
    with not_a_receipt(lang):
        kept = receipt_text.read(text, snapshot)
        choice = receipt_text.shown_in(text, given.publish_at.data)
    try:
        status = shown_status(signing.status(snapshot.slug, kept.leaf, kept.ticket))
    except personal.REFUSALS:
        status = ("", None)
    return _receipt_page(snapshot, lang, choice, text, status)


def _start_of(seed: str) -> bytes:
    """Returns the seed of the page that asks for the address, or a new one for a text that is not one."""
    try:
        return unb64u(seed, SEED_LENGTH)
    except MalformedEncoding:
        return secrets.token_bytes(SEED_LENGTH)


def _seed_for(start: bytes, address: str) -> str:
    """Returns the seed for the code's page. Each pair of page and address has one.

    The same address sent again (after a reload, or with Back) leads to the same pass. Another person on the same page
    gets a different one.
    """
    return b64u(sha256(ADDRESS_LABEL + start + address.casefold().encode()).digest())


def _blinding(campaign: OpenCampaign, seed: str) -> passes.Blinding:
    return passes.begin(_issuer(campaign.issuer), campaign.id, _seeded_random(seed))


def _seeded_random(seed: str) -> Callable[[int], bytes]:
    """Returns a random source that depends only on the page's seed.

    The same page, sent again after a lost response, therefore gets the same pass.
    """
    try:
        start = SEED_LABEL + unb64u(seed, SEED_LENGTH)
    except MalformedEncoding:
        return secrets.token_bytes
    counter = count()
    return lambda length: shake_256(start + next(counter).to_bytes(4)).digest(length)


@lru_cache(maxsize=256)
def _issuer(spki: bytes) -> rsabssa.PublicKey:
    return rsabssa.load_spki(spki)
