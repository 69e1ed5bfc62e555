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
from petition.campaigns.milestones import MilestoneKind, PlannedMilestone, ReachedMilestone, needs
from petition.core import db
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.epochs.batch import epoch_lock
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.signatures import count_cells


class MilestoneUnknown(ExpectedError, LookupError):
    """The campaign has no such milestone."""

    status = 404


class MilestoneExists(ExpectedError):
    """The campaign has this milestone already."""

    status = 409


class MilestoneReached(ExpectedError):
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
class MilestoneLine:
    """A milestone as organisers see it. `missing` is the number of signatures still needed, or None if unknown."""

    kind: MilestoneKind
    value: int
    needs: int | None
    missing: int | None
    reached: date | None
    then: Consequences


def lines(session: Session, campaign: Campaign, counted: int) -> list[MilestoneLine]:
    """Returns every milestone, in the order of the signatures that they need."""
    days = {
        (each.kind, each.value): each.day
        for each in session.scalars(select(ReachedMilestone).where(ReachedMilestone.campaign_id == campaign.id))
    }
    planned = session.scalars(select(PlannedMilestone).where(PlannedMilestone.campaign_id == campaign.id))
    found = [_line(campaign, each, counted, days.get((each.kind, each.value))) for each in planned]
    return sorted(found, key=lambda line: (line.needs is None, line.needs, line.kind, line.value))


def line(session: Session, campaign: Campaign, kind: MilestoneKind, value: int, counted: int) -> MilestoneLine:
    """Returns one milestone. Raises MilestoneUnknown."""
    planned = _find(session, campaign, kind, value)
    reached = session.get(ReachedMilestone, (campaign.id, kind, value))
    return _line(campaign, planned, counted, reached.day if reached else None)


def add(
    session: Session, campaign: Campaign, kind: MilestoneKind, value: int, then: Consequences, actor: Actor
) -> None:
    """Add a milestone. Raises MilestoneExists, WorkforceUnknown, NamesPublic."""
    db.hold(session, epoch_lock(campaign.id))
    if session.get(PlannedMilestone, (campaign.id, kind, value)) is not None:
        raise MilestoneExists
    if needs(kind, value, campaign.workforce) is None:
        raise WorkforceUnknown
    if then.open_names:
        _require_no_names(session, campaign)
    session.add(PlannedMilestone(campaign_id=campaign.id, kind=kind, value=value, **asdict(then)))
    _describe(session, campaign, actor, Action.MILESTONE_ADDED, {"kind": kind.value, "value": value, **asdict(then)})


def change(
    session: Session, campaign: Campaign, kind: MilestoneKind, value: int, then: Consequences, actor: Actor
) -> None:
    """Change what follows a milestone. Raises MilestoneUnknown, MilestoneReached, NamesPublic."""
    planned = _waiting(session, campaign, kind, value)
    if then.open_names and not planned.open_names:
        _require_no_names(session, campaign)
    for name, wanted in asdict(then).items():
        setattr(planned, name, wanted)
    about = {"kind": kind.value, "value": value, "changed": True, **asdict(then)}
    _describe(session, campaign, actor, Action.MILESTONE_ADDED, about)


def remove(session: Session, campaign: Campaign, kind: MilestoneKind, value: int, actor: Actor) -> None:
    """Remove a milestone that is not reached. Names that were signed under it still wait for it.

    Raises MilestoneUnknown, MilestoneReached.
    """
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
    same = (
        (ReachedMilestone.campaign_id == PlannedMilestone.campaign_id)
        & (ReachedMilestone.kind == PlannedMilestone.kind)
        & (ReachedMilestone.value == PlannedMilestone.value)
    )
    query = (
        select(PlannedMilestone.value)
        .join(ReachedMilestone, same)
        .where(PlannedMilestone.campaign_id == campaign_id, PlannedMilestone.open_names)
    )
    return session.scalar(query.limit(1)) is not None


def _find(session: Session, campaign: Campaign, kind: MilestoneKind, value: int) -> PlannedMilestone:
    planned = session.get(PlannedMilestone, (campaign.id, kind, value), populate_existing=True)
    if planned is None:
        raise MilestoneUnknown
    return planned


def _waiting(session: Session, campaign: Campaign, kind: MilestoneKind, value: int) -> PlannedMilestone:
    db.hold(session, epoch_lock(campaign.id))
    planned = _find(session, campaign, kind, value)
    if session.get(ReachedMilestone, (campaign.id, kind, value)) is not None:
        raise MilestoneReached
    return planned


def _line(campaign: Campaign, planned: PlannedMilestone, counted: int, reached: date | None) -> MilestoneLine:
    needed = needs(planned.kind, planned.value, campaign.workforce)
    missing = None if needed is None else max(0, needed - counted)
    then = Consequences(planned.mail_readers, planned.mail_organisers, planned.open_names)
    return MilestoneLine(planned.kind, planned.value, needed, missing, reached, then)


def _describe(session: Session, campaign: Campaign, actor: Actor, action: Action, about: Mapping[str, object]) -> None:
    """Record the change in the audit log, and publish it, so that signers see at once when names open."""
    audit_log.write(session, campaign.id, actor, action, about)
    session.flush()
    if campaign.state is not CampaignState.DRAFT:
        # The campaign's row is locked before the snapshot's row, as everywhere.
        session.refresh(campaign, with_for_update=True)
        publication.refresh(session, campaign)
        campaign.mark_stale()  # Other changes that wait to be rendered, or to leave the bundle, still do.
