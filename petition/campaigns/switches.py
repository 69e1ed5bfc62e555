"""Kill switches: organisers pause parts of a campaign and resume them.

A pause applies from the moment of its commit, even if a process has cached the campaign: the statements that sign,
count a code and issue a pass check the campaign's row themselves (`runs`). Parts that the campaign does not have cannot
be paused. A pause undoes nothing: passes and signatures stay as they are.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, ColumnElement, func, not_, select
from sqlalchemy.orm import Session

from petition.campaigns.errors import CampaignFaulty, SigningStopped, VerificationStopped
from petition.campaigns.tables import Campaign, CampaignState
from petition.core import db
from petition.core.ids import CampaignId

SIGNING: Final = "signing"
CODES: Final = "codes"
METHOD: Final = "method:"


def switches(campaign: Campaign) -> list[str]:
    """Returns the parts that can be paused: signing, codes, each method."""
    return [SIGNING, CODES, *(METHOD + name for name in campaign.methods)]


def stop(session: Session, campaign: Campaign, what: str) -> bool:
    """Pause a part.

    Returns False if it was paused already. It waits for signatures under way and rejects later ones.
    """
    _lock(session, campaign, what)
    if what in campaign.stopped:
        return False
    campaign.stopped = sorted({*campaign.stopped, what})
    return True


def resume(session: Session, campaign: Campaign, what: str) -> bool:
    """Resume a part. Returns False if it was not paused."""
    _lock(session, campaign, what)
    if what not in campaign.stopped:
        return False
    campaign.stopped = [each for each in campaign.stopped if each != what]
    return True


def runs(what: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Returns a condition for a statement: according to the campaign's row, this part is not paused."""
    return not_(func.jsonb_exists(Campaign.stopped, what, type_=Boolean))


def refuse_stopped(session: db.Writing, campaign_id: CampaignId, *, method: str = "", codes: bool = False) -> None:
    """Raise SigningStopped, or VerificationStopped for a method or its codes, if that is why a statement was refused.

    This is not checked beforehand, because a cached campaign may be older than a pause, or than its end.
    """
    query = select(Campaign.stopped).where(Campaign.id == campaign_id, Campaign.state == CampaignState.OPEN)
    _refuse(session.scalar(query) or [], method=method, codes=codes)


def _refuse(stopped: list[str], *, method: str, codes: bool) -> None:
    if SIGNING in stopped and (codes or not method):
        raise SigningStopped
    if method and (METHOD + method in stopped or (codes and CODES in stopped)):
        raise VerificationStopped


def _lock(session: Session, campaign: Campaign, what: str) -> None:
    if what not in switches(campaign):
        raise CampaignFaulty("There is nothing of this name to stop.")
    session.refresh(campaign, with_for_update=True)
