"""The steps that are one form each: shown, saved, shown again with what there is to mend."""

from __future__ import annotations

import re
from typing import Final

from flask import Response, abort, render_template, request
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import db
from petition.core.i18n import duration
from petition.organisers import Act
from petition.usecases import drafting
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import forms, pages, steps
from petition.web.dashboard.drafts.changing import only_passing, typed
from petition.web.dashboard.drafts.shapes import StepForm
from petition.web.fields import Filled
from petition.web.forms import FormRefused
from petition.web.language import spoken
from petition.web.services import services

TEMPLATES_SPOKEN: Final = ("en", "fr")
ROW: Final = re.compile("value_[0-9]{1,3}")


@needs(Act.WRITE)
def step(slug: str, step: str) -> Response:
    """One step, with what was saved."""
    del slug
    here, form = _step(step)
    with db.session() as session:
        campaign = access.campaign(session)
        if not steps.open_to_changes(here, campaign):
            campaigns.require_draft(campaign)
        return _page(here, campaign, session, Filled(_prefilled(here, form, campaign)))


@needs(Act.WRITE)
def save_step(slug: str, step: str) -> Response:
    """Save one step and go on; raises LetterFrozen."""
    here, form = _step(step)
    if "templates" in request.form:
        return _with_templates(here)
    try:
        with db.transaction() as session:
            campaign = access.campaign(session)
            session.refresh(campaign, with_for_update=True)
            if not only_passing(_prefilled(here, form, campaign)):
                campaigns.change(campaign, form.of(campaign, request.form).changes(campaign))
                drafting.record_step(session, campaign, here.name, access.actor())
            onward = pages.onward(campaign)
    except FormRefused as refused:
        with db.session() as session:
            campaign = access.campaign(session)
            return rendering.render_again(refused, _page(here, campaign, session, rendering.to_mend(refused, typed())))
    return access.go(onward or pages.address(slug, here.name) + "?saved=yes")


def _with_templates(here: steps.Step) -> Response:
    """The page with what was typed, and templates in the fields that are empty; nothing is saved."""
    with db.session() as session:
        campaign = access.campaign(session)
        if not steps.open_to_changes(here, campaign):
            campaigns.require_draft(campaign)
        form = {name: text for name, text in typed().items() if text.strip()}
        return _page(here, campaign, session, Filled(_templates(campaign) | form), filled=True)


def _step(name: str) -> tuple[steps.Step, type[StepForm]]:
    found = steps.named(name)
    if found is None or found.form is None:
        abort(404)
    return found, found.form


def _page(here: steps.Step, campaign: Campaign, session: Session, form: Filled, *, filled: bool = False) -> Response:
    choices = {
        "intervals": _durations(forms.INTERVALS, campaign.interval),
        "zones": [(zone, zone.replace("_", " ")) for zone in forms.ZONES],
        "hours": [(str(hour), f"{hour:02}:00") for hour in forms.HOURS],
        "rows": _rows(campaign, form),
        "filled": filled,
        "kept": request.args.get("saved") == "yes",
    }
    return pages.render(here.name if here.name != "teams" else "roles", session, campaign, here.name, form, **choices)


def _rows(campaign: Campaign, form: Filled) -> range:
    known = [int(name[6:]) for name, text in form.values.items() if text and ROW.fullmatch(name)]
    del campaign
    return range(min(max(known, default=-1) + 1 + forms.SPARE_ROWS, forms.ROWS * 2))


def _durations(offered: tuple[int, ...], now: int) -> list[tuple[str, str]]:
    return [(str(each), duration(each, spoken())) for each in sorted({*offered, now})]


def _prefilled(here: steps.Step, form: type[StepForm], campaign: Campaign) -> dict[str, str]:
    shown = form.shown(campaign)
    if here.name != "legal" or campaign.legal:
        return shown
    return _templates(campaign)


def _templates(campaign: Campaign) -> dict[str, str]:
    """The legal texts to begin with, in the languages that have one."""
    names = [(name, lang) for name in ("privacy", "imprint") for lang in campaign.languages if lang in TEMPLATES_SPOKEN]
    base_url = services().config.base_url.rstrip("/")
    return {
        f"{name}_{lang}": render_template(f"legal/{name}.{lang}.md", campaign=campaign, base_url=base_url)
        for name, lang in names
    }
