"""Verification by a code to the work address: who asks, how often, and the challenge that waits for the code.

Guards that every address of a listed domain gets the same answer in the same time, known or not, and that no more
than three codes a day go to one. Refuses addresses that are not plainly one person's (`petition.privacy`). The
address exists in this call and, sealed, in the argument of the task that mails the code; nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import date, datetime
from typing import Final

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition import events
from petition.campaigns import Campaign, require_open
from petition.encoding import MalformedEncoding, b64u, unb64u
from petition.mail import Message, compose, random_message_id
from petition.privacy import Recipient, canonical_address, identity_tag, mail_cap_key, seal_address
from petition.verification.desk import CodeWrong, Desk, NetworkExhausted, Proven
from petition.verification.tables import MailCap

NAME: Final = "work_email"
MAILS_A_DAY: Final = 3
CODE_LIFE: Final = 900
CHALLENGE_BYTES: Final = 16
CODE_LABEL: Final = b"petition/code/v1\0"


def begin(
    session: Session,
    desk: Desk,
    campaign: Campaign,
    address: str,
    *,
    network: bytes,
    proven: bool,
    lang: str,
    now: datetime,
) -> str:
    """Send a code to a work address; gives the challenge's id, 22 characters, whether or not a mail leaves.

    `network` is a keyed hash of where the request came from, `proven` whether it came with a proof of work.
    Raises AddressRefused, NetworkExhausted, CampaignNotOpen, CampaignClosed, VolatileAway.
    """
    require_open(campaign)
    work = canonical_address(address, campaign.policies())
    wait = desk.volatile.take_mail(network, proven=proven)
    if wait is not None:
        raise NetworkExhausted(wait)
    challenge, code = secrets.token_bytes(CHALLENGE_BYTES), f"{secrets.randbelow(10**8):08d}"
    tag = identity_tag(desk.pepper, campaign.id, work.canonical)
    desk.volatile.keep_challenge(_id_hash(campaign, challenge), _mac(desk, challenge, code), tag, network, CODE_LIFE)
    allowed = _within_cap(session, mail_cap_key(desk.pepper, now.date(), work.canonical), now.date())
    recipient = work.deliverable if allowed else None
    events.announce(session.info, events.CodeWanted(seal_address(desk.vault, recipient, lang, now, code=code)))
    return b64u(challenge)


def prove(desk: Desk, campaign: Campaign, challenge: str, code: str) -> Proven:
    """Whether a code answers a challenge of this campaign: five tries, then no more; raises CodeWrong for all faults."""
    try:
        raw = unb64u(challenge, CHALLENGE_BYTES)
    except MalformedEncoding:
        raise CodeWrong from None
    id_hash = _id_hash(campaign, raw)
    found = desk.volatile.try_code(id_hash, _mac(desk, raw, code))
    if found is None:
        raise CodeWrong
    return Proven(NAME, id_hash, found.tag, found.network)


def code_mail(recipient: Recipient, sender: str, now: datetime) -> Message:
    """The mail that holds a code and says nothing (P29); the recipient must have an address."""
    assert recipient.address is not None
    return compose(
        "code",
        recipient.lang,
        {"code": recipient.code, "minutes": CODE_LIFE // 60},
        to=recipient.address,
        sender=sender,
        message_id=random_message_id(sender),
        now=now,
    )


def _id_hash(campaign: Campaign, challenge: bytes) -> bytes:
    return hashlib.sha256(campaign.id + challenge).digest()


def _mac(desk: Desk, challenge: bytes, code: str) -> bytes:
    return hmac.digest(desk.pepper, CODE_LABEL + challenge + code.encode(), "sha256")


def _within_cap(session: Session, key: bytes, day: date) -> bool:
    counting = insert(MailCap).values(key=key, day=day, n=1)
    counting = counting.on_conflict_do_update(
        index_elements=["key"], set_={"n": MailCap.n + 1}, where=MailCap.n < MAILS_A_DAY
    )
    return session.scalar(counting.returning(MailCap.n)) is not None
