"""What the dashboard's figures say: forecasts that promise nothing, curves with few points, the batch to come."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from petition import epochs
from petition.campaigns.milestones import MilestoneKind, MilestoneStatus
from petition.core import heartbeats
from petition.epochs.history import DayFigures, Epoch
from petition.ledger import log
from petition.usecases.curve import MOST_POINTS, curve
from petition.usecases.forecast import Forecast, Outlook, forecast
from petition.web.dashboard.chart_svg import ChartImage, chart_image
from tests import make

NOW = make.NOW
TODAY = NOW.date()


def days(*signed: int) -> list[DayFigures]:
    """What each of the last days brought; yesterday last."""
    first = TODAY - timedelta(days=len(signed))
    return [DayFigures(first + timedelta(days=n), each, 0, 0, 0, 0) for n, each in enumerate(signed)]


def ago(n: int) -> date:
    return TODAY - timedelta(days=n)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (forecast(days(50, 50), ago(2), 100, TODAY), Forecast(Outlook.TOO_EARLY)),
        (forecast(days(*[10] * 14), ago(14), 100, TODAY), Forecast(Outlook.SPAN, ago(-10), ago(-10))),
        (forecast(days(*[2] * 11, 10, 10, 10), ago(14), 100, TODAY), Forecast(Outlook.SPAN, ago(-10), ago(-27))),
        (forecast(days(30, 0, 0, 0), ago(4), 10, TODAY), Forecast(Outlook.STALLED)),
        (forecast(days(*[10] * 4, 0, 0, 0), ago(7), 40, TODAY), Forecast(Outlook.SPAN, ago(-7), None)),
        (forecast(days(*[1] * 14), ago(14), 1000, TODAY), Forecast(Outlook.FAR)),
        (forecast([], ago(30), 5, TODAY), Forecast(Outlook.STALLED)),
    ],
)
def test_a_forecast_is_a_span_of_days_or_says_that_it_knows_nothing(found: Forecast, expected: Forecast) -> None:
    assert found == expected


def batches(session: Session, campaign_id: bytes, n: int, apart: timedelta) -> None:
    for number in range(1, n + 1):
        at = NOW - apart * (n - number)
        session.add(
            Epoch(
                campaign_id=campaign_id, number=number, day=at.date(), at=at, signed=2, withdrawn=1, removed=0,
                counted=number, issued=2 * number, size=number, checkpoint="",
            )
        )  # fmt: skip
    head = log.head_of(session, campaign_id)
    head.epoch, head.counted, head.withdrawn = n, n, n
    session.flush()


def test_a_day_of_many_batches_is_a_curve_of_few_points_that_ends_with_the_newest(session: Session) -> None:
    made = make.campaign(session)
    batches(session, made.id, 1_000, timedelta(seconds=5))
    found = curve(session, made, 30, NOW)
    assert (found.fine, len(found.points)) == (True, MOST_POINTS)
    last = found.points[-1]
    assert (last.at, last.counted, last.issued, last.lost) == (NOW, 1_000, 2_000, 1_000)
    assert [each.lost for each in found.points] == [each.counted for each in found.points]


def test_a_curve_of_many_days_has_a_point_a_day_and_a_range_cuts_it(session: Session) -> None:
    made = make.campaign(session)
    batches(session, made.id, 80, timedelta(hours=12))
    whole, week = curve(session, made, None, NOW), curve(session, made, 7, NOW)
    assert (whole.fine, len(whole.points), len(week.points)) == (False, 40, 7)
    assert week.points == whole.points[-7:]
    assert [each.lost for each in whole.points] == [each.counted for each in whole.points]


@pytest.fixture
def image(session: Session) -> ChartImage:
    """Of eighty batches and three milestones: one reached, one next, one far away."""
    made = make.campaign(session)
    batches(session, made.id, 80, timedelta(hours=12))
    statuses = [MilestoneStatus(MilestoneKind.COUNT, n, n, TODAY if n < 80 else None, None) for n in (40, 100, 9_000)]
    found = chart_image(curve(session, made, None, NOW), statuses)
    assert found
    return found


def test_a_chart_starts_at_zero(image: ChartImage) -> None:
    assert [value for _, value in image.grid] == [0, 50, 100, 150, 200]
    assert image.lines["counted"].startswith("M0 ")


def test_a_chart_marks_what_was_reached_and_what_is_next(image: ChartImage) -> None:
    assert [(mark.needs, mark.x is None) for mark in image.marks] == [(100, True), (40, False)]


def test_without_a_batch_there_is_no_chart(session: Session) -> None:
    assert chart_image(curve(session, make.campaign(session), None, NOW), []) is None


@pytest.mark.parametrize("waiting", [0, 2, 3, 4])
def test_the_batch_to_come_is_foretold_as_it_then_comes(session: Session, waiting: int) -> None:
    made = make.campaign(session, batch_min=3, interval=60)
    for _ in range(waiting):
        make.signature(session, made)
    head = log.head_of(session, made.id)
    found = epochs.coming(made, head, make.NOW + timedelta(seconds=59))
    assert (found.least, found.earliest) == (3, make.NOW + timedelta(seconds=60))
    assert epochs.close_due(session, made.id, found.earliest - timedelta(seconds=1)) is None
    assert (epochs.close_due(session, made.id, found.earliest) is not None) is (waiting >= 3)
    later = epochs.coming(made, log.head_of(session, made.id), found.earliest).earliest
    assert later == make.NOW + timedelta(seconds=120)


def test_a_worker_is_known_by_its_last_sign_of_life(session: Session) -> None:
    for seconds in (0, 4, 31):
        heartbeats.beat(session, "prompt", NOW + timedelta(seconds=seconds))
    assert heartbeats.last_beats(session, ["prompt", "bulk"]) == {"prompt": NOW + timedelta(seconds=30)}


def test_an_earlier_sign_of_life_does_not_take_the_place_of_a_later_one(session: Session) -> None:
    for seconds in (31, 4):
        heartbeats.beat(session, "prompt", NOW + timedelta(seconds=seconds))
    assert heartbeats.last_beats(session, ["prompt"]) == {"prompt": NOW + timedelta(seconds=30)}
