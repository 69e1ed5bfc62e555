"""Drawing the dashboard's pages: the frame around each, and what there is to go to."""

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
from petition.usecases import acts
from petition.web.dashboard import access
from petition.web.forms.base import BaseForm
from petition.web.language import page_language


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu: its words, its endpoint, the act that its page asks for, the states it makes sense in."""

    words: str
    endpoint: str
    act: Act
    states: tuple[CampaignState, ...] = tuple(CampaignState)


PUBLIC: Final = tuple(state for state in CampaignState if state is not CampaignState.DRAFT)
MENU: Final = (
    Item(_("Overview"), "organise_overview.overview", Act.SEE),
    Item(_("Draft"), "organise_drafts.checklist", Act.WRITE, (CampaignState.DRAFT,)),
    Item(_("Chart"), "organise_chart.page", Act.SEE, PUBLIC),
    Item(_("Updates"), "organise_updates.every", Act.PUBLISH, PUBLIC),
    Item(_("Demands"), "organise_demands.demands", Act.PUBLISH, PUBLIC),
    Item(_("Milestones"), "organise_milestones.milestones", Act.PUBLISH, PUBLIC),
    Item(_("Answer"), "organise_answer.ending", Act.PUBLISH, PUBLIC),
    Item(_("Signers"), "organise_signers.signers", Act.MODERATE, PUBLIC),
    Item(_("Removals"), "organise_removals.removals", Act.MODERATE, PUBLIC),
    Item(_("Subscribers"), "organise_subscribers.page", Act.SEE, PUBLIC),
    Item(_("Share"), "organise_share.share", Act.SEE, PUBLIC),
    Item(_("Exports"), "organise_exports.page", Act.EXPORT),
    Item(_("Approvals"), "organise_keys.keys", Act.READ_AUDIT_LOG),
    Item(_("Team"), "organise_team.members", Act.MANAGE),
    Item(_("Settings"), "organise_settings.settings", Act.MANAGE, PUBLIC),
    Item(_("Audit log"), "organise_journal.journal", Act.READ_AUDIT_LOG),
)  # fmt: skip


def render(
    template: str,
    session: Session | None = None,
    campaign: Campaign | None = None,
    form: BaseForm | None = None,
    **values: object,
) -> Response:
    """A page of the dashboard, complete; one about a campaign has its menu."""
    context: dict[str, object] = {
        "visitor": g.get("visitor"),
        "campaign": campaign,
        "role": g.get("role"),
        "allows": access.allows,
        "reaches": access.reaches,
        "Act": Act,
        "form_token": access.form_token() if g.get("visitor") else "",
        "menu": _menu(campaign) if campaign is not None else (),
        "keys_waiting": _keys_waiting(session, campaign),
        "lang": g.lang if "lang" in g else page_language(),
        "come_back": _come_back(),
        "asked_lang": g.lang if "lang" in request.args and "lang" in g else None,
        "form": form or BaseForm(),
    }
    page = render_template(f"dashboard/{template}.html", **(context | values))
    return Response(page, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def form_meta(campaign: Campaign) -> dict[str, Any]:
    """What a form about a campaign knows beside what is posted (`petition.web.forms.base`)."""
    return {"languages": campaign.languages, "zone": zone_of(campaign), "now": clock.now()}


def zone_of(campaign: Campaign) -> ZoneInfo:
    """The time zone in which a campaign's days and hours are told and typed."""
    return Mailing.read(campaign.mailing).zone()


def _come_back() -> str:
    """This page's address without a language, to come back to in another one."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return request.path + ("?" + urlencode(kept) if kept else "")


def _menu(campaign: Campaign) -> tuple[Item, ...]:
    return tuple(item for item in MENU if item.act in GRANTS[access.role()] and campaign.state in item.states)


def _keys_waiting(session: Session | None, campaign: Campaign | None) -> int:
    """How many requests there are that the visitor could decide."""
    if session is None or campaign is None:
        return 0
    waiting = acts.waiting(session, campaign.id, clock.now())
    return sum(access.allows(acts.RIGHTS[request.act]) for request, _asker in waiting)
