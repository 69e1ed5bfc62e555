"""The steps that are one form each: shown, saved, shown again with what there is to correct."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, abort, render_template, request
from werkzeug.datastructures import MultiDict

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import db
from petition.core.i18n import duration
from petition.organisers import Act
from petition.usecases import drafting
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages, steps
from petition.web.dashboard.drafts.forms import StepForm, about
from petition.web.forms.redraw import redraw
from petition.web.language import spoken
from petition.web.services import services

TEMPLATES_SPOKEN: Final = ("en", "fr")
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
INTERVALS: Final = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR)
HOURS: Final = tuple((str(hour), f"{hour:02}:00") for hour in range(24))


def _page(form: StepForm, step: str, *, filled: bool = False) -> Response:
    here = _step(step)[0]
    with db.session() as session:
        campaign = access.campaign(session)
        choices: dict[str, Any] = {"intervals": _durations(campaign.interval), "hours": HOURS, "filled": filled}
        template, kept = "roles" if step == "teams" else step, request.args.get("saved") == "yes"
        return pages.render(template, session, campaign, here.name, form, kept=kept, **choices)


@needs(Act.WRITE)
def step(slug: str, step: str) -> Response:
    """One step, with what was saved."""
    del slug
    return _page(_prefilled(step, _changeable(step)), step)


@needs(Act.WRITE)
@redraw(_page)
def save_step(slug: str, step: str) -> Response:
    """Save one step and go on; raises LetterFrozen."""
    here, form = _step(step)
    if "templates" in request.form:
        return _with_templates(step)
    with db.transaction() as session:
        campaign = access.campaign(session)
        session.refresh(campaign, with_for_update=True)
        if not pages.only_passing(_prefilled(step, campaign)):
            campaigns.change(campaign, form.read(request.form, **about(campaign)).changes(campaign))
            drafting.record_step(session, campaign, here.name, access.actor())
        onward = pages.onward(campaign)
    return access.go(onward or pages.address(slug, here.name) + "?saved=yes")


def _with_templates(step: str) -> Response:
    """The page with what was typed, and templates in the fields that are empty; nothing is saved."""
    campaign = _changeable(step)
    written = {name: text for name, text in request.form.items() if text.strip()}
    form = _step(step)[1](MultiDict(_templates(campaign) | written), meta=about(campaign))
    return _page(form, step, filled=True)


def _step(name: str) -> tuple[steps.Step, type[StepForm]]:
    found = steps.named(name)
    if found is None or found.form is None:
        abort(404)
    return found, found.form


def _changeable(step: str) -> Campaign:
    """The campaign of this request; raises LetterFrozen if its state lets this step not be changed."""
    here = _step(step)[0]
    with db.session() as session:
        campaign = access.campaign(session)
        if not steps.open_to_changes(here, campaign):
            campaigns.require_draft(campaign)
        return campaign


def _durations(now: int) -> list[tuple[str, str]]:
    return [(str(each), duration(each, spoken())) for each in sorted({*INTERVALS, now})]


def _prefilled(step: str, campaign: Campaign) -> StepForm:
    form = _step(step)[1]
    if step == "legal" and not campaign.legal:
        return form(MultiDict(_templates(campaign)), meta=about(campaign))
    return form.of(campaign)


def _templates(campaign: Campaign) -> dict[str, str]:
    """The legal texts to begin with, in the languages that have one."""
    names = [(name, lang) for name in ("privacy", "imprint") for lang in campaign.languages if lang in TEMPLATES_SPOKEN]
    base_url = services().config.base_url.rstrip("/")
    return {
        f"{name}_{lang}": render_template(f"legal/{name}.{lang}.md", campaign=campaign, base_url=base_url)
        for name, lang in names
    }
