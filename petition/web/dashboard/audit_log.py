"""The audit log page: what organisers did, newest first, a hundred lines a page, filtered by action or by organiser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms.validators import Optional

from petition.core import db
from petition.core.ids import CampaignId
from petition.organisers import Act, Organiser
from petition.organisers import audit_log as log
from petition.organisers.audit_log import Action, AuditEntry
from petition.web.dashboard import access, audit_messages, rendering
from petition.web.dashboard.access import needs
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import HexField, SelectField
from petition.web.language import lazy_gettext as _

bp = access.blueprint("audit_log")
LINES_PER_PAGE: Final = 100
LARGEST_NUMBER: Final = 2**63 - 1


class FilterForm(BaseForm):
    """Which lines of the audit log are shown. A value that is neither an action nor an organiser is ignored."""

    deed = SelectField(_("What"), [Optional()], choices=Action)
    by = HexField(_("Who"), [Optional()])


@bp.get("/c/<slug>/journal")
@needs(Act.READ_AUDIT_LOG)
def audit_log(slug: str) -> Response:
    """Show who did what in this campaign, and when."""
    del slug
    form, before = FilterForm(request.args), request.args.get("before", 0, type=int)
    action, by = form.deed.data, form.by.data
    with db.session() as session:
        campaign = access.campaign(session)
        query = log.lines(campaign.id, action=action, by=by)
        if 0 < before <= LARGEST_NUMBER:
            query = query.where(AuditEntry.number < before)
        entries = session.scalars(query.limit(LINES_PER_PAGE + 1)).all()
        names, zone = _names(session, campaign.id), rendering.zone_of(campaign)
        chosen = {"deed": action.value if action else "", "by": by.hex() if by else ""}
        return rendering.render(
            "audit_log", session, campaign, form,
            lines=[(line, names.get(line.by or b"", ""), audit_messages.describe_action(line.action, line.about, zone)) for line in entries[:LINES_PER_PAGE]],
            older=entries[LINES_PER_PAGE - 1].number if len(entries) > LINES_PER_PAGE else None,
            actions=sorted(((each.value, audit_messages.name(each)) for each in Action), key=lambda pair: pair[1].casefold()),
            who=_by_name(names),
            chosen=chosen,
        )  # fmt: skip


def _names(session: Session, campaign_id: CampaignId) -> dict[bytes, str]:
    """Return the names of everybody who ever acted in a campaign, including those who have left it."""
    acting = select(AuditEntry.by).where(AuditEntry.campaign_id == campaign_id, AuditEntry.by.is_not(None))
    rows = session.execute(select(Organiser.id, Organiser.name).where(Organiser.id.in_(acting)))
    return {organiser_id: name for organiser_id, name in rows}


def _by_name(names: Mapping[bytes, str]) -> Iterable[tuple[str, str]]:
    return sorted(((organiser.hex(), name) for organiser, name in names.items()), key=lambda pair: pair[1].casefold())
