"""The recount: compares everything in the ledger's entries with everything that the database shows.

`audit` reads each entry with the rules of the public `verify.py` and compares the result with the head, the tiles, the
rows that pages are rendered from and the published count. `health` is the cheap version for monitors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign, CampaignState
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxItem
from petition.epochs.slots import Slots
from petition.ledger import log, verify
from petition.ledger.entries import GROUP
from petition.ledger.merkle import leaf_hash
from petition.privacy import daily_figures
from petition.publication import Publication
from petition.signatures.tables import Signature

MINUTE: Final = 60
GRACE: Final = timedelta(minutes=1)
"""A worker looks at a slot within seconds; a busy one may take longer."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What the entries prove, and every place where the database disagrees."""

    counted: int
    size: int
    root: str
    faults: list[str]


@dataclass(frozen=True, slots=True)
class Health:
    """Figures for a monitor.

    They are: 10 if ten signatures or more waited somewhere when the last day (UTC) ended, else 0; the seconds since the
    first slot that nobody looked at; the age of the oldest outbox row in seconds, in whole minutes, so that work that
    is done at once never shows; the rows given up; and the shown minus the recounted signatures.
    """

    pending: int
    overdue_seconds: float
    oldest_owed_seconds: float
    given_up: int
    drift: int


def audit(session: Session, campaign: Campaign) -> Drift:
    """Recount a ledger from its entries. `faults` is empty when everything agrees."""
    head = log.head_of(session, campaign.id)
    found: list[str] = []
    report = verify.verify(
        verify.Bundle(
            lines=_checked_lines(session, head, found),
            bodies=(body.line() for body in signatures.bodies(session, campaign.id, head.size)),
            checkpoint=head.checkpoint,
            vkey=log.checkpoint_signer(head, campaign.origin).vkey(),
            letters={letter.lang: letter.markdown.encode() for letter in campaign.letters},
        )
    )
    found += report.faults
    found += _compare(session, campaign, head, report)
    return Drift(report.counted, report.size, report.root().hex(), found)


def _checked_lines(session: Session, head: log.Head, found: list[str]) -> Iterator[bytes]:
    query = select(log.Entry.index, log.Entry.leaf, log.Entry.line).where(log.Entry.campaign_id == head.campaign_id)
    rows = session.execute(query.order_by(log.Entry.index).execution_options(yield_per=log.READ_AT_ONCE))
    for expected, (index, leaf, text) in enumerate(rows):
        line = text.encode()
        if index != expected:
            found.append(f"entry {expected}: missing from the table")
        if leaf_hash(line) != leaf:
            found.append(f"entry {index}: its stored leaf hash is of another line")
        yield line


def _compare(session: Session, campaign: Campaign, head: log.Head, report: verify.Recount) -> list[str]:
    shown = session.scalar(select(Publication.data["count"]).where(Publication.campaign_id == campaign.id))
    tree, ended = log.tree(session, campaign.id, head.size), report.ended()
    pairs = (
        ("the head's count", head.counted, report.counted),
        ("the head's size", head.size, report.size),
        ("the head's root", head.root.hex(), report.root().hex()),
        ("the head's withdrawn", head.withdrawn, ended.pop("withdrawn", 0)),
        ("the head's removed", dict(head.removed), ended),
        ("the head's issued", dict(head.issued), report.issued.get(GROUP, {})),
        ("the tiles' root", tree.root().hex(), report.root().hex()),
        ("the signatures' rows", _count_rows(session, campaign.id), report.counted),
    )
    faults = [f"{what}: {here}, but the entries say {proven}" for what, here, proven in pairs if here != proven]
    if shown is not None and shown != report.counted:
        faults.append(f"the page's count: {shown}, but the entries say {report.counted}")
    return faults


def _count_rows(session: Session, campaign_id: CampaignId) -> int:
    """Count the signature rows whose entry is in the ledger and has no tombstone there."""
    rows = select(func.count()).select_from(Signature).where(Signature.campaign_id == campaign_id)
    head = log.head_of(session, campaign_id)
    return int(session.scalar(rows) or 0) - head.withdrawn - sum(head.removed.values())


def health(session: Session, now: datetime) -> Health:
    """Returns cheap figures over all open campaigns."""
    day = daily_figures.of_site(session)
    heads = list(session.scalars(select(log.Head).join(Campaign, Campaign.id == log.Head.campaign_id)))
    open_ones = session.scalars(select(Campaign).where(Campaign.state == CampaignState.OPEN))
    overdue = [stalled_seconds(session, campaign, now) for campaign in open_ones]
    oldest = session.scalar(select(func.min(OutboxItem.since)).where(OutboxItem.given_up.is_(False)))
    given_up = int(session.scalar(select(func.count()).select_from(OutboxItem).where(OutboxItem.given_up)) or 0)
    drift = sum(head.counted - _count_rows(session, head.campaign_id) for head in heads)
    pending = daily_figures.TEN if day and day.many_wait else 0
    age = max(0, int((now - oldest).total_seconds())) // MINUTE * MINUTE if oldest else 0
    return Health(pending, max(overdue, default=0), age, given_up, drift)


def stalled_seconds(session: Session, campaign: Campaign, now: datetime) -> int:
    """Returns how long ago the first slot was that no worker looked at; 0 within a minute of it.

    It does not depend on what waits, so it reveals nothing about signatures.
    """
    if campaign.state is not CampaignState.OPEN:
        return 0
    head = log.head_of(session, campaign.id)
    overdue = now - Slots.of(campaign, head).moment(head.slot + 1)
    return int(overdue.total_seconds()) if overdue >= GRACE else 0
