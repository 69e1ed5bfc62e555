"""The team page: members and their roles, invitations, and the removal of members."""

from __future__ import annotations

from flask import Response, request, url_for

from petition import organisers
from petition.core import clock, db
from petition.core.ids import OrganiserId
from petition.organisers import Act, LastOwner, MemberUnknown, Role, team
from petition.organisers.invitations import LIFE
from petition.usecases import acts
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs, visitor
from petition.web.dashboard.forms import IdForm, InviteForm, MemberForm
from petition.web.forms.redraw import redraw
from petition.web.services import services

bp = access.blueprint("team")


def _page(form: InviteForm) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        members = organisers.members(session, campaign.id)
        return rendering.render(
            "team", session, campaign, form,
            members=members,
            owners=sum(role is Role.OWNER and not someone.disabled for someone, role in members),
            invitations=team.open_invitations(session, campaign.id, clock.now()),
            me=visitor().organiser_id,
        )  # fmt: skip


@bp.get("/c/<slug>/team")
@needs(Act.MANAGE)
def members(slug: str) -> Response:
    """Show who organises this campaign, and which invitations are open."""
    del slug
    return _page(InviteForm())


@bp.post("/c/<slug>/team/invite")
@needs(Act.MANAGE, fresh=True)
@redraw(_page, form=InviteForm)
def invite(slug: str) -> Response:
    """Make a link for one more organiser. Only this response shows it."""
    del slug
    now, role = clock.now(), InviteForm.read(request.form).role.data
    with db.transaction() as session:
        campaign = access.campaign(session)
        token = organisers.invite(session, campaign.id, role, access.actor())
        link = services().config.base_url + url_for("organise_joining.invitation", token=token)
        return rendering.render("invited", session, campaign, link=link, invited=role, until=now + LIFE)


@bp.post("/c/<slug>/team/cancel")
@needs(Act.MANAGE)
def cancel(slug: str) -> Response:
    """Cancel an invitation, which makes its link useless. Raises FormRefused, InvitationUnknown."""
    invitation = IdForm.read(request.form).id.data
    with db.transaction() as session:
        team.cancel(session, access.campaign(session).id, invitation, access.actor())
    return _back(slug)


@bp.post("/c/<slug>/team/role")
@needs(Act.MANAGE, fresh=True)
@redraw(_page, LastOwner, MemberUnknown, form=InviteForm)
def change(slug: str) -> Response:
    """Give a member another role."""
    wanted = MemberForm.read(request.form).new_role()
    return _change_member(slug, wanted.member, wanted.role)


@bp.post("/c/<slug>/team/remove")
@needs(Act.MANAGE, fresh=True)
@redraw(_page, LastOwner, MemberUnknown, form=InviteForm)
def remove(slug: str) -> Response:
    """Remove a member from the team."""
    return _change_member(slug, OrganiserId(IdForm.read(request.form).id.data), None)


def _change_member(slug: str, member: OrganiserId, to: Role | None) -> Response:
    """Change or remove a member at once, or redirect to the page where a second organiser approves it."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        request_ = acts.change_member(session, campaign, member, to, access.actor())
    if member == visitor().organiser_id and request_ is None and to is None:
        return access.go(url_for("organise_overview.campaigns"))
    return _back(slug) if request_ is None else access.go(url_for("organise_approvals.approvals", slug=slug))


def _back(slug: str) -> Response:
    return access.go(url_for("organise_team.members", slug=slug))
