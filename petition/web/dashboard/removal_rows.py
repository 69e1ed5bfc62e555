"""This module describes removals for their page: the reason, the criteria and the progress of each, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from petition.campaigns import Campaign
from petition.core import i18n
from petition.core.i18n import marked as _
from petition.organisers.approvals import ApprovalRequest
from petition.signatures.selection import Shown, WithComment
from petition.signatures.tables import BulkRemovalState
from petition.usecases.removals import Line
from petition.web.dashboard.criteria import label_in_lists
from petition.web.labels import BULK_REMOVALS, COMMENT_CRITERIA, REMOVAL_CHOICES, REMOVAL_REASONS, VISIBILITY_CRITERIA
from petition.web.language import gettext, spoken

REVERSIBLE: Final = _("Hidden; a later batch takes them out of the count")
NOTHING_LEFT: Final = _("Nothing was left to remove")


@dataclass(frozen=True, slots=True)
class RequestedRemoval:
    """A removal that waits for a second organiser."""

    found: int
    reason: str
    criteria: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class RemovalRow:
    """A removal, with the numbers of signatures found and removed.

    `gone` were withdrawn or removed otherwise before.
    """

    id: str
    found: int
    done: int
    gone: int
    reason: str
    criteria: str
    progress: str
    at: datetime
    running: bool
    reversible: bool


def requested(request: ApprovalRequest, campaign: Campaign) -> RequestedRemoval:
    """Return a request for a removal, described in this request's language."""
    about = request.about
    reason = REMOVAL_REASONS[about["why"]]
    return RequestedRemoval(
        about["n"], gettext(reason), describe_criteria(about["criteria"], campaign), request.asked_at
    )


def row(line: Line, campaign: Campaign) -> RemovalRow:
    """Return a removal that has begun, described in this request's language."""
    removal = line.removal
    return RemovalRow(
        id=removal.id.hex(),
        found=removal.found,
        done=removal.done,
        gone=line.gone if removal.state is BulkRemovalState.DONE else 0,
        reason=gettext(REMOVAL_REASONS[removal.why]),
        criteria=describe_criteria(removal.criteria, campaign),
        progress=_describe_progress(line),
        at=removal.at,
        running=removal.state is BulkRemovalState.RUNNING,
        reversible=line.reversible,
    )


def reasons() -> list[tuple[str, str]]:
    """Return the reasons that an organiser can choose, as pairs of a value and its label."""
    return [("", gettext(_("Choose a reason"))), *((why, gettext(label)) for why, label in REMOVAL_CHOICES.items())]


def describe_criteria(criteria: Mapping[str, Any], campaign: Campaign) -> str:
    """Describe the criteria that are stored with a removal, in this request's language."""
    return " · ".join([*_describe_batches(criteria), *_describe_signer(criteria, campaign)])


def _describe_batches(criteria: Mapping[str, Any]) -> Iterator[str]:
    if entry := criteria.get("entry"):
        yield gettext(_("entry %(n)s of the ledger"), n=entry)
    first, last = criteria.get("first"), criteria.get("last")
    if first is not None and first == last:
        yield gettext(_("batch %(n)s"), n=first)
        return
    if first is not None:
        yield gettext(_("from batch %(n)s"), n=first)
    if last is not None:
        yield gettext(_("up to batch %(n)s"), n=last)


def _describe_signer(criteria: Mapping[str, Any], campaign: Campaign) -> Iterator[str]:
    for lists, value in ((campaign.roles, criteria.get("role")), (campaign.teams, criteria.get("team"))):
        if value:
            yield label_in_lists(lists, value)
    sentences = (
        COMMENT_CRITERIA[WithComment(criteria.get("comment", ""))],
        _("with a certain text in name or comment") if criteria.get("text") else "",
        VISIBILITY_CRITERIA[Shown(criteria.get("shown", ""))],
        _("names that several show") if criteria.get("repeated") else "",
    )
    yield from (gettext(sentence) for sentence in sentences if sentence)


def _describe_progress(line: Line) -> str:
    removal = line.removal
    if removal.state is BulkRemovalState.DONE and line.reversible:
        return gettext(REVERSIBLE)
    if removal.state is BulkRemovalState.DONE and not removal.done:
        return gettext(NOTHING_LEFT)
    done, found = (i18n.number(n, spoken()) for n in (removal.done, removal.found))
    return gettext(BULK_REMOVALS[removal.state], done=done, found=found)
