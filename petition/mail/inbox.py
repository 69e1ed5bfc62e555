"""The development inbox: mails as .eml files in a folder, shown at /dev/inbox. Production never uses it.

Each file appears complete or not at all, so that nobody reads a partial mail.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from heapq import nlargest
from pathlib import Path

from petition.mail.message import Message


@dataclass(frozen=True, slots=True)
class InboxMail:
    """A mail as its recipient sees it. `name` distinguishes it from others in its folder."""

    subject: str
    to: str
    text: str
    html: str
    date: datetime
    name: str = field(default="", compare=False)


class InboxPostbox:
    """Writes each mail into `folder`, which is created if it is missing and readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: Message) -> None:
        """Write one file, named after the message's time.

        A repeated mail becomes a second file, so that it is visible.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{message.date.astimezone(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        draft = self.folder / f".{name}.part"
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_bytes(message.as_bytes())
        draft.replace(self.folder / f"{name}.eml")


def read_inbox(folder: Path, limit: int = 100) -> list[InboxMail]:
    """Returns the newest mails first, at most `limit`; none if there is no folder yet."""
    newest = nlargest(limit, folder.glob("*.eml"), key=lambda file: file.name)
    return [_read(file) for file in newest]


def _read(file: Path) -> InboxMail:
    mail = message_from_bytes(file.read_bytes(), EmailMessage, policy=default)
    return InboxMail(
        subject=str(mail["Subject"]),
        to=str(mail["To"]),
        text=_body(mail, "plain"),
        html=_body(mail, "html"),
        date=parsedate_to_datetime(str(mail["Date"])),
        name=file.stem,
    )


def _body(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
