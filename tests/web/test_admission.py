"""P16: which request waits for a thread, which goes first, and which is refused, with time as an argument."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from petition.web.serving.admission import LONGEST, Admission, Kind, kind_of
from petition.web.serving.answers import Head

PAGES = frozenset({("/c/ice", ""), ("/c/ice", "lang=fr")})


def started(admission: Admission[str]) -> list[str]:
    """What gets a thread now."""
    found = []
    while (each := admission.next_to_start()) is not None:
        found.append(each[1])
    return found


def filled(admission: Admission[str], requests: Iterable[tuple[Kind, str]], now: float = 0.0) -> None:
    for kind, name in requests:
        admission.add(kind, name, now)


@pytest.mark.parametrize(("method", "path", "query", "kind"), [
    ("GET", "/healthz", "", Kind.PROBE), ("GET", "/readyz", "", Kind.PROBE), ("GET", "/c/ice", "", Kind.PAGE),
    ("HEAD", "/c/ice", "lang=fr", Kind.PAGE), ("GET", "/static/0/style.css", "", Kind.PAGE),
    ("GET", "/c/ice", "lang=de", Kind.OTHER), ("POST", "/c/ice", "", Kind.OTHER), ("GET", "/c/ice/sign", "", Kind.OTHER),
    ("POST", "/api/campaigns/ice/verify", "", Kind.OTHER), ("POST", "/api/campaigns/ice/pass", "", Kind.LATER_STEP),
    ("POST", "/api/campaigns/ice/sign", "", Kind.LATER_STEP), ("POST", "/c/ice/sign", "", Kind.LATER_STEP),
    ("POST", "/api/campaigns/ice/withdraw", "", Kind.LATER_STEP), ("GET", "/organise/x", "", Kind.LATER_STEP),
    ("POST", "/organise/sign-in", "", Kind.LATER_STEP), ("POST", "/hooks/bounces", "", Kind.LATER_STEP),
    ("", "", "", Kind.OTHER), ("GET", "/", "", Kind.OTHER),
])  # fmt: skip
def test_the_kind_of_a_request_follows_from_its_first_line(method: str, path: str, query: str, kind: Kind) -> None:
    assert kind_of(method, path, query, PAGES.__contains__) is kind


def test_without_a_crowd_every_request_gets_a_thread_in_the_order_of_arrival() -> None:
    admission = Admission[str](6, 2)
    for number in range(4):
        admission.add(Kind.OTHER, str(number), 0.0)
        assert started(admission) == [str(number)]


def test_the_last_threads_are_those_of_pages() -> None:
    admission = Admission[str](6, 2)
    filled(admission, [(Kind.OTHER, "first step"), (Kind.LATER_STEP, "later")] * 4)
    assert len(started(admission)) == 4
    filled(admission, [(Kind.PAGE, "page")] * 3)
    assert started(admission) == ["page", "page"]
    admission.finished(Kind.LATER_STEP)
    assert started(admission) == ["page"]


def test_a_probe_goes_first_and_is_never_refused() -> None:
    admission = Admission[str](1, 0)
    filled(admission, [(Kind.PAGE, "page"), (Kind.PROBE, "probe")])
    assert started(admission) == ["probe"]
    assert not admission.is_refused(Kind.PROBE, 3600.0)
    admission.add(Kind.PROBE, "another", 0.0)
    assert "another" not in list(admission.expired(3600.0))


def test_in_a_crowd_later_steps_get_twice_what_first_steps_get_and_nobody_starves() -> None:
    admission = Admission[str](1, 0)
    filled(admission, [(kind, kind.name) for kind in LONGEST] * 60)
    served = []
    for _ in range(60):
        found = admission.next_to_start()
        assert found is not None
        served.append(found[0])
        admission.finished(found[0])
    assert [served.count(kind) for kind in (Kind.PAGE, Kind.LATER_STEP, Kind.OTHER)] == [30, 20, 10]


@pytest.mark.parametrize("kind", LONGEST)
def test_nobody_waits_longer_than_the_longest_wait(kind: Kind) -> None:
    admission = Admission[str](1, 0)
    filled(admission, [(kind, "taken")])
    assert started(admission) == ["taken"]
    filled(admission, [(kind, "early")], 1.0)
    assert admission.soonest == pytest.approx(1.0 + LONGEST[kind])
    assert not admission.is_refused(kind, 1.0 + LONGEST[kind] / 3)
    filled(admission, [(kind, "late")], 1.0 + LONGEST[kind] / 3)
    assert admission.is_refused(kind, 1.0 + LONGEST[kind] * 0.6)
    assert list(admission.expired(1.0 + LONGEST[kind] * 1.01)) == ["early"]
    assert not admission.is_refused(kind, 1.0 + LONGEST[kind] * 0.6)
    admission.finished(kind)
    assert started(admission) == ["late"]


def test_who_begins_is_refused_before_who_has_come_far() -> None:
    admission = Admission[str](1, 0)
    filled(admission, [(Kind.OTHER, "taken")])
    started(admission)
    filled(admission, [(Kind.OTHER, "first step"), (Kind.LATER_STEP, "later")])
    assert list(admission.expired(0.7)) == ["first step"]
    assert all(longest < 1 for longest in LONGEST.values())


@pytest.mark.parametrize(("sent", "head"), [
    (b"GET /c/a?lang=fr HTTP/1.1\r\nHost: x.example\r\n\r\n", ("GET", "/c/a", "lang=fr", "x.example", True)),
    (b"\r\nPOST /c/%C3%A9 HTTP/1.1\r\nhost:x\r\nCONNECTION: Close\r\n\r\nab", ("POST", "/c/Ã©", "", "x", False)),
    (b"GET / HTTP/1.0\r\n\r\n", ("GET", "/", "", "", False)),
    (b"nonsense\r\n\r\n", ("", "", "", "", False)),
    (b"POST / HTTP/1.1\r\nA: b\r\n\r\nx\r\nHost: hidden\r\n\r\n", ("POST", "/", "", "", True)),
])  # fmt: skip
def test_what_a_refusal_depends_on_is_read_from_the_head(sent: bytes, head: tuple[object, ...]) -> None:
    assert tuple(Head.of(sent))[:5] == head


@pytest.mark.parametrize(("sent", "is_plain"), [
    (b"GET /c/a HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n", True),
    (b"GET /c/a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", True),
    (b"GET /c/a HTTP/1.1\r\n\r\n", False), (b"HEAD /c/a HTTP/1.1\r\nHost: x\r\n\r\n", False),
    (b"GET /c/a HTTP/1.0\r\nHost: x\r\n\r\n", False), (b"GET /c/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", False),
    (b"GET /c/a HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n", False), (b"GET /c/a HTTP/1.1\r\nHost : x\r\n\r\n", False),
    (b"GET /c/a HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", False), (b"GET /c/a HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", False),
    (b"GET /c/a HTTP/1.1\r\nHost: \x00\r\n\r\n", False), (b"GET  /c/a HTTP/1.1\r\nHost: x\r\n\r\n", False),
    (b"\r\nGET /c/a HTTP/1.1\r\nHost: x\r\n\r\n", False), (b"GET /c/a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\r\n", False),
])  # fmt: skip
def test_only_what_no_parser_reads_in_two_ways_is_answered_by_the_loop(sent: bytes, is_plain: bool) -> None:
    assert Head.of(sent).is_plain is is_plain
