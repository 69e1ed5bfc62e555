"""The development inbox: the mails that this installation would have sent, newest first. Production has no such page.

A mail with HTML can be opened as a document of its own, under the policy `petition.web.headers.MAIL_POLICY`. It has inline
styles, as mail programs require, and its links work, but no script in it runs and nothing is fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Response, abort, render_template
from markupsafe import Markup, escape

from petition.config import Environment
from petition.mail import InboxMail, inbox_folder, read_inbox
from petition.web.services import services

LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
CODE = re.compile(r"\b(\d{4})[ \u00a0\u202f-]?(\d{4})\b")
MOST_MAILS = 50

bp = Blueprint("inbox", __name__)


@dataclass(frozen=True, slots=True)
class MailView:
    """A mail as the page shows it. `code` is the eight digits in it; `name` is empty for a mail without HTML."""

    subject: str
    to: str
    date: datetime
    text: Markup
    code: str
    name: str


@bp.get("/dev/inbox")
def inbox() -> Response:
    """Returns the newest mails. Answers 404 in production."""
    mails = [to_view(mail) for mail in _newest()]
    return Response(render_template("public/inbox.html", mails=mails))


@bp.get("/dev/inbox/<name>")
def mail(name: str) -> Response:
    """Returns one of the newest mails as HTML. Answers 404 in production."""
    found = next((each for each in _newest() if each.name == name and each.html), None)
    return Response(found.html) if found else abort(404)


def _newest() -> list[InboxMail]:
    config = services().config
    if config.env is Environment.PRODUCTION:
        abort(404)
    return read_inbox(inbox_folder(config), MOST_MAILS)


def to_view(mail: InboxMail) -> MailView:
    """Extract from a mail what a developer looks for."""
    code = CODE.search(mail.text)
    digits = "".join(code.groups()) if code else ""
    text, name = with_links(mail.text.strip()), mail.name if mail.html.strip() else ""
    return MailView(mail.subject, mail.to, mail.date.astimezone(UTC), text, digits, name)


def with_links(text: str) -> Markup:
    """Returns a text in which web addresses are links."""
    pieces, end = [], 0
    for found in LINK.finditer(text):
        address = Markup('<a href="{0}">{0}</a>').format(found[0])
        pieces += [escape(text[end : found.start()]), address]
        end = found.end()
    return Markup("").join([*pieces, escape(text[end:])])
