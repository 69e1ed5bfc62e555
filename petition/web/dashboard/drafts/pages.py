"""What the pages of a draft share: the list of steps, and saving a step.

Each save locks and changes the draft and writes to the audit log, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import clock, db
from petition.organisers import Act
from petition.usecases import drafting
from petition.web.dashboard import access, rendering
from petition.web.dashboard.drafts import steps
from petition.web.dashboard.drafts.forms import language_name
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import leaves
from petition.web.forms.versions import NOT_TYPED

CHECKLIST: Final = "checklist"
LETTER_PREFIX: Final = "letter-"


def render(
    template: str,
    session: Session,
    campaign: Campaign,
    step: str,
    form: BaseForm | None = None,
    **values: object,
) -> Response:
    """Render a page of a draft."""
    lacking = {steps.step_and_sentence(each)[0] for each in campaigns.missing(campaign, clock.now())}
    next_step = steps.next_step(step) if step else None
    context: dict[str, object] = {
        "steps": [each for each in steps.STEPS if steps.is_changeable(each, campaign) and may_change(each.name)],
        "step": steps.find(step),
        "next_step": next_step,
        "lacking": lacking,
        "step_url": lambda name: address(campaign.slug, name),
        "letter_languages": [(code, language_name(code)) for code in campaign.languages],
        "language_name": language_name,
    }
    return rendering.render(f"draft/{template}", session, campaign, form, **(context | values))


def address(slug: str, name: str) -> str:
    """Return the address of a step."""
    endpoints = {"letter": "letters", "demands": "demands", "domains": "domains", "milestones": "milestones"}
    if name == steps.TEAM:
        return url_for("organise_team.members", slug=slug)
    if name in endpoints:
        return url_for(f"organise_drafts.{endpoints[name]}", slug=slug)
    return url_for("organise_drafts.step", slug=slug, step=name)


def next_address(campaign: Campaign) -> str | None:
    """Return where the pressed button leads after saving: another step, the letter in a language, or the checklist."""
    name, slug = request.form.get("go", ""), campaign.slug
    if name == CHECKLIST:
        return url_for("organise_drafts.checklist", slug=slug)
    lang = name.removeprefix(LETTER_PREFIX)
    if lang != name and lang in campaign.languages:
        return url_for("organise_drafts.letter", slug=slug, lang=lang)
    return address(slug, name) if steps.find(name) else None


def may_change(name: str) -> bool:
    """Return whether this visitor may change a step. Only owners decide whose addresses count."""
    return name != "domains" or access.allows(Act.MANAGE)


@contextmanager
def change_draft(step: str) -> Iterator[tuple[Session, Campaign]]:
    """Lock the draft of this request for a change. Raises LetterFrozen."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        campaigns.hold_draft(session, campaign)
        yield session, campaign
        drafting.record_step(session, campaign, step, access.actor())


def is_unchanged(form: BaseForm, merged: MultiDict[str, str]) -> bool:
    """Return whether the visitor leaves a step exactly as its page showed it. Nothing is saved then."""
    if "go" not in request.form:
        return False
    shown = {field.name: form.typed(field.name) for field in leaves(form)}
    posted = merged.keys() - NOT_TYPED
    return all(_plain(merged.get(name, "")) == _plain(shown.get(name, "")) for name in shown.keys() | posted)


def _plain(text: str) -> str:
    """Return a text as it was before a browser changed its line endings."""
    return text.replace("\r\n", "\n").strip()
