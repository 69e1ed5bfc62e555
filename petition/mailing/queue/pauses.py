"""Pauses: mail is stopped by organisers, by refusals of the mail server, or because this is a restored copy.

A copy of the database, restored or cloned, sends nothing until an operator allows it (P18). The database that may send
is recognised by properties that a copy does not share with it. In case of doubt mail is paused.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.config.addresses import LOCAL_HOSTS
from petition.core.db import Base
from petition.mailing.queue.tables import Pause

EVERYTHING: Final = "all"
RESTORED: Final = "restored copy"
REFUSED: Final = "refused"
"""All mail, paused automatically (`petition.mailing.queue.refusals`)."""
NOBODY: Final = bytes(32)
# A dump that was restored elsewhere differs in the system identifier and the database's number; one that was restored
# over its own database differs in the table's number; a server that was reset to an earlier moment differs in the
# timeline.
IDENTITY: Final = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()), "
    "(SELECT oid FROM pg_database WHERE datname = current_database()), to_regclass('public.sender')::oid"
)


class Sender(Base):
    """The database that may send: one row, a hash of properties that no copy shares and of the site's address."""

    __tablename__ = "sender"

    one: Mapped[bool] = mapped_column(primary_key=True, default=True)
    identity: Mapped[bytes]


def identity(session: Session, base_url: str) -> bytes:
    """Returns the identity of this database: 32 bytes. A local site counts as having no address, whatever its port."""
    about = " ".join(str(each) for each in session.execute(IDENTITY).one())
    site = "" if urlsplit(base_url).hostname in LOCAL_HOSTS else base_url
    return hashlib.sha256(f"{about} {site}".encode()).digest()


def is_original(session: Session, base_url: str) -> bool:
    """Returns whether this database may send. The first caller, before anything was sent, becomes the original."""
    me = identity(session, base_url)
    known = session.scalar(select(Sender.identity))
    if known is None:
        session.execute(insert(Sender).values(one=True, identity=me).on_conflict_do_nothing())
        known = session.scalar(select(Sender.identity))
    return known == me


def pause(session: Session, what: str, now: datetime, words: str = "") -> None:
    """Pause `all`, `kind:<kind>` or `campaign:<hex>`; or everything as `refused`, with the mail server's text."""
    session.execute(insert(Pause).values(what=what, since=now, words=words).on_conflict_do_nothing())


def resume(session: Session, what: str, base_url: str) -> None:
    """Resume sending. `all` also ends a pause by refusals, and makes this database the original."""
    ended = {what, REFUSED} if what == EVERYTHING else {what}
    session.execute(delete(Pause).where(Pause.what.in_(ended)))
    if what == EVERYTHING:
        row = {"one": True, "identity": identity(session, base_url)}
        session.execute(insert(Sender).values(row).on_conflict_do_update(index_elements=["one"], set_=row))


def disown(session: Session) -> None:
    """Mark this database as a copy, so that nothing is sent until an operator allows it, wherever it runs."""
    row = {"one": True, "identity": NOBODY}
    session.execute(insert(Sender).values(row).on_conflict_do_update(index_elements=["one"], set_=row))


def current_pauses(session: Session, base_url: str) -> list[str]:
    """Returns what is currently paused."""
    found = list(session.scalars(select(Pause.what).order_by(Pause.what)))
    return found if is_original(session, base_url) else [RESTORED, *found]


def is_paused(session: Session, base_url: str) -> bool:
    """Returns whether all mail is paused."""
    return not {RESTORED, EVERYTHING, REFUSED}.isdisjoint(current_pauses(session, base_url))


def refused(session: Session) -> Pause | None:
    """Returns the pause by refusals with its start and the server's text, or None."""
    return session.scalar(select(Pause).where(Pause.what == REFUSED))
