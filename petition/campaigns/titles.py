"""The titles of letters, by language, without their texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns.tables import Campaign, Letter
from petition.core.ids import CampaignId


def titles(session: Session, campaign_ids: Collection[CampaignId]) -> dict[CampaignId, dict[str, str]]:
    """Returns the titles of several letters by language, with one query. Empty titles are left out."""
    found: dict[CampaignId, dict[str, str]] = {}
    query = select(Letter.campaign_id, Letter.lang, Letter.title).where(Letter.campaign_id.in_(campaign_ids))
    for campaign_id, lang, title in session.execute(query):
        if title.strip():
            found.setdefault(campaign_id, {})[lang] = title
    return found


def title_in(named: Mapping[str, str], campaign: Campaign, lang: str) -> str:
    """Returns a letter's title in this language, else in the first of its own that has one, else its short name."""
    return next((named[each] for each in (lang, *campaign.languages) if each in named), campaign.slug)
