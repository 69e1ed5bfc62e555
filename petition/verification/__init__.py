"""Verification: who may get a pass. Knows addresses for a moment and tags until the close; never a signature.

Guards "once per person": a pass is stamped only with the insert of a unique keyed tag. The stamp is blind, so this
side cannot tell which signature it became. One file a method; each ends in `issue`.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, datetime
from functools import lru_cache
from typing import Final, Protocol

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition import keyring
from petition.blindsign import rsabssa
from petition.campaigns import Campaign, CampaignClosed, require_open
from petition.verification import work_email
from petition.verification.desk import AlreadyVerified, CodeWrong, Desk, NetworkExhausted, Proven
from petition.verification.tables import Issued, Issuer, MailCap, Stamped, Tag
from petition.verification.work_email import begin

__all__ = [
    "METHODS",
    "AlreadyVerified",
    "CodeWrong",
    "Desk",
    "Method",
    "NetworkExhausted",
    "Proven",
    "begin",
    "destroy",
    "issue",
    "issued",
    "purge",
    "stamp",
    "start",
]

REPLY_LABEL: Final = b"petition/reply/v1\0"


class Method(Protocol):
    """A way of proving that one works there; `prove` raises CodeWrong."""

    NAME: str

    def prove(self, desk: Desk, campaign: Campaign, challenge: str, code: str) -> Proven:
        """Who stands behind a challenge, if the code answers it."""


METHODS: Final = {work_email.NAME: work_email}


def start(session: Session, campaign_id: bytes) -> bytes:
    """Make a campaign's issuer key; gives the public half (SPKI)."""
    private = rsabssa.generate_key()
    session.add(Issuer(campaign_id=campaign_id, sealed_key=keyring.seal(private.to_pkcs8())))
    session.flush()
    return rsabssa.spki(private.public)


def issue(
    session: Session, desk: Desk, campaign: Campaign, challenge: str, code: str, blinded: bytes, now: datetime
) -> bytes:
    """Stamp a blinded value (256 bytes) for whoever answers a challenge; gives the stamp, 256 bytes.

    Raises CodeWrong, AlreadyVerified, BlindedRefused (`petition.blindsign.rsabssa`), CampaignNotOpen, CampaignClosed,
    VolatileAway. The stamp is made before the rows, so that no lock is held meanwhile; it is thrown away if the tag is
    not new.
    """
    require_open(campaign)
    proven = METHODS[work_email.NAME].prove(desk, campaign, challenge, code)
    if not desk.volatile.bind_blinded(proven.challenge, hashlib.sha256(blinded).digest()):
        raise AlreadyVerified
    made = rsabssa.blind_sign(_issuer_key(session, campaign.id), blinded)
    if _enter(session, desk.pepper, campaign, proven, blinded, now.date()):
        desk.volatile.give_back(proven.network)
    return made


def stamp(session: Session, pepper: bytes, campaign: Campaign, proven: Proven, blinded: bytes, day: date) -> bytes:
    """Stamp for somebody who proved to work there by other means than a code; raises AlreadyVerified, BlindedRefused."""
    made = rsabssa.blind_sign(_issuer_key(session, campaign.id), blinded)
    _enter(session, pepper, campaign, proven, blinded, day)
    return made


def _enter(session: Session, pepper: bytes, campaign: Campaign, proven: Proven, blinded: bytes, day: date) -> bool:
    """Insert the tag: true the first time, false when a lost reply is asked for again; raises AlreadyVerified."""
    reply = hmac.digest(pepper, REPLY_LABEL + proven.tag + blinded, "sha256")
    tagging = insert(Tag).values(campaign_id=campaign.id, tag=proven.tag).on_conflict_do_nothing()
    if session.scalar(tagging.returning(Tag.tag)) is None:
        if session.get(Stamped, reply) is None:
            raise AlreadyVerified
        return False
    session.execute(insert(Stamped).values(reply=reply, day=day).on_conflict_do_nothing())
    counting = insert(Issued).values(campaign_id=campaign.id, method=proven.method, n=1)
    session.execute(counting.on_conflict_do_update(index_elements=["campaign_id", "method"], set_={"n": Issued.n + 1}))
    return True


def _issuer_key(session: Session, campaign_id: bytes) -> rsabssa.PrivateKey:
    sealed = session.scalar(select(Issuer.sealed_key).where(Issuer.campaign_id == campaign_id))
    if sealed is None:  # closed a moment ago: the key is destroyed
        raise CampaignClosed
    return _private(sealed)


@lru_cache(maxsize=64)
def _private(sealed: bytes) -> rsabssa.PrivateKey:
    return rsabssa.PrivateKey.from_pkcs8(keyring.unsealed(sealed))


def issued(session: Session, campaign_id: bytes) -> dict[str, int]:
    """Passes issued so far by method; all that the epoch may know of this side."""
    query = select(Issued.method, Issued.n).where(Issued.campaign_id == campaign_id).order_by(Issued.method)
    return {method: n for method, n in session.execute(query)}


def destroy(session: Session, campaign_id: bytes) -> None:
    """At the close: the issuer's key and the tags are deleted; the issued counts stay public."""
    session.execute(delete(Issuer).where(Issuer.campaign_id == campaign_id))
    session.execute(delete(Tag).where(Tag.campaign_id == campaign_id))
    _private.cache_clear()


def purge(session: Session, today: date) -> None:
    """Forget yesterday's caps on mails and replies that can no longer be asked for again."""
    session.execute(delete(MailCap).where(MailCap.day < today))
    session.execute(delete(Stamped).where(Stamped.day < date.fromordinal(today.toordinal() - 1)))
