"""What signing needs to know of a campaign, as plain values.

Guards the public path from database rows: what a web process remembers for a second has no session, and a relationship
of such a row could not be loaded. Made from a row in one place, `OpenCampaign.of`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns.errors import CampaignUnknown
from petition.campaigns.tables import Campaign, CampaignState
from petition.core.ids import CampaignId
from petition.privacy import DomainPolicy


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """A campaign that was opened, perhaps closed since: whether it still is open, the database decides.

    `issuer` is the public key of its passes (SPKI), `domains` say which work addresses belong to the organisation,
    `roles` and `teams` are the names on the organisers' lists, `public_min` is the smallest count that is public.
    """

    id: CampaignId
    slug: str
    state: CampaignState
    issuer: bytes
    domains: tuple[DomainPolicy, ...]
    roles: frozenset[str]
    teams: frozenset[str]
    public_min: int

    @classmethod
    def of(cls, row: Campaign) -> OpenCampaign:
        """The values of a row."""
        return cls(
            id=row.id,
            slug=row.slug,
            state=row.state,
            issuer=row.issuer or b"",
            domains=tuple(row.policies()),
            roles=frozenset(row.roles),
            teams=frozenset(row.teams),
            public_min=row.public_min,
        )


def find_opened(session: Session, slug: str) -> OpenCampaign:
    """The campaign of that name, drafts excepted; raises CampaignUnknown."""
    query = select(Campaign).where(Campaign.slug == slug, Campaign.state != CampaignState.DRAFT)
    row = session.scalar(query)
    if row is None:
        raise CampaignUnknown(slug)
    return OpenCampaign.of(row)
