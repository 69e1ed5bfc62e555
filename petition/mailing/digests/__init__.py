"""Digests: periodic mails about what happened. Each digest has its own file and one line in `kinds.DIGESTS`.

Digests protect subscribers: they go to confirmed personal addresses, contain nothing about who signed, and are not sent
when there is nothing to report. They never contain names of signers, pictures, or anything that reveals whether a mail
was read.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, news
from petition.campaigns.news import NewsKind
from petition.core.ids import CampaignId
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.digests.pending import announce_later, announce_pending, next_pending_mail
from petition.mailing.digests.periods import week_of
from petition.mailing.digests.planning import next_milestone_mail, plan_cycle, plan_news
from petition.mailing.digests.previews import draft_mail, preview, trial
from petition.mailing.digests.rendered import RenderedMail, rendered_mail, write
from petition.mailing.digests.restored import resume
from petition.mailing.digests.sending import Sender
from petition.mailing.digests.tables import Edition
from petition.mailing.digests.undelivered import Undelivered, retry, undelivered
from petition.mailing.queue import NOTICES

__all__ = [
    "DIGESTS",
    "NOTICES",
    "Digest",
    "Edition",
    "RenderedMail",
    "Sender",
    "Undelivered",
    "announce_later",
    "announce_pending",
    "draft_mail",
    "forget_old",
    "instant_due",
    "next_pending_mail",
    "plan_all",
    "plan_cycle",
    "plan_instant",
    "plan_news",
    "preview",
    "rendered_mail",
    "resume",
    "retry",
    "trial",
    "undelivered",
    "week_of",
    "write",
]


def plan_all(session: Session, campaign_id: CampaignId, now: datetime) -> int:
    """Make every edition of a campaign that is due. Returns the number of planned mails."""
    campaign = session.get_one(Campaign, campaign_id)
    return sum(plan_cycle(session, campaign, digest, now) for digest in DIGESTS.values())


def instant_due(session: Session, campaign_id: CampaignId, number: int, now: datetime) -> datetime:
    """Returns when the mails about one event may be planned: now, or for a milestone when the last mail is a day old."""
    (happening,) = news.between(session, campaign_id, number - 1, number)
    if happening.kind is not NewsKind.MILESTONE:
        return now
    return next_milestone_mail(session, session.get_one(Campaign, campaign_id), now)


def plan_instant(session: Session, campaign_id: CampaignId, number: int, now: datetime) -> int:
    """Plan the mails about one event for subscribers who chose instant mail. Returns the number of planned mails.

    It plans nothing before `instant_due`; the caller waits until then.
    """
    campaign = session.get_one(Campaign, campaign_id)
    (happening,) = news.between(session, campaign_id, number - 1, number)
    wanted = [digest for digest in DIGESTS.values() if digest.news is happening.kind]
    return sum(plan_news(session, campaign, digest, number, now) for digest in wanted)


def forget_old(session: Session, before: datetime) -> None:
    """Delete old editions except the newest of each kind, which determines where the next one begins."""
    newest = select(Edition.campaign_id, Edition.kind, Edition.period)
    newest = newest.ext(distinct_on(Edition.campaign_id, Edition.kind)).order_by(
        Edition.campaign_id, Edition.kind, Edition.until.desc()
    )
    key = tuple_(Edition.campaign_id, Edition.kind, Edition.period)
    session.execute(delete(Edition).where(Edition.until < before, key.not_in(newest)))
