"""The mail to organisers about what is pending: what waits for a second organiser, and the date of a close.

It is sent when somebody asks, and when a closing date is set (`petition.mailing.digests.pending` says when), so that no
act that cannot be undone surprises the other owners. It names acts and dates, and nothing about signers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Window
from petition.mailing.subscribers import Audience
from petition.organisers import approvals
from petition.organisers.approvals import ApprovalKind, RequestState


@dataclass(frozen=True, slots=True)
class PendingFact:
    """An act that waits for a second organiser, and until when it can be approved (UTC)."""

    act: ApprovalKind
    until: datetime


@dataclass(frozen=True, slots=True)
class ForApprovers:
    """What is pending. `closes` is the closing date of an open letter (UTC), or None.

    `approved` are acts that were asked and approved before a mail could say that they wait.
    """

    waiting: tuple[PendingFact, ...]
    closes: datetime | None
    approved: tuple[ApprovalKind, ...] = ()


def facts(session: Session, campaign: Campaign, window: Window) -> ForApprovers | None:
    """Returns what is pending at the end of the window, or None if nothing is."""
    requests = session.scalars(approvals.waiting(campaign.id, window.until))
    waiting = tuple(PendingFact(each.act, each.until) for each in requests)
    closes = campaign.closes_at if campaign.state is CampaignState.OPEN else None
    unannounced = session.scalars(approvals.unannounced(campaign.id, window.until))
    approved = tuple(each.act for each in unannounced if each.state is RequestState.APPROVED)
    return ForApprovers(waiting, closes, approved) if waiting or closes or approved else None


DIGEST = Digest("organiser_approvals", ForApprovers, facts, others=frozenset({Audience.ORGANISER}))
