"""Mail settings, the periods and quiet hours that follow from them, and what digests make of a day's facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.campaigns import CampaignState, DemandState
from petition.campaigns.labels import CAMPAIGN_STATES, DEMAND_STATES, SIGNING_PAUSED, campaign_state
from petition.campaigns.mail_settings import DAY_SECONDS, Mailing, MailingFaulty
from petition.campaigns.milestones import MilestoneKind
from petition.campaigns.news import NewsKind
from petition.mailing.digests.facts import (
    DemandFact,
    Happened,
    NextStep,
    ReachedFact,
    UpdateFact,
    as_json,
    from_json,
)
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.digests.organiser_daily import BouncesFact, CodesFact
from petition.mailing.digests.periods import Cycle, after_quiet_hours, last_period, week_of
from petition.mailing.digests.phrases import LocalText, Phrases
from petition.mailing.subscribers import Audience, Frequency

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
HOURS = st.integers(0, 23)
MAILINGS = st.builds(Mailing, time_zone=st.sampled_from(ZONES), hour=HOURS, quiet_from=HOURS, quiet_to=HOURS)
DAY = date(2026, 11, 22)
ENGLISH, FRENCH = Phrases("en", "en"), Phrases("fr", "de")
SHARE = ReachedFact(MilestoneKind.SHARE, 10, 1_000, DAY)
COUNT = ReachedFact(MilestoneKind.COUNT, 1_000, 1_000, DAY)
SILENT = Happened(DAY, DAY, CampaignState.OPEN, 40, 0, (), (), (), (), None)


@pytest.mark.parametrize(
    "settings",
    [
        {"hour": -1},
        {"hour": 24},
        {"quiet_from": 24},
        {"quiet_to": -1},
        {"hour": "8"},
        {"hour": 8.0},
        {"hour": True},
        {"hour": None},
        {"neutral": 1},
        {"daily_seconds": -1},
        {"weekly_seconds": DAY_SECONDS},
        {"time_zone": ""},
        {"time_zone": "Europe/Nowhere"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "/etc/passwd"},
        {"time_zone": "Europe/Berlin\x00"},
        {"time_zone": "Europe"},
        {"minute": 8},
    ],
)
def test_settings_that_cannot_be_used_are_rejected_with_a_sentence(settings: dict[str, Any]) -> None:
    with pytest.raises(MailingFaulty, match=r"\.$"):
        Mailing.read(settings)


@given(st.dictionaries(st.sampled_from([*Mailing.__slots__, "other"]), st.one_of(st.text(), st.integers(), st.none())))
def test_any_settings_are_usable_or_rejected_and_never_an_accident(settings: dict[str, Any]) -> None:
    try:
        mailing = Mailing.read(settings)
    except MailingFaulty:
        return
    assert after_quiet_hours(mailing, datetime(2026, 11, 23, tzinfo=UTC)).tzinfo is UTC


@given(MAILINGS, MOMENTS)
def test_mail_is_put_off_to_the_end_of_the_quiet_hours_and_no_further(mailing: Mailing, now: datetime) -> None:
    due = after_quiet_hours(mailing, now)
    local = due.astimezone(mailing.zone()).hour
    length = (mailing.quiet_to - mailing.quiet_from) % 24
    assert now <= due <= now + timedelta(hours=length + 1)  # an hour more on the day on which clocks go back
    assert (local - mailing.quiet_from) % 24 >= length, "the moment is outside the quiet hours"
    assert after_quiet_hours(mailing, due) == due


@given(MAILINGS, MOMENTS)
def test_a_week_begins_on_a_local_monday_and_holds_the_moment(mailing: Mailing, now: datetime) -> None:
    begins = week_of(mailing, now)
    assert begins.astimezone(mailing.zone()).weekday() == 0
    assert begins <= now < begins + timedelta(days=7, hours=2)
    assert week_of(mailing, begins) == begins


@given(st.sampled_from(Cycle), st.integers(1, DAY_SECONDS - 1), MOMENTS)
def test_shortened_periods_are_over_and_follow_each_other_without_a_gap(
    cycle: Cycle, seconds: int, now: datetime
) -> None:
    mailing = Mailing(daily_seconds=seconds, weekly_seconds=seconds)
    found = last_period(cycle, mailing, now)
    following = last_period(cycle, mailing, found.until + timedelta(seconds=seconds))
    assert found.until <= now < found.until + timedelta(seconds=seconds)
    assert (following.since, found.key == following.key) == (found.until, False)


@given(MAILINGS, MOMENTS)
def test_a_daily_and_a_weekly_period_never_share_a_key(mailing: Mailing, now: datetime) -> None:
    day, week = (last_period(cycle, mailing, now) for cycle in Cycle)
    assert day.key != week.key
    assert max(day.until, week.until) <= now


@pytest.mark.parametrize("frequency", Frequency)
def test_each_frequency_gets_mail_and_only_its_own(frequency: Frequency) -> None:
    mine = {kind for kind, each in DIGESTS.items() if each.is_for(Audience.SUBSCRIBER, frequency)}
    assert mine
    assert mine == {kind for kind, each in DIGESTS.items() if each.frequency is frequency}


@pytest.mark.parametrize("audience", [Audience.ORGANISER, Audience.ADDRESSEE])
def test_the_frequency_of_those_who_did_not_subscribe_makes_no_difference(audience: Audience) -> None:
    kinds = [{kind for kind, each in DIGESTS.items() if each.is_for(audience, frequency)} for frequency in Frequency]
    assert kinds[0]
    assert kinds == [kinds[0]] * len(Frequency)


def test_every_digest_has_either_a_period_or_news_but_the_one_that_acts_of_organisers_send() -> None:
    neither = [kind for kind, each in DIGESTS.items() if each.cycle is None and each.news is None]
    both = [kind for kind, each in DIGESTS.items() if each.cycle is not None and each.news is not None]
    assert (neither, both) == (["organiser_approvals"], [])
    assert {each.kind for each in DIGESTS.values()} == DIGESTS.keys()


def test_the_addressee_gets_mail_only_where_a_campaign_turned_it_on() -> None:
    digest = DIGESTS["addressee_weekly"]
    assert (digest.wanted(Mailing()), digest.wanted(Mailing(addressee=True))) == (False, True)


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        ({}, True),
        ({"change": 1}, False),
        ({"change": -1}, False),
        ({"change": None}, False),
        ({"change": None, "count": 0}, True),
        ({"change": None, "count": None}, True),
        ({"milestones": (COUNT,)}, False),
        ({"updates": (UpdateFact(1, DAY, {}),)}, False),
        ({"demands": (DemandFact(1, {}, "met"),)}, False),
        ({"steps": ("closed",)}, False),
        ({"next": NextStep(MilestoneKind.COUNT, 50, 10)}, True),
    ],
)
def test_a_digest_is_silent_only_when_nothing_happened(changes: dict[str, Any], silent: bool) -> None:
    assert replace(SILENT, **changes).is_silent is silent


TEXTS = st.dictionaries(st.sampled_from(["en", "fr", "de"]), st.text(max_size=20))
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
NUMBERS = st.integers(0, 2**31)
HAPPENED = st.builds(
    Happened, DAYS, DAYS, st.sampled_from(CampaignState), st.none() | NUMBERS, st.none() | NUMBERS,
    st.lists(st.builds(ReachedFact, st.sampled_from(MilestoneKind), NUMBERS, NUMBERS, DAYS), max_size=2).map(tuple),
    st.lists(st.builds(UpdateFact, NUMBERS, DAYS, TEXTS), max_size=2).map(tuple),
    st.lists(st.builds(DemandFact, NUMBERS, TEXTS, st.sampled_from(DemandState)), max_size=2).map(tuple),
    st.lists(st.sampled_from(["closed", "delivered", "answered"])).map(tuple),
    st.none() | st.builds(NextStep, st.sampled_from(MilestoneKind), NUMBERS, NUMBERS),
)  # fmt: skip


@given(HAPPENED)
def test_stored_facts_come_back_as_they_were(facts: Happened) -> None:
    assert from_json(as_json(facts), Happened) == facts


@pytest.mark.parametrize(
    ("texts", "read_in", "lang", "found"),
    [
        ({"de": "Hallo", "en": "Hello"}, "de", "en", LocalText("Hallo", "de")),
        ({"fr": "Bonjour", "en": "Hello"}, "de", "en", LocalText("Hello", "en")),
        ({"fr": "Bonjour"}, "de", "en", LocalText("Bonjour", "fr")),
        ({"de": "", "fr": "Bonjour"}, "de", "de", LocalText("Bonjour", "fr")),
        ({}, "de", "en", LocalText("", "en")),
    ],
)
def test_a_text_is_in_the_language_of_its_reader_or_the_best_other_one(
    texts: dict[str, str], read_in: str, lang: str, found: LocalText
) -> None:
    assert Phrases(lang, read_in).text_of(texts) == found


@pytest.mark.parametrize(
    ("change", "english"),
    [
        (0, "As many as last time"),
        (1, "1 more than last time"),
        (-1, "1 fewer than last time; signers can withdraw"),
        (-1_200, "1,200 fewer than last time; signers can withdraw"),
    ],
)
def test_a_change_is_named_by_its_direction_and_never_with_a_sign(change: int, english: str) -> None:
    assert ENGLISH.change(change) == english


@pytest.mark.parametrize(
    ("seconds", "how_long"),
    [
        (0, "1 minute"), (119, "1 minute"), (120, "2 minutes"), (3_599, "59 minutes"), (3_600, "1 hour"),
        (86_399, "23 hours"), (86_400, "1 day"), (172_800, "2 days"),
    ],
)  # fmt: skip
def test_an_overdue_batch_is_measured_in_the_largest_whole_unit(seconds: int, how_long: str) -> None:
    assert f"passed {how_long} ago" in ENGLISH.overdue(seconds)


def test_a_milestone_is_a_number_or_a_share() -> None:
    assert (ENGLISH.milestone_number(COUNT), ENGLISH.milestone_number(SHARE)) == ("1,000", "10%")
    assert (FRENCH.milestone_number(COUNT), FRENCH.milestone_number(SHARE)) == ("1\u202f000", "10\u202f%")
    assert ENGLISH.milestone_unit(COUNT) == "verified signatures"
    assert ENGLISH.reached(SHARE).startswith("10% of the workforce, 1,000 signatures, on ")


def test_the_next_step_is_to_share_while_the_letter_is_open_and_to_read_it_afterwards() -> None:
    near = replace(SILENT, next=NextStep(MilestoneKind.COUNT, 50, 1))
    assert ENGLISH.next_step(near) == "1 more signature until 50. Share the letter."
    assert ENGLISH.next_step(SILENT) == "Share the letter."
    closed = replace(SILENT, state=CampaignState.CLOSED)
    assert ENGLISH.next_step(closed) == "Read the letter and what happened since."


def test_figures_under_ten_are_not_written_out() -> None:
    line = ENGLISH.codes(CodesFact("corp.example", DAY, 1_020, 0))
    assert line.endswith("1,020 asked for, fewer than 10 used")
    assert ENGLISH.bounces(BouncesFact("", 30, 4, 1)) == (
        "all others: at least 30 sent, fewer than 10 refused, complaints: fewer than 10"
    )


@given(st.sampled_from(["en", "fr"]), HAPPENED)
def test_every_fact_has_a_sentence_without_a_placeholder_left(lang: str, facts: Happened) -> None:
    phrases = Phrases(lang, "en")
    sentences = [phrases.next_step(facts), phrases.days(facts), *map(phrases.reached, facts.milestones)]
    sentences += [phrases.step(each, "Ms 100%(s)") for each in facts.steps]
    sentences += [phrases.demand_state(each.state) for each in facts.demands]
    assert all(sentences)
    assert not [each for each in sentences if "%(" in each.replace("100%(s)", "")]


def test_each_state_has_a_label_of_its_own_and_a_pause_is_that_of_an_open_letter() -> None:
    assert (set(CAMPAIGN_STATES), set(DEMAND_STATES)) == (set(CampaignState), set(DemandState))
    paused = {state: campaign_state(state, paused=True) for state in CampaignState}
    running = {state: campaign_state(state, paused=False) for state in CampaignState}
    assert paused == running | {CampaignState.OPEN: SIGNING_PAUSED}
    assert len({*running.values(), SIGNING_PAUSED}) == len(CampaignState) + 1


def test_every_news_of_an_ending_has_the_name_of_its_state() -> None:
    endings = {NewsKind.CLOSED, NewsKind.DELIVERED, NewsKind.ANSWERED}
    assert {CampaignState(each.value) for each in endings} == set(CampaignState) - {
        CampaignState.DRAFT,
        CampaignState.OPEN,
    }
