"""Files to take home: asked for here, made by a worker, downloaded here as long as they live.

Guards that a name leaves with two keys and a fresh proof of who asks. The page reads itself again while something is
being made, without a script. Refuses a file of another campaign, one that is not ready, and one that had its day.
"""

from __future__ import annotations

from typing import Final

from flask import Response, make_response, request, send_file, url_for
from werkzeug.exceptions import BadRequest

from petition.core import clock, db
from petition.core.i18n import marked as _
from petition.organisers import Act
from petition.usecases import exports, files
from petition.usecases.exports import UNFINISHED, ExportUnknown
from petition.usecases.tables import ExportKind
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import SelectField
from petition.web.services import services

AGAIN_SECONDS: Final = "2"
KINDS: Final = {
    ExportKind.FIGURES_CSV: _("Figures by day (CSV)"),
    ExportKind.FIGURES_JSON: _("Figures by day (JSON)"),
    ExportKind.AUDIT_LOG: _("Audit log (CSV)"),
    ExportKind.SIGNERS: _("Public names (CSV)"),
}
ALONE: Final = [kind for kind in KINDS if kind is not ExportKind.SIGNERS]
"""What is made without a second organiser."""
TYPES: Final = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

bp = access.blueprint("exports")


class ExportForm(BaseForm):
    """Which file is asked for; it has a button for each."""

    kind = SelectField(choices=ALONE, coerce=ExportKind, labels=KINDS)


@bp.get("/c/<slug>/exports")
@needs(Act.EXPORT)
def page(slug: str) -> Response:
    """What can be asked for, what is being made, what is ready."""
    del slug
    return _page()


@bp.post("/c/<slug>/exports")
@needs(Act.EXPORT)
def ask(slug: str) -> Response:
    """Ask for figures or the journal; names have a way of their own."""
    form = ExportForm(request.form)
    if not form.validate():
        raise BadRequest
    with db.transaction() as session:
        exports.ask(session, access.campaign(session), form.kind.data, access.actor())
    return access.go(url_for("organise_exports.page", slug=slug))


@bp.post("/c/<slug>/exports/names")
@needs(Act.EXPORT, fresh=True)
def ask_names(slug: str) -> Response:
    """Ask a second organiser to approve a file of the public names."""
    with db.transaction() as session:
        exports.ask_names(session, access.campaign(session), access.actor())
    return access.go(url_for("organise_exports.page", slug=slug, asked="names"))


@bp.get("/c/<slug>/exports/<token>")
@needs(Act.EXPORT)
def download(slug: str, token: str) -> Response:
    """A whole file, sent piece by piece."""
    with db.session() as session:
        export = exports.find(session, access.campaign(session).id, _id(token), clock.now())
    path, name = files.path(services().config.home, export.id), exports.file_name(slug, export)
    if not path.exists():
        raise ExportUnknown
    kind = TYPES[name.rpartition(".")[2]]
    answer = make_response(send_file(path, mimetype=kind, as_attachment=True, download_name=name, conditional=False))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _id(token: str) -> bytes:
    try:
        return bytes.fromhex(token)
    except ValueError:
        raise ExportUnknown from None


def _page() -> Response:
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        asked = exports.of(session, campaign.id, now)
        answer = rendering.render(
            "exports", session, campaign, exports=asked, kinds=ExportForm().kind.pairs(), file_name=exports.file_name,
            names=exports.public_names(session, campaign), is_asked=request.args.get("asked") == "names",
        )  # fmt: skip
    if any(each.state in UNFINISHED for each in asked):
        answer.headers["Refresh"] = AGAIN_SECONDS
    return answer
