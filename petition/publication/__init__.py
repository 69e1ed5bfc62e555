"""The public snapshot of a campaign, written once per change and read with one query.

This package keeps the public pages fast and safe: everything that the letter, the first page of signers, the count and
the figures show is in one row, written in the same transaction as the epoch or change that it reflects. A page view
therefore counts nothing and joins nothing. The row holds only public data: no pending signature, no sealed name, no
cell below ten.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cattrs.preconf.json import make_converter
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.campaigns import Campaign, CampaignState, switches
from petition.core import database_roles
from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.publication.rendering import foresee, render_snapshot
from petition.publication.views import (
    Batch,
    Choice,
    Days,
    DemandView,
    LetterView,
    Listed,
    Margin,
    MilestoneView,
    Snapshot,
    Tally,
    TimelineItem,
)
from petition.signatures.group_figures import UNCOUNTED, Table

__all__ = [
    "Batch",
    "Choice",
    "Days",
    "DemandView",
    "LetterView",
    "Listed",
    "Margin",
    "MilestoneView",
    "Publication",
    "Snapshot",
    "Tally",
    "TimelineItem",
    "foresee",
    "listed",
    "load",
    "refresh",
]


class Publication(Base):
    """The row of the snapshot. `version` grows with every change and is the complete cache key of the pages."""

    __tablename__ = "publication"
    __table_args__ = {"info": database_roles.REWRITTEN}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int]
    data: Mapped[dict[str, Any]]


_converter = make_converter()


def load(session: Session, slug: str, known: int = -1) -> Snapshot | None:
    """Returns the snapshot if there is one newer than `known`, with one query."""
    query = select(Publication.data).where(Publication.slug == slug, Publication.version > known)
    data = session.scalar(query)
    return None if data is None else _converter.structure(data, Snapshot)


def listed(session: Session) -> list[Listed]:
    """Returns every public campaign, by slug, with one query."""
    rows = session.scalars(select(Publication.data).order_by(Publication.slug))
    return [_listed(data) for data in rows]


def _listed(data: dict[str, Any]) -> Listed:
    titles = {lang: letter["title"] for lang, letter in data["letters"].items()}
    state, languages = CampaignState(data["state"]), tuple(data["languages"])
    paused = switches.SIGNING in data.get("stopped", ())
    return Listed(data["slug"], titles, state, data["count"], languages, data["version"], paused)


def refresh(session: Session, campaign: Campaign, *, in_batch: bool = False) -> Snapshot:
    """Write the current public snapshot. Its version is one higher than before, unless it says the same.

    Then the row stays as it is: pages that are rendered again would be slower for a moment, and tell that somebody
    withdrew, hid or changed a signature of which nothing was public. Only a batch (`in_batch`) recounts the groups of an
    open campaign.

    The snapshot is rendered from committed data, once no other process renders this campaign: what the caller read
    before is read again, so that of two concurrent changes neither undoes the other. The campaign's row is written, if
    at all, before the snapshot's row is locked, because a process that holds the campaign's row locks the snapshot's
    row next.
    """
    session.flush()
    stale = update(Campaign).where(Campaign.id == campaign.id, Campaign.stale)
    session.execute(stale.values(stale=False))
    query = select(Publication.version, Publication.data).where(Publication.campaign_id == campaign.id)
    known = session.execute(query.with_for_update()).one_or_none()
    version, before = (known[0], known[1]) if known else (0, None)
    table = before["table"] if before else None
    last = _converter.structure(table, Table) if table else UNCOUNTED
    with Session(session.connection(), autoflush=False, join_transaction_mode="rollback_only") as unread:
        snapshot = render_snapshot(unread, unread.get_one(Campaign, campaign.id), version + 1, last, in_batch=in_batch)
    data = json.loads(_converter.dumps(snapshot))  # as the database gives it back
    if before is not None and data | {"version": version} == before:
        return replace(snapshot, version=version)
    row = {"slug": snapshot.slug, "version": snapshot.version, "data": data}
    writing = insert(Publication).values(campaign_id=campaign.id, **row)
    session.execute(writing.on_conflict_do_update(index_elements=["campaign_id"], set_=row))
    return snapshot
