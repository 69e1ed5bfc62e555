"""Milestones: numbers of signatures, or shares of the workforce, that are announced when they are reached.

Each milestone is announced exactly once, even after a crash or with concurrent counts. Reaching one is a single insert
with a unique key, in the transaction that advances the count, and the caller whose insert succeeds announces it. A
reached milestone is never undone: it stays part of the history when signers withdraw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId

UNKNOWN: Final = 999_999_999
"""The seal of a name that waits for a share of an unknown workforce. It is larger than any count."""


class MilestoneKind(StrEnum):
    """A milestone is a number of signatures, or a percentage of the workforce."""

    COUNT = "count"
    SHARE = "share"


class PlannedMilestone(Base):
    """A milestone that a campaign aims at. `value` is a number of signatures, or a whole percentage of the workforce.

    A reached milestone always appears on the page. With `mail_readers` and `mail_organisers` it is mailed to
    subscribers and to organisers. If a campaign has milestones with `open_names`, names are public only after one of
    those was reached.
    """

    __tablename__ = "goal"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    kind: Mapped[MilestoneKind] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True)
    mail_readers: Mapped[bool] = mapped_column(default=True)
    mail_organisers: Mapped[bool] = mapped_column(default=True)
    open_names: Mapped[bool] = mapped_column(default=False)


class ReachedMilestone(Base):
    """A milestone that was reached, with the epoch and the day."""

    __tablename__ = "milestone"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    kind: Mapped[MilestoneKind] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    day: Mapped[date]


@dataclass(frozen=True, slots=True)
class MilestoneStatus:
    """A milestone, the signatures that it needs, and when it was reached."""

    kind: MilestoneKind
    value: int
    needs: int
    day: date | None
    epoch: int | None


def aim(session: Session, campaign_id: CampaignId, milestones: Sequence[tuple[MilestoneKind, int]]) -> None:
    """Set the milestones that a campaign aims at. Repeating one changes nothing."""
    rows = [{"campaign_id": campaign_id, "kind": kind, "value": value} for kind, value in milestones]
    if rows:
        session.execute(insert(PlannedMilestone).values(rows).on_conflict_do_nothing())


def needs(kind: MilestoneKind, value: int, workforce: int | None) -> int | None:
    """Returns the signatures that a milestone needs, or None for a share of an unknown workforce.

    Shares are rounded up.
    """
    if kind is MilestoneKind.COUNT:
        return value
    return None if not workforce else -(-workforce * value // 100)


def reach(
    session: Session, campaign_id: CampaignId, counted: int, workforce: int | None, epoch: int, day: date
) -> list[ReachedMilestone]:
    """Insert every milestone that `counted` signatures reach. Returns those that this call was the first to insert."""
    reached = [
        {"campaign_id": campaign_id, "kind": planned.kind, "value": planned.value, "epoch": epoch, "day": day}
        for planned in session.scalars(select(PlannedMilestone).where(PlannedMilestone.campaign_id == campaign_id))
        if (needed := needs(planned.kind, planned.value, workforce)) is not None and needed <= counted
    ]
    if not reached:
        return []
    inserting = insert(ReachedMilestone).values(reached).on_conflict_do_nothing().returning(ReachedMilestone)
    return sorted(session.scalars(inserting), key=lambda milestone: milestone.value)


def names_wait(session: Session, campaign_id: CampaignId) -> bool:
    """Returns whether names must not be public yet, because no milestone that opens them was reached."""
    opening = _opening(campaign_id)
    return bool(session.scalar(select(opening.exists() & ~opening.where(_reached()).exists())))


def names_from(session: Session, campaign_id: CampaignId, workforce: int | None) -> int | None:
    """Returns the number of signatures from which on names are public.

    It is 0 while that number is unknown, and None if names do not wait.
    """
    if not names_wait(session, campaign_id):
        return None
    milestones = session.scalars(_opening(campaign_id))
    return min(
        (needed for planned in milestones if (needed := needs(planned.kind, planned.value, workforce))), default=0
    )


def seal(campaign_id: BindParameter[bytes], workforce: InstrumentedAttribute[int | None]) -> ColumnElement[int]:
    """Returns `names_from` as part of a statement: the seal of a signer who gives a name now.

    0 means that there is none.
    """
    opening = PlannedMilestone.open_names & (PlannedMilestone.campaign_id == campaign_id)
    open_already = select(PlannedMilestone.value).where(opening, _reached()).exists()
    share = (func.nullif(workforce, 0, type_=BigInteger()) * PlannedMilestone.value + 99) // 100
    needed = case((PlannedMilestone.kind == MilestoneKind.COUNT, PlannedMilestone.value), else_=share)
    lowest = func.coalesce(func.min(needed), UNKNOWN)
    waits = select(case((func.count() > 0, lowest), else_=0)).where(opening)
    return case((open_already, 0), else_=waits.scalar_subquery())


def _opening(campaign_id: CampaignId) -> Select[PlannedMilestone]:
    return select(PlannedMilestone).where(PlannedMilestone.campaign_id == campaign_id, PlannedMilestone.open_names)


def _reached() -> ColumnElement[bool]:
    same = (ReachedMilestone.kind == PlannedMilestone.kind) & (ReachedMilestone.value == PlannedMilestone.value)
    return select(ReachedMilestone).where(ReachedMilestone.campaign_id == PlannedMilestone.campaign_id, same).exists()


def statuses(session: Session, campaign_id: CampaignId, workforce: int | None) -> list[MilestoneStatus]:
    """Returns every milestone with its status, ordered by the signatures that it needs."""
    reached = {
        (milestone.kind, milestone.value): milestone
        for milestone in session.scalars(select(ReachedMilestone).where(ReachedMilestone.campaign_id == campaign_id))
    }
    found = []
    for planned in session.scalars(select(PlannedMilestone).where(PlannedMilestone.campaign_id == campaign_id)):
        needed = needs(planned.kind, planned.value, workforce)
        done = reached.get((planned.kind, planned.value))
        if needed is not None:
            found.append(
                MilestoneStatus(
                    planned.kind, planned.value, needed, done.day if done else None, done.epoch if done else None
                )
            )
    return sorted(found, key=lambda status: status.needs)
