"""The settings of an open campaign: pauses, the closing date, translations and work domains.

Pausing takes one button. What cannot be undone needs a second organiser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignFaulty, CampaignState, require_open, switches
from petition.core import clock, db
from petition.core.i18n import marked as _
from petition.ledger import log
from petition.mailing import queue
from petition.mailing.queue import current_pauses
from petition.mailing.queue.pauses import EVERYTHING, RESTORED
from petition.organisers import Act, approvals
from petition.usecases import closing_date, domains, public_texts, switching
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts.domains import MOST_DOMAINS
from petition.web.dashboard.drafts.forms import LETTER_LANGUAGES, language_name
from petition.web.dashboard.settings_forms import (
    ClosingForm,
    DomainChangeForm,
    Policies,
    SwitchForm,
    Translation,
    TranslationForm,
)
from petition.web.forms import versions
from petition.web.forms.base import FormRefused
from petition.web.forms.redraw import redraw
from petition.web.language import gettext
from petition.web.services import services

bp = access.blueprint("settings", largest_form=access.LARGEST_FORM)

SWITCH_LABELS: Final = {
    switches.SIGNING: (
        _("Signing"),
        _("Signatures are accepted."),
        _("No signature is accepted and no code is mailed. Passes stay valid, and existing signatures stay counted."),
    ),
    switches.CODES: (
        _("Codes"),
        _("Codes are mailed."),
        _("No code is mailed."),
    ),
    "method:work_email": (
        _("Proof by work address"),
        _("Codes are mailed, and passes are issued for them."),
        _("No code is mailed and no pass is issued for one."),
    ),
    switching.MAIL: (
        _("Mail to subscribers and organisers"),
        _("Mail that is due is sent."),
        _("No digest, update or milestone is mailed. Mail that is due waits."),
    ),
}
"""For each switch its title, what happens while it runs, and what happens while it is paused."""
OTHER_METHOD: Final = (
    _("Another way of proof"),
    _("Passes are issued by this method."),
    _("No pass is issued by this method."),
)
CODES_STAY_VALID: Final = _("Codes that have arrived stay valid.")
CODES_STILL_MAILED: Final = _("Codes are still mailed.")
HOLDERS_SIGN: Final = _("People who hold a pass can sign.")
NOBODY_SIGNS: Final = _("Nobody can sign while signing is paused.")
HELD_BY_SIGNING: Final = _("It is not paused itself, but no code is mailed while signing is paused.")
HELD_BY_CODES: Final = _("It is not paused itself, but no code is mailed while codes are paused.")
HELD_BY_METHODS: Final = _("It is not paused itself, but no code is mailed while every method of proof is paused.")
HELD_BY_OPERATOR: Final = _("It is not paused here, but the operator of this site has paused all mail.")


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch as the page shows it: its state now, and its state after its button was pressed."""

    what: str
    title: str
    stopped: bool
    now: tuple[str, ...]
    then: tuple[str, ...]


def _page(form: ClosingForm | TranslationForm | DomainChangeForm | None = None) -> Response:
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        domain_form = form if isinstance(form, DomainChangeForm) else DomainChangeForm.of_listed(campaign)
        requested = session.scalars(approvals.waiting(campaign.id, now)).all()
        return rendering.render(
            "settings", session, campaign, form,
            closing=form if isinstance(form, ClosingForm) else _closing_form(campaign),
            domain=domain_form,
            fixed=campaign.domains.get(domain_form.domain.data or ""),
            translation=form if isinstance(form, TranslationForm) else TranslationForm(),
            switches=_switches(session, campaign),
            zone=str(rendering.zone_of(campaign)),
            refused=queue.refused(session),
            is_open=campaign.state is CampaignState.OPEN,
            many=campaign.state is CampaignState.OPEN and closing_date.many_wait(session, campaign),
            requested_acts={each.act.value for each in requested},
            count=log.counted(session, campaign.id),
            other_languages=[(code, language_name(code)) for code in LETTER_LANGUAGES if code not in campaign.languages],
            policies=sorted(campaign.domains.items()),
        )  # fmt: skip


@bp.get("/c/<slug>/settings")
@needs(Act.MANAGE)
def settings(slug: str) -> Response:
    """Show what can be paused and what can be changed."""
    del slug
    return _page()


@bp.post("/c/<slug>/settings/stop")
@needs(Act.MANAGE)
def stop(slug: str) -> Response:
    """Pause something at once. Raises CampaignFaulty."""
    what = SwitchForm.read(request.form).what.data
    with db.transaction() as session:
        switching.stop(session, access.campaign(session), what, access.actor())
    return _back(slug)


@bp.post("/c/<slug>/settings/resume")
@needs(Act.MANAGE)
def resume(slug: str) -> Response:
    """Resume something. Raises CampaignFaulty."""
    what = SwitchForm.read(request.form).what.data
    with db.transaction() as session:
        switching.resume(session, access.campaign(session), what, services().config.base_url, access.actor())
    return _back(slug)


@bp.post("/c/<slug>/settings/closing")
@needs(Act.MANAGE, fresh=True)
@redraw(_page, form=ClosingForm)
def change_closing(slug: str) -> Response:
    """Set or remove the closing date of an open letter, or ask a second organiser. Raises CampaignClosed."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        session.refresh(campaign, with_for_update=True)
        require_open(campaign)
        posted = versions.merged(request.form, _closing_form(campaign), is_act=True)
        closes = ClosingForm.read(posted, **rendering.form_meta(campaign)).closes_at.data
        access.show_again_if_resent()
        asked = closing_date.set_date(session, campaign, closes, access.actor())
    return _back(slug) if asked is None else _to_approvals(slug)


@bp.post("/c/<slug>/settings/close")
@needs(Act.MANAGE, fresh=True)
def ask_to_close(slug: str) -> Response:
    """Ask a second organiser to close the campaign. Raises StepSkipped."""
    with db.transaction() as session:
        closing_date.ask_to_close(session, access.campaign(session), access.actor())
    return _to_approvals(slug)


@bp.post("/c/<slug>/settings/translation")
@needs(Act.MANAGE, fresh=True)
@redraw(_page, form=TranslationForm)
def ask_for_translation(slug: str) -> Response:
    """Ask a second organiser to add a language to an open letter. Raises CampaignClosed."""
    new = TranslationForm.read(request.form).translation()
    access.show_again_if_resent()
    with db.transaction() as session:
        _ask_for_translation(session, access.campaign(session), new)
    return _to_approvals(slug)


@bp.post("/c/<slug>/settings/domains")
@needs(Act.MANAGE, fresh=True)
@redraw(_page, form=DomainChangeForm)
def ask_for_domains(slug: str) -> Response:
    """Ask a second organiser to add, change or remove a domain. Raises CampaignClosed."""
    form = DomainChangeForm.read(request.form)
    access.show_again_if_resent()
    with db.transaction() as session:
        campaign = access.campaign(session)
        _ask_for(session, campaign, form.changed(campaign.domains))
    return _back(slug)


def _closing_form(campaign: Campaign) -> ClosingForm:
    return ClosingForm(data={"closes_at": campaign.closes_at}, meta=rendering.form_meta(campaign))


def _ask_for_translation(session: Session, campaign: Campaign, new: Translation) -> None:
    try:
        public_texts.ask_to_translate(session, campaign, new.lang, new.title, new.markdown, access.actor())
    except CampaignFaulty:
        raise FormRefused({"language": [gettext(_("The letter already exists in this language."))]}) from None


def _ask_for(session: Session, campaign: Campaign, after: Policies) -> None:
    if len(after) > MOST_DOMAINS:
        raise FormRefused({"domain": [gettext(_("Enter %(n)s domains at most."), n=MOST_DOMAINS)]})
    try:
        domains.ask(session, campaign, after, access.actor())
    except domains.ReadingFixed:
        sentence = gettext(
            _(
                "Tags, dots and hosts of addresses that can sign since the opening stay as they are, or one person could sign twice."
            )
        )
        raise FormRefused({"domain": [sentence]}) from None
    except CampaignFaulty:
        sentence = gettext(_("This would change nothing, or leave no domain at all."))
        raise FormRefused({"domain": [sentence]}) from None


def _to_approvals(slug: str) -> Response:
    """Redirect to the page where the request that was just made waits."""
    return access.go(url_for("organise_approvals.approvals", slug=slug))


def _back(slug: str) -> Response:
    return access.go(url_for("organise_settings.settings", slug=slug))


def _switches(session: Session, campaign: Campaign) -> list[Switch]:
    """Return what can be paused. Once the letter is closed, only its mail can be."""
    stopped, pauses = switching.stopped(session, campaign), current_pauses(session, services().config.base_url)
    if not {EVERYTHING, RESTORED}.isdisjoint(pauses):
        stopped |= {EVERYTHING}
    offered = switching.offered(campaign) if campaign.state is CampaignState.OPEN else [switching.MAIL]
    return [
        Switch(each, SWITCH_LABELS.get(each, OTHER_METHOD)[0], each in stopped, *_sentences(campaign, each, stopped))
        for each in offered
    ]


def _sentences(campaign: Campaign, what: str, stopped: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _consequences(campaign, what, stopped), _consequences(campaign, what, stopped ^ {what})


def _consequences(campaign: Campaign, what: str, stopped: set[str]) -> tuple[str, ...]:
    """Describe what happens with one switch while the given switches are paused."""
    _title, runs, stands = SWITCH_LABELS.get(what, OTHER_METHOD)
    if what not in stopped:
        return (_why_not_running(campaign, what, stopped) or runs,)
    return (stands, *_unaffected(campaign, what, stopped))


def _unaffected(campaign: Campaign, what: str, stopped: set[str]) -> list[str]:
    """Describe what still works after a pause, unless something else is paused as well."""
    proofs = not _methods(campaign) <= stopped
    if what == switches.SIGNING:
        return []
    if what == switching.MAIL:
        codes = (
            campaign.state is CampaignState.OPEN and proofs and stopped.isdisjoint({switches.SIGNING, switches.CODES})
        )
        return [CODES_STILL_MAILED] if codes else []
    signs = NOBODY_SIGNS if switches.SIGNING in stopped else HOLDERS_SIGN
    return [CODES_STAY_VALID, signs] if what == switches.CODES and proofs else [signs]


def _methods(campaign: Campaign) -> set[str]:
    return {switches.METHOD + name for name in campaign.methods}


def _why_not_running(campaign: Campaign, what: str, stopped: set[str]) -> str:
    """Return why a switch that is not paused does not run, or an empty text if it runs."""
    if what == switching.MAIL:
        return HELD_BY_OPERATOR if EVERYTHING in stopped else ""
    if what == switches.SIGNING:
        return ""
    if switches.SIGNING in stopped:
        return HELD_BY_SIGNING
    if what != switches.CODES:
        return HELD_BY_CODES if switches.CODES in stopped else ""
    return HELD_BY_METHODS if _methods(campaign) <= stopped else ""
