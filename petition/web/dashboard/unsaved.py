"""What happens to a text that is not saved yet: somebody else changed the same fields meanwhile."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from petition.core import db
from petition.web.dashboard import access, rendering
from petition.web.forms.versions import DRAWN, KEEP, MINE, ChangedMeanwhile

bp = access.blueprint("unsaved", largest_form=access.LARGEST_FORM)


@bp.app_errorhandler(ChangedMeanwhile)
def show_both_versions(error: ChangedMeanwhile) -> Response:
    """Show both texts of each field that two people changed. The choice is sent to where the form was sent."""
    with db.session() as session:
        page = rendering.render(
            "conflict", session, access.campaign(session), both=error, path=request.full_path.rstrip("?"),
            again=access.SENT_AGAIN, drawn=DRAWN, keep=KEEP, mine=MINE,
        )  # fmt: skip
    page.status_code = HTTPStatus.CONFLICT
    return page
