"""The development inbox: mail that this copy would have sent, newest first. Production has no such page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Response, abort, render_template

from petition.config import Environment
from petition.mail import InboxMail, inbox_folder, read_inbox
from petition.web.parts import parts

CODE = re.compile(r"\b(\d{4})[ \u00a0\u202f-]?(\d{4})\b")
MOST_MAILS = 50

bp = Blueprint("inbox", __name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail as the page shows it; `code` is the eight digits in it, or empty."""

    subject: str
    to: str
    date: datetime
    text: str
    code: str


@bp.get("/dev/inbox")
def inbox() -> Response:
    """The newest mails; 404 in production."""
    config = parts().config
    if config.env is Environment.PRODUCTION:
        abort(404)
    mails = [shown(mail) for mail in read_inbox(inbox_folder(config), MOST_MAILS)]
    return Response(render_template("public/inbox.html", mails=mails))


def shown(mail: InboxMail) -> Shown:
    """Pick out of a mail what a developer looks for."""
    code = CODE.search(mail.text)
    digits = "".join(code.groups()) if code else ""
    return Shown(mail.subject, mail.to, mail.date.astimezone(UTC), mail.text.strip(), digits)
