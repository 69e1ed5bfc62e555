"""The forms of a draft and of the settings: limits, dates in the campaign's zone, lists, and what each makes of a campaign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from petition.campaigns import LEAST_BATCH, MARK, Campaign, CampaignState
from petition.web.dashboard.drafts.forms import (
    LETTER_LANGUAGES,
    MOST_ROWS,
    SPARE_ROWS,
    BatchesForm,
    DatesForm,
    LegalForm,
    MailForm,
    RolesForm,
    WhoForm,
    WorkforceForm,
    language_name,
)
from petition.web.dashboard.settings_forms import ClosingForm, DomainChangeForm, TranslationForm
from petition.web.forms.base import BaseForm, FormRefused
from tests.support.languages import in_language

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ABOUT: dict[str, Any] = {"languages": ("en", "fr"), "zone": PARIS, "now": NOW}
MOMENTS = st.datetimes(datetime(2021, 1, 1), datetime(2099, 12, 31)).map(
    lambda each: each.replace(second=0, microsecond=0)
)
MAIL = {"time_zone": "Europe/Paris", "hour": "9", "quiet_from": "0", "quiet_to": "23"}

AnyForm = TypeVar("AnyForm", bound=BaseForm)


def read(form: type[AnyForm], **posted: str) -> AnyForm:
    return form.read(MultiDict(posted), **ABOUT)


def refused(form: type[BaseForm], lang: str = "en", **posted: str) -> dict[str, list[str]]:
    with in_language(lang), pytest.raises(FormRefused) as error:
        read(form, **posted)
    return error.value.errors


def local(moment: datetime) -> str:
    """A moment as a browser in Paris posts it."""
    return f"{moment.astimezone(PARIS):%Y-%m-%dT%H:%M}"


@given(n=st.one_of(st.integers(-5, 10), st.integers(99_990, 100_010)))
def test_a_batch_has_five_to_a_hundred_thousand_signatures(n: int) -> None:
    posted = {"batch_min": str(n), "interval": "3600"}
    with in_language("en"):
        form = BatchesForm(MultiDict(posted), meta=ABOUT)
        assert form.validate() is (5 <= n <= 100_000)


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "Enter 5 or more. A smaller batch reveals who has just signed."),
        ("fr", "Saisissez 5 ou plus. Un lot plus petit révèle qui vient de signer."),
    ],
)
def test_a_batch_that_is_too_small_is_refused_with_the_reason(lang: str, sentence: str) -> None:
    assert refused(BatchesForm, lang, batch_min=str(LEAST_BATCH - 1), interval="3600") == {"batch_min": [sentence]}


@pytest.mark.parametrize(("seconds", "fine"), [(0, False), (1, True), (604_800, True), (604_801, False)])
def test_batches_are_at_most_a_week_apart(seconds: int, *, fine: bool) -> None:
    with in_language("en"):
        assert BatchesForm(MultiDict({"batch_min": "10", "interval": str(seconds)})).validate() is fine


@given(opens=MOMENTS, minutes=st.integers(-2, 2))
def test_a_campaign_closes_after_it_opens(opens: datetime, minutes: int) -> None:
    begins = opens.replace(tzinfo=UTC)
    ends = begins + timedelta(minutes=minutes)
    posted = {"opens_at": begins.isoformat(), "closes_at": ends.isoformat()}
    with in_language("en"):
        assert DatesForm(MultiDict(posted), meta=ABOUT).validate() is (ends > begins)


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "The closing date must come after the opening date."),
        ("fr", "La date de clôture doit suivre la date d’ouverture."),
    ],
)
def test_a_closing_at_the_opening_is_refused_at_its_field(lang: str, sentence: str) -> None:
    moment = "2026-12-01T09:00"
    assert refused(DatesForm, lang, opens_at=moment, closes_at=moment) == {"closes_at": [sentence]}


def test_an_opening_that_cannot_be_read_is_the_only_mistake_of_a_fine_closing() -> None:
    assert [*refused(DatesForm, opens_at="soon", closes_at="2026-12-01T09:00")] == ["opens_at"]


@given(MOMENTS)
def test_a_date_that_is_saved_again_as_it_is_shown_does_not_change(moment: datetime) -> None:
    closes_at = moment.replace(tzinfo=UTC)
    if closes_at.astimezone(PARIS).fold:
        closes_at += timedelta(hours=1)  # the hour that a clock shows twice is read as the first one
    shown = DatesForm(data={"closes_at": closes_at}, meta=ABOUT).typed("closes_at")
    with in_language("en"):
        assert read(DatesForm, closes_at=shown).closes_at.data == closes_at


BEFORE_ALL = datetime(2026, 1, 1, tzinfo=UTC)
SKIPPED = {
    "America/New_York": ("2026-03-08T02:00", "2026-03-08T02:30", "2026-03-08T02:59"),
    "Australia/Lord_Howe": ("2026-10-04T02:00", "2026-10-04T02:29"),
    "Africa/Casablanca": ("2026-03-22T02:30",),
    "America/Santiago": ("2026-09-06T00:00", "2026-09-06T00:59"),
}
THERE = {
    "America/New_York": ("2026-03-08T01:59", "2026-03-08T03:00", "2026-11-01T01:30"),
    "Australia/Lord_Howe": ("2026-10-04T01:59", "2026-10-04T02:30"),
    "Africa/Casablanca": ("2026-03-22T01:59", "2026-03-22T03:00"),
    "America/Sao_Paulo": ("2026-02-22T00:00", "2026-10-18T00:00"),
    "America/Santiago": ("2026-09-06T01:00", "2026-04-04T23:30"),
}


@pytest.mark.parametrize(("zone", "moment"), [(zone, moment) for zone, listed in SKIPPED.items() for moment in listed])
@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "Clocks go forward at that time, so it does not exist on that day. Choose another time."),
        ("fr", "L’heure change à ce moment-là : ce jour-là, cette heure n’existe pas. Choisissez-en une autre."),
    ],
)
def test_a_letter_neither_opens_nor_closes_at_a_moment_that_does_not_exist(
    zone: str, moment: str, lang: str, sentence: str
) -> None:
    """What was typed is kept."""
    about = ABOUT | {"zone": ZoneInfo(zone), "now": BEFORE_ALL}
    with in_language(lang):
        for form, name in ((DatesForm, "opens_at"), (DatesForm, "closes_at"), (ClosingForm, "closes_at")):
            refused = form(MultiDict({name: moment}), meta=about)
            assert not refused.validate()
            assert refused.errors == {name: [sentence]}
            assert refused.typed(name) == moment


@pytest.mark.parametrize(("zone", "moment"), [(zone, moment) for zone, listed in THERE.items() for moment in listed])
def test_what_clocks_show_on_a_day_of_a_change_is_that_moment(zone: str, moment: str) -> None:
    about = ABOUT | {"zone": ZoneInfo(zone), "now": BEFORE_ALL}
    with in_language("en"):
        form = ClosingForm(MultiDict({"closes_at": moment}), meta=about)
        assert form.validate(), form.errors
        assert f"{form.closes_at.data.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}" == moment


def test_both_dates_may_stay_empty() -> None:
    with in_language("en"):
        assert read(DatesForm, opens_at="", closes_at=" ").data == {"opens_at": None, "closes_at": None}


@pytest.mark.parametrize("name", ["hour", "quiet_from", "quiet_to"])
@pytest.mark.parametrize("hour", ["24", "-1", "", "noon"])
def test_an_hour_is_one_of_a_day(name: str, hour: str) -> None:
    assert refused(MailForm, **(MAIL | {name: hour})) == {name: ["Enter a whole number from 0 to 23."]}


@pytest.mark.parametrize("zone", ["Mars/Base", "Etc/GMT+3", "../../etc/passwd", ""])
def test_a_time_zone_is_one_from_the_list(zone: str) -> None:
    assert refused(MailForm, **(MAIL | {"time_zone": zone})) == {"time_zone": ["Choose one from the list."]}


def test_the_mail_settings_keep_the_short_days_of_a_demonstration() -> None:
    campaign = Campaign(mailing={"hour": 8, "daily_seconds": 60, "neutral": True})
    with in_language("en"):
        mailing = read(MailForm, **MAIL).changes(campaign)["mailing"]
    assert (mailing["daily_seconds"], mailing["hour"], mailing["neutral"]) == (60, 9, False)


def test_the_form_of_mail_shows_the_usual_settings_of_a_campaign_without_any() -> None:
    with in_language("en"):
        form = MailForm.of(Campaign(mailing={}, languages=["en"]))
        assert {name: form.typed(name) for name in MAIL} == {
            "time_zone": "UTC", "hour": "8", "quiet_from": "21", "quiet_to": "7",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "This letter is public: first complete or take out each place marked [!."),
        ("fr", "Cette lettre est publique : complétez ou retirez d’abord chaque endroit marqué [!."),
    ],
)
@pytest.mark.parametrize("state", [CampaignState.OPEN, CampaignState.CLOSED])
def test_a_public_letter_takes_no_legal_text_with_a_place_to_complete(
    state: CampaignState, lang: str, sentence: str
) -> None:
    with in_language(lang), pytest.raises(FormRefused) as error:
        read(LegalForm, privacy_en="Complete.", privacy_fr=f"{MARK} adresse]", imprint_en=MARK).changes(
            Campaign(state=state)
        )
    said = {name: [each.replace("\u202f", " ") for each in found] for name, found in error.value.errors.items()}
    assert said == {"privacy_fr": [sentence], "imprint_en": [sentence]}


def test_a_draft_may_keep_places_to_complete() -> None:
    with in_language("en"):
        changes = read(LegalForm, privacy_en=f"{MARK} name]").changes(Campaign(state=CampaignState.DRAFT))
    assert changes == {"legal": {"privacy": {"en": f"{MARK} name]"}, "imprint": {}}}


@given(st.lists(st.text("abcdé", min_size=1, max_size=6), unique=True, max_size=8))
def test_a_list_keeps_its_values_in_their_order(values: list[str]) -> None:
    posted = {f"value_{n}": value for n, value in enumerate(values)}
    with in_language("en"):
        roles = read(RolesForm, **posted).changes(Campaign())["roles"]
    assert [*roles] == values


def test_an_empty_row_is_no_entry_and_its_label_is_dropped() -> None:
    with in_language("en"):
        form = read(RolesForm, value_0="Cook", value_1=" ", label_1_en="Nobody", value_3="Clerk", label_3_fr="Employée")
    assert form.changes(Campaign()) == {"roles": {"Cook": {}, "Clerk": {"fr": "Employée"}}}


@pytest.mark.parametrize(
    ("lang", "sentence"), [("en", "This is already in the list."), ("fr", "Ceci est déjà dans la liste.")]
)
def test_a_value_that_stands_twice_is_refused_at_its_later_rows(lang: str, sentence: str) -> None:
    found = refused(RolesForm, lang, value_0="Cook", value_1=" Cook ", value_2="Clerk", value_5="Cook")
    assert found == {"value_1": [sentence], "value_5": [sentence]}


@given(last=st.integers(0, 999))
def test_a_list_has_a_limit_and_room_for_more_below_it(last: int) -> None:
    form = RolesForm(MultiDict({f"value_{last}": "Cook"}), meta=ABOUT)
    wanted = min(last + 1 + SPARE_ROWS, MOST_ROWS) if last < MOST_ROWS else MOST_ROWS
    assert (len(form.values), len([*form.rows()])) == (wanted, wanted)


@pytest.mark.parametrize("code", ["de", "el", "ja", "uk"])
def test_a_language_has_its_own_name(code: str) -> None:
    names = {"de": "Deutsch", "el": "Ελληνικά", "ja": "日本語", "uk": "Українська"}
    assert language_name(code) == names[code]


@given(st.text(max_size=8).filter(lambda code: code not in LETTER_LANGUAGES))
def test_a_code_that_is_no_language_stands_for_itself(code: str) -> None:
    assert language_name(code) == code


def test_every_language_of_a_letter_has_a_name_that_differs_from_its_code() -> None:
    assert [code for code in LETTER_LANGUAGES if language_name(code).casefold() == code] == []


def test_a_text_in_a_language_that_the_letter_lacks_is_not_read() -> None:
    with in_language("en"):
        form = read(WhoForm, addressee="The board", organisers_en="We.", organisers_de="Wir.")
    assert form.changes(Campaign())["organisers"] == {"en": "We."}


@pytest.mark.parametrize(("typed", "n"), [("", None), ("1", 1), ("100 000 000", 100_000_000)])
def test_the_workforce_is_a_number_or_unknown(typed: str, n: int | None) -> None:
    with in_language("en"):
        assert read(WorkforceForm, workforce=typed).workforce.data == n


@pytest.mark.parametrize(("minutes", "fine"), [(-1, False), (0, False), (1, True)])
def test_an_open_letter_closes_in_the_future_of_its_own_zone(minutes: int, *, fine: bool) -> None:
    with in_language("en"):
        form = ClosingForm(MultiDict({"closes_at": local(NOW + timedelta(minutes=minutes))}), meta=ABOUT)
        assert form.validate() is fine


def test_an_empty_closing_date_takes_it_away() -> None:
    with in_language("en"):
        assert read(ClosingForm, closes_at="").closes_at.data is None


BEFORE = {"a.example": {"plus": True, "dots": False}, "b.example": {"plus": False}}


def changed(**posted: str) -> dict[str, dict[str, Any]]:
    with in_language("en"):
        return read(DomainChangeForm, **posted).changed(BEFORE)


def test_a_new_domain_is_added_in_its_plain_spelling_and_the_others_stay() -> None:
    new = {"plus": False, "dots": True, "hosts": [], "shared": []}
    assert changed(domain="@C.Example", dots="yes") == BEFORE | {"c.example": new}


def test_a_domain_that_is_there_gets_the_new_policy() -> None:
    new = {"plus": True, "dots": False, "hosts": ["eu.b.example"], "shared": ["shop-*"]}
    assert changed(
        domain="b.example", plus="yes", hosts="EU.b.example\r\n\r\n@eu.b.example", shared="Shop-*"
    ) == BEFORE | {"b.example": new}


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("hosts", "b.example", "Enter one host a line, each below the domain, such as eu.company.example."),
        ("hosts", "eu.other.example", "Enter one host a line, each below the domain, such as eu.company.example."),
        ("hosts", "xb.example", "Enter one host a line, each below the domain, such as eu.company.example."),
        ("hosts", "*.b.example", "Enter one host a line, each below the domain, such as eu.company.example."),
        ("hosts", "\n".join(f"h{n}.b.example" for n in range(51)), "Enter 50 lines at most."),
        ("hosts", "x" * 4_001, "Use 4000 characters or fewer."),
        ("shared", "*", "Enter one mailbox a line, without the @, such as night-shift or shop-*."),
        ("shared", "a*", "Enter one mailbox a line, without the @, such as night-shift or shop-*."),
        ("shared", "a*b", "Enter one mailbox a line, without the @, such as night-shift or shop-*."),
        ("shared", "night shift", "Enter one mailbox a line, without the @, such as night-shift or shop-*."),
        ("shared", "\n".join(f"box{n}" for n in range(51)), "Enter 50 lines at most."),
    ],
)
def test_hosts_and_shared_mailboxes_that_cannot_be_are_explained(name: str, typed: str, sentence: str) -> None:
    """P22: no pattern stands for hosts, and none for nearly all mailboxes."""
    assert refused(DomainChangeForm, domain="b.example", **{name: typed}) == {name: [sentence]}


def test_a_host_is_kept_in_its_plain_spelling_once_and_a_mailbox_without_its_domain() -> None:
    after = changed(
        domain="b.example", hosts="München.b.example\nMÜNCHEN.B.example", shared="Shop-Paris@b.example\nab*"
    )
    assert after["b.example"]["hosts"] == ["xn--mnchen-3ya.b.example"]
    assert after["b.example"]["shared"] == ["shop-paris", "ab*"]


@pytest.mark.parametrize(("domain", "left"), [("A.example", ["b.example"]), ("other.example", [*BEFORE])])
def test_a_removed_domain_takes_no_other_with_it(domain: str, left: list[str]) -> None:
    assert [*changed(domain=domain, remove="yes")] == left


@pytest.mark.parametrize("code", ["", "xx", "EN", "fr-FR"])
def test_a_translation_is_in_one_of_the_languages_of_letters(code: str) -> None:
    found = refused(TranslationForm, language=code, title="Title", markdown="Text")
    assert found == {"language": ["Choose one from the list."]}


@pytest.mark.parametrize("name", ["title", "markdown"])
def test_a_translation_has_a_title_and_a_text(name: str) -> None:
    posted = {"language": "de", "title": "Brief", "markdown": "Text"} | {name: " "}
    assert refused(TranslationForm, **posted) == {name: ["Fill in this field."]}
