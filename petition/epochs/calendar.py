"""Opens and closes campaigns: creates the keys, freezes the letter, writes the first and the last entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import publication, signatures, verification
from petition.campaigns import (
    Campaign,
    CampaignFaulty,
    CampaignIncomplete,
    CampaignState,
    Letter,
    milestones,
    missing,
    news,
    step,
)
from petition.campaigns.fingerprint import fingerprint
from petition.campaigns.news import NewsKind
from petition.core import db, outbox
from petition.core.outbox import OutboxKind
from petition.epochs.batch import close_epoch, epoch_lock
from petition.ledger import log
from petition.ledger.entries import GROUP, CampaignEntry, Group, TranslationEntry
from petition.organisers import audit_log
from petition.organisers.actor import Operator
from petition.organisers.audit_log import Action
from petition.signatures import bulk_removal


def open_campaign(session: Session, campaign: Campaign, now: datetime) -> None:
    """Freeze the letter, create the keys, write entry 0, and take signatures from now on.

    Raises CampaignIncomplete with what is missing, and StepSkipped unless the campaign is a draft.
    """
    if campaign.state is CampaignState.DRAFT and (lacks := missing(campaign, now)):
        raise CampaignIncomplete(lacks)
    step(campaign, CampaignState.OPEN)
    campaign.opened = campaign.local_day(now)
    for letter in campaign.letters:
        letter.sha256 = letter.digest()
    campaign.issuer = verification.start(session, campaign.id)
    head = log.start(session, campaign.id, now.date(), now)
    log.grow(session, head, log.append_lines(session, head, [_first_entry(campaign, now.date()).line()]))
    log.seal_head(head, campaign.origin)
    _publish(session, campaign)


def _first_entry(campaign: Campaign, day: date) -> CampaignEntry:
    letters = {letter.lang: letter.digest() for letter in campaign.letters}
    demands = tuple(campaign.demand_ids())
    assert campaign.issuer is not None
    name = dict.fromkeys(campaign.languages, campaign.organisation)
    groups = (Group(GROUP, name, campaign.issuer),)
    return CampaignEntry(campaign.id, campaign.origin, letters, demands, groups, campaign.batch_min, day)


def close_campaign(session: Session, campaign: Campaign, now: datetime) -> None:
    """Stop taking signatures, write the last epoch and the close entry, delete the issuer's key and the tags."""
    db.hold(session, epoch_lock(campaign.id))
    # The lock waits for signatures and stamps under way and keeps later ones out.
    session.refresh(campaign, with_for_update=True)
    step(campaign, CampaignState.CLOSED)
    campaign.closed = campaign.local_day(now)
    news.record_news(session, campaign.id, NewsKind.CLOSED, 0, campaign.closed)
    _settle_acts(session, campaign, now)
    verification.destroy(session, campaign.id)
    publication.refresh(session, campaign)


def _settle_acts(session: Session, campaign: Campaign, now: datetime) -> None:
    """Write what signers withdrew or changed while their signature waited: it follows in a batch of its own.

    Bulk removals that still run are finished first, because nothing can be written after the close.
    """
    bulk_removal.finish(session, campaign.id)
    if signatures.acted_while_waiting(session, campaign.id):
        close_epoch(session, campaign, now)
    close_epoch(session, campaign, now, last=True)


def add_translation(session: Session, campaign: Campaign, lang: str, title: str, markdown: str) -> None:
    """Add a language to an open campaign's letter. Its hash becomes a ledger entry."""
    db.hold(session, epoch_lock(campaign.id))
    session.refresh(campaign)
    if campaign.state is not CampaignState.OPEN or lang in campaign.languages:
        raise CampaignFaulty("A translation can be added once per language, while the campaign is open.")
    letter = Letter(lang=lang, title=title, markdown=markdown)
    letter.sha256 = letter.digest()
    campaign.letters.append(letter)
    campaign.languages = [*campaign.languages, lang]
    head = log.head_of(session, campaign.id, lock=True)
    log.grow(session, head, log.append_lines(session, head, [TranslationEntry(lang, letter.sha256).line()]))
    log.seal_head(head, campaign.origin)
    _publish(session, campaign)


def change(session: Session, campaign: Campaign, to: CampaignState, now: datetime) -> None:
    """Move a campaign to its next state. Raises StepSkipped."""
    steps: dict[CampaignState, Callable[[Session, Campaign, datetime], None]] = {
        CampaignState.OPEN: open_campaign,
        CampaignState.CLOSED: close_campaign,
    }
    if to in steps:
        steps[to](session, campaign, now)
    else:
        step(campaign, to)
        news.record_news(session, campaign.id, NewsKind(to.value), 0, campaign.local_day(now))
        _publish(session, campaign)


def _publish(session: Session, campaign: Campaign) -> None:
    session.flush()
    publication.refresh(session, campaign)


def keep_calendar(session: Session, now: datetime) -> list[str]:
    """Open and close campaigns on their dates. Returns the slugs of those that changed.

    A draft opens only as a second organiser approved it. An incomplete or changed draft stays a draft, its checklist
    shows why, and other campaigns proceed. If another process is writing to a campaign's ledger, the campaign is closed
    in the next run, because its row must not be locked while waiting for that.
    """
    opening = select(Campaign).where(Campaign.state == CampaignState.DRAFT, Campaign.opens_at <= now)
    closing = select(Campaign).where(Campaign.state == CampaignState.OPEN, Campaign.closes_at <= now)
    changed = []
    for campaign in session.scalars(opening.with_for_update(skip_locked=True)):
        if _may_open(session, campaign, now):
            open_campaign(session, campaign, now)
            audit_log.write(session, campaign.id, Operator(now), Action.CAMPAIGN_OPENED)
            changed.append(campaign.slug)
    for campaign in session.scalars(closing).all():
        if not db.try_hold(session, epoch_lock(campaign.id)):
            continue
        session.refresh(campaign, with_for_update=True)
        if campaign.state is not CampaignState.OPEN or campaign.closes_at is None or campaign.closes_at > now:
            continue
        close_campaign(session, campaign, now)
        audit_log.write(session, campaign.id, Operator(now), Action.CAMPAIGN_CLOSED)
        changed.append(campaign.slug)
    return changed


def _may_open(session: Session, campaign: Campaign, now: datetime) -> bool:
    return campaign.opening_approved == fingerprint(session, campaign) and not missing(campaign, now)


def refresh_stale(session: Session, now: datetime) -> list[str]:
    """Render the public pages again after a signer hid or withdrew a signature or organisers changed something.

    The bundle is queued again, too, because a hidden body must not stay in a file until somebody else signs. While a
    campaign is open, names open with a batch and not here; after the close no batch comes.
    """
    stale = select(Campaign).where(Campaign.stale, Campaign.state != CampaignState.DRAFT)
    changed = []
    for campaign in session.scalars(stale.with_for_update(skip_locked=True)):
        # An epoch or a removal works on the same rows: the next run does it.
        if not db.try_hold(session, epoch_lock(campaign.id)):
            continue
        names_wait = campaign.state is CampaignState.OPEN or milestones.names_wait(session, campaign.id)
        head = log.head_of(session, campaign.id)
        signatures.update_visibility(session, campaign.id, head.counted, names_wait=names_wait)
        publication.refresh(session, campaign)
        outbox.add(session, OutboxKind.BUNDLE, campaign.id, head.epoch, now)
        changed.append(campaign.slug)
    return changed
