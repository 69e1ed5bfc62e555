"""Pauses: mail stopped by hand, because the mail server refuses it, or because this is a restored copy.

Guards that a copy of the database, restored or cloned, sends nothing until somebody says so (P18): the database that
may send is known by what a copy does not share with it. Refuses to guess: unknown means halted.
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
"""All mail, stopped by itself (`petition.mailing.queue.refusals`)."""
NOBODY: Final = bytes(32)
# What differs: the system identifier and the database's number in a dump that was restored elsewhere, the table's number
# in one that was restored over its own database, the timeline in a server that was put back to an earlier moment.
IDENTITY: Final = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()), "
    "(SELECT oid FROM pg_database WHERE datname = current_database()), to_regclass('public.sender')::oid"
)


class Sender(Base):
    """The database that may send: one row, a hash of what a copy does not share, and of the address of the site."""

    __tablename__ = "sender"

    one: Mapped[bool] = mapped_column(primary_key=True, default=True)
    identity: Mapped[bytes]


def identity(session: Session, base_url: str) -> bytes:
    """Who this database is: 32 bytes. A site on this machine has no address of its own, whatever its port."""
    about = " ".join(str(each) for each in session.execute(IDENTITY).one())
    site = "" if urlsplit(base_url).hostname in LOCAL_HOSTS else base_url
    return hashlib.sha256(f"{about} {site}".encode()).digest()


def is_original(session: Session, base_url: str) -> bool:
    """Whether this database may send. The first to ask, before anything was ever sent, becomes the original."""
    me = identity(session, base_url)
    known = session.scalar(select(Sender.identity))
    if known is None:
        session.execute(insert(Sender).values(one=True, identity=me).on_conflict_do_nothing())
        known = session.scalar(select(Sender.identity))
    return known == me


def pause(session: Session, what: str, now: datetime, words: str = "") -> None:
    """Stop sending `all`, `kind:<kind>` or `campaign:<hex>`; or everything as `refused`, with the mail server's words."""
    session.execute(insert(Pause).values(what=what, since=now, words=words).on_conflict_do_nothing())


def resume(session: Session, what: str, base_url: str) -> None:
    """Go on sending; with `all`, also after refusals, and this database is the original from now on."""
    ended = {what, REFUSED} if what == EVERYTHING else {what}
    session.execute(delete(Pause).where(Pause.what.in_(ended)))
    if what == EVERYTHING:
        row = {"one": True, "identity": identity(session, base_url)}
        session.execute(insert(Sender).values(row).on_conflict_do_update(index_elements=["one"], set_=row))


def disown(session: Session) -> None:
    """Nothing is sent until somebody says so: this is a copy, whatever the place where it lies looks like."""
    row = {"one": True, "identity": NOBODY}
    session.execute(insert(Sender).values(row).on_conflict_do_update(index_elements=["one"], set_=row))


def current_pauses(session: Session, base_url: str) -> list[str]:
    """What is not sent now."""
    found = list(session.scalars(select(Pause.what).order_by(Pause.what)))
    return found if is_original(session, base_url) else [RESTORED, *found]


def is_paused(session: Session, base_url: str) -> bool:
    """Whether nothing at all is sent."""
    return not {RESTORED, EVERYTHING, REFUSED}.isdisjoint(current_pauses(session, base_url))


def refused(session: Session) -> Pause | None:
    """Since when mail stands still because the mail server refuses us, and what it said; None while it does not."""
    return session.scalar(select(Pause).where(Pause.what == REFUSED))
