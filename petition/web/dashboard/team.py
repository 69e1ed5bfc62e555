"""The team: members and their roles, invitations, and who goes."""

from __future__ import annotations

from flask import Response, request, url_for

from petition import organisers
from petition.core import clock, db
from petition.organisers import Act, LastOwner, MemberUnknown, Role, team
from petition.organisers.invitations import LIFE
from petition.usecases import acts
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs, visitor
from petition.web.dashboard.shapes import IdForm, MemberForm, RoleForm
from petition.web.dashboard.words import ROLES
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused
from petition.web.services import services

bp = access.blueprint("team")


@bp.get("/c/<slug>/team")
@needs(Act.MANAGE)
def members(slug: str) -> Response:
    """Who organises this campaign, and who is invited."""
    del slug
    return _page()


@bp.post("/c/<slug>/team/invite")
@needs(Act.MANAGE, fresh=True)
def invite(slug: str) -> Response:
    """Make a link for one more organiser, which this answer alone shows."""
    del slug
    now = clock.now()
    try:
        role = RoleForm.read(request.form).chosen()
    except FormRefused as error:
        return rendering.render_again(error, _page(rendering.to_mend(error, {"role": request.form.get("role", "")})))
    with db.transaction() as session:
        campaign = access.campaign(session)
        token = organisers.invite(session, campaign.id, role, visitor().organiser_id, now)
        link = services().config.base_url + url_for("organise_joining.invitation", token=token)
        return rendering.render(
            "invited", session, campaign, link=link, invited=role, until=now + LIFE, role_words=ROLES
        )


@bp.post("/c/<slug>/team/cancel")
@needs(Act.MANAGE)
def cancel(slug: str) -> Response:
    """Make an invitation's link useless. Raises FormRefused, InvitationUnknown."""
    invitation = IdForm.read(request.form).bytes()
    with db.transaction() as session:
        team.cancel(session, access.campaign(session).id, invitation, visitor().organiser_id, clock.now())
    return _back(slug)


@bp.post("/c/<slug>/team/role")
@needs(Act.MANAGE, fresh=True)
def change(slug: str) -> Response:
    """Give a member another role. Raises FormRefused."""
    form = MemberForm.read(request.form)
    return _changed(slug, form.bytes(), form.chosen())


@bp.post("/c/<slug>/team/remove")
@needs(Act.MANAGE, fresh=True)
def remove(slug: str) -> Response:
    """Take a member out. Raises FormRefused."""
    return _changed(slug, IdForm.read(request.form).bytes(), None)


def _changed(slug: str, member: bytes, to: Role | None) -> Response:
    """At once, or by way of the page where a second organiser agrees."""
    try:
        with db.transaction() as session:
            campaign = access.campaign(session)
            asked = acts.change_member(session, campaign, member, to, visitor().organiser_id, clock.now())
    except (LastOwner, MemberUnknown) as error:
        return rendering.render_again(error, _page(rendering.to_mend(error, {})))
    if member == visitor().organiser_id and asked is None and to is None:
        return access.go(url_for("organise_overview.campaigns"))
    return _back(slug) if asked is None else access.go(url_for("organise_keys.keys", slug=slug))


def _page(form: Filled = EMPTY) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        members = organisers.members(session, campaign.id)
        return rendering.render(
            "team", session, campaign, form,
            members=members,
            owners=sum(role is Role.OWNER and not someone.disabled for someone, role in members),
            invitations=team.open_invitations(session, campaign.id, clock.now()),
            me=visitor().organiser_id,
            role_words=ROLES,
        )  # fmt: skip


def _back(slug: str) -> Response:
    return access.go(url_for("organise_team.members", slug=slug))
