"""What the pages of a draft share: the list of steps beside each, and what each does around its own work.

A draft is locked, changed and entered in the audit log in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

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

CHECKLIST: Final = "checklist"
LETTER_IN: Final = "letter-"
PRESSED: Final = frozenset({"token", "go", "act", "preview", "templates"})
"""What a form holds beside what was typed: its token, and the button that was pressed."""


def render(
    template: str,
    session: Session,
    campaign: Campaign,
    step: str,
    form: BaseForm | None = None,
    **values: object,
) -> Response:
    """A page of a draft."""
    lacking = {steps.of_lack(each)[0] for each in campaigns.missing(campaign, clock.now())}
    following = steps.after(step) if step else None
    context: dict[str, object] = {
        "steps": [each for each in steps.STEPS if steps.open_to_changes(each, campaign) and reachable(each.name)],
        "step": steps.named(step),
        "following": following,
        "lacking": lacking,
        "step_url": lambda name: address(campaign.slug, name),
        "tongues": [(code, language_name(code)) for code in campaign.languages],
        "tongue": language_name,
    }
    return rendering.render(f"draft/{template}", session, campaign, form, **(context | values))


def address(slug: str, name: str) -> str:
    """Where a step is."""
    endpoints = {"letter": "letters", "demands": "demands", "domains": "domains", "milestones": "goals"}
    if name in endpoints:
        return url_for(f"organise_drafts.{endpoints[name]}", slug=slug)
    return url_for("organise_drafts.step", slug=slug, step=name)


def onward(campaign: Campaign) -> str | None:
    """Where the pressed button leads when the step is saved: another step, the letter in a language, the checklist."""
    name, slug = request.form.get("go", ""), campaign.slug
    if name == CHECKLIST:
        return url_for("organise_drafts.checklist", slug=slug)
    lang = name.removeprefix(LETTER_IN)
    if lang != name and lang in campaign.languages:
        return url_for("organise_drafts.letter", slug=slug, lang=lang)
    return address(slug, name) if steps.named(name) else None


def reachable(name: str) -> bool:
    """Whether this visitor may change a step: whose address counts is for owners to say."""
    return name != "domains" or access.allows(Act.MANAGE)


@contextmanager
def changing(step: str) -> Iterator[tuple[Session, Campaign]]:
    """The draft of this request for a change; raises LetterFrozen."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        campaigns.hold_draft(session, campaign)
        yield session, campaign
        drafting.record_step(session, campaign, step, access.actor())


def only_passing(form: BaseForm) -> bool:
    """Whether somebody goes on and leaves a step as its page showed it: nothing is saved then."""
    if "go" not in request.form:
        return False
    shown = {field.name: form.typed(field.name) for field in leaves(form)}
    posted = request.form.keys() - PRESSED
    return all(_plain(request.form.get(name, "")) == _plain(shown.get(name, "")) for name in shown.keys() | posted)


def _plain(text: str) -> str:
    """A text as it was before a browser sent it."""
    return text.replace("\r\n", "\n").strip()
