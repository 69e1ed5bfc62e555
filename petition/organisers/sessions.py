"""Visits: who is signed in, on which device, until when.

Guards that a stolen database opens no door (the cookie is kept as a hash), that every sign-in has a new name, and that
a visit ends by itself: after 30 minutes without a page, after 12 hours in any case, at sign-out, and at once when the
organiser is disabled. Refuses to keep where a visitor comes from or with what browser.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from petition.core.ids import OrganiserId
from petition.organisers.tables import Organiser, OrganiserSession

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
FRESH: Final = timedelta(minutes=10)
SEEN_AGAIN: Final = timedelta(minutes=1)
TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Visitor:
    """An organiser who is signed in. `fresh`: proved it is them within ten minutes, as acts under two keys ask."""

    organiser_id: OrganiserId
    name: str
    lang: str
    visit_id: bytes
    fresh: bool


def visit_id(token: str) -> bytes:
    """What is kept of a cookie's value."""
    return sha256(token.encode()).digest()


def begin(session: Session, organiser_id: OrganiserId, now: datetime) -> str:
    """Sign an organiser in; gives the cookie's value, which is kept nowhere here."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(OrganiserSession(id=visit_id(token), organiser_id=organiser_id, began=now, seen=now, confirmed=now))
    session.flush()
    return token


def find(session: Session, token: str, now: datetime) -> Visitor | None:
    """Whose visit this is, if it has not ended; notes at most once a minute that it goes on."""
    query = select(OrganiserSession, Organiser.name, Organiser.lang).join(
        Organiser, Organiser.id == OrganiserSession.organiser_id
    )
    query = query.where(OrganiserSession.id == visit_id(token), Organiser.disabled.is_(False))
    found = session.execute(
        query.where(OrganiserSession.seen > now - IDLE, OrganiserSession.began > now - LONGEST)
    ).first()
    if found is None:
        return None
    visit, name, lang = found
    if now - visit.seen >= SEEN_AGAIN:
        visit.seen = now
    return Visitor(visit.organiser_id, name, lang, visit.id, now - visit.confirmed < FRESH)


def language_of(session: Session, token: str) -> str | None:
    """The language of whoever has this cookie, also after the visit ended, as long as its row is there."""
    query = select(Organiser.lang).join(OrganiserSession, OrganiserSession.organiser_id == Organiser.id)
    return session.scalar(query.where(OrganiserSession.id == visit_id(token), Organiser.disabled.is_(False)))


def confirm(session: Session, visit: bytes, now: datetime) -> None:
    """The organiser proved once more that it is them."""
    session.get_one(OrganiserSession, visit).confirmed = now


def every(session: Session, organiser_id: OrganiserId, now: datetime) -> list[OrganiserSession]:
    """The visits of an organiser that go on, newest first."""
    living = (OrganiserSession.seen > now - IDLE) & (OrganiserSession.began > now - LONGEST)
    query = select(OrganiserSession).where(OrganiserSession.organiser_id == organiser_id, living)
    return list(session.scalars(query.order_by(OrganiserSession.began.desc())))


def end(session: Session, visit: bytes) -> None:
    """Sign out."""
    session.execute(delete(OrganiserSession).where(OrganiserSession.id == visit))


def end_all(session: Session, organiser_id: OrganiserId, *, but: bytes = b"") -> None:
    """Sign out everywhere, or everywhere but here."""
    session.execute(
        delete(OrganiserSession).where(OrganiserSession.organiser_id == organiser_id, OrganiserSession.id != but)
    )


def forget_ended(session: Session, now: datetime) -> None:
    """Delete visits that are over."""
    session.execute(
        delete(OrganiserSession).where(
            or_(OrganiserSession.seen <= now - IDLE, OrganiserSession.began <= now - LONGEST)
        )
    )
