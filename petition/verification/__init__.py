"""Verification: decides who gets a pass. It sees addresses for a moment and tags until the close, never a signature.

One person gets one pass: a pass is stamped only together with the insert of a unique keyed tag. The stamp is blind, so
this side cannot know which signature it becomes part of. Each method has its own file and ends in `issue`.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import date, datetime
from typing import Final, Protocol

from sqlalchemy import CTE, LargeBinary, ScalarSelect, Select, String, bindparam, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.blindsign import rsabssa
from petition.campaigns import Campaign, CampaignClosed, OpenCampaign, require_open, switches
from petition.core import db, outbox
from petition.core.ids import CampaignId
from petition.core.redis_store import RedisStore, RedisUnavailable
from petition.privacy import keyring
from petition.verification import canary, work_email
from petition.verification.canary import FEW, Silence, silent_domains
from petition.verification.context import (
    AddressGuessed,
    AlreadyVerified,
    CodeWrong,
    LongCodeNeeded,
    NetworkExhausted,
    Proven,
    VerificationContext,
)
from petition.verification.tables import CodeDay, Issued, Issuer, MailCap, Tag
from petition.verification.work_email import begin

__all__ = [
    "FEW",
    "METHODS",
    "AddressGuessed",
    "AlreadyVerified",
    "CodeWrong",
    "LongCodeNeeded",
    "Method",
    "NetworkExhausted",
    "Proven",
    "Silence",
    "VerificationContext",
    "begin",
    "codes_by_day",
    "destroy",
    "issue",
    "issued",
    "purge",
    "record_codes",
    "silent_domains",
    "stamp",
    "start",
]

REPLY_LABEL: Final = b"petition/reply/v1\0"
DAYS_OF_CODES: Final = 2
"""The number of past days whose figures are shown."""


class Method(Protocol):
    """A way to prove that one works at the organisation. `prove` raises CodeWrong and AlreadyVerified."""

    NAME: str

    def prove(
        self, context: VerificationContext, campaign: OpenCampaign, challenge: str, code: str, blinded: bytes
    ) -> Proven:
        """Returns the proven person if the code is right and came with no other blinded value before."""


METHODS: Final = {work_email.NAME: work_email}


def start(session: Session, campaign_id: CampaignId) -> bytes:
    """Create a campaign's issuer key. Returns the public key (SPKI)."""
    private = rsabssa.generate_key()
    session.add(Issuer(campaign_id=campaign_id, sealed_key=keyring.seal(private.to_pkcs8())))
    session.flush()
    return rsabssa.spki(private.public)


def issue(
    session: db.Writing,
    context: VerificationContext,
    campaign: OpenCampaign,
    challenge: str,
    code: str,
    blinded: bytes,
    now: datetime,
) -> bytes:
    """Stamp a blinded value (256 bytes) for a person who answers a challenge. Returns the stamp, 256 bytes.

    Raises CodeWrong, LongCodeNeeded, AlreadyVerified, BlindedRefused (`petition.blindsign.rsabssa`), CampaignNotOpen, CampaignClosed,
    VerificationStopped, RedisUnavailable. The stamp is made before the rows, so that no lock is held meanwhile; it is
    discarded if the tag is not new. The function writes with a single statement. Redis counts the used code afterwards.
    """
    require_open(campaign)
    rsabssa.require_blinded(rsabssa.load_spki(campaign.issuer), blinded)  # before the code is tied to this value
    proven = METHODS[work_email.NAME].prove(context, campaign, challenge, code, blinded)
    made, is_new = _stamp(session, context.pepper, campaign, proven, blinded)
    if is_new and proven.domain:
        with suppress(RedisUnavailable):  # the pass is more than a figure about it
            context.redis_store.count_used(now.date(), campaign.id, proven.domain)
    return made


def stamp(session: db.Writing, pepper: bytes, campaign: OpenCampaign, proven: Proven, blinded: bytes) -> bytes:
    """Stamp for a person who proved to work there. Raises AlreadyVerified, BlindedRefused, CampaignClosed."""
    return _stamp(session, pepper, campaign, proven, blinded)[0]


def _stamp(
    session: db.Writing, pepper: bytes, campaign: OpenCampaign, proven: Proven, blinded: bytes
) -> tuple[bytes, bool]:
    """Returns the stamp, and whether this person is new. Raises AlreadyVerified, BlindedRefused, CampaignClosed."""
    made = rsabssa.blind_sign(_issuer_key(session, campaign.id), blinded)
    return made, _enter(session, pepper, campaign, proven, blinded)


def _enter(session: db.Writing, pepper: bytes, campaign: OpenCampaign, proven: Proven, blinded: bytes) -> bool:
    """Insert the tag, unless a lost reply is requested again. Returns whether it was inserted. Raises AlreadyVerified."""
    reply = hmac.digest(pepper, REPLY_LABEL + proven.tag + blinded, "sha256")
    row = {"campaign": campaign.id, "tag": proven.tag, "method": proven.method, "reply": reply}
    entered, alive = db.run(session, _ENTER, row).one()
    if entered:
        return True
    if not alive:  # Paused, or just closed: after a close the cached key is discarded, too.
        switches.refuse_stopped(session, campaign.id, method=proven.method)
        _keys.pop(campaign.id, None)
        raise CampaignClosed
    mine = (Tag.campaign_id == campaign.id, Tag.tag == proven.tag)
    if session.scalar(select(Tag.reply).where(*mine)) != reply:
        raise AlreadyVerified
    return False


def _entering() -> Select[int, int]:
    """Returns a statement that inserts the tag with its reply and counts it.

    Its result is the number of new tags, and whether the key exists. The key's row is share-locked: a close, which
    deletes it, waits for statements that use it, and later statements find no key. No tag is therefore written after a
    close has deleted all of them, nor while the organisers have paused the method.
    """
    cid, *values = (bindparam(name, type_=LargeBinary) for name in ("campaign", "tag", "reply"))
    running = select(Campaign.id).where(
        Campaign.id == cid, switches.runs(literal(switches.METHOD).concat(bindparam("method", type_=String)))
    )
    key = select(Issuer.campaign_id).where(Issuer.campaign_id == cid, running.exists())
    alive = key.with_for_update(read=True, key_share=True).cte("issuer_key")
    tagging = insert(Tag).from_select(["campaign_id", "tag", "reply"], select(alive.c.campaign_id, *values))
    new = tagging.on_conflict_do_nothing().returning(Tag.__table__.c.campaign_id).cte("new_tag")
    count = insert(Issued).from_select(
        ["campaign_id", "method", "n"], select(new.c.campaign_id, bindparam("method"), literal(1))
    )
    counting = count.on_conflict_do_update(index_elements=["campaign_id", "method"], set_={"n": Issued.n + 1})
    return select(_number(new), _number(alive)).add_cte(counting.cte("new_count"))


def _number(rows: CTE) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


_ENTER: Final = _entering()


_keys: dict[bytes, rsabssa.PrivateKey] = {}


def _issuer_key(session: db.Writing, campaign_id: CampaignId) -> rsabssa.PrivateKey:
    """Returns the campaign's key, read once in each process. `_enter` decides whether it may still be used."""
    if campaign_id not in _keys:
        sealed = session.scalar(select(Issuer.sealed_key).where(Issuer.campaign_id == campaign_id))
        if sealed is None:
            raise CampaignClosed
        _keys[campaign_id] = rsabssa.PrivateKey.from_pkcs8(keyring.unsealed(sealed))
    return _keys[campaign_id]


def issued(session: Session, campaign_id: CampaignId) -> dict[str, int]:
    """Returns the passes issued so far by method. The epoch may know nothing else about this side."""
    query = select(Issued.method, Issued.n).where(Issued.campaign_id == campaign_id).order_by(Issued.method)
    return {method: n for method, n in session.execute(query)}


def codes_by_day(
    session: Session, campaign_id: CampaignId, first: date, today: date
) -> list[tuple[str, date, int, int]]:
    """Returns domain, day, codes requested and codes used, of past days on which ten or more were requested.

    Fewer than ten used codes are 0. The two figures diverge when an employer blocks the mails. Somebody who compares
    them with a mail log cannot identify a single person.
    """
    columns = (CodeDay.domain, CodeDay.day, CodeDay.asked, CodeDay.used)
    query = select(*columns).where(CodeDay.campaign_id == campaign_id, CodeDay.day >= first, CodeDay.day < today)
    rows = session.execute(query.order_by(CodeDay.day, CodeDay.domain))
    return [(domain, day, asked, used) for domain, day, asked, used in rows]


def record_codes(session: Session, redis_store: RedisStore, day: date) -> bool:
    """Write the figures of codes of a day (UTC) that is over into the database, once. Returns whether it was now.

    A code that is counted later, because its request began before midnight, is left out: a figure that moved then would
    point to it. The same holds for what Redis lost. Raises RedisUnavailable; the caller then tries again.
    """
    if not outbox.claim_slot(session, "codes of a day", day.isoformat()):
        return False
    canary.write_day(session, day, redis_store.codes_of(day))
    return True


def destroy(session: Session, campaign_id: CampaignId) -> None:
    """Delete the issuer's key and the tags at the close. The issued counts stay public."""
    session.execute(delete(Issuer).where(Issuer.campaign_id == campaign_id))
    session.execute(delete(Tag).where(Tag.campaign_id == campaign_id))
    _keys.pop(campaign_id, None)


def purge(session: Session, today: date) -> None:
    """Delete yesterday's mail caps and old code figures."""
    session.execute(delete(MailCap).where(MailCap.day < today))
    canary.forget_old(session, today)
