"""The list of signers: names in ledger order, 100 a page, then roles, then the number of anonymous signers.

Anonymous signers stay anonymous: roles and numbers come from the snapshot, which has no group below ten, and a search
covers public names only. A page with a search is not cached, because search terms are private.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, render_template, request

from petition import signatures
from petition.core import db
from petition.core.ids import CampaignId
from petition.publication import Snapshot
from petition.signatures import NAMES_A_PAGE, NamedSigner
from petition.web import page_cache
from petition.web.forms.fields import SENT
from petition.web.forms.validators import JOINERS
from petition.web.language import page_language

LONGEST_SEARCH: Final = 100

bp = Blueprint("signers", __name__)


@dataclass(frozen=True, slots=True)
class Names:
    """One page of names, its number, the number of pages, and the number of names found."""

    names: Sequence[NamedSigner]
    page: int
    pages: int
    found: int


@bp.get("/c/<slug>/signers")
def signers(slug: str) -> Response:
    """Returns a page of signers, or those whose name, role or team contains `?q=`. Raises CampaignUnknown."""
    snapshot = page_cache.snapshot(slug)
    lang = page_language(snapshot)
    if query := _query():
        return Response(_render(snapshot, _search(snapshot, query), query))
    page = _page(_pages(snapshot.tally.named))
    return page_cache.cached_page(
        slug, lang, f"signers {page}", lambda snapshot: _render(snapshot, _names(snapshot, page))
    )


def _render(snapshot: Snapshot, names: Names, query: str = "") -> str:
    return render_template("public/signers.html", snapshot=snapshot, named=names, q=query)


def _query() -> str:
    sent = request.args.get("q", "")[: SENT * LONGEST_SEARCH]
    words = "".join(letter if letter.isprintable() or letter in JOINERS else " " for letter in sent).split()
    return " ".join(words)[:LONGEST_SEARCH]


def _page(last: int) -> int:
    return min(max(1, request.args.get("page", 1, type=int)), last)


def _pages(found: int) -> int:
    return max(1, -(-found // NAMES_A_PAGE))


def _names(snapshot: Snapshot, page: int) -> Names:
    found = snapshot.tally.named
    if page == 1:
        return Names(snapshot.first_names, 1, _pages(found), found)
    return _read(snapshot, page, "")


def _search(snapshot: Snapshot, query: str) -> Names:
    if snapshot.count is None:
        return Names((), 1, 1, 0)
    names = _read(snapshot, _page(_pages(snapshot.tally.named)), query)
    return names if names.names else Names((), 1, names.pages, names.found)


def _read(snapshot: Snapshot, page: int, query: str) -> Names:
    with db.session() as session:
        read = signatures.named(session, CampaignId(bytes.fromhex(snapshot.id)), page=page, q=query)
    return Names(read.names, page, read.pages, read.found)
