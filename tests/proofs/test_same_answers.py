"""P30: asking who signed. Whoever asks about a known and about an unknown person gets the same answer in the same time.

Requests go through the whole web application into a real PostgreSQL and Valkey. Known and unknown ones are mixed at
random; each is timed from the request's first byte to the answer's last. Times are compared as by dudect: above the
90th percentile of both together they are cut off, for those are the operating system's, then Welch's t is taken.
"""

from __future__ import annotations

from statistics import fmean, variance
from typing import Final

import pytest

from tests.support.asking import QUESTIONS, House, ask, asked
from tests.support.figures import Write

BAR: Final = 4.5
KEPT: Final = 0.9


def welch(one: list[float], other: list[float]) -> float:
    """Welch's t of two samples, after the cut."""
    pooled = sorted(one + other)
    most = pooled[int(len(pooled) * KEPT)]
    one, other = [each for each in one if each <= most], [each for each in other if each <= most]
    apart = fmean(one) - fmean(other)
    return float(apart / (variance(one) / len(one) + variance(other) / len(other)) ** 0.5)


@pytest.mark.proof
@pytest.mark.parametrize("what", QUESTIONS)
def test_known_and_unknown_people_are_answered_alike_and_in_the_same_time(
    house: House, what: str, long: bool, figure: Write
) -> None:
    n, question = 2_000 if long else 150, QUESTIONS[what]
    ask(house, asked(house, question, question.people(house, 10)))  # so that everything is warm
    known, unknown = ask(house, asked(house, question, question.people(house, n)))
    t = welch(known.times, unknown.times)
    figure(f"P30: {what}: |t| over 2 x {n:,}", abs(float(t)), f"< {BAR}")
    figure(f"P30: {what}: different answers", len(known.looks | unknown.looks) - 1, "0")
    assert known.looks == unknown.looks
    assert len(known.looks) == 1
    print(f"P30 {what}: t = {t:.2f}, means {fmean(known.times):.0f} and {fmean(unknown.times):.0f} us")
    assert abs(t) < BAR


@pytest.mark.parametrize("what", QUESTIONS)
def test_pages_answer_known_and_unknown_people_alike(house: House, what: str) -> None:
    question = QUESTIONS[what]
    known, unknown = ask(house, asked(house, question, question.people(house, 5), by_page=True))
    assert known.looks == unknown.looks
    assert len(known.looks) == 1
