"""The checklist, the preview and the opening of a letter. Opening freezes what signers rely on."""

from __future__ import annotations

from flask import Response, g, render_template, url_for

from petition import campaigns, publication
from petition.campaigns import CampaignIncomplete, CampaignState
from petition.core import clock, db
from petition.core.markdown import letter_html
from petition.organisers import Act
from petition.usecases import drafting, opening
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages, steps
from petition.web.forms.base import BaseForm
from petition.web.forms.redraw import redraw
from petition.web.language import page_language
from petition.web.services import services


@needs(Act.WRITE)
def checklist(slug: str) -> Response:
    """Show what is missing, what is recommended, and the link to the opening."""
    with db.session() as session:
        campaign = access.campaign(session)
        if campaign.state is not CampaignState.DRAFT:
            return access.go(url_for("organise_overview.overview", slug=slug))
        now = clock.now()
        advised = [(each, *steps.ADVISED[each]) for each in drafting.advice(session, campaign)]
        return pages.render(
            "checklist",
            session,
            campaign,
            "",
            missing=[(each, *steps.step_and_sentence(each)) for each in opening.missing(session, campaign, now)],
            approved=opening.is_approved(session, campaign),
            requested=opening.waiting(session, campaign, now) is not None,
            advised=[each for each in advised if pages.may_change(each[1])],
            late=drafting.is_late(campaign, now),
            opens=campaign.opens_at.astimezone(rendering.zone_of(campaign)) if campaign.opens_at else None,
        )


@needs(Act.WRITE)
def preview(slug: str) -> Response:
    """Show the letter as the public will see it. Only organisers see it, and it is not stored."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        snapshot = publication.foresee(session, campaign)
    g.pop("lang", None)
    lang = page_language(snapshot)
    view = snapshot.letter(lang)
    html = render_template(
        "dashboard/draft/preview.html",
        snapshot=snapshot,
        letter=view,
        text=letter_html(view.markdown, view.lang),
        base_url=services().config.base_url.rstrip("/"),
        lang=lang,
    )
    return Response(html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def _open_page(form: BaseForm | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        now, zone = clock.now(), rendering.zone_of(campaign)
        opens, closes = (each.astimezone(zone) if each else None for each in (campaign.opens_at, campaign.closes_at))
        return pages.render(
            "open", session, campaign, "", form, opens=opens, closes=closes, zone=str(zone),
            missing=[(each, *steps.step_and_sentence(each)) for each in opening.missing(session, campaign, now)],
            approved=opening.is_approved(session, campaign),
            requested=opening.waiting(session, campaign, now) is not None,
        )  # fmt: skip


@needs(Act.MANAGE, fresh=True)
def open_page(slug: str) -> Response:
    """Show what opening means, in figures, before it is done."""
    with db.session() as session:
        state = access.campaign(session).state
    if state is not CampaignState.DRAFT:
        return access.go(url_for("organise_overview.overview", slug=slug))
    return _open_page()


@needs(Act.MANAGE, fresh=True)
@redraw(_open_page, CampaignIncomplete)
def ask_to_open(slug: str) -> Response:
    """Ask a second owner to open the letter for signatures. Raises StepSkipped if it was opened meanwhile."""
    with db.transaction() as session:
        opening.ask(session, access.campaign(session), access.actor())
    return access.go(url_for("organise_approvals.approvals", slug=slug))
