"""Texts of a public letter that two organisers change: translations, the privacy notice and the imprint.

A translation stands above signatures that were given to other words, and a privacy notice is a promise to signers. The
request holds the complete text, so that the second organiser reads what will be public and nothing else becomes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from petition import campaigns, epochs
from petition.campaigns import Campaign, CampaignFaulty, CampaignNotOpen, CampaignState, require_open
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestOutdated
from petition.organisers.audit_log import Action
from petition.usecases import approval_rules

LegalTexts = Mapping[str, Mapping[str, str]]
"""The privacy notice and the imprint, by name and by language, in Markdown."""


def ask_to_translate(
    session: Session, campaign: Campaign, lang: str, title: str, markdown: str, actor: Actor
) -> ApprovalRequest:
    """Ask a second owner to publish a translation. Raises CampaignFaulty, CampaignClosed, CampaignNotOpen."""
    require_open(campaign)
    if lang in campaign.languages:
        raise CampaignFaulty("The letter already exists in this language.")
    about = {"lang": lang, "title": title, "markdown": markdown}
    return approval_rules.ask(session, campaign, ApprovalKind.TRANSLATION, about, actor)


def translate(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Publish an approved translation. Raises RequestOutdated if the letter has this language meanwhile."""
    require_open(campaign)
    about = request.about
    if about["lang"] in campaign.languages:
        raise RequestOutdated
    epochs.add_translation(session, campaign, about["lang"], about["title"], about["markdown"])
    changed = {"step": "translation", "lang": about["lang"]}
    actor = Actor(request.decided_by or request.asked_by, now)
    audit_log.write(session, campaign.id, actor, Action.CAMPAIGN_CHANGED, changed)


def ask_for_legal_texts(
    session: Session, campaign: Campaign, after: LegalTexts, actor: Actor
) -> ApprovalRequest | None:
    """Ask a second organiser to change the legal texts of a public letter. Returns None if nothing would change."""
    if campaign.state is CampaignState.DRAFT:
        raise CampaignNotOpen(campaign.slug)
    legal = {name: dict(texts) for name, texts in after.items()}
    if legal == campaign.legal:
        return None
    return approval_rules.ask(session, campaign, ApprovalKind.LEGAL_TEXTS, {"legal": legal}, actor)


def change_legal_texts(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Publish the legal texts that were approved."""
    session.refresh(campaign, with_for_update=True)
    campaigns.change_public(campaign, {"legal": request.about["legal"]})
    actor = Actor(request.decided_by or request.asked_by, now)
    audit_log.write(session, campaign.id, actor, Action.CAMPAIGN_CHANGED, {"step": "legal"})
