"""The form for asking for mail. It is separate from signing, so a subscription does not show whether somebody signed.

The answer is the same for everybody. After an error, the form keeps what was typed. The next page does not repeat the
address, so nobody can read it on the screen.
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
    """Returns the form."""
    return _page(SubscribeForm(), slug)


@bp.post("/c/<slug>/subscribe")
@personal.redrawn(_page, SubscribeForm, "address")
def ask(slug: str) -> Response:
    """Receive an address. Whatever it is, the same page explains what happens next."""
    snapshot, lang = personal.find(slug)
    signing.ask_for_mail(slug, SubscribeForm.read(request.form).subscription())
    return personal.render_page("subscribe", snapshot, lang, stage="asked", here="subscribe.form")
