"""Previews: what a mail would contain now, and a trial mail to oneself. Nothing is planned or stored."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, news
from petition.campaigns.mail_settings import Mailing
from petition.campaigns.news import News
from petition.core.ids import CampaignId
from petition.mail import Message
from petition.mailing.digests import update
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import UpdateFact, Window, as_json, happened
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.digests.periods import last_period
from petition.mailing.digests.planning import window_of
from petition.mailing.digests.rendered import RenderedMail, write
from petition.mailing.digests.sending import Sender, message
from petition.mailing.queue import NOTICES, Claim
from petition.privacy import personal_address


def preview(
    session: Session, campaign: Campaign, kind: str, lang: str, base_url: str, now: datetime
) -> RenderedMail | None:
    """Returns the mail of a kind as it would be rendered now, or None when there is nothing to report."""
    if kind in NOTICES:
        return write(campaign, kind, None, lang, base_url)
    digest = DIGESTS[kind]
    window = _window(session, campaign, digest, now)
    facts = None if window is None else digest.facts(session, campaign, window)
    return None if facts is None else write(campaign, kind, as_json(facts), lang, base_url)


def draft_mail(
    session: Session, campaign: Campaign, text: Mapping[str, str], lang: str, base_url: str, now: datetime
) -> RenderedMail:
    """Returns the mail of an unpublished update as it would be rendered now."""
    newest = news.newest(session, campaign.id)
    found = happened(session, campaign, Window("draft", now, now, newest, newest, None))
    facts = replace(found, updates=(UpdateFact(0, found.until, dict(text)),))
    return write(campaign, update.DIGEST.kind, as_json(facts), lang, base_url)


def _window(session: Session, campaign: Campaign, digest: Digest, now: datetime) -> Window | None:
    """Returns what an edition made now would cover. For instant mail this is the latest event."""
    if digest.cycle is not None:
        period = last_period(digest.cycle, Mailing.read(campaign.mailing), now)
        return window_of(session, campaign.id, digest.kind, period, news.newest(session, campaign.id))
    if digest.news is None:
        return Window("now", now, now, 0, 0, None)
    last = select(News.number).where(News.campaign_id == campaign.id, News.kind == digest.news)
    number = session.scalar(last.order_by(News.number.desc()).limit(1))
    return None if number is None else Window(f"news-{number}", now, now, number - 1, number, None)


def trial(sender: Sender, mail: RenderedMail, address: str, now: datetime) -> Message:
    """Returns a rendered mail to an address that is not subscribed.

    Its links lead to no settings. Raises AddressRefused.
    """
    nobody = Claim(
        "trial",
        secrets.token_bytes(16),
        f"{now:%Y%m%dT%H%M%S}",
        CampaignId(b""),
        b"",
        now,
        tries=0,
        unanswered=0,
        was_due=now,
    )
    return message(sender, mail, nobody, personal_address(address).deliverable)
