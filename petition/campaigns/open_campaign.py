"""What signing needs to know about a campaign, as plain values.

Web processes cache these values for a second. A cached database row would have no session and could not load its
relationships. `OpenCampaign.of` is the only place that creates them from a row.
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
    """A campaign that was opened and may be closed by now. Only the database knows whether it is still open.

    `issuer` is the public key of its passes (SPKI). `domains` determines which work addresses belong to the
    organisation. `roles` and `teams` are the names on the organisers' lists. `public_min` is the smallest count that is
    public.
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
        """Returns the values of a row."""
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
    """Returns the campaign with this slug, unless it is a draft. Raises CampaignUnknown."""
    query = select(Campaign).where(Campaign.slug == slug, Campaign.state != CampaignState.DRAFT)
    row = session.scalar(query)
    if row is None:
        raise CampaignUnknown(slug)
    return OpenCampaign.of(row)
