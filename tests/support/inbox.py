"""Mails in the development inbox, and the links in them."""

from __future__ import annotations

import re
import time

from petition.mail import InboxMail, read_inbox
from tests.support.installation import Running


def mail_to(running: Running, address: str, subject: str, seconds: float = 120) -> InboxMail:
    """The newest mail to an address whose subject holds a word, once it has come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for mail in read_inbox(running.home / "inbox", 500):
            if mail.to == address and subject in mail.subject:
                return mail
        time.sleep(0.2)
    raise AssertionError([mail.subject for mail in read_inbox(running.home / "inbox", 500)])


def link(mail: InboxMail, purpose: str) -> str:
    """The link in a mail that serves this purpose."""
    found = re.search(rf"http\S+/mail/{purpose}/\S+", mail.text)
    assert found is not None
    return found[0]
