"""Asking for mail: a form by itself, away from signing, so that being on the list says nothing.

Guards that the answer is the same for everybody, and that what was typed is kept when it has to be mended. Refuses to
repeat the address on the next page: whoever looks over a shoulder learns nothing from it.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from petition.web import signing
from petition.web.forms.public import SubscribeForm
from petition.web.public import personal

bp = Blueprint("subscribe", __name__)


def _page(form: SubscribeForm, slug: str) -> Response:
    snapshot, lang = personal.find(slug)
    form.lang.data = form.lang.data or lang
    return personal.render_page("subscribe", snapshot, lang, form, stage="ask")


@bp.get("/c/<slug>/subscribe")
def form(slug: str) -> Response:
    """Where to ask."""
    return _page(SubscribeForm(), slug)


@bp.post("/c/<slug>/subscribe")
@personal.redrawn(_page, SubscribeForm, "address")
def ask(slug: str) -> Response:
    """Asked: whatever the address, the same page says what happens next."""
    snapshot, lang = personal.find(slug)
    signing.ask_for_mail(slug, SubscribeForm.read(request.form).subscription())
    return personal.render_page("subscribe", snapshot, lang, stage="asked", here="subscribe.form")
