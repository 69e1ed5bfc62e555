"""Signing: prove you work there, choose what is shown, sign. Three posts, or one page with a script.

Guards that the answer to an address is the same for everybody, that a pass made here for a browser without a script is
shown and forgotten, and that the same page sent again gives the same pass. Refuses to remember: what one step hands to the next stands in the page, and the
step that redeems a pass is told nothing of the one that issued it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256, shake_256
from itertools import count

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from petition.blindsign import passes, rsabssa
from petition.campaigns import CampaignState, OpenCampaign
from petition.core.encoding import MalformedEncoding, b64u, unb64u
from petition.publication import Snapshot
from petition.signatures import DisplayChoice, PassSpent, SignatureState
from petition.verification import AlreadyVerified
from petition.web import signing
from petition.web.fields import Filled
from petition.web.forms.public import PassForm, SignForm, VerifyForm
from petition.web.public import personal, receipts, words
from petition.web.public.receipt import faulty, stands
from petition.web.public.receipts import ReceiptFaulty
from petition.web.services import services

SEED_LENGTH = 32
SEED_LABEL = b"petition/page/v1\0"
ADDRESS_LABEL = b"petition/page-address/v1\0"
CHOICES = ("pass", "show", "name", "role", "team", "comment", "publish_at", "sealed_until")
LEAD_ON = (AlreadyVerified, PassSpent)

bp = Blueprint("sign", __name__)


class Stage(StrEnum):
    """What the page asks for."""

    ADDRESS = "address"
    CODE = "code"
    CHOOSE = "choose"
    RECEIPT = "receipt"


FIELDS = {Stage.ADDRESS: ("address", "seed"), Stage.CODE: ("challenge", "seed", "code"), Stage.CHOOSE: CHOICES}
"""What a step holds and hands on."""


@bp.get("/c/<slug>/sign")
def form(slug: str) -> Response:
    """The first step, or with `?have=pass` the second for whoever kept a pass."""
    snapshot, lang = personal.find(slug)
    if request.args.get("have") == "pass":
        return personal.render_page("sign", snapshot, lang, stage=Stage.CHOOSE, have_pass=True)
    fresh = Filled({"seed": b64u(secrets.token_bytes(SEED_LENGTH))})
    return personal.render_page("sign", snapshot, lang, fresh, stage=Stage.ADDRESS, here="sign.form")


@bp.post("/c/<slug>/verify")
def verify(slug: str) -> Response:
    """An address is given: whatever it is, the same page asks for the code."""
    snapshot, lang = personal.find(slug)
    try:
        challenge = signing.ask_for_code(slug, VerifyForm.read(request.form).code_request())
    except personal.REFUSALS as error:
        return _render_again(error, "address", snapshot, lang, Stage.ADDRESS)
    address = request.form.get("address", "").strip()
    asked = Filled({"challenge": challenge, "seed": _seed_for(request.form.get("seed", ""), address)})
    return _render(snapshot, lang, Stage.CODE, asked, asked_for=address)


@bp.post("/c/<slug>/pass")
def stamp(slug: str) -> Response:
    """A code is given: the pass is made here, shown, and forgotten."""
    snapshot, lang = personal.find(slug)
    try:
        made = _pass(slug)
    except personal.REFUSALS as error:
        return _render_again(error, "code", snapshot, lang, Stage.CODE)
    return _render(snapshot, lang, Stage.CHOOSE, Filled({"pass": made}))


@bp.post("/c/<slug>/sign")
def sign(slug: str) -> Response:
    """A pass and a choice are given: the signature is taken, and the receipt shown."""
    snapshot, lang = personal.find(slug)
    try:
        given = SignForm.read(request.form).signing()
        receipt = signing.redeem(slug, given)
    except personal.REFUSALS as error:
        return _render_again(error, "pass", snapshot, lang, Stage.CHOOSE)
    text = receipts.written(receipt, snapshot)
    return _receipt_page(snapshot, lang, given.choice, text, b64u(receipt.withdraw))


@bp.post("/c/<slug>/step")
def step(slug: str) -> Response:
    """The step in hand once more, in another language; all that it holds comes along in its form."""
    snapshot, lang = personal.find(slug)
    if "receipt" in request.form:
        return _receipt_again(snapshot, lang)
    stage = next((each for each in (Stage.CHOOSE, Stage.CODE) if FIELDS[each][0] in request.form), Stage.ADDRESS)
    return _render(snapshot, lang, stage, Filled(_typed(*FIELDS[stage])), have_pass="have" in request.form)


def _render(snapshot: Snapshot, lang: str, stage: Stage, form: Filled, **values: object) -> Response:
    return personal.render_page("sign", snapshot, lang, form, stage=stage, **_turns(snapshot, stage), **values)


def _turns(snapshot: Snapshot, stage: Stage) -> dict[str, object]:
    """How a posted page changes its language: its form goes along; where it shows none, the first step is asked for."""
    stopped = stage is Stage.ADDRESS and (snapshot.signing_stopped() or snapshot.codes_stopped())
    has_form = stage is Stage.RECEIPT or (snapshot.state == CampaignState.OPEN and not stopped)
    return {"turns": f"{stage}-form"} if has_form else {"here": "sign.form"}


def _render_again(error: Exception, field: str, snapshot: Snapshot, lang: str, stage: Stage) -> Response:
    """The step again with what is to mend, and the way on where there is one."""
    more = {"leads_on": isinstance(error, LEAD_ON), "have_pass": "have" in request.form}
    typed, turns = _typed(*FIELDS[stage]), _turns(snapshot, stage)
    return personal.render_again(error, field, "sign", snapshot, lang, typed, stage=stage, **more, **turns)


def _pass(slug: str) -> str:
    blinding = _blinding(services().page_cache.campaign(slug), request.form.get("seed", ""))
    given = PassForm.read(MultiDict({**request.form, "blinded": b64u(blinding.blinded)}))
    return passes.complete(blinding, signing.issue_stamp(slug, given.answer())).encode()


def _receipt_page(
    snapshot: Snapshot,
    lang: str,
    wish: DisplayChoice,
    text: str,
    token: str,
    standing: tuple[str, int | None] = (SignatureState.PENDING, None),
) -> Response:
    role = dict(personal.labelled(snapshot.roles, lang)).get(wish.role, wish.role)
    return _render(
        snapshot,
        lang,
        Stage.RECEIPT,
        Filled({"receipt": text, "publish_at": str(wish.publish_at)}),
        standing=standing[0],
        epoch=standing[1],
        receipt_for_look=text,
        token=token,
        shown=words.public_words(wish, role, lang, snapshot),
    )


def _receipt_again(snapshot: Snapshot, lang: str) -> Response:
    """A receipt that comes along as text; where it stands is left out when that cannot be looked up."""
    text = request.form["receipt"].strip()
    try:
        kept = receipts.read(text, snapshot)
        wish = receipts.shown_in(text, request.form.get("publish_at", ""))
    except (ReceiptFaulty, ValueError, TypeError):
        return faulty("receipt", snapshot, lang, text)
    try:
        standing = stands(snapshot.slug, kept)
    except personal.REFUSALS:
        standing = ("", None)
    return _receipt_page(snapshot, lang, wish, text, b64u(kept.withdraw), standing)


def _seed_for(seed: str, address: str) -> str:
    """The seed of the code's page: one for each page and address.

    The address sent again (a reload, Back) leads to the same pass, another person at the same page to another one.
    """
    try:
        start = unb64u(seed, SEED_LENGTH)
    except MalformedEncoding:
        start = secrets.token_bytes(SEED_LENGTH)
    return b64u(sha256(ADDRESS_LABEL + start + address.casefold().encode()).digest())


def _blinding(campaign: OpenCampaign, seed: str) -> passes.Blinding:
    return passes.begin(_issuer(campaign.issuer), campaign.id, _repeatable(seed))


def _repeatable(seed: str) -> Callable[[int], bytes]:
    """Randomness from the page's own seed, so that the same page sent again after a lost reply gets the same pass."""
    try:
        start = SEED_LABEL + unb64u(seed, SEED_LENGTH)
    except MalformedEncoding:
        return secrets.token_bytes
    turn = count()
    return lambda length: shake_256(start + next(turn).to_bytes(4)).digest(length)


@lru_cache(maxsize=256)
def _issuer(spki: bytes) -> rsabssa.PublicKey:
    return rsabssa.load_spki(spki)


def _typed(*names: str) -> dict[str, str]:
    return {name: request.form.get(name, "") for name in names}
