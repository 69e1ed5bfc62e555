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
from petition.campaigns import CampaignUnknown
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
from petition.publication import Snapshot
from petition.web import page_cache
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.public import MailForm
from petition.web.forms.redraw import with_status
from petition.web.language import choose, page_language
from petition.web.public import personal
from petition.web.services import services

bp = Blueprint("mail", __name__, url_prefix="/mail")


@dataclass(frozen=True, slots=True)
class SubscriberView:
    """What the pages show of a subscriber, and the links between the pages."""

    state: SubscriberState
    audience: Audience
    frequency: Frequency
    lang: str
    slug: str
    settings: str
    unsubscribe: str


Action = Callable[[Session, bytes], object]


@bp.get("/confirm/<token>")
def confirm_page(token: str) -> Response:
    """Returns a page with a button that confirms the subscription."""
    return _link_page("confirm", token, Purpose.CONFIRM)


@bp.post("/confirm/<token>")
def confirm(token: str) -> Response:
    """Confirm the subscription."""
    return _perform(
        "confirm",
        token,
        Purpose.CONFIRM,
        lambda session, subscriber_id: subscribers.confirm(session, subscriber_id, clock.now()),
    )


@bp.get("/settings/<token>")
def settings_page(token: str) -> Response:
    """Returns a page with the current choice and a form to change it."""
    return _link_page("settings", token, Purpose.SETTINGS)


@bp.post("/settings/<token>")
def change(token: str) -> Response:
    """Change the frequency or the language, or start or end a pause."""
    acts: dict[str, Action] = {"pause": subscribers.pause, "resume": subscribers.unpause}
    return _perform("settings", token, Purpose.SETTINGS, acts.get(request.form.get("act", ""), _choose))


@bp.get("/unsubscribe/<token>")
def leave_page(token: str) -> Response:
    """Returns a page with a button that unsubscribes."""
    return _link_page("unsubscribe", token, Purpose.UNSUBSCRIBE)


@bp.post("/unsubscribe/<token>")
def leave(token: str) -> Response:
    """Unsubscribe at once. The body of the request does not matter."""
    return _perform("unsubscribe", token, Purpose.UNSUBSCRIBE, subscribers.leave)


def _choose(session: Session, subscriber_id: bytes) -> Subscriber:
    wanted = MailForm.read(request.form).mail_choice()
    snapshot = page_cache.snapshot(_view(session, subscriber_id).slug)  # a letter that is a draft shows no such form
    return subscribers.change(session, subscriber_id, wanted.frequency, wanted.language(snapshot.languages))


def _link_page(name: str, token: str, purpose: Purpose) -> Response:
    """Render the page of a link. Raises LinkBroken."""
    subscriber_id = links.read(services().config.secret_keys, purpose, token)
    try:
        with db.session() as session:
            return _render(name, token, _view(session, subscriber_id))
    except SubscriberGone:
        return _gone_page()


def _perform(name: str, token: str, purpose: Purpose, act: Action) -> Response:
    """Act on a posted link, and render the page that confirms it. Raises LinkBroken."""
    subscriber_id = links.read(services().config.secret_keys, purpose, token)
    try:
        with db.transaction() as session:
            before = _view(session, subscriber_id)
            _page_language(before)
            act(session, subscriber_id)
            after = before if name == "unsubscribe" else _view(session, subscriber_id)
    except SubscriberGone:
        return _gone_page()
    except FormRefused as error:
        return with_status(error, _render(name, token, before, error.form))
    return _render(name, token, after, done=True)


def _view(session: Session, subscriber_id: bytes) -> SubscriberView:
    found = subscribers.find(session, subscriber_id)
    key = services().config.secret_key
    return SubscriberView(
        state=found.state,
        audience=found.audience,
        frequency=found.frequency,
        lang=found.lang,
        slug=campaigns.slug_of(session, found.campaign_id),
        settings=links.made(key, Purpose.SETTINGS, subscriber_id),
        unsubscribe=links.made(key, Purpose.UNSUBSCRIBE, subscriber_id),
    )


def _page_language(subscriber: SubscriberView) -> str:
    """Choose the language of the page: the one in the request, else the language of the subscriber's mails."""
    snapshot = _snapshot(subscriber)
    return choose((subscriber.lang, *(snapshot.languages if snapshot else ())))


def _snapshot(subscriber: SubscriberView) -> Snapshot | None:
    """Returns what is public of the letter. After an upgrade ended its ledger it is a draft, of which nothing is."""
    try:
        return page_cache.snapshot(subscriber.slug)
    except CampaignUnknown:
        return None


def _render(
    name: str, token: str, subscriber: SubscriberView, form: BaseForm | None = None, *, done: bool = False
) -> Response:
    snapshot = _snapshot(subscriber)
    if snapshot is None:
        _page_language(subscriber)
        return _neutral_page("mail_waits", name=name, token=token, subscriber=subscriber, done=done)
    chosen = form or MailForm(data={"frequency": subscriber.frequency, "lang": subscriber.lang})
    here = {"confirm": "mail.confirm_page", "settings": "mail.settings_page", "unsubscribe": "mail.leave_page"}[name]
    return personal.render_page(
        f"mail_{name}",
        snapshot,
        _page_language(subscriber),
        chosen,
        subscriber=subscriber,
        token=token,
        done=done,
        here=here,
    )


def _gone_page() -> Response:
    page_language()
    return _neutral_page("mail_gone")


def _neutral_page(template: str, **values: object) -> Response:
    """Render a page that belongs to no public letter."""
    html = render_template(f"public/{template}.html", **values)
    return Response(html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")
