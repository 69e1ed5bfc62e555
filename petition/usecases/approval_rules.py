"""The one definition of what needs a second organiser, and the only way to ask for one.

Every act is judged by its effect: summed over all organisers and over days where several small acts have the effect of
a large one, and by the moment at which it takes effect where a date does it. The modules of this package ask
`needs_approval` in the transaction that would have the effect; no page decides it. `petition.usecases.acts` says what an
approved request does. Commands at a terminal do not ask: each demands `--yes` and says that it bypasses the second
organiser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from petition import organisers
from petition.campaigns import Campaign, CampaignState, UpdateDraft
from petition.core.ids import CampaignId
from petition.mailing import digests
from petition.organisers import GRANTS, Act, approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action, AuditEntry
from petition.signatures.tables import BulkRemoval, BulkRemovalState

MOST_REMOVED: Final = 50
"""As many signatures may be removed in `REMOVALS_SUMMED` without a second organiser, by all organisers together."""
REMOVALS_SUMMED: Final = timedelta(days=7)
MOST_HIDDEN: Final = 20
"""As many names and comments may be hidden in `HIDES_SUMMED` without a second organiser, by all organisers together.

It is less than for removals, because nobody can undo a hide. Signers who hide their own are not counted.
"""
HIDES_SUMMED: Final = timedelta(days=7)
CLOSING_NOTICE: Final = timedelta(hours=72)
"""A closing date that is nearer than this needs a second organiser."""
CLOSING_DELAY: Final = timedelta(hours=24)
"""A letter closes no earlier than this after the approval, and any owner can keep it open meanwhile."""

RIGHTS: Final[Mapping[ApprovalKind, Act]] = MappingProxyType(
    {
        ApprovalKind.OPEN: Act.MANAGE,
        ApprovalKind.REMOVE: Act.MODERATE,
        ApprovalKind.HIDE: Act.MODERATE,
        ApprovalKind.MAIL: Act.PUBLISH,
        ApprovalKind.CLOSE: Act.MANAGE,
        ApprovalKind.TRANSLATION: Act.MANAGE,
        ApprovalKind.DOMAINS: Act.MANAGE,
        ApprovalKind.EXPORT_NAMES: Act.EXPORT,
        ApprovalKind.NAMES_SOONER: Act.PUBLISH,
        ApprovalKind.LEGAL_TEXTS: Act.WRITE,
        ApprovalKind.REMOVE_OWNER: Act.MANAGE,
    }
)
"""The right that asking for each act takes, and approving it."""

REPLACED: Final = frozenset({ApprovalKind.OPEN, ApprovalKind.CLOSE, ApprovalKind.TRANSLATION, ApprovalKind.LEGAL_TEXTS})
"""Acts of which each organiser has one request at most: a new one takes the place of the one before."""


@dataclass(frozen=True, slots=True)
class Removes:
    """So many signatures are removed now."""

    signatures: int


@dataclass(frozen=True, slots=True)
class Hides:
    """So many names and comments are hidden now, by organisers."""

    names: int


@dataclass(frozen=True, slots=True)
class Closes:
    """A public letter gets this closing date, or none."""

    at: datetime | None


@dataclass(frozen=True, slots=True)
class OpensNames:
    """Names open at another number of signatures. None: they do not wait."""

    before: int | None
    after: int | None


Effect = Removes | Hides | Closes | OpensNames
"""What an act would do, where the rule depends on it."""

ALWAYS: Final = frozenset(
    {
        ApprovalKind.OPEN,
        ApprovalKind.MAIL,
        ApprovalKind.TRANSLATION,
        ApprovalKind.DOMAINS,
        ApprovalKind.EXPORT_NAMES,
        ApprovalKind.LEGAL_TEXTS,
        ApprovalKind.REMOVE_OWNER,
    }
)
"""Acts that need a second organiser whatever their effect is. Their modules ask and never act alone."""


def needs_approval(session: Session, campaign: Campaign, effect: Effect, now: datetime) -> bool:
    """Returns whether an effect needs a second organiser.

    The caller holds the lock under which the effect happens, so that two acts at once are not judged apart.
    """
    match effect:
        case Removes(signatures):
            return removed_lately(session, campaign.id, now) + signatures > MOST_REMOVED
        case Hides(names):
            return hidden_lately(session, campaign.id, now) + names > MOST_HIDDEN
        case Closes(at):
            sooner = at is not None and (campaign.closes_at is None or at < campaign.closes_at)
            return sooner and at is not None and at < now + CLOSING_NOTICE
        case OpensNames(before, after):
            return before is not None and (after is None or after < before)


def removed_lately(session: Session, campaign_id: CampaignId, now: datetime) -> int:
    """Returns how many signatures organisers removed in the last seven days, those included that were restored since."""
    running = BulkRemoval.state == BulkRemovalState.RUNNING
    many = func.sum(case((running, BulkRemoval.found), else_=BulkRemoval.done))
    query = select(many).where(BulkRemoval.campaign_id == campaign_id, BulkRemoval.at > now - REMOVALS_SUMMED)
    return int(session.scalar(query) or 0)


def hidden_lately(session: Session, campaign_id: CampaignId, now: datetime) -> int:
    """Returns how many names and comments organisers hid in the last seven days, approved ones included.

    It counts lines of the audit log, which nobody can remove: a hidden signature does not say who hid it, or when.
    """
    hides = audit_log.lines(campaign_id, action=Action.SIGNER_HIDDEN).order_by(None)
    lately = hides.where(AuditEntry.at > now - HIDES_SUMMED).with_only_columns(func.count())
    return int(session.scalar(lately) or 0)


def ask(
    session: Session, campaign: Campaign, act: ApprovalKind, about: Mapping[str, Any], actor: Actor
) -> ApprovalRequest:
    """Ask for a second organiser's approval, and tell the organisers by mail. An identical request is returned."""
    waiting = list(session.scalars(approvals.waiting(campaign.id, actor.now)))
    request = approvals.ask(session, campaign.id, act, about, actor)
    if request in waiting:
        return request
    for each in waiting:
        if act in REPLACED and (each.act, each.asked_by) == (act, actor.by):
            approvals.refuse(session, campaign.id, each.id, actor)
    digests.announce_pending(session, campaign, actor.now)
    return request


def approvers(session: Session, campaign_id: CampaignId, act: ApprovalKind) -> int:
    """Returns how many organisers have the right to ask for an act and to approve it."""
    team = organisers.members(session, campaign_id)
    return sum(RIGHTS[act] in GRANTS[role] for someone, role in team if not someone.disabled)


def forget_in_copy(session: Session, now: datetime) -> None:
    """Take back, in a restored copy, everything that would take effect by itself.

    Requests that waited, approved openings, mails that were approved for a later time and near closing dates may have
    been refused or cancelled after the backup. Whoever restores it must not bring them back: they are asked for again.
    """
    waiting = update(ApprovalRequest).where(ApprovalRequest.state == approvals.RequestState.WAITING)
    session.execute(waiting.values(state=approvals.RequestState.REFUSED))
    session.execute(update(Campaign).where(Campaign.opening_approved.is_not(None)).values(opening_approved=None))
    mailed = UpdateDraft.number.is_(None) & UpdateDraft.mailed
    session.execute(update(UpdateDraft).where(mailed).values(mailed=False, due=None, approved=False))
    near = (Campaign.state == CampaignState.OPEN) & (Campaign.closes_at < now + CLOSING_NOTICE)
    session.execute(update(Campaign).where(near).values(closes_at=None, stale=True))
