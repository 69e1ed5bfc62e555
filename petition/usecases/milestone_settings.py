"""Milestones as organisers edit them: added, changed, and removed while they are not reached.

Two rules apply: a reached milestone stays part of the history, and public names cannot silently be hidden again, so no
milestone that opens names can be added once some names are public. Both are checked under the lock of the epochs, which
reach milestones and open names. Promises to people who signed already stay binding: each name has its own seal
(`petition.signatures`). The same number cannot be added twice. People who sign later are promised the number of that
time, so a change after which names open sooner needs a second organiser.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

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
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestOutdated
from petition.organisers.audit_log import Action
from petition.signatures import count_cells
from petition.usecases import approval_rules
from petition.usecases.approval_rules import OpensNames


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
) -> ApprovalRequest | None:
    """Add a milestone, or ask for it. Raises MilestoneExists, WorkforceUnknown, NamesPublic."""
    db.hold(session, epoch_lock(campaign.id))
    if session.get(PlannedMilestone, (campaign.id, kind, value)) is not None:
        raise MilestoneExists
    if needs(kind, value, campaign.workforce) is None:
        raise WorkforceUnknown
    if then.open_names:
        _require_no_names(session, campaign)
    return _do_or_ask(session, campaign, Edit(EditKind.ADD, kind, value, then), actor)


def change(
    session: Session, campaign: Campaign, kind: MilestoneKind, value: int, then: Consequences, actor: Actor
) -> ApprovalRequest | None:
    """Change what follows a milestone, or ask for it. Raises MilestoneUnknown, MilestoneReached, NamesPublic."""
    planned = _waiting(session, campaign, kind, value)
    if then.open_names and not planned.open_names:
        _require_no_names(session, campaign)
    return _do_or_ask(session, campaign, Edit(EditKind.CHANGE, kind, value, then), actor)


def remove(
    session: Session, campaign: Campaign, kind: MilestoneKind, value: int, actor: Actor
) -> ApprovalRequest | None:
    """Remove a milestone that is not reached, or ask for it. Names that were signed under it still wait for it.

    Raises MilestoneUnknown, MilestoneReached.
    """
    _waiting(session, campaign, kind, value)
    return _do_or_ask(session, campaign, Edit(EditKind.REMOVE, kind, value, None), actor)


def approved(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Carry out an approved change after which names open sooner. Raises RequestOutdated if it does not fit any more."""
    db.hold(session, epoch_lock(campaign.id))
    edit = Edit.read(request.about)
    if not _still_fits(session, campaign, edit) or _opening_numbers(session, campaign, edit) != (
        request.about["before"],
        request.about["after"],
    ):
        raise RequestOutdated
    _apply(session, campaign, edit, Actor(request.decided_by or request.asked_by, now))


class EditKind(StrEnum):
    """What organisers do to a milestone."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the milestones. `then` is None when the milestone is removed."""

    what: EditKind
    kind: MilestoneKind
    value: int
    then: Consequences | None

    def as_json(self) -> dict[str, Any]:
        """Returns the change as a request for approval holds it."""
        then = asdict(self.then) if self.then else None
        return {"what": self.what.value, "kind": self.kind.value, "value": self.value, "then": then}

    @classmethod
    def read(cls, about: Mapping[str, Any]) -> Self:
        """Returns the change that a request for approval holds."""
        then = Consequences(**about["then"]) if about["then"] else None
        return cls(EditKind(about["what"]), MilestoneKind(about["kind"]), about["value"], then)


def _do_or_ask(session: Session, campaign: Campaign, edit: Edit, actor: Actor) -> ApprovalRequest | None:
    """Apply a change, or ask a second organiser if names would open sooner. The opening of a draft covers its own."""
    before, after = _opening_numbers(session, campaign, edit)
    sooner = approval_rules.needs_approval(session, campaign, OpensNames(before, after), actor.now)
    if campaign.state is CampaignState.DRAFT or not sooner:
        _apply(session, campaign, edit, actor)
        return None
    about = {**edit.as_json(), "before": before, "after": after}
    return approval_rules.ask(session, campaign, ApprovalKind.NAMES_SOONER, about, actor)


def _apply(session: Session, campaign: Campaign, edit: Edit, actor: Actor) -> None:
    about: dict[str, object] = {"kind": edit.kind.value, "value": edit.value}
    key = (campaign.id, edit.kind, edit.value)
    if edit.then is None:
        session.delete(session.get_one(PlannedMilestone, key))
        _describe(session, campaign, actor, Action.MILESTONE_REMOVED, about)
        return
    then = asdict(edit.then)
    if edit.what is EditKind.ADD:
        session.add(PlannedMilestone(campaign_id=campaign.id, kind=edit.kind, value=edit.value, **then))
    else:
        planned = session.get_one(PlannedMilestone, key)
        for name, wanted in then.items():
            setattr(planned, name, wanted)
        about |= {"changed": True}
    _describe(session, campaign, actor, Action.MILESTONE_ADDED, about | then)


def _still_fits(session: Session, campaign: Campaign, edit: Edit) -> bool:
    """Returns whether a change that was asked for is possible: the milestone is there, or not there, and not reached."""
    key = (campaign.id, edit.kind, edit.value)
    there = session.get(PlannedMilestone, key, populate_existing=True) is not None
    return there is (edit.what is not EditKind.ADD) and session.get(ReachedMilestone, key) is None


def _opening_numbers(session: Session, campaign: Campaign, edit: Edit) -> tuple[int | None, int | None]:
    """Returns from how many signatures on names open, before and after a change. None: they do not wait."""
    if not milestones.names_wait(session, campaign.id):
        return None, None
    planned = session.scalars(select(PlannedMilestone).where(PlannedMilestone.campaign_id == campaign.id))
    opening = {(each.kind, each.value) for each in planned if each.open_names}
    this = {(edit.kind, edit.value)}
    changed = opening | this if edit.then and edit.then.open_names else opening - this
    return _lowest(campaign, opening), _lowest(campaign, changed)


def _lowest(campaign: Campaign, opening: Collection[tuple[MilestoneKind, int]]) -> int | None:
    numbers = [needs(kind, value, campaign.workforce) or milestones.UNKNOWN for kind, value in opening]
    return min(numbers, default=None)


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
