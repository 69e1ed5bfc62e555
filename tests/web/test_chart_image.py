"""The chart as numbers: every curve stays within its frame, the axis begins at zero, and milestones do not cover each other."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.campaigns.milestones import MilestoneKind, MilestoneStatus
from petition.epochs.history import Point
from petition.usecases.curve import Curve
from petition.web.dashboard.chart_svg import BOTTOM, LEAST_DISTANCE, MOST_LINES, SIZE, TOP, ChartImage, chart_image

START = datetime(2026, 11, 1, tzinfo=UTC)
COUNTS = st.integers(0, 100_000_000)


def milestone(needs: int, *, reached: bool = False) -> MilestoneStatus:
    return MilestoneStatus(MilestoneKind.COUNT, needs, needs, date(2026, 11, 2) if reached else None, None)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Points at rising moments, with any figures."""
    gaps = draw(st.lists(st.integers(1, 10_000_000), min_size=2, max_size=6))
    moments = [START + timedelta(seconds=sum(gaps[: n + 1])) for n in range(len(gaps))]
    return Curve([Point(at, draw(COUNTS), draw(COUNTS), draw(COUNTS)) for at in moments], draw(st.booleans()))


def drawn(counted: list[int], *statuses: MilestoneStatus, fine: bool = False) -> ChartImage:
    """The image of a curve with a point each day."""
    points = [Point(START + timedelta(days=n), each, each, 0) for n, each in enumerate(counted)]
    image = chart_image(Curve(points, fine), statuses)
    assert image
    return image


def made(curve: Curve, needs: list[int]) -> ChartImage:
    image = chart_image(curve, [milestone(each) for each in sorted(needs)])
    assert image
    return image


@given(curve=curves(), needs=st.lists(COUNTS, max_size=4))
def test_every_line_stays_within_the_frame(curve: Curve, needs: list[int]) -> None:
    for line in made(curve, needs).lines.values():
        places = re.findall(r"[MLHV](\d+)(?: (\d+)|V(\d+))", line)
        assert len(places) == len(curve.points)
        assert all(0 <= int(x) <= SIZE and TOP <= int(y or v) <= BOTTOM for x, y, v in places)


@given(curve=curves(), needs=st.lists(COUNTS, max_size=4))
def test_the_axis_begins_at_zero_and_has_few_lines_at_equal_steps(curve: Curve, needs: list[int]) -> None:
    grid = made(curve, needs).grid
    values = [value for _, value in grid]
    assert (grid[0], grid[-1][0]) == ((BOTTOM, 0), TOP)
    assert 2 <= len(values) <= MOST_LINES
    assert len({after - before for before, after in pairwise(values)}) == 1
    assert str(values[1]).rstrip("0") in {"1", "2", "5"}


@given(curve=curves(), needs=st.lists(st.integers(1, 2_000), max_size=8))
def test_marks_of_milestones_keep_their_distance(curve: Curve, needs: list[int]) -> None:
    heights = sorted(mark.y for mark in made(curve, needs).marks)
    assert all(after - before >= LEAST_DISTANCE for before, after in pairwise(heights))


@pytest.mark.parametrize("points", [0, 1])
def test_fewer_than_two_points_make_no_image(points: int) -> None:
    assert chart_image(Curve([Point(START, 1, 1, 0)] * points, fine=True), []) is None


def test_two_points_of_one_moment_make_no_image() -> None:
    assert chart_image(Curve([Point(START, 1, 1, 0), Point(START, 2, 2, 0)], fine=True), []) is None


def test_batches_are_drawn_as_steps_and_days_as_slopes() -> None:
    assert drawn([0, 4, 4], fine=True).lines["counted"] == f"M0 {BOTTOM}H500V{TOP}H1000V{TOP}"
    assert drawn([0, 4, 4]).lines["counted"] == f"M0 {BOTTOM}L500 {TOP}L1000 {TOP}"


def test_a_curve_of_zeros_lies_on_the_axis() -> None:
    assert drawn([0, 0]).lines["counted"] == f"M0 {BOTTOM}L1000 {BOTTOM}"


@pytest.mark.parametrize(("needs", "shown"), [(200, True), (201, False)])
def test_the_next_milestone_is_shown_up_to_twice_the_count(needs: int, *, shown: bool) -> None:
    assert [mark.needs for mark in drawn([0, 100], milestone(needs)).marks] == ([needs] if shown else [])


def test_a_milestone_is_marked_where_it_was_reached() -> None:
    assert [(mark.needs, mark.x) for mark in drawn([0, 40, 100], milestone(40, reached=True)).marks] == [(40, 500)]


def test_a_milestone_that_was_reached_before_the_chart_begins_is_not_marked() -> None:
    assert drawn([50, 100], milestone(50, reached=True), milestone(40, reached=True)).marks == ()


def test_a_milestone_that_was_reached_and_lost_again_is_not_marked() -> None:
    assert drawn([0, 100], milestone(110, reached=True)).marks == ()


def test_of_two_milestones_at_one_height_the_higher_is_shown() -> None:
    assert [mark.needs for mark in drawn([0, 1000], milestone(500), milestone(501)).marks] == [501]


def test_the_times_are_the_first_the_middle_and_the_last() -> None:
    assert drawn([1, 2, 3]).times == (START, START + timedelta(days=1), START + timedelta(days=2))
