"""Signed heads of the ledger for others to keep, and an Atom feed of heads and updates (RFC 4287).

They support the promise that nothing is rewritten: a head that somebody else kept must be the beginning of every later
one. A feed entry contains the signed note unchanged, so any feed reader can keep it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, url_for

from petition.core import db
from petition.core.i18n import interface_language
from petition.core.i18n import marked as _
from petition.core.ids import CampaignId
from petition.epochs import history
from petition.publication import Snapshot
from petition.web import page_cache
from petition.web.api.heads import PAGE_SIZE, checkpoints_before, query_number
from petition.web.language import gettext, page_language
from petition.web.services import services

ATOM: Final = "application/atom+xml; charset=utf-8"
NEWEST: Final = 30

bp = Blueprint("checkpoints", __name__)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of the feed. `id` is a URI that never changes. `updated` tells the day and the place in it (`_moment`)."""

    id: str
    title: str
    updated: datetime
    link: str
    text: str


@bp.get("/c/<slug>/checkpoints")
def checkpoints(slug: str) -> Response:
    """Returns a page of signed heads, newest first. `?before=` an epoch leads to older ones. Raises CampaignUnknown."""
    lang, before = page_language(page_cache.snapshot(slug)), query_number("before", 0)
    return page_cache.cached_page(slug, lang, f"checkpoints {before}", lambda snapshot: _render(snapshot, before))


@bp.get("/c/<slug>/feed.atom")
def feed(slug: str) -> Response:
    """Returns a feed of the newest heads and updates. Raises CampaignUnknown."""
    lang = page_language(page_cache.snapshot(slug))
    return page_cache.cached_page(slug, lang, "feed", lambda snapshot: _feed(snapshot, lang), kind=ATOM)


def _render(snapshot: Snapshot, before: int) -> str:
    found = checkpoints_before(snapshot, before)
    older = found[-1].epoch if len(found) == PAGE_SIZE else 0
    return render_template("public/checkpoints.html", snapshot=snapshot, checkpoints=found, older=older)


def _feed(snapshot: Snapshot, lang: str) -> str:
    entries = sorted(
        [*_heads(snapshot), *[*_updates(snapshot, lang)][-NEWEST:]], key=lambda entry: entry.updated, reverse=True
    )
    own = _address("checkpoints.feed", snapshot, lang)
    updated = entries[0].updated if entries else _moment(snapshot.opened or date.min, 0, ZoneInfo(snapshot.zone))
    return render_template(
        "public/feed.xml", snapshot=snapshot, lang=interface_language(lang), entries=entries, own=own, updated=updated,
        letter=_address("letter.letter", snapshot, lang),
    )  # fmt: skip


def _heads(snapshot: Snapshot) -> Iterator[FeedEntry]:
    found = checkpoints_before(snapshot, 0)[:NEWEST]
    first = _first_of_days(snapshot, found[-1].day) if found else {}
    for each in found:
        title = gettext(_("Checkpoint %(n)s: %(size)s entries"), n=each.epoch, size=each.size)
        link = _address("checkpoints.checkpoints", snapshot, None, before=each.epoch + 1)
        updated = _moment(each.day, 2 * (each.epoch - first[each.day]), UTC)
        yield FeedEntry(_tag_uri(snapshot, f"checkpoint-{each.epoch}"), title, updated, link, each.note)


def _updates(snapshot: Snapshot, lang: str) -> Iterator[FeedEntry]:
    newest = [item for item in snapshot.timeline if item.kind == "update"]
    link, before = _address("letter.letter", snapshot, lang), Counter[date]()
    for item in sorted(newest, key=lambda item: item.value):
        text = item.text.get(lang) or item.text[snapshot.languages[0]]
        updated = _moment(item.day, 2 * before[item.day] + 1, ZoneInfo(snapshot.zone))
        before[item.day] += 1
        yield FeedEntry(_tag_uri(snapshot, f"update-{item.value}"), text.strip().splitlines()[0], updated, link, text)


def _first_of_days(snapshot: Snapshot, first: date) -> dict[date, int]:
    with db.session() as session:
        return history.first_of_days(session, CampaignId(bytes.fromhex(snapshot.id)), first)


def _moment(day: date, place: int, zone: tzinfo) -> datetime:
    """Returns a moment that tells a day and a place in it, and nothing finer: so many seconds after midnight.

    A feed reader orders entries by it, and takes two with the same one for the same. Checkpoints have even places in a
    day (UTC), updates odd ones in a day of the letter's zone. A moment is never in the future, because batches are
    further apart than two seconds.
    """
    return datetime.combine(day, time(), zone) + timedelta(seconds=place)


def _tag_uri(snapshot: Snapshot, what: str) -> str:
    """Returns a tag URI (RFC 4151), which does not change when the site moves."""
    host = snapshot.origin.partition("/")[0]
    return f"tag:{host.partition(':')[0]},{snapshot.opened or snapshot.day:%Y-%m-%d}:{snapshot.slug}/{what}"


def _address(endpoint: str, snapshot: Snapshot, lang: str | None, before: int | None = None) -> str:
    other = None if lang == snapshot.languages[0] else lang
    return services().config.base_url.rstrip("/") + url_for(endpoint, slug=snapshot.slug, lang=other, before=before)
