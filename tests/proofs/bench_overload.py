"""Bench rows of overload: the knee, at which the site begins to refuse, and what happens at five times as much.

Three pages are read for each pass that is redeemed. The limit of the knee is what the two bare views do together in that
proportion. Beyond the knee pages are to be served within 1.5 s, and refusals to come within 1 s (P16).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from tests.proofs.bench_signing import made_passes
from tests.proofs.crowd import Answered, Plan, Stream, crowd, get, percentile, post
from tests.proofs.load import Driver

PAGES, REDEEMED = 3, 1
ALL = PAGES + REDEEMED
FIRST, STEP, STEPS = 0.3, 1.2, 9
REFUSED_SHARE = 0.01
BEYOND = 5.0
PAGE_SECONDS, REFUSAL_SECONDS = 1.5, 1.0


def overload_rows(bench: Any, ours: Driver, slug: str, pages: float, redeemed: float) -> None:
    """Raise the load until one request in a hundred is refused; then send five times as much.

    `pages` and `redeemed` are what the bare views do alone, in requests a second.
    """
    seconds = bench.size["knee"]
    limit = ALL / (PAGES / pages + REDEEMED / redeemed)
    rates = [limit * FIRST * STEP**step for step in range(STEPS)]
    most = sum(rates) + rates[-1] * BEYOND
    supply = iter(made_passes(slug, int(most * seconds * REDEEMED / ALL)))
    knee = rates[0]
    for rate in rates:
        answers = loaded(ours, slug, rate, seconds, supply)
        if len(of(answers, 503)) > REFUSED_SHARE * len(answers):
            break
        knee = rate
    beyond = loaded(ours, slug, BEYOND * knee, seconds, supply)
    served = [each for each in of(beyond, 200) if each.name == "page"]
    bench.add("knee: requests a second before one in a hundred is refused", knee, "/s", limit, 0.4)
    bench.add(
        f"{BEYOND:g} × the knee: pages served within, 99 of 100",
        percentile(served, 0.99),
        "s",
        PAGE_SECONDS,
        1,
        least=False,
    )
    bench.add(
        f"{BEYOND:g} × the knee: refused within, 99 of 100",
        percentile(of(beyond, 503), 0.99),
        "s",
        REFUSAL_SECONDS,
        1,
        least=False,
    )
    bench.add(
        f"{BEYOND:g} × the knee: requests served, against the knee",
        len(beyond) - len(of(beyond, 503)),
        "",
        knee * seconds,
        0.5,
    )


def of(answers: Sequence[Answered], status: int) -> list[Answered]:
    """The answers with a status."""
    return [each for each in answers if each.status == status]


def loaded(ours: Driver, slug: str, rate: float, seconds: float, supply: Iterator[str]) -> list[Answered]:
    """What so many requests a second were answered."""
    redeemed = rate * REDEEMED / ALL
    passes = islice(supply, int(redeemed * seconds) + 1)
    posts = [
        post(ours.host, f"/api/campaigns/{slug}/sign", json.dumps({"pass": each, "show": "anonymous"}))
        for each in passes
    ]
    streams = [Stream("page", rate - redeemed, [get(ours.host, f"/c/{slug}")]), Stream("sign", redeemed, posts)]
    return crowd(Plan(ours.port, seconds, streams))
