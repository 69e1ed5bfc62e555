"""Drafts: which descriptions are rejected, how a draft changes piece by piece, and what it still lacks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import (
    LEAST_BATCH,
    LEAST_INTERVAL,
    LONGEST_LETTER,
    LONGEST_SLUG,
    MARK,
    MOST_DEMANDS,
    Campaign,
    CampaignFaulty,
    CampaignIncomplete,
    CampaignState,
    Lack,
    LetterFrozen,
    Missing,
    SlugTaken,
)
from petition.campaigns.changes import MOST_LANGUAGES
from tests import make

NOW = make.NOW
HOUR = timedelta(hours=1)
LETTERS = {"en": ("A letter", "Please answer."), "fr": ("Une lettre", "Répondez.")}
ENGLISH = {"letters": {"en": LETTERS["en"]}}


def texts(campaign: Campaign) -> list[dict[str, str]]:
    """The demands' texts, which must be numbered from 1 without a gap."""
    assert [each.number for each in campaign.demands] == list(range(1, len(campaign.demands) + 1))
    return [each.text for each in campaign.demands]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"slug": "a" * (LONGEST_SLUG + 1)}, "short name"),
        ({"slug": "Letter"}, "short name"),
        ({"slug": "a--b"}, "short name"),
        ({"slug": "a-"}, "short name"),
        ({"slug": "a\n"}, "short name"),
        ({"slug": "lettre-é"}, "short name"),
        ({"letters": {}}, "at least one language"),
        ({"languages": ["en", "de"]}, "needs a letter"),
        ({"letters": {"en": ("A letter", "a" * (LONGEST_LETTER + 1))}}, "60,000"),
        ({"letters": {"en": ("A letter", "")}}, "must not be empty"),
        ({"letters": {"en": ("", "Please answer.")}}, "must not be empty"),
        ({"demands": []}, "demand"),
        ({"demands": [{"en": "Answer us."}]}, "each language"),
        ({"domains": {}}, "work domain"),
        ({"batch_min": 0}, "one signature"),
        ({"interval": 0}, "one second"),
        ({"opens_at": NOW, "closes_at": NOW}, "after the opening date"),
        ({"mailing": {"hour": 24}}, "0 to 23"),
    ],
)
def test_a_faulty_description_is_rejected_with_its_sentence(
    session: Session, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(CampaignFaulty, match=sentence):
        campaigns.draft(session, make.a_draft(**changes))


def test_a_description_at_its_limits_is_accepted(session: Session) -> None:
    limits = {"slug": "a" * LONGEST_SLUG, "letters": {"en": ("A letter", "a" * LONGEST_LETTER)}, "batch_min": 1}
    made = campaigns.draft(session, make.a_draft(**limits, interval=1, opens_at=NOW, closes_at=NOW + HOUR))
    assert (made.state, made.slug, len(made.letters[0].markdown)) == (CampaignState.DRAFT, "a" * 80, LONGEST_LETTER)


def test_a_short_name_that_is_taken_leaves_the_transaction_usable(session: Session) -> None:
    campaigns.begin(session, "taken", "localhost/c/taken", "A letter", ["en"])
    with pytest.raises(SlugTaken):
        campaigns.begin(session, "taken", "localhost/c/taken", "Another", ["en"])
    assert campaigns.begin(session, "free", "localhost/c/free", "A letter", ["en"]).state is CampaignState.DRAFT


def test_a_new_draft_has_its_title_in_its_first_language_only(session: Session) -> None:
    made = campaigns.begin(session, "first", "localhost/c/first", "Une lettre", ["fr", "en"])
    assert {each.lang: each.title for each in made.letters} == {"fr": "Une lettre", "en": ""}
    assert made.languages == ["fr", "en"]


def test_a_draft_needs_a_language(session: Session) -> None:
    with pytest.raises(CampaignFaulty):
        campaigns.begin(session, "none", "localhost/c/none", "A letter", [])


STEPS = st.lists(st.tuples(st.integers(1, 5), st.integers(-1, 1)), max_size=12)


@given(STEPS)
def test_moving_demands_loses_none_and_returns_the_new_number(steps: list[tuple[int, int]]) -> None:
    made = make.draft_in_memory(**ENGLISH, demands=[{"en": str(n)} for n in range(5)])
    for number, by in steps:
        moved = texts(made)[number - 1]
        now_at = campaigns.move_demand(made, number, by)
        assert texts(made)[now_at - 1] == moved
    assert sorted(each["en"] for each in texts(made)) == list("01234")


@given(st.lists(st.integers(0, 9), min_size=5, max_size=5))
def test_removing_a_demand_keeps_the_others_in_their_order(picks: list[int]) -> None:
    made = make.draft_in_memory(**ENGLISH, demands=[{"en": str(n)} for n in range(5)])
    expected = texts(made)
    for pick in picks:
        at = pick % len(expected)
        expected = expected[:at] + expected[at + 1 :]
        campaigns.remove_demand(made, at + 1)
        assert texts(made) == expected


@pytest.mark.parametrize("number", [-1, 0, 2])
def test_a_demand_that_does_not_exist_is_neither_changed_nor_moved_nor_removed(number: int) -> None:
    made = make.draft_in_memory(**ENGLISH, demands=[{"en": "Answer us."}])
    for act in (
        lambda: campaigns.write_demand(made, number, {"en": "Other"}),
        lambda: campaigns.move_demand(made, number, 1),
        lambda: campaigns.remove_demand(made, number),
    ):
        with pytest.raises(CampaignFaulty, match=f"no demand {number}"):
            act()
    assert texts(made) == [{"en": "Answer us."}]


def test_the_fiftieth_demand_is_the_last() -> None:
    made = make.draft_in_memory(**ENGLISH, demands=[{"en": "Answer us."}] * (MOST_DEMANDS - 1))
    campaigns.add_demand(made, {"en": "The fiftieth."})
    with pytest.raises(CampaignFaulty):
        campaigns.add_demand(made, {"en": "The fifty-first."})
    assert texts(made)[-1] == {"en": "The fiftieth."}


def test_a_demand_keeps_its_own_copy_of_a_text() -> None:
    made, typed = make.draft_in_memory(**ENGLISH), {"en": "Answer us."}
    campaigns.add_demand(made, typed)
    typed["en"] = "Something else"
    assert texts(made)[-1] == {"en": "Answer us."}


def test_the_twelfth_language_is_the_last_and_none_is_added_twice() -> None:
    made = make.draft_in_memory(**ENGLISH)
    for number in range(MOST_LANGUAGES - 1):
        campaigns.add_language(made, f"x{number}")
    for lang in ("en", "xx"):
        with pytest.raises(CampaignFaulty):
            campaigns.add_language(made, lang)
    assert len(made.languages) == len(made.letters) == MOST_LANGUAGES


def test_writing_a_letter_in_a_new_language_adds_that_language() -> None:
    made = make.draft_in_memory(**ENGLISH)
    campaigns.write_letter(made, "fr", "Une lettre", "Madame,")
    assert made.languages == ["en", "fr"]
    assert [(each.lang, each.title, each.markdown) for each in made.letters][1] == ("fr", "Une lettre", "Madame,")


def test_a_letter_that_is_too_long_changes_nothing() -> None:
    made = make.draft_in_memory(**ENGLISH)
    with pytest.raises(CampaignFaulty):
        campaigns.write_letter(made, "fr", "Une lettre", "a" * (LONGEST_LETTER + 1))
    assert (made.languages, [each.lang for each in made.letters]) == (["en"], ["en"])


def test_removing_a_language_removes_every_text_in_it() -> None:
    both = {"en": "English", "fr": "FRANÇAIS"}
    by_language = dict.fromkeys(("addressee_role", "organisers", "notice", "workforce_source"), both)
    lists = {"roles": {"Engineer": both}, "teams": {"Platform": both}, "legal": {"privacy": both, "imprint": both}}
    made = make.draft_in_memory(letters={"en": LETTERS["en"], "fr": ("FRANÇAIS", "FRANÇAIS")}, demands=[both],
                                **by_language, **lists)  # fmt: skip
    campaigns.remove_language(made, "fr")
    left = [getattr(made, name) for name in (*by_language, *lists)] + texts(made)
    assert "FRANÇAIS" not in str(left)
    assert str(left).count("English") == 9
    assert (made.languages, [each.lang for each in made.letters]) == (["en"], ["en"])


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_last_language_and_one_that_is_not_there_cannot_be_removed(lang: str) -> None:
    made = make.draft_in_memory(**ENGLISH, demands=[{"en": "Answer us."}])
    with pytest.raises(CampaignFaulty):
        campaigns.remove_language(made, lang)
    assert (made.languages, len(made.letters)) == (["en"], 1)


FROZEN: dict[str, Callable[[Campaign], object]] = {
    "letter": lambda made: campaigns.write_letter(made, "en", "Other", "Other"),
    "added language": lambda made: campaigns.add_language(made, "de"),
    "removed language": lambda made: campaigns.remove_language(made, "fr"),
    "added demand": lambda made: campaigns.add_demand(made, {"en": "Other"}),
    "changed demand": lambda made: campaigns.write_demand(made, 1, {"en": "Other"}),
    "moved demand": lambda made: campaigns.move_demand(made, 1, 1),
    "removed demand": lambda made: campaigns.remove_demand(made, 1),
    "domains": lambda made: campaigns.change(made, {"domains": {}}),
    "legal texts without a second organiser": lambda made: campaigns.change(made, {"legal": {}}),
    "one frozen fact beside a free one": lambda made: campaigns.change_public(
        made, {"legal": {}, "addressee": "Other"}
    ),
}


@pytest.mark.parametrize("what", FROZEN)
@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.DRAFT])
def test_nothing_that_signers_relied_on_changes_after_the_opening(what: str, state: CampaignState) -> None:
    made = make.draft_in_memory(legal={"imprint": {"en": "Us"}})
    before = (texts(made), list(made.languages), [(each.lang, each.title) for each in made.letters], made.addressee)
    made.state = state
    with pytest.raises(LetterFrozen):
        FROZEN[what](made)
    after = (texts(made), made.languages, [(each.lang, each.title) for each in made.letters], made.addressee)
    assert (after, list(made.domains), made.legal) == (before, ["corp.example"], {"imprint": {"en": "Us"}})


def test_a_new_closing_date_has_the_pages_of_an_open_letter_rendered_again() -> None:
    made = make.draft_in_memory()
    made.state = CampaignState.OPEN
    campaigns.change_public(made, {"closes_at": None})
    assert made.stale is False, "the same value is no change"
    campaigns.change_public(made, {"closes_at": NOW})
    assert (made.stale, made.closes_at) == (True, NOW)


def test_roles_in_another_order_are_a_change() -> None:
    made = make.draft_in_memory(roles={"Engineer": {}, "Designer": {}})
    campaigns.change(made, {"roles": {"Designer": {}, "Engineer": {}}})
    assert list(made.roles) == ["Designer", "Engineer"]


@pytest.mark.parametrize("name", ["state", "issuer", "slug", "id", "stopped", "mark_stale"])
def test_what_is_no_fact_of_a_campaign_cannot_be_set(name: str) -> None:
    made = make.draft_in_memory()
    before = getattr(made, name)
    with pytest.raises(CampaignFaulty):
        campaigns.change(made, {"addressee": "Other", name: "x"})
    assert (getattr(made, name), made.addressee) == (before, "Chief Executive")


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({}, []),
        ({"letters": {"en": (" \n", "\t")}}, [Missing(Lack.TITLE, "en"), Missing(Lack.TEXT, "en")]),
        ({"languages": ["en", "fr", "de"]}, [
            Missing(Lack.TITLE, "de"), Missing(Lack.TEXT, "de"), Missing(Lack.DEMAND_TEXT, "de", 1),
        ]),
        ({"demands": []}, [Missing(Lack.DEMANDS)]),
        ({"demands": [{"en": "A", "fr": "A"}, {"en": "B", "fr": " "}]}, [Missing(Lack.DEMAND_TEXT, "fr", 2)]),
        ({"addressee": " ", "organisation": ""}, [Missing(Lack.ADDRESSEE), Missing(Lack.ORGANISATION)]),
        ({"domains": {}}, [Missing(Lack.DOMAINS)]),
        ({"closes_at": NOW}, [Missing(Lack.CLOSES_IN_THE_PAST)]),
        ({"closes_at": NOW + HOUR}, []),
        ({"opens_at": NOW + HOUR, "closes_at": NOW + HOUR}, [Missing(Lack.CLOSES_BEFORE_OPENING)]),
        ({"opens_at": NOW - HOUR, "closes_at": NOW}, [Missing(Lack.CLOSES_IN_THE_PAST)]),
        ({"legal": {"privacy": {"en": "ok", "fr": f"a {MARK} b]"}}}, [Missing(Lack.PRIVACY_MARKED, "fr")]),
        ({"legal": {"imprint": {"en": MARK, "fr": "["}}}, [Missing(Lack.IMPRINT_MARKED, "en")]),
    ],
)  # fmt: skip
def test_the_checklist_names_exactly_what_a_draft_lacks(changes: dict[str, object], lacks: list[Missing]) -> None:
    assert campaigns.missing(make.draft_in_memory(**changes), NOW) == lacks


@given(st.integers(1, 20), st.booleans())
def test_batches_below_five_are_missing_unless_they_are_allowed(least: int, allowed: bool) -> None:
    campaigns.allow_small_batches(allowed)
    lacks = campaigns.missing(make.draft_in_memory(batch_min=least, interval=LEAST_INTERVAL), NOW)
    campaigns.allow_small_batches(True)
    assert lacks == ([Missing(Lack.SMALL_BATCHES)] if least < LEAST_BATCH and not allowed else [])


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("interval", [1, LEAST_INTERVAL - 1, LEAST_INTERVAL, 604_800])
def test_an_interval_under_five_minutes_is_missing_unless_it_is_allowed(interval: int, allowed: bool) -> None:
    """P41."""
    campaigns.allow_small_batches(allowed)
    lacks = campaigns.missing(make.draft_in_memory(batch_min=LEAST_BATCH, interval=interval), NOW)
    assert lacks == ([Missing(Lack.SHORT_INTERVAL)] if interval < LEAST_INTERVAL and not allowed else [])


def test_the_error_of_an_incomplete_letter_says_where_each_text_is_missing() -> None:
    error = CampaignIncomplete([Missing(Lack.DEMAND_TEXT, "fr", 2), Missing(Lack.DOMAINS)])
    assert str(error) == "A campaign cannot be opened yet: demand text fr 2. domains."
