"""Asking for mail: a form by itself, away from signing, so that being on the list says nothing.

Guards that the answer is the same for everybody, and that what was typed is kept when it has to be mended. Refuses to
repeat the address on the next page: whoever looks over a shoulder learns nothing from it.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from petition.web.fields import Filled
from petition.web.forms.public import SubscribeForm
from petition.web.public import personal
from petition.web.signing import ask_for_mail

TYPED = ("address", "rhythm", "lang")

bp = Blueprint("subscribe", __name__)


@bp.get("/c/<slug>/subscribe")
def form(slug: str) -> Response:
    """Where to ask."""
    snapshot, lang = personal.find(slug)
    return personal.render_page("subscribe", snapshot, lang, Filled({"lang": lang}), stage="ask")


@bp.post("/c/<slug>/subscribe")
def ask(slug: str) -> Response:
    """Asked: whatever the address, the same page says what happens next."""
    snapshot, lang = personal.find(slug)
    try:
        ask_for_mail(slug, SubscribeForm.read(request.form).subscription())
    except personal.REFUSALS as error:
        typed = {"lang": lang} | {name: request.form[name] for name in TYPED if name in request.form}
        return personal.render_again(error, "address", "subscribe", snapshot, lang, typed, stage="ask")
    return personal.render_page("subscribe", snapshot, lang, stage="asked", here="subscribe.form")
