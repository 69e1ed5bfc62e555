"""Mail: creates a message from templates/mail/<name>/, and a postbox that sends it.

A mail has a single recipient, and nothing that a stranger typed becomes a header. A postbox distinguishes permanent
failures (MailRefused) from temporary ones (MailDelayed); the caller decides what to do then.
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
    """The settings that mail needs: the server if there is one, otherwise the location of the inbox."""

    @property
    def smtp_url(self) -> str | None: ...

    @property
    def home(self) -> Path: ...

    @property
    def dkim(self) -> str: ...


def postbox_for(config: MailConfig, timeout: float = TIMEOUT) -> Postbox:
    """Returns the configured postbox, which holds the connection: keep it as long as the process lives.

    Raises SmtpUrlWrong, DkimKeyWrong.
    """
    if not config.smtp_url:
        return InboxPostbox(inbox_folder(config))
    return SmtpPostbox(config.smtp_url, timeout, dkim.read(config.dkim))


def inbox_folder(config: MailConfig) -> Path:
    """Returns the folder of the development inbox."""
    return config.home / "inbox"
