"""Pages about no campaign: safety before signing, and what a seizure of the servers would yield."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from petition.data_map import DATA_MAP, Datum, Kind
from petition.markdown import typeset
from petition.web import memory
from petition.web.language import page_language

bp = Blueprint("pages", __name__)
bp.add_app_template_filter(typeset)

Group = tuple[Kind, list[tuple[Datum, dict[str, list[str]]]]]
MOST_TELLING_FIRST = (Kind.personal, Kind.keyed, Kind.sealed, Kind.operational, Kind.public)


@bp.get("/safety")
def safety() -> Response:
    """What to do before signing, and who sees what."""
    return memory.cached_text(page_language(), "safety", lambda _: render_template("public/safety.html"))


@bp.get("/seizure")
def seizure() -> Response:
    """Every column of the database, made from the data map."""
    lang = page_language()
    return memory.cached_text(lang, "seizure", lambda _: render_template("public/seizure.html", groups=by_kind()))


def by_kind() -> list[Group]:
    """The data map in groups, what tells most about people first; columns of which the same is said share a row."""
    rows: dict[Datum, dict[str, list[str]]] = {}
    for column, datum in DATA_MAP.items():
        table, _, name = column.rpartition(".")
        rows.setdefault(datum, {}).setdefault(table, []).append(name)
    groups = [(kind, [row for row in rows.items() if row[0].kind is kind]) for kind in MOST_TELLING_FIRST]
    return [group for group in groups if group[1]]
