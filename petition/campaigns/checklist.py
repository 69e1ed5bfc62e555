"""What a draft still lacks before it can be opened, as data. The page and the opening itself use the same list.

This module prevents an incomplete letter from being frozen, by hand or by the calendar. Advice that is a matter of
taste does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from petition.campaigns.tables import Campaign

LEAST_BATCH: Final = 5
"""A smaller batch reveals who has just signed. Only demonstrations and tests may have smaller ones."""
LEAST_INTERVAL: Final = 300
"""Seconds between two batches. A shorter interval reveals when somebody signed. Only demonstrations may have one."""
MARK: Final = "[!"
"""The start of each place in a legal text that is still to be completed, or to be read by a lawyer."""


class Lack(StrEnum):
    """The kinds of things that can be missing. `petition.usecases.opening` adds the second owner."""

    TITLE = "title"
    TEXT = "text"
    DEMANDS = "demands"
    DEMAND_TEXT = "demand_text"
    ADDRESSEE = "addressee"
    ORGANISATION = "organisation"
    DOMAINS = "domains"
    SMALL_BATCHES = "small_batches"
    SHORT_INTERVAL = "short_interval"
    CLOSES_BEFORE_OPENING = "closes_before_opening"
    CLOSES_IN_THE_PAST = "closes_in_the_past"
    PRIVACY_MARKED = "privacy_marked"
    IMPRINT_MARKED = "imprint_marked"
    SECOND_OWNER = "second_owner"


@dataclass(frozen=True, slots=True)
class Missing:
    """One missing thing, with its language and the number of the demand where they matter."""

    lack: Lack
    lang: str = ""
    number: int = 0

    def __str__(self) -> str:
        where = [self.lang, str(self.number or "")]
        return " ".join([self.lack.value.replace("_", " "), *filter(None, where)]) + "."


@dataclass(slots=True)
class _Rules:
    """The requirements of this installation for an opening. By default all of them apply."""

    small_batches: bool = False


_rules = _Rules()


def allow_small_batches(allowed: bool) -> None:
    """Set whether a letter may open with batches that are smaller or more frequent. Production never allows it."""
    _rules.small_batches = allowed


def has_small_batches(campaign: Campaign) -> bool:
    """Returns whether batches of fewer than five signatures are set, although this installation does not allow them."""
    return campaign.batch_min < LEAST_BATCH and not _rules.small_batches


def least_in_batch(campaign: Campaign) -> int:
    """Returns the least number of signatures in a batch. In production it is five, whatever the database holds."""
    return campaign.batch_min if _rules.small_batches else max(campaign.batch_min, LEAST_BATCH)


def missing(campaign: Campaign, now: datetime) -> list[Missing]:
    """Returns everything that prevents a draft from being opened at a moment. It is empty when nothing does."""
    return [
        *_of_the_letter(campaign),
        *_of_the_demands(campaign),
        *_of_the_facts(campaign),
        *_of_the_dates(campaign, now),
        *_of_the_legal_texts(campaign),
    ]


def _of_the_letter(campaign: Campaign) -> Iterator[Missing]:
    letters = {letter.lang: letter for letter in campaign.letters}
    for lang in campaign.languages or [""]:
        letter = letters.get(lang)
        if letter is None or not letter.title.strip():
            yield Missing(Lack.TITLE, lang)
        if letter is None or not letter.markdown.strip():
            yield Missing(Lack.TEXT, lang)


def _of_the_demands(campaign: Campaign) -> Iterator[Missing]:
    if not campaign.demands:
        yield Missing(Lack.DEMANDS)
    for demand in campaign.demands:
        for lang in campaign.languages:
            if not demand.text.get(lang, "").strip():
                yield Missing(Lack.DEMAND_TEXT, lang, demand.number)


def _of_the_facts(campaign: Campaign) -> Iterator[Missing]:
    if not campaign.addressee.strip():
        yield Missing(Lack.ADDRESSEE)
    if not campaign.organisation.strip():
        yield Missing(Lack.ORGANISATION)
    if not campaign.domains:
        yield Missing(Lack.DOMAINS)
    if has_small_batches(campaign):
        yield Missing(Lack.SMALL_BATCHES)
    if campaign.interval < LEAST_INTERVAL and not _rules.small_batches:
        yield Missing(Lack.SHORT_INTERVAL)


def _of_the_dates(campaign: Campaign, now: datetime) -> Iterator[Missing]:
    if campaign.closes_at is None:
        return
    if campaign.opens_at and campaign.closes_at <= campaign.opens_at:
        yield Missing(Lack.CLOSES_BEFORE_OPENING)
    elif campaign.closes_at <= now:
        yield Missing(Lack.CLOSES_IN_THE_PAST)


def _of_the_legal_texts(campaign: Campaign) -> Iterator[Missing]:
    for name, lack in (("privacy", Lack.PRIVACY_MARKED), ("imprint", Lack.IMPRINT_MARKED)):
        for lang, text in campaign.legal.get(name, {}).items():
            if MARK in text:
                yield Missing(lack, lang)
