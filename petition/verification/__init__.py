"""Verification: who may get a pass. Knows addresses for a moment and tags until the close; never a signature.

Guards "once per person": a pass is stamped only with the insert of a unique keyed tag. The stamp is blind, so this
side cannot tell which signature it became. One file a method; each ends in `issue`.
"""

from __future__ import annotations

import hmac
from datetime import date, datetime
from typing import Final, Protocol

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    LargeBinary,
    ScalarSelect,
    Select,
    String,
    bindparam,
    case,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from petition.blindsign import rsabssa
from petition.campaigns import Campaign, CampaignClosed, OpenCampaign, require_open, switches
from petition.core import db
from petition.core.ids import CampaignId
from petition.privacy import keyring
from petition.verification import work_email
from petition.verification.context import AlreadyVerified, CodeWrong, NetworkExhausted, Proven, VerificationContext
from petition.verification.tables import CodeDay, Issued, Issuer, MailCap, Stamped, Tag
from petition.verification.work_email import begin

__all__ = [
    "METHODS",
    "AlreadyVerified",
    "CodeWrong",
    "Method",
    "NetworkExhausted",
    "Proven",
    "VerificationContext",
    "begin",
    "codes_by_day",
    "destroy",
    "issue",
    "issued",
    "purge",
    "stamp",
    "start",
]

REPLY_LABEL: Final = b"petition/reply/v1\0"
DAYS_OF_CODES: Final = 2
"""Days that are over and still told; with the one that runs, figures live for three."""
FEW: Final = 10
"""A figure under this is not told: it would be a person or two."""


class Method(Protocol):
    """A way of proving that one works there; `prove` raises CodeWrong and AlreadyVerified."""

    NAME: str

    def prove(
        self, context: VerificationContext, campaign: OpenCampaign, challenge: str, code: str, blinded: bytes
    ) -> Proven:
        """Who stands behind a challenge, if the code answers it and came with no other blinded value before."""


METHODS: Final = {work_email.NAME: work_email}


def start(session: Session, campaign_id: CampaignId) -> bytes:
    """Make a campaign's issuer key; gives the public half (SPKI)."""
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
    """Stamp a blinded value (256 bytes) for whoever answers a challenge; gives the stamp, 256 bytes.

    Raises CodeWrong, AlreadyVerified, BlindedRefused (`petition.blindsign.rsabssa`), CampaignNotOpen, CampaignClosed,
    VerificationStopped, RedisUnavailable. The stamp is made before the rows, so that no lock is held meanwhile; it is thrown away if the tag is
    not new. Writes with one statement.
    """
    require_open(campaign)
    proven = METHODS[work_email.NAME].prove(context, campaign, challenge, code, blinded)
    return stamp(session, context.pepper, campaign, proven, blinded, now)


def stamp(
    session: db.Writing, pepper: bytes, campaign: OpenCampaign, proven: Proven, blinded: bytes, now: datetime
) -> bytes:
    """Stamp for somebody who proved to work there; raises AlreadyVerified, BlindedRefused, CampaignClosed."""
    made = rsabssa.blind_sign(_issuer_key(session, campaign.id), blinded)
    _enter(session, pepper, campaign, proven, blinded, now)
    return made


def _enter(
    session: db.Writing, pepper: bytes, campaign: OpenCampaign, proven: Proven, blinded: bytes, now: datetime
) -> None:
    """Insert the tag, unless this is a lost reply that is asked for again; raises AlreadyVerified."""
    reply = hmac.digest(pepper, REPLY_LABEL + proven.tag + blinded, "sha256")
    row = {"campaign": campaign.id, "tag": proven.tag, "method": proven.method, "reply": reply, "day": now.date()}
    row |= {"domain": proven.domain}
    entered, alive = db.run(session, _ENTER, row).one()
    if entered:
        return
    if not alive:  # stopped, or closed a moment ago: the key is destroyed, here too
        switches.refuse_stopped(session, campaign.id, method=proven.method)
        _keys.pop(campaign.id, None)
        raise CampaignClosed
    if session.scalar(select(Stamped.reply).where(Stamped.reply == reply)) is None:
        raise AlreadyVerified


def _entering() -> Select[int, int]:
    """The tag, the reply and the counts in one statement; gives how many tags are new, and whether the key is there.

    The key's row is share-locked: a close, which deletes it, waits for whoever is at it, and whoever comes later finds
    none. So no tag is written after the close deleted them all; nor while the organisers stopped the method.
    """
    cid, tag = bindparam("campaign", type_=LargeBinary), bindparam("tag", type_=LargeBinary)
    running = select(Campaign.id).where(
        Campaign.id == cid, switches.runs(literal(switches.METHOD).concat(bindparam("method", type_=String)))
    )
    key = select(Issuer.campaign_id).where(Issuer.campaign_id == cid, running.exists())
    alive = key.with_for_update(read=True, key_share=True).cte("issuer_key")
    tagging = insert(Tag).from_select(["campaign_id", "tag"], select(alive.c.campaign_id, tag))
    new = tagging.on_conflict_do_nothing().returning(Tag.__table__.c.campaign_id).cte("new_tag")
    reply = insert(Stamped).from_select(["reply", "day"], select(bindparam("reply"), bindparam("day")).select_from(new))
    count = insert(Issued).from_select(
        ["campaign_id", "method", "n"], select(new.c.campaign_id, bindparam("method"), literal(1))
    )
    counting = count.on_conflict_do_update(index_elements=["campaign_id", "method"], set_={"n": Issued.n + 1})
    domain, day = bindparam("domain", type_=String), bindparam("day", type_=Date)
    used = insert(CodeDay).from_select(
        ["campaign_id", "domain", "day", "asked", "used"],
        select(new.c.campaign_id, domain, day, literal(0), literal(1)).where(domain != ""),
    )
    using = used.on_conflict_do_update(index_elements=["campaign_id", "domain", "day"], set_={"used": CodeDay.used + 1})
    found = select(_number(new), _number(alive))
    return found.add_cte(
        reply.on_conflict_do_nothing().cte("new_reply"), counting.cte("new_count"), using.cte("used_code")
    )


def _number(rows: CTE) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


_ENTER: Final = _entering()


_keys: dict[bytes, rsabssa.PrivateKey] = {}


def _issuer_key(session: db.Writing, campaign_id: CampaignId) -> rsabssa.PrivateKey:
    """The campaign's key, read once in each process; whether it still may be used is for `_enter` to say."""
    if campaign_id not in _keys:
        sealed = session.scalar(select(Issuer.sealed_key).where(Issuer.campaign_id == campaign_id))
        if sealed is None:
            raise CampaignClosed
        _keys[campaign_id] = rsabssa.PrivateKey.from_pkcs8(keyring.unsealed(sealed))
    return _keys[campaign_id]


def issued(session: Session, campaign_id: CampaignId) -> dict[str, int]:
    """Passes issued so far by method; all that the epoch may know of this side."""
    query = select(Issued.method, Issued.n).where(Issued.campaign_id == campaign_id).order_by(Issued.method)
    return {method: n for method, n in session.execute(query)}


def codes_by_day(
    session: Session, campaign_id: CampaignId, first: date, today: date
) -> list[tuple[str, date, int, int]]:
    """Domain, day, codes asked for, codes used, of days that are over; 0 is any figure under ten.

    When an employer blocks the mails, the two figures part. Who looks at a mail log beside them finds no single person.
    """
    columns = (CodeDay.domain, CodeDay.day, _coarse(CodeDay.asked), _coarse(CodeDay.used))
    query = select(*columns).where(CodeDay.campaign_id == campaign_id, CodeDay.day >= first, CodeDay.day < today)
    rows = session.execute(query.order_by(CodeDay.day, CodeDay.domain))
    return [(domain, day, asked, used) for domain, day, asked, used in rows]


def _coarse(figure: InstrumentedAttribute[int]) -> ColumnElement[int]:
    return case((figure < FEW, 0), else_=figure)


def destroy(session: Session, campaign_id: CampaignId) -> None:
    """At the close: the issuer's key and the tags are deleted; the issued counts stay public."""
    session.execute(delete(Issuer).where(Issuer.campaign_id == campaign_id))
    session.execute(delete(Tag).where(Tag.campaign_id == campaign_id))
    _keys.pop(campaign_id, None)


def purge(session: Session, today: date) -> None:
    """Forget yesterday's caps on mails, replies that can no longer be asked for again, and the small figures of codes."""
    session.execute(delete(MailCap).where(MailCap.day < today))
    session.execute(delete(CodeDay).where(CodeDay.day < date.fromordinal(today.toordinal() - DAYS_OF_CODES)))
    session.execute(
        update(CodeDay).where(CodeDay.day < today).values(asked=_coarse(CodeDay.asked), used=_coarse(CodeDay.used))
    )
    session.execute(delete(Stamped).where(Stamped.day < date.fromordinal(today.toordinal() - 1)))
