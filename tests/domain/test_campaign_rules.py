"""A campaign's milestones, forecasts, hints, timeline, news, pauses and domains, and the files that are exported from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from petition import campaigns, epochs, organisers, publication
from petition.campaigns import Campaign, CampaignFaulty, CampaignState, DemandState, milestones, news
from petition.campaigns.milestones import UNKNOWN, MilestoneKind, MilestoneStatus, PlannedMilestone, needs
from petition.campaigns.news import NewsKind
from petition.core.ids import CampaignId
from petition.epochs.history import DayFigures, Epoch
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.publication import Snapshot, timeline
from petition.publication.views import MilestoneView
from petition.signatures.selection import Criteria, Shown, WithComment, digest, packed, unpacked
from petition.usecases import domains, files, hints, switching
from petition.usecases.close_preview import preview_close
from petition.usecases.forecast import FARTHEST, LOOKED_AT, Outlook, forecast
from tests import make

NOW, TODAY = make.NOW, make.NOW.date()
COUNT, SHARE = MilestoneKind.COUNT, MilestoneKind.SHARE
URL = "http://localhost"


@pytest.fixture
def made(session: Session) -> Campaign:
    return make.campaign(session)


@pytest.fixture
def actor(session: Session) -> Actor:
    return Actor(organisers.enrol(session, "Omar", "en", NOW).id, NOW)


def actions(session: Session, campaign: Campaign) -> list[Action]:
    return [line.action for line in session.scalars(audit_log.lines(campaign.id))][::-1]


@given(st.integers(1, 100), st.integers(1, 10**9))
def test_a_share_needs_the_least_number_that_is_not_below_it(value: int, workforce: int) -> None:
    needed = needs(SHARE, value, workforce)
    assert needed is not None
    assert (needed - 1) * 100 < value * workforce <= needed * 100


@pytest.mark.parametrize("workforce", [None, 0])
def test_a_share_of_an_unknown_workforce_needs_no_number_and_a_count_its_own(workforce: int | None) -> None:
    assert (needs(SHARE, 10, workforce), needs(COUNT, 10, workforce)) == (None, 10)


def test_a_milestone_is_reached_at_its_number_and_returned_once(session: Session, made: Campaign) -> None:
    milestones.aim(session, made.id, [(COUNT, 20), (COUNT, 10), (SHARE, 1)])
    milestones.aim(session, made.id, [(COUNT, 20)])

    def reached(counted: int, workforce: int | None) -> list[tuple[MilestoneKind, int]]:
        found = milestones.reach(session, made.id, counted, workforce, 1, TODAY)
        return [(each.kind, each.value) for each in found]

    assert [reached(9, 1_000), reached(10, None), reached(10, 1_000), reached(500, 1_000), reached(500, 1_000)] == [
        [], [(COUNT, 10)], [(SHARE, 1)], [(COUNT, 20)], [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("opening", "workforce", "names_from", "seal"),
    [
        ([], 1_000, None, 0),
        ([(COUNT, 30)], None, 30, 30),
        ([(COUNT, 30), (SHARE, 2)], 1_001, 21, 21),
        ([(COUNT, 30), (SHARE, 2)], None, 30, 30),
        ([(SHARE, 2)], None, 0, UNKNOWN),
        ([(SHARE, 2)], 0, 0, UNKNOWN),
    ],
)
def test_pages_and_signing_agree_from_which_number_names_are_public(
    session: Session, opening: list[tuple[MilestoneKind, int]], workforce: int | None, names_from: int | None, seal: int
) -> None:
    made = make.campaign(session, workforce=workforce)
    milestones.aim(session, made.id, [(COUNT, 5)])
    session.add_all(PlannedMilestone(campaign_id=made.id, kind=kind, value=n, open_names=True) for kind, n in opening)
    session.flush()
    in_statement = select(milestones.seal(literal(made.id), Campaign.workforce)).where(Campaign.id == made.id)
    assert (milestones.names_from(session, made.id, workforce), session.scalar(in_statement)) == (names_from, seal)
    milestones.reach(session, made.id, 10, 1_000, 1, TODAY)
    assert milestones.names_wait(session, made.id) is bool(opening), "another milestone opens no names"


def test_milestones_are_listed_by_what_they_need(session: Session, made: Campaign) -> None:
    milestones.aim(session, made.id, [(COUNT, 500), (SHARE, 2), (COUNT, 30)])
    assert [each.needs for each in milestones.statuses(session, made.id, 1_000)] == [20, 30, 500]
    assert [each.needs for each in milestones.statuses(session, made.id, None)] == [30, 500]


FIGURES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 400), st.integers(0, 50), st.integers(0, 50)), max_size=20
)


@given(FIGURES, st.integers(0, 40), st.integers(1, 100_000))
def test_a_forecast_is_never_in_the_past_nor_beyond_a_year(
    rows: list[tuple[int, int, int, int]], age: int, missing: int
) -> None:
    days = [
        DayFigures(TODAY - timedelta(days=back), signed, withdrawn, removed, 0, 0)
        for back, signed, withdrawn, removed in rows
    ]
    found = forecast(days, TODAY - timedelta(days=age), missing, TODAY)
    year = TODAY + timedelta(days=FARTHEST)
    if found.outlook is not Outlook.SPAN:
        assert (found.first, found.last) == (None, None)
        return
    assert found.first is not None
    assert TODAY < found.first <= (found.last or year) <= year


@given(st.integers(1, 1_000), st.integers(1, 500))
def test_today_and_what_is_older_than_two_weeks_change_no_forecast(missing: int, signed: int) -> None:
    steady = [DayFigures(TODAY - timedelta(days=n), 10, 0, 0, 0, 0) for n in range(1, LOOKED_AT + 1)]
    others = [DayFigures(TODAY - timedelta(days=n), signed, 0, 0, 0, 0) for n in (0, LOOKED_AT + 1, 300)]
    opened = TODAY - timedelta(days=400)
    assert forecast(steady + others, opened, missing, TODAY) == forecast(steady, opened, missing, TODAY)


def batches(session: Session, campaign: Campaign, *signed: int) -> hints.Hints:
    """The hints after batches of these sizes."""
    session.add_all(
        Epoch(campaign_id=campaign.id, number=number, day=TODAY, at=NOW, signed=n, withdrawn=0, removed=0, counted=0,
              issued=0, size=0, checkpoint="")
        for number, n in enumerate(signed, start=1)
    )  # fmt: skip
    session.flush()
    return hints.find(session, campaign.id)


@pytest.mark.parametrize(
    ("signed", "usual", "bursts"),
    [
        ([], 0, []),
        ([1, 1, 100], 1, []),
        ([1, 1, 1, 19], 1, []),
        ([1, 1, 1, 20], 1, [4]),
        ([10, 10, 10, 39], 10, []),
        ([10, 10, 40, 10], 10, [3]),
        ([5, 0, 0, 0, 0, 5, 5, 50], 5, [8]),
        ([*[1] * 20, 30, 20, 25, 22, 21, 24, 23], 1, [21, 23, 26, 27, 24]),
    ],
)
def test_a_large_batch_is_one_of_twenty_and_four_times_the_usual(
    session: Session, made: Campaign, signed: list[int], usual: int, bursts: list[int]
) -> None:
    found = batches(session, made, *signed)
    assert (found.usual, [each.epoch for each in found.bursts], bool(found)) == (usual, bursts, bool(bursts))


def test_the_timeline_is_newest_first_and_a_close_comes_after_what_happened_that_day(
    session: Session, made: Campaign
) -> None:
    later = TODAY + timedelta(days=1)
    made.closed = later
    campaigns.publish_update(
        session, made, {"en": "News", "fr": "Nouvelles"}, NOW + timedelta(days=1), mailed_since=None
    )
    campaigns.judge_demand(session, made, 1, DemandState.REFUSED, "https://a.example", later)
    campaigns.judge_demand(session, made, 1, DemandState.MET, "https://a.example", later + timedelta(days=1))
    statuses = [MilestoneStatus(COUNT, 50, 50, None, None), MilestoneStatus(COUNT, 10, 10, TODAY, 1)]
    items = timeline.items(session, made, statuses, timeline.demands(session, made))
    found = [(each.kind, each.value, each.state) for each in items]
    assert found == [
        ("demand", 1, "met"), ("closed", 0, ""), ("demand", 1, "refused"), ("update", 1, ""), ("milestone", 10, ""),
        ("opened", 0, ""),
    ]  # fmt: skip


def test_news_are_numbered_for_each_campaign_and_read_after_one_number_up_to_another(
    session: Session, made: Campaign
) -> None:
    other = make.campaign(session)
    numbers = [news.record_news(session, each.id, NewsKind.UPDATE, 7, TODAY) for each in (made, other, made, made)]
    assert (numbers, news.newest(session, made.id), news.newest(session, CampaignId(bytes(16)))) == ([1, 1, 2, 3], 3, 0)
    assert [each.number for each in news.between(session, made.id, 1, 3)] == [2, 3]
    assert news.between(session, made.id, 3, 3) == []


def test_a_pause_is_recorded_once_and_ends_once(session: Session, made: Campaign, actor: Actor) -> None:
    for what in switching.offered(made):
        for _ in range(2):
            switching.stop(session, made, what, actor)
        assert switching.stopped(session, made) == {what}
        for _ in range(2):
            switching.resume(session, made, what, URL, actor)
        assert switching.stopped(session, made) == set()
    assert actions(session, made) == [Action.STOPPED, Action.RESUMED] * len(switching.offered(made))


def test_a_part_that_a_campaign_does_not_have_is_neither_paused_nor_resumed(
    session: Session, made: Campaign, actor: Actor
) -> None:
    with pytest.raises(CampaignFaulty):
        switching.stop(session, made, "method:fax", actor)
    with pytest.raises(CampaignFaulty):
        switching.resume(session, made, "method:fax", URL, actor)
    assert (switching.stopped(session, made), actions(session, made)) == (set(), [])


def test_a_request_for_other_domains_counts_what_changes(session: Session, made: Campaign, actor: Actor) -> None:
    rule = {"plus": True, "dots": True, "hosts": ["eu.corp.example"]}
    made.domains = {"kept.example": rule, "changed.example": rule, "gone.example": rule}
    after = {
        "kept.example": rule,
        "changed.example": rule | {"shared": ["night"]},
        "a.example": rule,
        "b.example": rule,
    }
    about = domains.ask(session, made, after, actor).about
    assert (about["added"], about["removed"], about["changed"], about["domains"]) == (2, 1, 1, after)


def test_no_domains_and_the_same_domains_are_no_request(session: Session, made: Campaign, actor: Actor) -> None:
    for after in ({}, dict(made.domains)):
        with pytest.raises(CampaignFaulty):
            domains.ask(session, made, after, actor)


def test_the_preview_of_a_close_counts_what_ends_with_it(session: Session, made: Campaign) -> None:
    make.signature(session, made)
    make.a_pass(session, made)
    before = preview_close(session, made)
    make.campaign(session)
    campaigns.draft(session, make.a_draft())
    after = preview_close(session, made)
    assert (before.pending, before.tombstones, before.issued, before.unused, before.tags) == (1, 0, 2, 1, 2)
    assert after == replace(before, others=before.others + 1), "a draft is not open"


@pytest.fixture
def snapshot(session: Session, made: Campaign) -> Snapshot:
    found = publication.load(session, made.slug)
    assert found is not None
    return found


def milestone(needed: int, reached: date | None = None) -> MilestoneView:
    return MilestoneView(COUNT, needed, needed, reached, None)


def test_the_next_milestone_is_the_nearest_one_that_is_not_reached_until_the_close(snapshot: Snapshot) -> None:
    aimed = replace(snapshot, milestones=(milestone(90), milestone(10, TODAY), milestone(50)))
    assert aimed.next_milestone() == milestone(50)
    assert replace(aimed, state=CampaignState.CLOSED).next_milestone() is None
    assert replace(aimed, milestones=(milestone(10, TODAY),)).next_milestone() is None


def test_all_milestones_are_reached_only_where_there_are_some(snapshot: Snapshot) -> None:
    found = [
        replace(snapshot, milestones=each).every_milestone_reached()
        for each in ((), (milestone(10, TODAY),), (milestone(10, TODAY), milestone(50)))
    ]
    assert found == [False, True, False]


@pytest.mark.parametrize(
    ("stopped", "codes", "signing"),
    [
        ((), False, False),
        (("signing",), False, True),
        (("codes",), True, False),
        (("method:a",), False, False),
        (("method:a", "method:b"), True, False),
    ],
)
def test_codes_are_paused_with_all_methods(
    snapshot: Snapshot, stopped: tuple[str, ...], codes: bool, signing: bool
) -> None:
    found = replace(snapshot, methods=("a", "b"), stopped=stopped)
    assert (found.codes_stopped(), found.signing_stopped()) == (codes, signing)


@pytest.mark.parametrize(("names_from", "seal"), [(None, 0), (0, UNKNOWN), (30, 30)])
def test_a_signing_page_promises_the_number_that_is_sealed(
    snapshot: Snapshot, names_from: int | None, seal: int
) -> None:
    assert replace(snapshot, names_from=names_from).seal() == seal


def test_a_language_that_a_letter_lacks_is_replaced_by_its_first(snapshot: Snapshot) -> None:
    french_first = replace(snapshot, languages=("fr", "en"))
    assert [french_first.title(lang) for lang in ("en", "de")] == ["A letter", "Une lettre"]


@given(st.sets(st.integers(0, 5_000)))
def test_a_stored_selection_is_the_one_that_was_made(members: set[int]) -> None:
    ascending = sorted(members)
    assert unpacked(packed(ascending)) == ascending


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
def test_two_selections_have_the_same_digest_only_if_they_are_the_same(one: set[int], other: set[int]) -> None:
    assert (digest(sorted(one)) == digest(sorted(other))) is (one == other)


CRITERIA = st.builds(
    Criteria, st.none() | st.integers(0, 99), st.none() | st.integers(0, 99), st.text(), st.text(),
    st.sampled_from(WithComment), st.sampled_from(Shown), st.text(), st.booleans(),
)  # fmt: skip


@given(CRITERIA)
def test_stored_criteria_come_back_as_they_were(criteria: Criteria) -> None:
    assert Criteria.read(criteria.as_json()) == criteria


def lines(n: int, fault: Exception | None = None) -> files.Rows:
    """Rows of which the last one fails if there is a fault."""

    def write(file: TextIO) -> Iterator[None]:
        for number in range(n):
            file.write(f"{number}\r\n")
            yield
        if fault is not None:
            raise fault

    return files.Rows(n, write)


def test_a_file_gets_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    target = files.path(tmp_path, b"\x01\x02")
    with pytest.raises(OSError, match="full"):
        files.write(target, lines(3, OSError("full")), lambda _: None)
    assert [each.suffix for each in files.every(tmp_path)] == [files.PART]
    files.write(target, lines(3), lambda _: None)
    assert (files.every(tmp_path), target.read_bytes()) == ([target], b"0\r\n1\r\n2\r\n")


def test_progress_begins_at_nought_and_ends_with_the_last_row(tmp_path: Path) -> None:
    for n, expected in ((0, [0, 0]), (files.PROGRESS_EVERY + 1, [0, files.PROGRESS_EVERY, files.PROGRESS_EVERY + 1])):
        found: list[int] = []
        files.write(files.path(tmp_path, bytes([n % 7])), lines(n), found.append)
        assert found == expected


def test_files_without_a_row_are_deleted_with_their_parts(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    for name in ("aa", "aa.1.part", "bb", "bb.2.part", "aab"):
        (tmp_path / "exports" / name).touch()
    files.keep_only(files.every(tmp_path), {"aa"})
    assert {each.name for each in files.every(tmp_path)} == {"aa", "aa.1.part"}
    assert files.every(tmp_path / "nowhere") == []


def test_a_translation_is_added_once_and_before_the_close(session: Session, made: Campaign) -> None:
    epochs.add_translation(session, made, "de", "Ein Brief", "Bitte antworten.")
    with pytest.raises(CampaignFaulty):
        epochs.add_translation(session, made, "de", "Ein Brief", "Anders.")
    epochs.close_campaign(session, made, NOW)
    with pytest.raises(CampaignFaulty):
        epochs.add_translation(session, made, "it", "Una lettera", "Rispondete.")
    assert made.languages[-1] == "de"
