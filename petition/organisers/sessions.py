"""Sessions: who is signed in, on which device, until when.

A stolen database gives no access, because the cookie is stored as a hash. Every sign-in gets a new token, and so does
everybody who proves again who they are: a token that somebody copied before is worth nothing afterwards. A session
ends by itself after 30 minutes without a page and after 12 hours in any case; it also ends at sign-out, and at once
when the organiser is disabled. The table never holds where a visitor comes from or which browser they use.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, delete, not_, select, update
from sqlalchemy.orm import Session

from petition.core.ids import OrganiserId
from petition.organisers.tables import Organiser, OrganiserSession

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
FRESH: Final = timedelta(minutes=10)
AHEAD: Final = timedelta(minutes=1)
"""A session further ahead than this began while the clock was wrong."""
SEEN_AGAIN: Final = timedelta(minutes=1)
TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in organiser. `fresh`: they proved their identity within ten minutes, as acts with approval require."""

    organiser_id: OrganiserId
    name: str
    lang: str
    visit_id: bytes
    fresh: bool


def visit_id(token: str) -> bytes:
    """Returns the hash under which a cookie's value is stored."""
    return sha256(token.encode()).digest()


def begin(session: Session, organiser_id: OrganiserId, now: datetime) -> str:
    """Sign an organiser in. Returns the cookie's value, which is stored nowhere here."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(OrganiserSession(id=visit_id(token), organiser_id=organiser_id, began=now, seen=now, confirmed=now))
    session.flush()
    return token


def find(session: Session, token: str, now: datetime) -> Visitor | None:
    """Returns the signed-in organiser unless the session has ended. Its last use is updated at most once a minute.

    A session that began, or was used, in the future is one of a clock that was wrong, and has ended.
    """
    query = select(OrganiserSession, Organiser.name, Organiser.lang).join(
        Organiser, Organiser.id == OrganiserSession.organiser_id
    )
    query = query.where(OrganiserSession.id == visit_id(token), Organiser.disabled.is_(False))
    found = session.execute(query.where(_living(now))).first()
    if found is None:
        return None
    visit, name, lang = found
    if now - visit.seen >= SEEN_AGAIN:
        visit.seen = now
    return Visitor(visit.organiser_id, name, lang, visit.id, abs(now - visit.confirmed) < FRESH)


def language_of(session: Session, token: str) -> str | None:
    """Returns the language of the cookie's organiser, even after the session ended, as long as its row exists."""
    query = select(Organiser.lang).join(OrganiserSession, OrganiserSession.organiser_id == Organiser.id)
    return session.scalar(query.where(OrganiserSession.id == visit_id(token), Organiser.disabled.is_(False)))


def renew(session: Session, visit: bytes, now: datetime) -> str | None:
    """Record that the organiser proved their identity again. Returns the cookie's new value; the old one ends at once.

    The session goes on and ends when it would have ended. Returns None if there is no such session any more, because it
    ended or was renewed in another window.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    renewing = update(OrganiserSession).where(OrganiserSession.id == visit)
    renewed = session.scalar(renewing.values(id=visit_id(token), confirmed=now).returning(OrganiserSession.id))
    return token if renewed else None


def every(session: Session, organiser_id: OrganiserId, now: datetime) -> list[OrganiserSession]:
    """Returns the current sessions of an organiser, newest first."""
    query = select(OrganiserSession).where(OrganiserSession.organiser_id == organiser_id, _living(now))
    return list(session.scalars(query.order_by(OrganiserSession.began.desc())))


def end(session: Session, visit: bytes) -> None:
    """Sign out of one session."""
    session.execute(delete(OrganiserSession).where(OrganiserSession.id == visit))


def end_all(session: Session, organiser_id: OrganiserId, *, but: bytes = b"") -> None:
    """Sign out of all sessions, or of all but one."""
    session.execute(
        delete(OrganiserSession).where(OrganiserSession.organiser_id == organiser_id, OrganiserSession.id != but)
    )


def forget_ended(session: Session, now: datetime) -> None:
    """Delete sessions that are over."""
    session.execute(delete(OrganiserSession).where(not_(_living(now))))


def _living(now: datetime) -> ColumnElement[bool]:
    """Returns the condition for sessions that have begun and have not ended."""
    seen, began = OrganiserSession.seen, OrganiserSession.began
    past = (seen > now - IDLE) & (began > now - LONGEST)
    return past & (seen <= now + AHEAD) & (began <= now + AHEAD)
