"""Signing: prove you work there, choose what is shown, sign. Three posts, or one page with a script.

Guards that the answer to an address is the same for everybody, and that a pass made here for a browser without a
script is shown once and forgotten. Refuses to remember: what one step hands to the next stands in the page, and the
step that redeems a pass is told nothing of the one that issued it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from hashlib import shake_256
from itertools import count

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from petition.blindsign import passes, rsabssa
from petition.campaigns import Campaign
from petition.encoding import MalformedEncoding, b64u, unb64u
from petition.signatures import Receipt, SignatureState, Wish
from petition.snapshots import Snapshot
from petition.web.api import writing
from petition.web.fields import Filled
from petition.web.forms import PassForm, SignForm, VerifyForm
from petition.web.parts import parts
from petition.web.public import personal, receipts, words

SEED_LENGTH = 32
SEED_LABEL = b"petition/page/v1\0"
CHOICES = ("pass", "show", "name", "role", "team", "comment", "publish_at", "sealed_until")

bp = Blueprint("sign", __name__)


class Stage(StrEnum):
    """What the page asks for."""

    ADDRESS = "address"
    CODE = "code"
    CHOOSE = "choose"
    RECEIPT = "receipt"


@bp.get("/c/<slug>/sign")
def form(slug: str) -> Response:
    """The first step, or with `?have=pass` the second for whoever kept a pass."""
    snapshot, lang = personal.find(slug)
    if request.args.get("have") == "pass":
        return personal.draw("sign", snapshot, lang, stage=Stage.CHOOSE, have_pass=True)
    return personal.draw("sign", snapshot, lang, stage=Stage.ADDRESS, here="sign.form")


@bp.post("/c/<slug>/verify")
def verify(slug: str) -> Response:
    """An address is given: whatever it is, the same page asks for the code."""
    snapshot, lang = personal.find(slug)
    try:
        challenge = writing.ask_for_code(slug, VerifyForm.read(request.form))
    except personal.REFUSALS as error:
        return personal.mend(error, "address", "sign", snapshot, lang, _typed("address"), stage=Stage.ADDRESS)
    asked = Filled({"challenge": challenge, "seed": b64u(secrets.token_bytes(SEED_LENGTH))})
    return personal.draw("sign", snapshot, lang, asked, stage=Stage.CODE)


@bp.post("/c/<slug>/pass")
def stamp(slug: str) -> Response:
    """A code is given: the pass is made here, shown, and forgotten."""
    snapshot, lang = personal.find(slug)
    try:
        made = _pass(slug)
    except personal.REFUSALS as error:
        typed = _typed("challenge", "seed", "code")
        return personal.mend(error, "code", "sign", snapshot, lang, typed, stage=Stage.CODE)
    return personal.draw("sign", snapshot, lang, Filled({"pass": made}), stage=Stage.CHOOSE)


@bp.post("/c/<slug>/sign")
def sign(slug: str) -> Response:
    """A pass and a choice are given: the signature is taken, and the receipt shown."""
    snapshot, lang = personal.find(slug)
    try:
        given = SignForm.read(request.form)
        receipt = writing.redeem(slug, given)
    except personal.REFUSALS as error:
        typed = _typed(*CHOICES)
        return personal.mend(error, "pass", "sign", snapshot, lang, typed, stage=Stage.CHOOSE)
    return _receipt_page(snapshot, lang, given.wish(), receipt)


def _pass(slug: str) -> str:
    blinding = _blinding(parts().memory.campaign(slug), request.form.get("seed", ""))
    given = PassForm.read(MultiDict({**request.form, "blinded": b64u(blinding.blinded)}))
    return passes.complete(blinding, writing.issue_stamp(slug, given, blinding.blinded)).encode()


def _receipt_page(snapshot: Snapshot, lang: str, wish: Wish, receipt: Receipt) -> Response:
    text = receipts.written(receipt, snapshot)
    role = dict(personal.labelled(snapshot.roles, lang)).get(wish.role, wish.role)
    return personal.draw(
        "sign",
        snapshot,
        lang,
        Filled({"receipt": text}),
        stage=Stage.RECEIPT,
        standing=SignatureState.PENDING,
        receipt_for_look=text,
        token=b64u(receipt.withdraw),
        shown=words.public_words(wish, role, lang, snapshot),
    )


def _blinding(campaign: Campaign, seed: str) -> passes.Blinding:
    return passes.begin(_issuer(campaign.issuer or b""), campaign.id, _repeatable(seed))


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
