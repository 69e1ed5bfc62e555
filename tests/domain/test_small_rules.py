"""Small rules that everything stands on: events, the clock, fail points, keys, durations, and the data map of keys and files."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.config.addresses import PROJECT
from petition.core import clock, events, migrate
from petition.core.events import CodeWanted, Event, ExportWanted, MailPlanned, QueueAway
from petition.core.i18n import date_span, duration
from petition.core.process import NotSetUp, ProcessValue
from petition.privacy import SealBroken, Vault, keyring
from petition.privacy.data_elsewhere import FILES, KEYS, row_of
from petition.privacy.data_map import DataMapWrong
from petition.privacy.keyring import unsealed

ONE, TWO = "A" * 43 + "=", "B" * 42 + "A="
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The events that reached a queue which is away for codes and files, in order."""
    arrived: list[Event] = []

    def carry(event: Event) -> None:
        if isinstance(event, CodeWanted | ExportWanted):
            raise QueueAway
        arrived.append(event)

    monkeypatch.setattr(events, "_deliverer", ProcessValue("deliverer", carry))
    return arrived


def test_an_event_that_a_sweep_finds_again_stops_no_other_event(delivered: list[Event]) -> None:
    events.deliver([MailPlanned(), ExportWanted("1"), MailPlanned()])
    assert delivered == [MailPlanned(), MailPlanned()]


def test_an_event_that_must_arrive_is_reported_to_the_person_who_asked(delivered: list[Event]) -> None:
    with pytest.raises(QueueAway):
        events.deliver([MailPlanned(), CodeWanted("sealed")])
    assert delivered == [MailPlanned()]


def test_the_log_of_a_lost_message_holds_nothing_that_the_event_carries(
    delivered: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    events.deliver([ExportWanted("hunter2")])
    assert (delivered, caplog.messages) == ([], ["nudge not sent: ExportWanted"])


def test_announced_events_are_taken_once_and_in_their_order() -> None:
    info: dict[str, object] = {"other": 1}
    for each in ("b", "a"):
        events.announce(info, ExportWanted(each))
    assert events.taken(info) == [ExportWanted("b"), ExportWanted("a")]
    assert (events.taken(info), info) == ([], {"other": 1})


@pytest.fixture
def shifted() -> Iterator[None]:
    """A clock that goes right again after the test."""
    yield
    clock.set_offset(0)


@pytest.mark.usefixtures("shifted")
def test_the_clock_is_shifted_once_however_often_it_is_set() -> None:
    for _ in range(2):
        clock.set_offset(-3600)
    behind = datetime.now(UTC) - clock.now()
    assert timedelta(minutes=59) < behind < timedelta(minutes=61)
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("armed", "passed", "ended"),
    [
        ("here", 1, True),
        ("here:1", 1, True),
        ("here:3", 2, False),
        ("here:3", 3, True),
        ("there", 9, False),
        (None, 9, False),
    ],
)
def test_a_process_dies_at_its_fail_point_at_the_passing_that_was_asked_for(
    armed: str | None, passed: int, ended: bool
) -> None:
    code = f"from petition.core.failpoints import arm, reach; arm({armed!r}); [reach('here') for _ in range({passed})]"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert done.returncode == (-signal.SIGKILL if ended else 0)


def test_a_fail_point_that_was_disarmed_is_passed() -> None:
    code = "from petition.core.failpoints import arm, reach; arm('here'); arm(None); reach('here')"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


@pytest.mark.parametrize("revision", ["", "nonsense", "ffffffffffff", "../x"])
def test_a_revision_of_another_program_is_not_the_newest_and_not_known(revision: str) -> None:
    assert (migrate.is_newest(revision), revision != "" and migrate.is_known(revision)) == (False, False)


def test_a_database_without_tables_is_not_the_newest() -> None:
    assert not migrate.is_newest(None)


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (0, "0 seconds", "0 seconde"),
        (1, "1 second", "1 seconde"),
        (59, "59 seconds", "59 secondes"),
        (60, "1 minute", "1 minute"),
        (600, "10 minutes", "10 minutes"),
        (3600, "1 hour", "1 heure"),
        (7200, "2 hours", "2 heures"),
        (86_400, "1 day", "1 jour"),
    ],
)
def test_a_duration_is_said_in_its_largest_unit_and_never_split_over_two_lines(
    seconds: int, english: str, french: str
) -> None:
    said = (duration(seconds, "en"), duration(seconds, "fr"))
    assert said == (english.replace(" ", "\u00a0"), french.replace(" ", "\u00a0"))


@pytest.mark.parametrize(
    ("since", "until", "named"),
    [
        (date(2026, 11, 16), date(2026, 11, 22), ["16", "22", "2026"]),
        (date(2026, 11, 30), date(2026, 12, 6), ["30", "6", "2026"]),
        (date(2026, 12, 28), date(2027, 1, 3), ["28", "2026", "3", "2027"]),
    ],
)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_span_names_both_its_ends_and_a_year_that_they_share_once(
    since: date, until: date, named: list[str], lang: str
) -> None:
    words = date_span(since, until, lang).replace("–", " ").split()
    assert [word for word in words if word.isdigit()] == named


@pytest.fixture
def keys() -> Iterator[None]:
    """The keyring, which has none of the test's keys afterwards."""
    yield
    keyring.connect([ONE])
    unsealed.cache_clear()


@pytest.mark.usefixtures("keys")
def test_a_key_that_was_decrypted_before_is_gone_with_its_master_key() -> None:
    keyring.connect([ONE])
    sealed = keyring.seal(b"private")
    assert unsealed(sealed) == b"private"
    keyring.connect([TWO, ONE])
    assert unsealed(sealed) == b"private"
    keyring.connect([TWO])
    with pytest.raises(SealBroken):
        unsealed(sealed)


def test_without_master_keys_nothing_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_vault", ProcessValue[Vault]("master keys"))
    with pytest.raises(NotSetUp, match="master keys"):
        keyring.seal(b"private")


@given(st.integers(0, 900), st.integers(1, 900))
def test_a_dated_token_is_fresh_for_its_time_and_not_a_second_longer(age: int, ttl: int) -> None:
    vault = Vault([ONE])
    token = vault.seal_dated(b"code", NOW)
    later = NOW + timedelta(seconds=age)
    if age <= ttl:
        assert vault.unseal_fresh(token, ttl, later) == b"code"
    else:
        with pytest.raises(SealBroken):
            vault.unseal_fresh(token, ttl, later)


def test_a_token_without_a_time_is_never_fresh() -> None:
    vault = Vault([ONE])
    with pytest.raises(SealBroken):
        vault.unseal_fresh(vault.seal(b"code"), 900, NOW)


def test_a_rotated_token_keeps_its_age() -> None:
    token = Vault([ONE]).seal_dated(b"code", NOW)
    rotated = Vault([TWO, ONE]).rotate(token)
    assert Vault([TWO]).unseal_fresh(rotated, 900, NOW + timedelta(seconds=900)) == b"code"
    with pytest.raises(SealBroken):
        Vault([TWO]).unseal_fresh(rotated, 900, NOW + timedelta(seconds=901))


@pytest.mark.parametrize("name", ["challenge", "Codes", "codes2", "seen", "celery", "", "xseen:1"])
def test_a_key_that_no_row_describes_is_found(name: str) -> None:
    assert row_of(KEYS, name) is None


@pytest.mark.parametrize(
    "name", ["log/web.txt", "public/x/bundle.zip.part", "secret/key", "core", "inbox", "/log/web.log"]
)
def test_a_file_that_no_row_describes_is_found(name: str) -> None:
    assert row_of(FILES, name) is None


def test_a_name_that_two_rows_describe_is_refused() -> None:
    with pytest.raises(DataMapWrong, match=r"^seen:1 is described by seen:\* and seen:\*$"):
        row_of([*KEYS, *(row for row in KEYS if row.names == "seen:*")], "seen:1")


def test_no_row_describes_a_name_of_another_row() -> None:
    for rows in (KEYS, FILES):
        assert [row.names for row in rows if row_of(rows, row.names.replace("*", "x/x.log")) not in {row, None}] == []
