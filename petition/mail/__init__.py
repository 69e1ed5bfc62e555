"""Mail: a message made from templates/mail/<name>/, and the postbox that takes it.

Guards that a mail goes to one recipient and that nothing a stranger typed becomes a header. A postbox says
whether a failure is for good (MailRefused) or for now (MailDelayed); deciding what to do then is the
caller's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from petition.mail import dkim
from petition.mail.dkim import DkimKeyWrong
from petition.mail.inbox import InboxMail, InboxPostbox, read_inbox
from petition.mail.message import Message, MessageBroken, random_message_id
from petition.mail.postbox import ListPostbox, MailDelayed, MailRefused, Postbox, Stage
from petition.mail.quoted_printable import Form
from petition.mail.smtp import TIMEOUT, SmtpPostbox, SmtpUrlWrong, TlsMissing
from petition.mail.templates import compose, render

__all__ = [
    "DkimKeyWrong",
    "Form",
    "InboxMail",
    "InboxPostbox",
    "ListPostbox",
    "MailDelayed",
    "MailRefused",
    "Message",
    "MessageBroken",
    "Postbox",
    "SmtpPostbox",
    "SmtpUrlWrong",
    "Stage",
    "TlsMissing",
    "compose",
    "inbox_folder",
    "postbox_for",
    "random_message_id",
    "read_inbox",
    "render",
]


class MailConfig(Protocol):
    """What mail needs to know of the configuration: the server if there is one, else where the inbox lies."""

    @property
    def smtp_url(self) -> str | None: ...

    @property
    def home(self) -> Path: ...

    @property
    def dkim(self) -> str: ...


def postbox_for(config: MailConfig, timeout: float = TIMEOUT) -> Postbox:
    """Pick the postbox; raise SmtpUrlWrong, DkimKeyWrong. Keep it for the life of the process: it holds the connection."""
    if not config.smtp_url:
        return InboxPostbox(inbox_folder(config))
    return SmtpPostbox(config.smtp_url, timeout, dkim.read(config.dkim))


def inbox_folder(config: MailConfig) -> Path:
    """Return the folder of the development inbox."""
    return config.home / "inbox"
