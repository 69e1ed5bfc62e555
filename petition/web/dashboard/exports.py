"""The exports page: organisers request files, a worker makes them, and they can be downloaded for a limited time.

Names are exported only with the approval of a second organiser and a fresh proof of who requests them. While a file is
being made, the page reloads itself without a script. Files of other campaigns, unfinished files and expired files
cannot be downloaded.
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

REFRESH_SECONDS: Final = "2"
KINDS: Final = {
    ExportKind.FIGURES_CSV: _("Figures by day (CSV)"),
    ExportKind.FIGURES_JSON: _("Figures by day (JSON)"),
    ExportKind.AUDIT_LOG: _("Audit log (CSV)"),
    ExportKind.SIGNERS: _("Public names (CSV)"),
}
WITHOUT_APPROVAL: Final = [kind for kind in KINDS if kind is not ExportKind.SIGNERS]
"""Kinds of files that do not need a second organiser."""
TYPES: Final = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

bp = access.blueprint("exports")


class ExportForm(BaseForm):
    """The kind of file that is requested. The page has a button for each kind."""

    kind = SelectField(choices=WITHOUT_APPROVAL, coerce=ExportKind, labels=KINDS)


@bp.get("/c/<slug>/exports")
@needs(Act.EXPORT)
def page(slug: str) -> Response:
    """Show what can be requested, what is being made, and what is ready."""
    del slug
    return _page()


@bp.post("/c/<slug>/exports")
@needs(Act.EXPORT)
def ask(slug: str) -> Response:
    """Request figures or the audit log. Names have a route of their own."""
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
    """Send a finished file as a stream."""
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
        requested = exports.of(session, campaign.id, now)
        answer = rendering.render(
            "exports", session, campaign, exports=requested, kinds=ExportForm().kind.pairs(), file_name=exports.file_name,
            names=exports.public_names(session, campaign), names_requested=request.args.get("asked") == "names",
        )  # fmt: skip
    if any(each.state in UNFINISHED for each in requested):
        answer.headers["Refresh"] = REFRESH_SECONDS
    return answer
