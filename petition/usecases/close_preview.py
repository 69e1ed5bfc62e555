"""The effects of a close, in figures, for organisers who decide about it (docs/protocol.md §4.5).

A close cannot be undone, so nobody should be surprised by it. This module changes nothing; `petition.epochs` performs
the close.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import signatures, verification
from petition.campaigns import Campaign, CampaignState
from petition.core.ids import CampaignId
from petition.mailing.subscribers import Subscriber
from petition.signatures import bulk_removal
from petition.verification.tables import Tag


@dataclass(frozen=True, slots=True)
class ClosePreview:
    """What a campaign holds that ends with its close.

    `pending` signatures and `tombstones` get a last batch. Running `bulk_removals` are finished. `tags` of verified
    people are deleted with the issuer's key. `unused` of the `issued` passes can no longer be used. `subscribers`
    get mail for another half a year. `others` is the number of campaigns that stay open.
    """

    pending: int
    tombstones: int
    bulk_removals: int
    tags: int
    issued: int
    unused: int
    subscribers: int
    others: int


def preview_close(session: Session, campaign: Campaign) -> ClosePreview:
    """Count for an open campaign."""
    pending, tombstones = signatures.waiting(session, campaign.id)
    issued = sum(verification.issued(session, campaign.id).values())
    others = select(func.count()).select_from(Campaign)
    others = others.where(Campaign.state == CampaignState.OPEN, Campaign.id != campaign.id)
    return ClosePreview(
        pending=pending,
        tombstones=tombstones,
        bulk_removals=len(bulk_removal.running(session, campaign.id)),
        tags=_of(session, Tag, campaign.id),
        issued=issued,
        unused=max(0, issued - signatures.count_redeemed(session, campaign.id)),
        subscribers=_of(session, Subscriber, campaign.id),
        others=int(session.scalar(others) or 0),
    )


def _of(session: Session, table: type[Tag | Subscriber], campaign_id: CampaignId) -> int:
    query = select(func.count()).select_from(table).where(table.campaign_id == campaign_id)
    return int(session.scalar(query) or 0)
