"""The load of an hour in the news: readers, signers, people who begin, and a monitor, each at its own rate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import urlsplit

from tests.proofs.crowd import Answered, Plan, Stream, crowd, get, post
from tests.support.clients import SLUG
from tests.support.installation import Running

API = f"/api/campaigns/{SLUG}"


def load(
    tree: Running,
    seconds: float,
    passes: Iterator[str],
    *,
    pages: float,
    signings: float,
    codes: float = 0,
    **more: float,
) -> list[Answered]:
    """What so many pages, passes and first steps a second were answered.

    `more` are rates of what `others` makes: wrong tokens and bodies that are too large.
    """
    where = urlsplit(tree.url)
    signed = [
        post(where.netloc, f"{API}/sign", json.dumps({"pass": each, "show": "anonymous"}))
        for each in islice(passes, int(signings * seconds) + 1)
    ]
    asked = [
        post(where.netloc, f"{API}/verify", json.dumps({"address": f"p{number}@nowhere.example"}))
        for number in range(500)
    ]
    streams = [
        Stream("page", pages, [get(where.netloc, f"/c/{SLUG}")]),
        Stream("sign", signings, signed),
        Stream("verify", codes, asked),
        Stream("probe", 1, [get(where.netloc, "/healthz")]),
        *(Stream(name, rate, [others(where.netloc)[name]]) for name, rate in more.items()),
    ]
    return crowd(Plan(where.port or 0, seconds, [each for each in streams if each.rate]))


def others(host: str) -> dict[str, bytes]:
    """Requests that are refused: a value that no signature has, and a body of one megabyte."""
    return {
        "wrong": post(host, f"{API}/hide", json.dumps({"withdraw": "A" * 43})),
        "large": post(host, f"{API}/verify", json.dumps({"address": "a" * 1_000_000})),
    }


def named(answers: Sequence[Answered], name: str, *statuses: int) -> list[Answered]:
    """The answers to one stream with one of these statuses; all of them without one."""
    return [each for each in answers if each.name == name and (not statuses or each.status in statuses)]
