"""Milestones: numbers of signatures, or shares of the workforce, that are worth telling.

Guards that each is announced exactly once, whatever crashes and however many count at once: reaching one is one
insert with a unique key, in the transaction that advances the count, and the one who inserts announces. Refuses to
take one back: it stays history when signers withdraw.
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
"""The seal of a name that waits for a share of a workforce nobody knows: more than anybody counts."""


class MilestoneKind(StrEnum):
    """A number of signatures, or per cent of the workforce."""

    COUNT = "count"
    SHARE = "share"


class Goal(Base):
    """A milestone that a campaign aims at; `value` is signatures, or whole per cent of the workforce.

    What follows when it is reached: it stands on the page in any case; `mail_readers` and `mail_organisers` mail it to
    them; until one with `open_names` is reached, no name is public.
    """

    __tablename__ = "goal"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    kind: Mapped[MilestoneKind] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True)
    mail_readers: Mapped[bool] = mapped_column(default=True)
    mail_organisers: Mapped[bool] = mapped_column(default=True)
    open_names: Mapped[bool] = mapped_column(default=False)


class Milestone(Base):
    """A milestone that was reached, in which epoch, on which day."""

    __tablename__ = "milestone"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    kind: Mapped[MilestoneKind] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    day: Mapped[date]


@dataclass(frozen=True, slots=True)
class MilestoneStatus:
    """A goal, the signatures it needs, and when it was reached."""

    kind: MilestoneKind
    value: int
    needs: int
    day: date | None
    epoch: int | None


def aim(session: Session, campaign_id: CampaignId, goals: Sequence[tuple[MilestoneKind, int]]) -> None:
    """Set what a campaign aims at; repeating a goal changes nothing."""
    rows = [{"campaign_id": campaign_id, "kind": kind, "value": value} for kind, value in goals]
    if rows:
        session.execute(insert(Goal).values(rows).on_conflict_do_nothing())


def needs(kind: MilestoneKind, value: int, workforce: int | None) -> int | None:
    """Signatures a goal needs; None for a share of a workforce nobody knows. A share is rounded up."""
    if kind is MilestoneKind.COUNT:
        return value
    return None if not workforce else -(-workforce * value // 100)


def reach(
    session: Session, campaign_id: CampaignId, counted: int, workforce: int | None, epoch: int, day: date
) -> list[Milestone]:
    """Insert every goal that `counted` signatures reach; gives those this call was the first to insert."""
    reached = [
        {"campaign_id": campaign_id, "kind": goal.kind, "value": goal.value, "epoch": epoch, "day": day}
        for goal in session.scalars(select(Goal).where(Goal.campaign_id == campaign_id))
        if (needed := needs(goal.kind, goal.value, workforce)) is not None and needed <= counted
    ]
    if not reached:
        return []
    inserting = insert(Milestone).values(reached).on_conflict_do_nothing().returning(Milestone)
    return sorted(session.scalars(inserting), key=lambda milestone: milestone.value)


def names_wait(session: Session, campaign_id: CampaignId) -> bool:
    """Whether no name may be public yet: milestones open them, and none of those was reached."""
    opening = _opening(campaign_id)
    return bool(session.scalar(select(opening.exists() & ~opening.where(_reached()).exists())))


def names_from(session: Session, campaign_id: CampaignId, workforce: int | None) -> int | None:
    """From how many signatures on names are public, where they wait; 0 when nobody can tell yet; None: they do not."""
    if not names_wait(session, campaign_id):
        return None
    goals = session.scalars(_opening(campaign_id))
    return min((needed for goal in goals if (needed := needs(goal.kind, goal.value, workforce))), default=0)


def seal(campaign_id: BindParameter[bytes], workforce: InstrumentedAttribute[int | None]) -> ColumnElement[int]:
    """`names_from` as part of a statement: the seal of whoever signs with a name now; 0: there is none."""
    opening = Goal.open_names & (Goal.campaign_id == campaign_id)
    open_already = select(Goal.value).where(opening, _reached()).exists()
    share = (func.nullif(workforce, 0, type_=BigInteger()) * Goal.value + 99) // 100
    needed = case((Goal.kind == MilestoneKind.COUNT, Goal.value), else_=share)
    lowest = func.coalesce(func.min(needed), UNKNOWN)
    waits = select(case((func.count() > 0, lowest), else_=0)).where(opening)
    return case((open_already, 0), else_=waits.scalar_subquery())


def _opening(campaign_id: CampaignId) -> Select[Goal]:
    return select(Goal).where(Goal.campaign_id == campaign_id, Goal.open_names)


def _reached() -> ColumnElement[bool]:
    same = (Milestone.kind == Goal.kind) & (Milestone.value == Goal.value)
    return select(Milestone).where(Milestone.campaign_id == Goal.campaign_id, same).exists()


def statuses(session: Session, campaign_id: CampaignId, workforce: int | None) -> list[MilestoneStatus]:
    """Every goal with its state, in the order of the signatures needed."""
    reached = {
        (milestone.kind, milestone.value): milestone
        for milestone in session.scalars(select(Milestone).where(Milestone.campaign_id == campaign_id))
    }
    found = []
    for goal in session.scalars(select(Goal).where(Goal.campaign_id == campaign_id)):
        needed = needs(goal.kind, goal.value, workforce)
        done = reached.get((goal.kind, goal.value))
        if needed is not None:
            found.append(
                MilestoneStatus(goal.kind, goal.value, needed, done.day if done else None, done.epoch if done else None)
            )
    return sorted(found, key=lambda status: status.needs)
