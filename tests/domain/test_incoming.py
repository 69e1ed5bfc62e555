"""Where one request ends and the next begins, however its bytes arrive."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.web.serving.incoming import LARGEST_HEAD, RequestFramer, Stage, TooLarge
from petition.web.sizes import LARGEST_CARRIED, largest_body

HEAD = b"%s %s HTTP/1.1\r\nHost: localhost\r\n"
BODIES = st.binary(max_size=300)


def sized(body: bytes) -> bytes:
    return HEAD % (b"POST", b"/c/x/sign") + b"content-LENGTH : %d\r\n\r\n%s" % (len(body), body)


def chunked(pieces: list[bytes], trailer: bytes) -> bytes:
    head = HEAD % (b"POST", b"/c/x/sign") + b"Transfer-Encoding: chunked\r\n\r\n"
    return (
        head
        + b"".join(b"%X;a=b\r\n%s\r\n" % (len(each), each) for each in pieces if each)
        + b"0\r\n"
        + trailer
        + b"\r\n"
    )


REQUESTS = st.one_of(
    st.just(HEAD % (b"GET", b"/") + b"\r\n"),
    BODIES.map(sized),
    st.builds(chunked, st.lists(BODIES, max_size=4), st.sampled_from([b"", b"X: y\r\n"])),
)


@given(st.lists(REQUESTS, min_size=1, max_size=4), st.data())
def test_requests_are_the_same_however_they_are_cut(requests: list[bytes], data: st.DataObject) -> None:
    incoming, sent, taken = RequestFramer(lambda _path: 10_000), b"".join(requests), []
    while sent:
        cut = data.draw(st.integers(1, len(sent)))
        stage = incoming.feed(sent[:cut])
        sent = sent[cut:]
        while stage is Stage.WHOLE:
            taken.append(incoming.take())
            stage = incoming.stage
    assert taken == requests
    assert incoming.stage is Stage.NOTHING


@given(st.binary(max_size=2_000))
def test_whatever_comes_is_taken_or_waited_for(sent: bytes) -> None:
    incoming = RequestFramer(lambda _path: 100)
    try:
        if incoming.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + sent) is Stage.WHOLE:
            assert incoming.take()
    except TooLarge:
        assert len(sent) > 1


@pytest.mark.parametrize(
    ("path", "most"),
    [("/", 65_536), ("/c/x/sign", 65_536), ("/api/campaigns/x/sign?a=/organise/", 16_384), ("/hooks/bounces", 262_144), ("/organise/new", LARGEST_CARRIED)],
)  # fmt: skip
def test_each_path_has_its_largest_body(path: str, most: int) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
    assert RequestFramer(largest_body).feed(head + b"Content-Length: %d\r\n\r\n" % most) is Stage.BODY
    # One that is too large is not waited for: the application refuses it by its length, in words.
    assert RequestFramer(largest_body).feed(head + b"Content-Length: %d\r\n\r\n" % (most + 1)) is Stage.WHOLE
    with pytest.raises(TooLarge) as refused:
        RequestFramer(largest_body).feed(head + b"Transfer-Encoding: chunked\r\n\r\n%X\r\n" % (most + 1))
    assert refused.value.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_nothing_behind_the_head_of_a_body_that_is_too_large_is_read() -> None:
    """What follows is that body, and no request of anybody."""
    head = HEAD % (b"POST", b"/c/x/sign") + b"Content-Length: 101\r\n\r\n"
    incoming = RequestFramer(lambda _path: 100)
    assert incoming.feed(head + HEAD % (b"GET", b"/inside") + b"\r\n") is Stage.WHOLE
    assert (incoming.take(), incoming.ended, incoming.stage) == (head, True, Stage.NOTHING)
    assert incoming.feed(b"\r\n\r\n" + b"x" * 2 * LARGEST_HEAD) is Stage.NOTHING


def test_an_address_without_end_is_too_long_and_is_no_header() -> None:
    for empty in (b"", b"\r\n"):
        with pytest.raises(TooLarge) as refused:
            RequestFramer(largest_body).feed(empty + b"GET /" + b"a" * LARGEST_HEAD)
        assert refused.value.status is HTTPStatus.REQUEST_URI_TOO_LONG


def test_a_second_request_that_is_too_large_spares_the_first() -> None:
    first = HEAD % (b"GET", b"/") + b"\r\n"
    incoming = RequestFramer(largest_body)
    assert incoming.feed(first + first[:-2] + b"X: " + b"a" * LARGEST_HEAD) is Stage.WHOLE
    assert (incoming.take(), incoming.ended) == (first, False)
    assert incoming.refused is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


def test_a_head_without_end_is_refused() -> None:
    incoming = RequestFramer(largest_body)
    for _piece in range(LARGEST_HEAD // 9):
        assert incoming.feed(b"X: aaaa\r\n") is Stage.HEAD
    with pytest.raises(TooLarge) as refused:
        incoming.feed(b"X: aaaa\r\n")
    assert refused.value.status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@pytest.mark.parametrize("line", [b"-1", b"+5", b"0x5", b"5_0", b"", b" 5", b"zz", b"123456789", b"5" + b" " * 2_000])
def test_a_chunk_of_no_size_is_not_waited_for(line: bytes) -> None:
    incoming = RequestFramer(lambda _path: 2**40)
    assert incoming.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + line + b"\r\n") is Stage.WHOLE


@pytest.mark.parametrize("length", [b"1, 1", b"-1", b"1a", b"", b"\xc2\xb2", b"9" * 13])
def test_a_length_that_is_none_is_not_waited_for(length: bytes) -> None:
    incoming = RequestFramer(lambda _path: 2**60)
    assert incoming.feed(b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n") is Stage.WHOLE
