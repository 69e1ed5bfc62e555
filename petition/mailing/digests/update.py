"""The update mail: sent when an update is published, to subscribers with that frequency, at most three a week."""

from __future__ import annotations

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.campaigns.news import NewsKind
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Happened, Window, happened
from petition.mailing.subscribers import Frequency


def facts(session: Session, campaign: Campaign, window: Window) -> Happened | None:
    """Returns the update, or None if it was taken back."""
    found = happened(session, campaign, window)
    return found if found.updates else None


DIGEST = Digest("update", Happened, facts, frequency=Frequency.MILESTONES, news=NewsKind.UPDATE)
