"""Pausing and resuming: signing, codes, a method, mail. It takes effect at once, on every page and in the API.

The pause, its notice on the public pages and the line in the audit log are one transaction. Owners may need this in a
hurry, so neither needs an approval: a pause harms nobody and can be undone. Mail that was paused automatically, because
the mail server refuses it, is resumed here for the whole site. It pauses again if the cause was not fixed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import publication
from petition.campaigns import Campaign, switches
from petition.mailing import queue
from petition.mailing.queue import Pause
from petition.mailing.queue.pauses import REFUSED
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action

MAIL: Final = "mail"


def offered(campaign: Campaign) -> list[str]:
    """Returns what can be paused in a campaign."""
    return [*switches.switches(campaign), MAIL]


def stopped(session: Session, campaign: Campaign) -> set[str]:
    """Returns what is currently paused."""
    paused = session.scalar(select(Pause.what).where(Pause.what.in_([_campaign_mail(campaign), REFUSED])).limit(1))
    return {*campaign.stopped, *([MAIL] if paused else [])}


def stop(session: Session, campaign: Campaign, what: str, actor: Actor) -> None:
    """Pause a part. Repeating it changes nothing. Raises CampaignFaulty for a part that the campaign does not have."""
    if what in stopped(session, campaign):
        return
    if what == MAIL:
        queue.pause(session, _campaign_mail(campaign), actor.now)
    else:
        switches.stop(session, campaign, what)
        _publish(session, campaign)
    audit_log.write(session, campaign.id, actor, Action.STOPPED, {"what": what})


def resume(session: Session, campaign: Campaign, what: str, base_url: str, actor: Actor) -> None:
    """Resume a part. Repeating it changes nothing. Raises CampaignFaulty."""
    if what in offered(campaign) and what not in stopped(session, campaign):
        return
    if what == MAIL:
        queue.resume(session, _campaign_mail(campaign), base_url)
        queue.resume(session, REFUSED, base_url)
    else:
        switches.resume(session, campaign, what)
        _publish(session, campaign)
    audit_log.write(session, campaign.id, actor, Action.RESUMED, {"what": what})


def _campaign_mail(campaign: Campaign) -> str:
    return f"campaign:{campaign.id.hex()}"


def _publish(session: Session, campaign: Campaign) -> None:
    session.flush()
    publication.refresh(session, campaign)
