"""Mails in the development inbox, and the links in them."""

from __future__ import annotations

import re

from petition.mail import InboxMail, read_inbox
from tests.support.installation import Running
from tests.support.waiting import until


def mail_to(running: Running, address: str, subject: str) -> InboxMail:
    """The newest mail to an address whose subject holds a word, once it has come."""

    def found() -> list[InboxMail]:
        mails = read_inbox(running.home / "inbox", 500)
        return [mail for mail in mails if mail.to == address and subject in mail.subject]

    return until(f"a mail about {subject!r}", found)[0]


def link(mail: InboxMail, purpose: str) -> str:
    """The link in a mail that serves this purpose."""
    found = re.search(rf"http\S+/mail/{purpose}/\S+", mail.text)
    assert found is not None
    return found[0]
