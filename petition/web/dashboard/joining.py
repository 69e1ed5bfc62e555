"""This module accepts invitations.

A newcomer chooses a name and gets recovery codes. Other organisers join with one button.
"""

from __future__ import annotations

from flask import Response, g, request, url_for
from sqlalchemy.orm import Session

from petition import organisers
from petition.campaigns import Campaign
from petition.core import clock, db
from petition.organisers import Invitation, InvitationUnknown, NameTaken, invitations, recovery
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import Audience, needs, visitor
from petition.web.dashboard.forms import NameForm
from petition.web.forms.redraw import redraw
from petition.web.language import page_language, spoken

bp = access.blueprint("joining")


def _page(form: NameForm, token: str) -> Response:
    with db.session() as session:
        found = invitations.find(session, token, clock.now())
        if found.organiser_id is not None:
            raise InvitationUnknown
        campaign = session.get(Campaign, found.campaign_id) if found.campaign_id else None
        member = g.visitor is not None and (
            found.campaign_id is None
            or organisers.role_of(session, visitor().organiser_id, found.campaign_id) is not None
        )
        letter = _title(campaign)
        return rendering.render(
            "invitation", form=form, link=token, invited=found, letter=letter, there=campaign, member=member,
        )  # fmt: skip


@bp.get("/invitation/<token>")
@needs(Audience.ANYBODY)
def invitation(token: str) -> Response:
    """Show the campaign and the role of an invitation. Raises InvitationUnknown."""
    return _page(NameForm(), token)


@bp.post("/invitation/<token>")
@needs(Audience.ANYBODY)
@redraw(_page, NameTaken, form=NameForm)
def join(token: str) -> Response:
    """Accept the invitation and use it up. Raises InvitationUnknown, MemberAlready."""
    if g.visitor is not None:
        access.check_token()
        with db.transaction() as session:
            accepted = organisers.accept(session, token, visitor().organiser_id, clock.now())
            return access.go(_page_after_joining(session, accepted))
    page_language()
    return _newcomer(token, NameForm.read(request.form).name.data)


def _newcomer(token: str, name: str) -> Response:
    """Create an organiser, a visit and ten recovery codes. Only this response shows the codes."""
    now, lang = clock.now(), spoken()
    with db.transaction() as session:
        organiser = organisers.enrol(session, name, lang, now)
        accepted = organisers.accept(session, token, organiser.id, now)
        codes = recovery.renew(session, organiser.id, now)
        access.begin_visit(session, organiser.id)
        next_url = _page_after_joining(session, accepted)
    return access.with_cookie(rendering.render("codes", codes=codes, next_url=next_url, new=True))


def _title(campaign: Campaign | None) -> str:
    titles = {letter.lang: letter.title for letter in campaign.letters} if campaign else {}
    return titles.get(spoken()) or next(iter(titles.values()), "")


def _page_after_joining(session: Session, accepted: Invitation) -> str:
    campaign = session.get(Campaign, accepted.campaign_id) if accepted.campaign_id else None
    if campaign is None:
        return url_for("organise_overview.campaigns")
    return url_for("organise_overview.overview", slug=campaign.slug)
