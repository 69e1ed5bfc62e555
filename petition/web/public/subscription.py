"""What subscribers do through the links in a mail: confirm, choose, pause, unsubscribe.

No account or password is needed.

A GET changes nothing, because mail scanners follow every link: each page has a button, and the button posts.
Unsubscribing also accepts the one-click POST of RFC 8058, with any body, and answers 200 without a redirect. Repeating
an action succeeds like the first time. People who are not on the list get a page that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from petition import campaigns
from petition.core import clock, db
from petition.mailing import subscribers
from petition.mailing.subscribers import (
    Audience,
    Frequency,
    Purpose,
    Subscriber,
    SubscriberGone,
    SubscriberState,
    links,
)
from petition.web import page_cache
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.public import MailForm
from petition.web.forms.redraw import with_status
from petition.web.language import choose, page_language
from petition.web.public import personal
from petition.web.services import services

bp = Blueprint("mail", __name__, url_prefix="/mail")


@dataclass(frozen=True, slots=True)
class Reader:
    """What the pages show of a subscriber, and the links between the pages."""

    state: SubscriberState
    audience: Audience
    rhythm: Frequency
    lang: str
    slug: str
    settings: str
    unsubscribe: str


Act = Callable[[Session, bytes], object]


@bp.get("/confirm/<token>")
def confirm_page(token: str) -> Response:
    """Returns a page with a button that confirms the subscription."""
    return _show("confirm", token, Purpose.CONFIRM)


@bp.post("/confirm/<token>")
def confirm(token: str) -> Response:
    """Confirm the subscription."""
    return _do("confirm", token, Purpose.CONFIRM, lambda session, who: subscribers.confirm(session, who, clock.now()))


@bp.get("/settings/<token>")
def settings_page(token: str) -> Response:
    """Returns a page with the current choice and a form to change it."""
    return _show("settings", token, Purpose.SETTINGS)


@bp.post("/settings/<token>")
def change(token: str) -> Response:
    """Change the frequency or the language, or start or end a pause."""
    acts: dict[str, Act] = {"pause": subscribers.pause, "resume": subscribers.unpause}
    return _do("settings", token, Purpose.SETTINGS, acts.get(request.form.get("act", ""), _choose))


@bp.get("/unsubscribe/<token>")
def leave_page(token: str) -> Response:
    """Returns a page with a button that unsubscribes."""
    return _show("unsubscribe", token, Purpose.UNSUBSCRIBE)


@bp.post("/unsubscribe/<token>")
def leave(token: str) -> Response:
    """Unsubscribe at once. The body of the request does not matter."""
    return _do("unsubscribe", token, Purpose.UNSUBSCRIBE, subscribers.leave)


def _choose(session: Session, who: bytes) -> Subscriber:
    wanted = MailForm.read(request.form).mail_choice()
    snapshot = page_cache.snapshot(_reader(session, who).slug)
    return subscribers.change(session, who, wanted.frequency, wanted.language(snapshot.languages))


def _show(name: str, token: str, purpose: Purpose) -> Response:
    """Render the page of a link. Raises LinkBroken."""
    who = links.read(services().config.secret_keys, purpose, token)
    try:
        with db.session() as session:
            return _render(name, token, _reader(session, who))
    except SubscriberGone:
        return _gone()


def _do(name: str, token: str, purpose: Purpose, act: Act) -> Response:
    """Act on a posted link, and render the page that confirms it. Raises LinkBroken."""
    who = links.read(services().config.secret_keys, purpose, token)
    try:
        with db.transaction() as session:
            before = _reader(session, who)
            _speak(before)
            act(session, who)
            after = before if name == "unsubscribe" else _reader(session, who)
    except SubscriberGone:
        return _gone()
    except FormRefused as error:
        return with_status(error, _render(name, token, before, error.form))
    return _render(name, token, after, done=True)


def _reader(session: Session, who: bytes) -> Reader:
    found = subscribers.find(session, who)
    key = services().config.secret_key
    return Reader(
        state=found.state,
        audience=found.audience,
        rhythm=found.frequency,
        lang=found.lang,
        slug=campaigns.slug_of(session, found.campaign_id),
        settings=links.made(key, Purpose.SETTINGS, who),
        unsubscribe=links.made(key, Purpose.UNSUBSCRIBE, who),
    )


def _speak(reader: Reader) -> str:
    """Choose the language of the page: the one in the request, else the language of the subscriber's mails."""
    return choose((reader.lang, *page_cache.snapshot(reader.slug).languages))


def _render(name: str, token: str, reader: Reader, form: BaseForm | None = None, *, done: bool = False) -> Response:
    chosen = form or MailForm(data={"rhythm": reader.rhythm, "lang": reader.lang})
    snapshot = page_cache.snapshot(reader.slug)
    here = {"confirm": "mail.confirm_page", "settings": "mail.settings_page", "unsubscribe": "mail.leave_page"}[name]
    return personal.render_page(
        f"mail_{name}", snapshot, _speak(reader), chosen, reader=reader, token=token, done=done, here=here
    )


def _gone() -> Response:
    page_language()
    html = render_template("public/mail_gone.html")
    return Response(html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")
