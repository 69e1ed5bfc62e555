"""The steps that consist of one form each. The form is shown, saved, or shown again with its errors."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, abort, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from petition import campaigns
from petition.campaigns import Campaign, CampaignState
from petition.core import db
from petition.core.i18n import duration
from petition.organisers import Act
from petition.usecases import drafting, public_texts
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages, steps
from petition.web.dashboard.drafts.forms import StepForm, about
from petition.web.forms import versions
from petition.web.forms.redraw import redraw
from petition.web.language import spoken
from petition.web.services import services

TEMPLATE_LANGUAGES: Final = ("en", "fr")
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
INTERVALS: Final = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR)
HOURS: Final = tuple((str(hour), f"{hour:02}:00") for hour in range(24))


def _page(form: StepForm, step: str, *, filled: bool = False) -> Response:
    here = _step(step)[0]
    with db.session() as session:
        campaign = access.campaign(session)
        choices: dict[str, Any] = {"intervals": _durations(campaign.interval), "hours": HOURS, "filled": filled}
        template, was_saved = "roles" if step == "teams" else step, request.args.get("saved") == "yes"
        return pages.render(template, session, campaign, here.name, form, was_saved=was_saved, **choices)


@needs(Act.WRITE)
def step(slug: str, step: str) -> Response:
    """Show one step with its saved values."""
    del slug
    return _page(_saved_form(step, _require_changeable(step)), step)


@needs(Act.WRITE)
@redraw(_page)
def save_step(slug: str, step: str) -> Response:
    """Save one step and continue. The legal texts of a public letter need a second organiser. Raises LetterFrozen."""
    here, form = _step(step)
    if "templates" in request.form:
        return _with_templates(step)
    if here.after_opening and not _is_draft():
        return _ask_for_legal_texts(slug, form)
    with db.transaction() as session:
        campaign = access.campaign(session)
        session.refresh(campaign, with_for_update=True)
        saved = _saved_form(step, campaign)
        posted = versions.merged(request.form, saved)
        if not pages.is_unchanged(saved, posted):
            campaigns.change(campaign, form.read(posted, **about(campaign)).changes(campaign))
            drafting.record_step(session, campaign, here.name, access.actor())
        address = pages.next_address(campaign)
    return access.go(address or pages.address(slug, here.name) + "?saved=yes")


def _is_draft() -> bool:
    with db.session() as session:
        return access.campaign(session).state is CampaignState.DRAFT


def _ask_for_legal_texts(slug: str, form: type[StepForm]) -> Response:
    access.require_fresh()
    with db.transaction() as session:
        campaign = access.campaign(session)
        posted = versions.merged(request.form, _saved_form("legal", campaign), is_act=True)
        legal = form.read(posted, **about(campaign)).changes(campaign)["legal"]
        access.show_again_if_resent()
        asked = public_texts.ask_for_legal_texts(session, campaign, legal, access.actor())
    if asked is None:
        return access.go(pages.address(slug, "legal") + "?saved=yes")
    return access.go(url_for("organise_approvals.approvals", slug=slug))


def _with_templates(step: str) -> Response:
    """Show the page with what was typed, and templates in the empty fields. Nothing is saved."""
    campaign = _require_changeable(step)
    written = {name: text for name, text in request.form.items() if text.strip()}
    form = _step(step)[1](MultiDict(_templates(campaign) | written), meta=about(campaign))
    return _page(form, step, filled=True)


def _step(name: str) -> tuple[steps.Step, type[StepForm]]:
    found = steps.find(name)
    if found is None or found.form is None:
        abort(404)
    return found, found.form


def _require_changeable(step: str) -> Campaign:
    """Return the campaign of this request. Raises LetterFrozen if its state does not allow changes to this step."""
    here = _step(step)[0]
    with db.session() as session:
        campaign = access.campaign(session)
        if not steps.is_changeable(here, campaign):
            campaigns.require_draft(campaign)
        return campaign


def _durations(now: int) -> list[tuple[str, str]]:
    return [(str(each), duration(each, spoken())) for each in sorted({*INTERVALS, now})]


def _saved_form(step: str, campaign: Campaign) -> StepForm:
    form = _step(step)[1]
    if step == "legal" and not campaign.legal:
        return form(MultiDict(_templates(campaign)), meta=about(campaign))
    return form.of(campaign)


def _templates(campaign: Campaign) -> dict[str, str]:
    """Return the templates of the legal texts, in the languages that have one."""
    names = [
        (name, lang) for name in ("privacy", "imprint") for lang in campaign.languages if lang in TEMPLATE_LANGUAGES
    ]
    base_url = services().config.base_url.rstrip("/")
    return {
        f"{name}_{lang}": render_template(f"legal/{name}.{lang}.md", campaign=campaign, base_url=base_url)
        for name, lang in names
    }
