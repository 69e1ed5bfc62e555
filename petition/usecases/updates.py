"""Updates as organisers edit them: written, scheduled, published, mailed.

Each update is published once, with any number of organisers and workers: the draft's row is locked, and has its number
from then on. Subscribers are protected: the text of an update is mailed, at once or in a digest, only after two
organisers approved exactly this text, and at most three times a week. An update that waits for an approval, is
scheduled or is public cannot be changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import Campaign, CampaignState, TextMissing, TooManyUpdates, Update, UpdateDraft
from petition.campaigns.mail_settings import Mailing
from petition.campaigns.news import News, NewsKind
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.mailing import digests, queue
from petition.mailing.subscribers import Frequency
from petition.organisers import approvals, audit_log
from petition.organisers.actor import Actor, AnyActor, Operator
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestUnknown
from petition.organisers.audit_log import Action
from petition.privacy import daily_figures
from petition.privacy.daily_figures import tens
from petition.usecases import approval_rules

ID_BYTES: Final = 16
UPDATE: Final = "update"


class UpdateUnknown(ExpectedError, LookupError):
    """The campaign has no such draft."""

    status = 404


class UpdateFixed(ExpectedError):
    """The update is scheduled, published, or waits for a second organiser, so its text and date are fixed."""

    status = 409


class UpdateState(StrEnum):
    """The states of an update."""

    DRAFT = "draft"
    ASKED = "asked"
    PLANNED = "planned"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Written:
    """An update and its state. `request` is the approval that it waits for."""

    draft: UpdateDraft
    state: UpdateState
    request: ApprovalRequest | None


@dataclass(frozen=True, slots=True)
class Published:
    """A public update, and the number of its mails by state, in whole tens. States without mails are left out."""

    update: Update
    mails: dict[str, int]


def every(session: Session, campaign: Campaign, now: datetime) -> list[Written]:
    """Returns unpublished updates: drafts, then those that wait for a second organiser, then scheduled ones."""
    unpublished = (UpdateDraft.campaign_id == campaign.id) & UpdateDraft.number.is_(None)
    drafts = session.scalars(select(UpdateDraft).where(unpublished).order_by(UpdateDraft.due, UpdateDraft.id)).all()
    requests = _requests(session, campaign.id, now)
    found = [_written(draft, requests.get(draft.id.hex())) for draft in drafts]
    return sorted(found, key=lambda each: list(UpdateState).index(each.state))


def published(session: Session, campaign: Campaign) -> list[Published]:
    """Returns the published updates, newest first, each with the states of its mails."""
    query = select(Update).where(Update.campaign_id == campaign.id).order_by(Update.number.desc())
    recorded = select(News.value, News.number).where(News.campaign_id == campaign.id, News.kind == NewsKind.UPDATE)
    periods = {value: f"news-{number}" for value, number in session.execute(recorded)}
    mails = queue.progress(session, campaign.id, UPDATE, list(periods.values()))
    return [
        Published(each, {state: tens(n) for state, n in mails.get(periods.get(each.number, ""), {}).items()})
        for each in session.scalars(query)
    ]


def find(session: Session, campaign: Campaign, draft_id: bytes, now: datetime, *, lock: bool = False) -> Written:
    """Returns one update, locked if it is to be changed. Raises UpdateUnknown."""
    draft = session.get(UpdateDraft, draft_id, with_for_update=lock, populate_existing=lock)
    if draft is None or draft.campaign_id != campaign.id:
        raise UpdateUnknown
    return _written(draft, _requests(session, campaign.id, now).get(draft_id.hex()))


def write(session: Session, campaign: Campaign, text: Mapping[str, str], actor: Actor) -> bytes:
    """Insert a new draft and return its id."""
    draft = UpdateDraft(
        id=secrets.token_bytes(ID_BYTES), campaign_id=campaign.id, text=dict(text), mailed=False, due=None,
        approved=False, number=None,
    )  # fmt: skip
    session.add(draft)
    audit_log.write(session, campaign.id, actor, Action.UPDATE_WRITTEN)
    return draft.id


def rewrite(session: Session, campaign: Campaign, draft_id: bytes, text: Mapping[str, str], actor: Actor) -> None:
    """Change the text of a draft. Raises UpdateUnknown, UpdateFixed."""
    draft = _editable(session, campaign, draft_id, actor.now)
    if draft.text != dict(text):
        draft.text, draft.mailed, draft.due, draft.approved = dict(text), False, None, False
        audit_log.write(session, campaign.id, actor, Action.UPDATE_WRITTEN, {"changed": True})


def discard(session: Session, campaign: Campaign, draft_id: bytes, actor: Actor) -> None:
    """Delete a draft. Raises UpdateUnknown, UpdateFixed."""
    session.delete(_editable(session, campaign, draft_id, actor.now))
    audit_log.write(session, campaign.id, actor, Action.UPDATE_CANCELLED, {"discarded": True})


def plan(session: Session, campaign: Campaign, draft_id: bytes, due: datetime | None, actor: Actor) -> None:
    """Publish a draft on the page, at once or at a given time. Raises UpdateUnknown, UpdateFixed, TextMissing."""
    draft = _editable(session, campaign, draft_id, actor.now)
    _require_whole(campaign, draft)
    draft.mailed, draft.approved = False, False
    if due is None or due <= actor.now:
        _publish(session, campaign, draft, actor)
    else:
        draft.due = due
        audit_log.write(session, campaign.id, actor, Action.UPDATE_WRITTEN, {"planned": due.isoformat()})


def ask_to_mail(
    session: Session, campaign: Campaign, draft_id: bytes, due: datetime | None, actor: Actor
) -> ApprovalRequest:
    """Ask a second organiser to publish a draft and mail it. Raises as `plan`, and TooManyUpdates."""
    draft = _editable(session, campaign, draft_id, actor.now)
    _require_whole(campaign, draft)
    if mailed_in_week(session, campaign, due or actor.now) >= campaigns.UPDATES_A_WEEK:
        raise TooManyUpdates
    draft.mailed, draft.due, draft.approved = True, due, False
    about: dict[str, Any] = {
        "draft": draft.id.hex(),
        "sha256": _digest(draft),
        "readers": instant_subscribers(session, campaign),
    }
    about |= {"due": due.astimezone(UTC).isoformat() if due else ""}
    return approval_rules.ask(session, campaign, ApprovalKind.MAIL, about, actor)


def mail_approved(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Publish and mail an approved update, or wait for its time. Raises RequestUnknown, TooManyUpdates."""
    draft = session.get(
        UpdateDraft, bytes.fromhex(request.about["draft"]), with_for_update=True, populate_existing=True
    )
    same = draft is not None and draft.campaign_id == campaign.id and _digest(draft) == request.about["sha256"]
    if draft is None or not same or draft.number is not None or not draft.mailed:
        raise RequestUnknown
    draft.approved = True
    if draft.due is None or draft.due <= now:
        _publish(session, campaign, draft, Actor(request.asked_by, now))


def cancel(session: Session, campaign: Campaign, draft_id: bytes, actor: Actor) -> None:
    """Turn a scheduled or requested update back into a draft. Raises UpdateUnknown, and UpdateFixed if it is public."""
    found = find(session, campaign, draft_id, actor.now)
    # The request is locked first, in the same order as in an approval, so that no deadlock occurs.
    if found.request is not None:
        approvals.refuse(session, campaign.id, found.request.id, actor)
    draft = find(session, campaign, draft_id, actor.now, lock=True).draft
    if draft.number is not None:
        raise UpdateFixed
    if found.state is not UpdateState.DRAFT:
        _give_back(session, campaign, draft, actor, {})


def due(session: Session, now: datetime) -> list[bytes]:
    """Returns the updates that are to be published now."""
    planned = UpdateDraft.number.is_(None) & (UpdateDraft.approved | ~UpdateDraft.mailed)
    return list(
        session.scalars(select(UpdateDraft.id).where(UpdateDraft.due <= now, planned).order_by(UpdateDraft.due))
    )


def publish_due(session: Session, draft_id: bytes, now: datetime) -> bool:
    """Publish one scheduled update unless another process does.

    An update that cannot be published becomes a draft again.
    """
    planned = UpdateDraft.number.is_(None) & (UpdateDraft.approved | ~UpdateDraft.mailed) & (UpdateDraft.due <= now)
    draft = session.scalar(
        select(UpdateDraft).where(UpdateDraft.id == draft_id, planned).with_for_update(skip_locked=True)
    )
    if draft is None:
        return False
    campaign = session.get_one(Campaign, draft.campaign_id)
    try:
        _publish(session, campaign, draft, Operator(now))
    except (TooManyUpdates, TextMissing) as wrong:
        _give_back(session, campaign, draft, Operator(now), {"why": type(wrong).__name__})
        return False
    return True


def mailed_in_week(session: Session, campaign: Campaign, moment: datetime) -> int:
    """Returns how many updates were mailed in the local week of a moment."""
    week = campaign.local_day(digests.week_of(Mailing.read(campaign.mailing), moment))
    query = select(func.count()).select_from(Update).where(Update.campaign_id == campaign.id, Update.mailed)
    return int(session.scalar(query.where(Update.day >= week)) or 0)


def instant_subscribers(session: Session, campaign: Campaign) -> int:
    """Returns how many subscribers get an update by mail at once. The others get it in their digest.

    The number is that of the last day (UTC) in whole tens; 0 stands for fewer than ten.
    """
    day = daily_figures.of_campaign(session, campaign.id)
    return day.of_frequency(Frequency.MILESTONES) if day else 0


def _publish(session: Session, campaign: Campaign, draft: UpdateDraft, actor: AnyActor) -> None:
    week = digests.week_of(Mailing.read(campaign.mailing), actor.now) if draft.mailed else None
    draft.number = campaigns.publish_update(session, campaign, draft.text, actor.now, mailed_since=week)
    about: dict[str, Any] = {"update": draft.number, "mailed": draft.mailed}
    about |= {"readers": instant_subscribers(session, campaign)} if draft.mailed else {}
    audit_log.write(session, campaign.id, actor, Action.UPDATE_PUBLISHED, about)


def _give_back(
    session: Session, campaign: Campaign, draft: UpdateDraft, actor: AnyActor, about: Mapping[str, Any]
) -> None:
    draft.due, draft.mailed, draft.approved = None, False, False
    audit_log.write(session, campaign.id, actor, Action.UPDATE_CANCELLED, about)


def _editable(session: Session, campaign: Campaign, draft_id: bytes, now: datetime) -> UpdateDraft:
    found = find(session, campaign, draft_id, now, lock=True)
    if found.state is not UpdateState.DRAFT:
        raise UpdateFixed
    return found.draft


def _require_whole(campaign: Campaign, draft: UpdateDraft) -> None:
    if campaign.state is CampaignState.DRAFT or not all(
        draft.text.get(lang, "").strip() for lang in campaign.languages
    ):
        raise TextMissing("An update needs a text in each language of a letter that is public.")


def _requests(session: Session, campaign_id: CampaignId, now: datetime) -> dict[str, ApprovalRequest]:
    waiting = session.scalars(approvals.waiting(campaign_id, now).where(ApprovalRequest.act == ApprovalKind.MAIL))
    return {str(each.about.get("draft")): each for each in waiting}


def _written(draft: UpdateDraft, request: ApprovalRequest | None) -> Written:
    if draft.number is not None:
        return Written(draft, UpdateState.PUBLISHED, None)
    if request is not None:
        return Written(draft, UpdateState.ASKED, request)
    planned = draft.due is not None and (draft.approved or not draft.mailed)
    return Written(draft, UpdateState.PLANNED if planned else UpdateState.DRAFT, None)


def _digest(draft: UpdateDraft) -> str:
    """Returns a digest of what the second organiser approves: the text, and when it is published."""
    when = draft.due.astimezone(UTC).isoformat() if draft.due else ""
    return sha256(
        "\0".join([when, *(f"{lang}={draft.text[lang]}" for lang in sorted(draft.text))]).encode()
    ).hexdigest()
