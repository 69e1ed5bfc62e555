"""The transactions of a round of sending: claim, render, and record the outcome of each mail.

`workers.loops.sending` opens the transactions and sends between them. A mail is dropped if its subscriber no longer
wants it, which is checked within the seconds before it is sent. The same mail always has the same Message-ID and the
same bytes.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session, selectinload

from petition.campaigns import Campaign
from petition.mail import MailDelayed, MailRefused, Message, Postbox, Stage
from petition.mailing import queue
from petition.mailing.digests.rendered import PURPOSES, UNSUBSCRIBE_PLACEHOLDER, RenderedMail, kept, rendered_mail
from petition.mailing.digests.undelivered import is_wanted
from petition.mailing.queue import Claim, claims, refusals, throttle
from petition.mailing.subscribers import Report, Subscriber, Trouble, address_book, links, record
from petition.mailing.subscribers.tables import Contact

log = logging.getLogger(__name__)


def never() -> bool:
    """Returns False: nobody asked to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Sender:
    """What sending needs: a postbox, the site's address, keys, our own address, mails per second to one domain.

    `stopping` is called after each mail and returns whether this process has to end.
    """

    postbox: Postbox
    base_url: str
    secret_key: str = field(repr=False)
    pepper: bytes = field(repr=False)
    mail_from: str
    rate: float
    stopping: Callable[[], bool] = never


@dataclass(slots=True)
class Round:
    """The state of one round: the number claimed, waiting claims, their subscribers, keys, and what was sent."""

    sender: Sender
    now: Callable[[], datetime]
    claimed: int
    waiting: deque[Claim]
    subscribers: dict[bytes, Subscriber]
    contacts: dict[bytes, Contact]
    sent: Counter[bytes] = field(default_factory=Counter)
    paused: set[bytes] = field(default_factory=set)
    all_paused: bool = False


def begin_round(session: Session, sender: Sender, now: Callable[[], datetime], most: int) -> Round:
    """Claim up to `most` mails, read their subscribers, drop the claims that are not wanted any more, begin the first.

    The caller commits before the first mail is sent.
    """
    claimed = queue.claim(session, most, sender.rate, sender.base_url, now())
    subscribers = address_book.subscribers_by_id(session, {each.recipient for each in claimed})
    wanted: list[Claim] = []
    unwanted: list[Claim] = []
    for each in claimed:
        subscriber = subscribers.get(each.recipient)
        (wanted if subscriber is not None and is_wanted(subscriber, each.kind) else unwanted).append(each)
    queue.drop(session, unwanted)
    if wanted:
        queue.begin(session, wanted[0])
    contacts = address_book.contacts(session, {each.campaign_id for each in wanted})
    return Round(sender, now, len(claimed), deque(wanted), subscribers, contacts)


def address_of(ours: Round, claimed: Claim) -> str:
    """Returns the address that a mail goes to. Raises AddressUnreadable."""
    return address_book.unsealed(ours.contacts[claimed.campaign_id], ours.subscribers[claimed.recipient])


def kept_mail(ours: Round, claimed: Claim) -> RenderedMail | None:
    """Returns the mail without its personal links, if this process has rendered it in this language already."""
    return kept(claimed.campaign_id, claimed.kind, claimed.period, _lang(ours, claimed), ours.sender.base_url)


def render_mail(session: Session, ours: Round, claimed: Claim) -> RenderedMail:
    """Render the mail without its personal links, and cache it for the next subscribers."""
    campaign = session.get_one(Campaign, claimed.campaign_id, options=[selectinload(Campaign.letters)])
    return rendered_mail(session, campaign, claimed.kind, claimed.period, _lang(ours, claimed), ours.sender.base_url)


def _lang(ours: Round, claimed: Claim) -> str:
    return ours.subscribers[claimed.recipient].lang


def record_outcome(session: Session, ours: Round, claimed: Claim, wrong: Exception | None, *, over: bool) -> None:
    """Record the outcome of a mail, release claims, and begin the next mail. `over`: the round ends now."""
    _record(session, ours, claimed, wrong)
    _go_on(session, ours, over=over)
    if not ours.waiting:
        throttle.record_success(session, ours.sent)


def _record(session: Session, ours: Round, claimed: Claim, wrong: Exception | None) -> None:
    if wrong is None:
        refusals.end_row(session)
        queue.mark_sent(session, claimed)
        ours.sent[claimed.domain_tag] += 1
    elif isinstance(wrong, MailRefused):
        _refused(session, ours, claimed, wrong)
    elif isinstance(wrong, MailDelayed):
        _delayed(session, ours, claimed, wrong)
    else:
        log.error("a mail cannot be made: %s", type(wrong).__name__)
        queue.postpone(session, claimed, f"made wrong: {type(wrong).__name__}", ours.now())


def _delayed(session: Session, ours: Round, claimed: Claim, delay: MailDelayed) -> None:
    """Postpone the mail. A domain that fails is paused for a while."""
    now, fault, domain_tag = ours.now(), _code(delay), claimed.domain_tag
    refuses_us = delay.stage is Stage.connect and delay.code // 100 == 5
    if refuses_us:
        refusals.lock(session)
    queue.postpone(session, claimed, fault, now)
    if refuses_us:
        ours.all_paused = refusals.count(session, claimed, delay.words, now)
    throttle.record_success(session, {domain_tag: n} if (n := ours.sent.pop(domain_tag, 0)) else {})
    if throttle.record_failure(session, domain_tag, now, hung=_hung(delay)):
        ours.paused.add(domain_tag)
        claims.give_up_domain(session, domain_tag, fault)


def _go_on(session: Session, ours: Round, *, over: bool) -> None:
    """Release claims that are not tried now, and begin the next mail."""
    left = [each for each in ours.waiting if over or ours.all_paused or each.domain_tag in ours.paused]
    queue.withdraw(session, left)
    if left:
        ours.waiting = deque(each for each in ours.waiting if each not in left)
    if ours.waiting:
        queue.begin(session, ours.waiting[0])


def _hung(delay: MailDelayed) -> bool:
    """Returns whether the domain hung, and not our server: no response came after the recipient was named."""
    return delay.code == 0 and delay.stage in {Stage.recipient, Stage.data}


def _code(answer: MailDelayed | MailRefused) -> str:
    return f"{answer.stage} {answer.code or 'no answer'} {answer.status}".strip()


def _refused(session: Session, ours: Round, claimed: Claim, refusal: MailRefused) -> None:
    """Record a permanent refusal after a single attempt.

    An address that does not exist is suppressed. Any other refusal is about us, and the third in a row pauses all mail.
    """
    refusals.lock(session)
    claims.refuse(session, claimed, _code(refusal))
    if refusal.no_such_address:
        refusals.end_row(session)
        address = address_book.unsealed(ours.contacts[claimed.campaign_id], ours.subscribers[claimed.recipient])
        record(session, ours.sender.pepper, Report(Trouble.HARD, address), ours.now().date())
    else:
        ours.all_paused = refusals.count(session, claimed, refusal.words, ours.now())


def message(sender: Sender, mail: RenderedMail, claimed: Claim, address: str) -> Message:
    """Returns a rendered mail with one subscriber's links, address and headers (RFC 8058).

    The List-Id (RFC 2919) is the campaign's id, so that a filter goes on working and no header names the letter.
    """
    link = {
        placeholder: links.made(sender.secret_key, PURPOSES[placeholder], claimed.recipient)
        for placeholder in mail.placeholders | {UNSUBSCRIBE_PLACEHOLDER}
    }
    unsubscribe = f"{sender.base_url}/mail/unsubscribe/{link[UNSUBSCRIBE_PLACEHOLDER]}"
    text, html = mail.forms
    return Message(
        to=address,
        sender=sender.mail_from,
        subject=mail.subject,
        text=_linked(mail.text, link),
        html=_linked(mail.html, link),
        lang=mail.lang,
        message_id=_message_id(sender, claimed),
        date=claimed.planned_at,
        headers={
            "List-Id": f"<{claimed.campaign_id.hex()}.{_mail_host(sender)}>",
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        encoded=(text.filled(link), html.filled(link)),
    )


def _linked(text: str, link: dict[str, str]) -> str:
    for placeholder, token in link.items():
        text = text.replace(placeholder, token)
    return text


def _message_id(sender: Sender, claimed: Claim) -> str:
    return queue.message_id(sender.secret_key.encode(), *claimed.key, _mail_host(sender))


def _mail_host(sender: Sender) -> str:
    return sender.mail_from.rpartition("@")[2].rstrip(">")
