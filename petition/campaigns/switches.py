"""Kill switches: what organisers stop for a while, and take up again.

Guards that a stop holds from the moment it is committed, whatever a process remembers of the campaign: the statements
that sign, that count a code and that issue a pass ask the campaign's row themselves (`runs`). Refuses to stop what the
campaign does not have. A stop takes nothing back: passes and signatures stay as they are.
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
    """What can be stopped: signing, codes, each method."""
    return [SIGNING, CODES, *(METHOD + name for name in campaign.methods)]


def stop(session: Session, campaign: Campaign, what: str) -> bool:
    """Stop something; false if it was stopped already. Waits for signatures under way and keeps later ones out."""
    _lock(session, campaign, what)
    if what in campaign.stopped:
        return False
    campaign.stopped = sorted({*campaign.stopped, what})
    return True


def resume(session: Session, campaign: Campaign, what: str) -> bool:
    """Take something up again; false if it was not stopped."""
    _lock(session, campaign, what)
    if what not in campaign.stopped:
        return False
    campaign.stopped = [each for each in campaign.stopped if each != what]
    return True


def runs(what: str | ColumnElement[str]) -> ColumnElement[bool]:
    """A condition for a statement: the campaign's row says that this was not stopped."""
    return not_(func.jsonb_exists(Campaign.stopped, what, type_=Boolean))


def refuse_stopped(session: db.Writing, campaign_id: CampaignId, *, method: str = "", codes: bool = False) -> None:
    """Raise SigningStopped, or VerificationStopped for a method or its codes; for whoever was refused and asks why.

    Not asked beforehand: what a process remembers may be older than a stop, or than its end.
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
