"""Milestones as organisers edit them: added, changed, and removed while they are not reached.

Two rules apply: a reached milestone stays part of the history, and public names cannot silently be hidden again, so no
milestone that opens names can be added once some names are public. Both are checked under the lock of the epochs, which
reach milestones and open names. Promises to people who signed already stay binding: each name has its own seal
(`petition.signatures`). The same number cannot be added twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import publication
from petition.campaigns import Campaign, CampaignState, milestones
from petition.campaigns.milestones import Goal, Milestone, MilestoneKind, needs
from petition.core import db
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.epochs.batch import epoch_lock
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.signatures import count_cells


class GoalUnknown(ExpectedError, LookupError):
    """The campaign has no such milestone."""

    status = 404


class GoalThere(ExpectedError):
    """The campaign has this milestone already."""

    status = 409


class GoalReached(ExpectedError):
    """The milestone was reached, so it is part of the history now."""

    status = 409


class WorkforceUnknown(ExpectedError):
    """A share needs the size of the workforce."""

    status = 409


class NamesPublic(ExpectedError):
    """Names are already public, so they cannot be made to wait for a later milestone."""

    status = 409


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows when a milestone is reached, in addition to its place on the page."""

    mail_readers: bool
    mail_organisers: bool
    open_names: bool


@dataclass(frozen=True, slots=True)
class GoalLine:
    """A milestone as organisers see it. `missing` is the number of signatures still needed, or None if unknown."""

    kind: MilestoneKind
    value: int
    needs: int | None
    missing: int | None
    reached: date | None
    then: Consequences


def lines(session: Session, campaign: Campaign, counted: int) -> list[GoalLine]:
    """Returns every milestone, in the order of the signatures that they need."""
    days = {
        (each.kind, each.value): each.day
        for each in session.scalars(select(Milestone).where(Milestone.campaign_id == campaign.id))
    }
    goals = session.scalars(select(Goal).where(Goal.campaign_id == campaign.id))
    found = [_line(campaign, goal, counted, days.get((goal.kind, goal.value))) for goal in goals]
    return sorted(found, key=lambda line: (line.needs is None, line.needs, line.kind, line.value))


def line(session: Session, campaign: Campaign, kind: MilestoneKind, value: int, counted: int) -> GoalLine:
    """Returns one milestone. Raises GoalUnknown."""
    goal = _goal(session, campaign, kind, value)
    reached = session.get(Milestone, (campaign.id, kind, value))
    return _line(campaign, goal, counted, reached.day if reached else None)


def add(
    session: Session, campaign: Campaign, kind: MilestoneKind, value: int, then: Consequences, actor: Actor
) -> None:
    """Add a milestone. Raises GoalThere, WorkforceUnknown, NamesPublic."""
    db.hold(session, epoch_lock(campaign.id))
    if session.get(Goal, (campaign.id, kind, value)) is not None:
        raise GoalThere
    if needs(kind, value, campaign.workforce) is None:
        raise WorkforceUnknown
    if then.open_names:
        _require_no_names(session, campaign)
    session.add(Goal(campaign_id=campaign.id, kind=kind, value=value, **asdict(then)))
    _describe(session, campaign, actor, Action.MILESTONE_ADDED, {"kind": kind.value, "value": value, **asdict(then)})


def change(
    session: Session, campaign: Campaign, kind: MilestoneKind, value: int, then: Consequences, actor: Actor
) -> None:
    """Change what follows a milestone. Raises GoalUnknown, GoalReached, NamesPublic."""
    goal = _waiting(session, campaign, kind, value)
    if then.open_names and not goal.open_names:
        _require_no_names(session, campaign)
    for name, wanted in asdict(then).items():
        setattr(goal, name, wanted)
    about = {"kind": kind.value, "value": value, "changed": True, **asdict(then)}
    _describe(session, campaign, actor, Action.MILESTONE_ADDED, about)


def remove(session: Session, campaign: Campaign, kind: MilestoneKind, value: int, actor: Actor) -> None:
    """Remove a milestone. Names that were signed under it still wait for it. Raises GoalUnknown, GoalReached."""
    session.delete(_waiting(session, campaign, kind, value))
    _describe(session, campaign, actor, Action.MILESTONE_REMOVED, {"kind": kind.value, "value": value})


def names_can_wait(session: Session, campaign: Campaign) -> bool:
    """Returns whether a milestone may still open the names: none is public, and none was opened that way."""
    if milestones.names_wait(session, campaign.id):
        return True
    return not (_opened(session, campaign.id) or count_cells(session, campaign.id).named)


def _require_no_names(session: Session, campaign: Campaign) -> None:
    if not names_can_wait(session, campaign):
        raise NamesPublic


def _opened(session: Session, campaign_id: CampaignId) -> bool:
    same = (Milestone.campaign_id == Goal.campaign_id) & (Milestone.kind == Goal.kind) & (Milestone.value == Goal.value)
    query = select(Goal.value).join(Milestone, same).where(Goal.campaign_id == campaign_id, Goal.open_names)
    return session.scalar(query.limit(1)) is not None


def _goal(session: Session, campaign: Campaign, kind: MilestoneKind, value: int) -> Goal:
    goal = session.get(Goal, (campaign.id, kind, value), populate_existing=True)
    if goal is None:
        raise GoalUnknown
    return goal


def _waiting(session: Session, campaign: Campaign, kind: MilestoneKind, value: int) -> Goal:
    db.hold(session, epoch_lock(campaign.id))
    goal = _goal(session, campaign, kind, value)
    if session.get(Milestone, (campaign.id, kind, value)) is not None:
        raise GoalReached
    return goal


def _line(campaign: Campaign, goal: Goal, counted: int, reached: date | None) -> GoalLine:
    needed = needs(goal.kind, goal.value, campaign.workforce)
    missing = None if needed is None else max(0, needed - counted)
    then = Consequences(goal.mail_readers, goal.mail_organisers, goal.open_names)
    return GoalLine(goal.kind, goal.value, needed, missing, reached, then)


def _describe(session: Session, campaign: Campaign, actor: Actor, action: Action, about: Mapping[str, object]) -> None:
    """Record the change in the audit log, and publish it, so that signers see at once when names open."""
    audit_log.write(session, campaign.id, actor, action, about)
    session.flush()
    if campaign.state is not CampaignState.DRAFT:
        # The campaign's row is locked before the snapshot's row, as everywhere.
        session.refresh(campaign, with_for_update=True)
        publication.refresh(session, campaign)
        campaign.mark_stale()  # Other changes that wait to be rendered, or to leave the bundle, still do.
