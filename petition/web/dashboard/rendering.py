"""This module renders the dashboard's pages with the frame around each of them: the letter's title, its state, the menu."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, g, render_template, request, url_for
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import Campaign, CampaignState
from petition.campaigns.mail_settings import Mailing
from petition.core import clock
from petition.organisers import Act
from petition.usecases import acts, closing_date
from petition.usecases.approval_rules import RIGHTS
from petition.web.dashboard import access, menu
from petition.web.forms.base import BaseForm
from petition.web.language import page_language
from petition.web.services import services


def render(
    template: str,
    session: Session | None = None,
    campaign: Campaign | None = None,
    form: BaseForm | None = None,
    **values: object,
) -> Response:
    """Render a page of the dashboard. A page about a campaign has its title, its state and its menu above it."""
    lang = g.lang if "lang" in g else page_language()
    groups = menu.visible(access.role(), campaign.state) if campaign is not None else ()
    context: dict[str, object] = {
        "visitor": g.get("visitor"),
        "campaign": campaign,
        "role": g.get("role"),
        "allows": access.allows,
        "reaches": access.reaches,
        "Act": Act,
        "form_token": access.form_token() if g.get("visitor") else "",
        "menu": groups,
        "menu_here": menu.current(groups, request.endpoint or "", request.view_args or {}),
        "letter_title": title_of(session, campaign, lang) if session is not None and campaign is not None else "",
        "letter_address": _public_address(campaign, lang) if campaign is not None else "",
        "approvals_waiting": _approvals_waiting(session, campaign),
        "closes_soon": campaign.closes_at
        if campaign is not None and closing_date.is_near(campaign, clock.now())
        else None,
        "lang": lang,
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


def title_of(session: Session, campaign: Campaign, lang: str) -> str:
    """Return the title of a letter for a visitor, in their language if it has one."""
    return campaigns.title_in(campaigns.titles(session, [campaign.id]).get(campaign.id, {}), campaign, lang)


def _public_address(campaign: Campaign, lang: str) -> str:
    """Return the full address of a public letter, in the visitor's language if it is one of the letter's."""
    if campaign.state is CampaignState.DRAFT:
        return ""
    asked = lang if lang in campaign.languages[1:] else None
    return services().config.base_url.rstrip("/") + url_for("letter.letter", slug=campaign.slug, lang=asked)


def _approvals_waiting(session: Session | None, campaign: Campaign | None) -> int:
    """Return the number of requests that the visitor could decide."""
    if session is None or campaign is None:
        return 0
    waiting = acts.waiting(session, campaign, clock.now())
    return sum(access.allows(RIGHTS[request.act]) for request, _asker in waiting)
