"""The shape of a campaign file: checks all values before anything is written.

A slip results in one sentence with its place (`epochs.interval must be …`), and never in half a campaign, a database
error or a letter that cannot be rendered. Unknown names are rejected, because a misspelt one would silently change
nothing. The domain checks what the values mean (`petition.campaigns`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from petition.campaigns import LONGEST_SLUG, SLUG
from petition.campaigns.milestones import MilestoneKind
from petition.privacy.addresses import AddressRefused, canonical_domain
from petition.verification import METHODS

LONGEST_TEXT: Final = 2_000
LONGEST_VALUE: Final = 120
MOST_SECONDS: Final = 7 * 86_400
MOST: Final = 100_000_000
LANGUAGE: Final = 2

Check = Callable[[Any, str], None]


class ShapeWrong(ValueError):
    """A value in a campaign file has the wrong shape. The message begins with its place."""


def refuse(place: str, sentence: str) -> None:
    """Raise ShapeWrong with the place and what it must hold."""
    raise ShapeWrong(f"{place} {sentence}")


def text(longest: int = LONGEST_TEXT) -> Check:
    """Accept a visible text that is not empty."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            refuse(place, f"must be a text of 1 to {longest:,} characters.")
        if any(unicodedata.category(letter) in {"Cc", "Cs", "Cn"} for letter in value):
            refuse(place, "must not hold characters that cannot be seen.")

    return check


def whole(least: int, most: int) -> Check:
    """Accept an integer within limits."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            refuse(place, f"must be a whole number from {least:,} to {most:,}.")

    return check


def flag(value: Any, place: str) -> None:
    """Accept true or false."""
    if not isinstance(value, bool):
        refuse(place, "must be true or false.")


def moment(value: Any, place: str) -> None:
    """Accept a date and time with its offset, because clocks differ around the world."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        refuse(place, "must be a date and time with its offset, like 2026-12-01T09:00:00+01:00.")


def slug(value: Any, place: str) -> None:
    """Accept the slug of a campaign, which its addresses contain."""
    if not isinstance(value, str) or len(value) > LONGEST_SLUG or not SLUG.fullmatch(value):
        refuse(place, f"may hold small letters, digits and single hyphens, {LONGEST_SLUG} at most.")


def language(value: Any, place: str) -> None:
    """Accept the two letters of a language."""
    if not isinstance(value, str) or len(value) != LANGUAGE or not value.isascii() or not value.islower():
        refuse(place, "must be a language of two small letters, like en.")


def domain(value: Any, place: str) -> None:
    """Accept a mail domain in canonical form."""
    try:
        written = canonical_domain(value)
    except AddressRefused:
        written = ""
    if written != value:
        refuse(place, "must be a domain in its plain spelling, like example.org.")


def one_of(*words: str) -> Check:
    """Accept one of a few words."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or value not in words:
            refuse(place, f"must be {' or '.join(words)}.")

    return check


def record(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """Accept a table with these names and no others."""
    known = required | (optional or {})

    def check(value: Any, place: str) -> None:
        _table(value, place)
        for name in required:
            if name not in value:
                refuse(_at(place, name), "is missing.")
        for name, each in value.items():
            if name not in known:
                refuse(_at(place, name), "is not a name that is known here.")
            known[name](each, _at(place, name))

    return check


def by_key(key: Check, each: Check, *, least: int = 0) -> Check:
    """Accept a table with free names of one kind."""

    def check(value: Any, place: str) -> None:
        _table(value, place)
        if len(value) < least:
            refuse(place, "must not be empty.")
        for name, one in value.items():
            key(name, _at(place, name))
            each(one, _at(place, name))

    return check


def listed(each: Check, *, least: int = 0) -> Check:
    """Accept a list of one kind of value, without repeats."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            refuse(place, "must be a list that is not empty." if least else "must be a list.")
        for number, one in enumerate(value, start=1):
            each(one, f"{place}.{number}")
        if any(one in value[:number] for number, one in enumerate(value)):
            refuse(place, "must not name one thing twice.")

    return check


def _table(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        refuse(place or "The file", "must be a table.")


def _at(place: str, name: str) -> str:
    shown = name if name.isprintable() and len(name) <= LONGEST_VALUE else repr(name[:LONGEST_VALUE])
    return f"{place}.{shown}" if place else shown


TEXTS: Final = by_key(language, text(), least=1)
LABELS: Final = by_key(text(LONGEST_VALUE), by_key(language, text(LONGEST_VALUE)))
POLICY: Final = record({}, {"plus": flag, "dots": flag, "hosts": listed(domain), "shared": listed(text(64))})
MAILING: Final = {
    "time_zone": text(64), "hour": whole(0, 23), "quiet_from": whole(0, 23), "quiet_to": whole(0, 23),
    "neutral": flag, "addressee": flag, "daily_seconds": whole(0, 86_399), "weekly_seconds": whole(0, 86_399),
}  # fmt: skip
CAMPAIGN: Final = record(
    {
        "slug": slug,
        "languages": listed(language, least=1),
        "methods": listed(one_of(*METHODS), least=1),
        "organisation": text(200),
        "organisers": TEXTS,
        "addressee": record({"name": text(200), "role": TEXTS}),
        "letters": by_key(language, record({"title": text(300), "file": text(300)}, {"signed_by": text(300)}), least=1),
        "demands": listed(TEXTS, least=1),
        "domains": by_key(domain, POLICY, least=1),
        "epochs": record({
            "batch_min": whole(1, 100_000), "interval": whole(1, MOST_SECONDS),
        }),
        "safety": record({"public_min": whole(1, 100_000)}),
    },
    {
        "demo": record({"notice": TEXTS}, {"is_demo": flag}),
        "workforce": record({"count": whole(1, MOST)}, {"about": flag, "source": TEXTS}),
        "milestones": listed(record({"kind": one_of(*MilestoneKind), "value": whole(1, MOST)})),
        "mailing": record({}, MAILING),
        "roles": LABELS,
        "teams": LABELS,
        "opens_at": moment,
        "closes_at": moment,
    },
)  # fmt: skip
