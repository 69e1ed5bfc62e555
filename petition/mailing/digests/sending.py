"""Sending: claim, commit, send, mark; one mail after another, for a few seconds at a time.

Guards P1: a claim is committed before its mail leaves, a mark right after the server took it, and nothing is taken
again before its claim ends. Between the server's 250 and our commit is the one window that nobody can close; a mail
that is repeated there has the same Message-ID and the same bytes. Whether the reader still wants it is asked within the
seconds before it leaves.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session, selectinload

from petition.campaigns import Campaign
from petition.core import db, failpoints
from petition.mail import MailDelayed, MailRefused, Message, Postbox, Stage
from petition.mailing import queue
from petition.mailing.digests.rendered import PURPOSES, UNSUBSCRIBE_MARK, RenderedMail, kept, rendered_mail
from petition.mailing.digests.undelivered import is_wanted
from petition.mailing.queue import Acknowledgements, Claim, claims, refusals, throttle
from petition.mailing.subscribers import Report, Subscriber, Trouble, address_book, links, record
from petition.mailing.subscribers.tables import Contact

log = logging.getLogger(__name__)

AT_ONCE: Final = 200
ROUND_SECONDS: Final = 3.0


def never() -> bool:
    """Nobody asked to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Sender:
    """What sending needs: a postbox, the site's address, keys, our own address, mails a second to one domain.

    `stopping` is asked after each mail: whether this process was told to end.
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
    """What one round knows: its claims in the order of sending, their readers as of now, keys, what was sent."""

    sender: Sender
    now: Callable[[], datetime]
    waiting: deque[Claim]
    readers: dict[bytes, Subscriber]
    contacts: dict[bytes, Contact]
    sent: Counter[bytes] = field(default_factory=Counter)
    paused: set[bytes] = field(default_factory=set)
    halted: bool = False


def send_round(sender: Sender, now: Callable[[], datetime], most: int = AT_ONCE) -> int:
    """Send what is due, a few mails, for three seconds at most; gives how many were claimed."""
    failpoints.reach("before_claim")
    with db.transaction() as session:
        claimed = queue.claim(session, most, sender.rate, sender.base_url, now())
        ours = _round(session, sender, claimed, now)
    failpoints.reach("after_claim")
    _send_all(ours)
    return len(claimed)


def _round(session: Session, sender: Sender, claimed: list[Claim], now: Callable[[], datetime]) -> Round:
    """Read who is to be mailed, and drop the claims that nobody wants any more."""
    readers = address_book.readers(session, {each.recipient for each in claimed})
    wanted: list[Claim] = []
    unwanted: list[Claim] = []
    for each in claimed:
        reader = readers.get(each.recipient)
        (wanted if reader is not None and is_wanted(reader, each.kind) else unwanted).append(each)
    queue.drop(session, unwanted)
    if wanted:
        queue.begin(session, wanted[0])
    contacts = address_book.contacts(session, {each.campaign_id for each in wanted})
    return Round(sender, now, deque(wanted), readers, contacts)


def _send_all(ours: Round) -> None:
    """One mail after another; what came of one is written down together with the beginning of the next."""
    end = time.monotonic() + ROUND_SECONDS
    with queue.acknowledgements() as marks:
        while ours.waiting:
            claimed = ours.waiting.popleft()
            came_of_it = _try(ours, marks, claimed)
            if came_of_it is None:
                failpoints.reach("after_250_before_commit")
            over = time.monotonic() > end or ours.sender.stopping()
            if came_of_it is None and ours.waiting and not over:
                marks.send(claimed, ours.waiting[0])
                ours.sent[claimed.lane] += 1
                failpoints.reach("after_mark_before_commit")
            else:
                _write_down(ours, claimed, came_of_it, over=over)
                failpoints.reach("after_commit")


def _try(ours: Round, marks: Acknowledgements, claimed: Claim) -> Exception | None:
    """Compose one mail while the mark before it is committed, and hand it over; gives what went wrong."""
    try:
        mail = _composed(ours, claimed)
    except Exception as wrong:  # noqa: BLE001 (a mail that cannot be made must not hold up the others: its row says why)
        return wrong
    finally:
        marks.confirm()
    try:
        ours.sender.postbox.send(mail)
    except Exception as wrong:  # noqa: BLE001 (the same)
        return wrong
    return None


def _composed(ours: Round, claimed: Claim) -> Message:
    reader = ours.readers[claimed.recipient]
    address = address_book.unsealed(ours.contacts[claimed.campaign_id], reader)
    return message(ours.sender, _sheet(claimed, reader.lang, ours.sender.base_url), claimed, address)


def _sheet(claimed: Claim, lang: str, base_url: str) -> RenderedMail:
    told = claimed.campaign_id, claimed.kind, claimed.period, lang, base_url
    if (found := kept(*told)) is not None:
        return found
    with db.session() as session:
        campaign = session.get_one(Campaign, claimed.campaign_id, options=[selectinload(Campaign.letters)])
        return rendered_mail(session, campaign, *told[1:])


def _write_down(ours: Round, claimed: Claim, wrong: Exception | None, *, over: bool) -> None:
    """What came of a mail, what is given back, and which one is begun: one transaction."""
    with db.transaction() as session:
        _mark(session, ours, claimed, wrong)
        _go_on(session, ours, over=over)
        if not ours.waiting:
            throttle.record_success(session, ours.sent)


def _mark(session: Session, ours: Round, claimed: Claim, wrong: Exception | None) -> None:
    if wrong is None:
        refusals.end_row(session)
        queue.mark_sent(session, claimed)
        ours.sent[claimed.lane] += 1
    elif isinstance(wrong, MailRefused):
        _refused(session, ours, claimed, wrong)
    elif isinstance(wrong, MailDelayed):
        _delayed(session, ours, claimed, wrong)
    else:
        log.error("a mail cannot be made: %s", type(wrong).__name__)
        queue.postpone(session, claimed, f"made wrong: {type(wrong).__name__}", ours.now())


def _delayed(session: Session, ours: Round, claimed: Claim, delay: MailDelayed) -> None:
    """Later, perhaps; and a domain in trouble is left alone for a while."""
    now, fault, lane = ours.now(), _code(delay), claimed.lane
    refuses_us = delay.stage is Stage.connect and delay.code // 100 == 5
    if refuses_us:
        refusals.lock(session)
    queue.postpone(session, claimed, fault, now)
    if refuses_us:
        ours.halted = refusals.count(session, claimed, delay.words, now)
    throttle.record_success(session, {lane: n} if (n := ours.sent.pop(lane, 0)) else {})
    if throttle.record_failure(session, lane, now, hung=_hung(delay)):
        ours.paused.add(lane)
        claims.give_up_domain(session, lane, fault)


def _go_on(session: Session, ours: Round, *, over: bool) -> None:
    """Give back what is not tried now, and begin the next."""
    left = [each for each in ours.waiting if over or ours.halted or each.lane in ours.paused]
    queue.withdraw(session, left)
    if left:
        ours.waiting = deque(each for each in ours.waiting if each not in left)
    if ours.waiting:
        queue.begin(session, ours.waiting[0])


def _hung(delay: MailDelayed) -> bool:
    """No answer once the recipient was named: this domain, not the server, is what hangs."""
    return delay.code == 0 and delay.stage in {Stage.recipient, Stage.data}


def _code(answer: MailDelayed | MailRefused) -> str:
    return f"{answer.stage} {answer.code or 'no answer'} {answer.status}".strip()


def _refused(session: Session, ours: Round, claimed: Claim, refusal: MailRefused) -> None:
    """One try. An address that does not exist is suppressed; anything else is about us, and the third in a row stops mail."""
    refusals.lock(session)
    claims.refuse(session, claimed, _code(refusal))
    if refusal.no_such_address:
        refusals.end_row(session)
        address = address_book.unsealed(ours.contacts[claimed.campaign_id], ours.readers[claimed.recipient])
        record(session, ours.sender.pepper, Report(Trouble.HARD, address), ours.now().date())
    else:
        ours.halted = refusals.count(session, claimed, refusal.words, ours.now())


def message(sender: Sender, sheet: RenderedMail, claimed: Claim, address: str) -> Message:
    """A sheet with one reader's links, address and headers (RFC 8058)."""
    link = {
        mark: links.made(sender.secret_key, PURPOSES[mark], claimed.recipient)
        for mark in sheet.marks | {UNSUBSCRIBE_MARK}
    }
    unsubscribe = f"{sender.base_url}/mail/unsubscribe/{link[UNSUBSCRIBE_MARK]}"
    text, html = sheet.forms
    return Message(
        to=address,
        sender=sender.mail_from,
        subject=sheet.subject,
        text=_linked(sheet.text, link),
        html=_linked(sheet.html, link),
        lang=sheet.lang,
        message_id=_message_id(sender, claimed),
        date=claimed.planned_at,
        headers={
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        encoded=(text.filled(link), html.filled(link)),
    )


def _linked(text: str, link: dict[str, str]) -> str:
    for mark, token in link.items():
        text = text.replace(mark, token)
    return text


def _message_id(sender: Sender, claimed: Claim) -> str:
    host = sender.mail_from.rpartition("@")[2].rstrip(">")
    return queue.message_id(sender.secret_key.encode(), *claimed.key, host)
