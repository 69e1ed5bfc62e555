"""This module renders the dashboard's pages: the layout around each of them, and the menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, g, render_template, request
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState
from petition.campaigns.mail_settings import Mailing
from petition.core import clock
from petition.core.i18n import marked as _
from petition.organisers import GRANTS, Act
from petition.usecases import acts, closing_date
from petition.usecases.approval_rules import RIGHTS
from petition.web.dashboard import access
from petition.web.forms.base import BaseForm
from petition.web.language import page_language


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line of the menu: label, endpoint, the act that its page requires, and the states that show it."""

    words: str
    endpoint: str
    act: Act
    states: tuple[CampaignState, ...] = tuple(CampaignState)


PUBLIC: Final = tuple(state for state in CampaignState if state is not CampaignState.DRAFT)
MENU: Final = (
    MenuItem(_("Overview"), "organise_overview.overview", Act.SEE),
    MenuItem(_("Draft"), "organise_drafts.checklist", Act.WRITE, (CampaignState.DRAFT,)),
    MenuItem(_("Chart"), "organise_chart.page", Act.SEE, PUBLIC),
    MenuItem(_("Updates"), "organise_updates.list_updates", Act.PUBLISH, PUBLIC),
    MenuItem(_("Demands"), "organise_demands.demands", Act.PUBLISH, PUBLIC),
    MenuItem(_("Milestones"), "organise_milestones.milestones", Act.PUBLISH, PUBLIC),
    MenuItem(_("Answer"), "organise_answer.page", Act.PUBLISH, PUBLIC),
    MenuItem(_("Signers"), "organise_signers.signers", Act.MODERATE, PUBLIC),
    MenuItem(_("Removals"), "organise_removals.removals", Act.MODERATE, PUBLIC),
    MenuItem(_("Subscribers"), "organise_subscribers.page", Act.SEE, PUBLIC),
    MenuItem(_("Share"), "organise_share.share", Act.SEE, PUBLIC),
    MenuItem(_("Exports"), "organise_exports.page", Act.EXPORT),
    MenuItem(_("Approvals"), "organise_approvals.approvals", Act.READ_AUDIT_LOG),
    MenuItem(_("Team"), "organise_team.members", Act.MANAGE),
    MenuItem(_("Settings"), "organise_settings.settings", Act.MANAGE, PUBLIC),
    MenuItem(_("Operation"), "organise_operation.page", Act.MANAGE),
    MenuItem(_("Audit log"), "organise_audit_log.audit_log", Act.READ_AUDIT_LOG),
)  # fmt: skip


def render(
    template: str,
    session: Session | None = None,
    campaign: Campaign | None = None,
    form: BaseForm | None = None,
    **values: object,
) -> Response:
    """Render a page of the dashboard. A page about a campaign has the campaign's menu."""
    context: dict[str, object] = {
        "visitor": g.get("visitor"),
        "campaign": campaign,
        "role": g.get("role"),
        "allows": access.allows,
        "reaches": access.reaches,
        "Act": Act,
        "form_token": access.form_token() if g.get("visitor") else "",
        "menu": _menu(campaign) if campaign is not None else (),
        "approvals_waiting": _approvals_waiting(session, campaign),
        "closes_soon": campaign.closes_at
        if campaign is not None and closing_date.is_near(campaign, clock.now())
        else None,
        "lang": g.lang if "lang" in g else page_language(),
        "this_page": _this_page(),
        "asked_lang": g.lang if "lang" in request.args and "lang" in g else None,
        "form": form or BaseForm(),
    }
    page = render_template(f"dashboard/{template}.html", **(context | values))
    return Response(page, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def form_meta(campaign: Campaign) -> dict[str, Any]:
    """Return what a form about a campaign needs besides the posted fields (`petition.web.forms.base`)."""
    return {"languages": campaign.languages, "zone": zone_of(campaign), "now": clock.now()}


def zone_of(campaign: Campaign) -> ZoneInfo:
    """Return the time zone in which a campaign's dates and times are shown and entered."""
    return Mailing.read(campaign.mailing).zone()


def _this_page() -> str:
    """Return this page's address without its language, so that it can be shown in another one."""
    arguments = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return request.path + ("?" + urlencode(arguments) if arguments else "")


def _menu(campaign: Campaign) -> tuple[MenuItem, ...]:
    return tuple(item for item in MENU if item.act in GRANTS[access.role()] and campaign.state in item.states)


def _approvals_waiting(session: Session | None, campaign: Campaign | None) -> int:
    """Return the number of requests that the visitor could decide."""
    if session is None or campaign is None:
        return 0
    waiting = acts.waiting(session, campaign, clock.now())
    return sum(access.allows(RIGHTS[request.act]) for request, _asker in waiting)
