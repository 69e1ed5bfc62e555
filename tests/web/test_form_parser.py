"""Posted forms: read as everybody reads them, and with limits before the work."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from petition.web.dashboard import access
from petition.web.form_parser import MOST_FIELDS, fields, unquoted
from petition.web.sizes import LARGEST_CARRIED, LARGEST_FORM

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_a_form_is_read_as_a_browser_wrote_it(sent: list[tuple[str, str]]) -> None:
    assert fields(urlencode(sent).encode()) == sent


@given(st.text(st.sampled_from("abcAF09+%=&\r\n ;_-"), max_size=60))
def test_any_text_is_read_as_the_standard_library_reads_it(body: str) -> None:
    assert fields(body.encode()) == parse_qsl(body, keep_blank_values=True)


@given(st.binary(max_size=80))
def test_every_byte_comes_back_from_its_escape(raw: bytes) -> None:
    assert unquoted(quote_plus(raw).encode()) == raw.decode(errors="replace")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"100%", "100%"),
        (b"100%%", "100%%"),
        (b"%G0%4", "%G0%4"),
        (b"%\r\n41", "%\r\n41"),
        (b"=41=\n", "=41=\n"),
        (b"a+b%2Bc%3D_", "a b+c=_"),
        (b"%00%0D%0A \t", "\0\r\n \t"),
        (b"%C3%A9%c3%a9", "éé"),
        (b"%FF", "\ufffd"),
    ],
)
def test_a_percent_sign_that_begins_no_byte_stays(sent: bytes, read: str) -> None:
    assert unquoted(sent) == read


def test_more_than_a_thousand_fields_are_refused_before_any_is_decoded() -> None:
    """P48."""
    assert len(fields(b"&".join([b"a=%41"] * MOST_FIELDS))) == MOST_FIELDS
    with pytest.raises(RequestEntityTooLarge):
        fields(b"&" * MOST_FIELDS)


def test_percent_signs_without_end_are_refused() -> None:
    """P48."""
    assert unquoted(b"%" * (MOST_FIELDS - 1)) == "%" * (MOST_FIELDS - 1)
    with pytest.raises(BadRequest):
        unquoted(b"%" * MOST_FIELDS)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a&" * 2_000, "application/x-www-form-urlencoded", 413),
        (b"name=" + b"%" * 2_000, "application/x-www-form-urlencoded", 400),
        (b"--b\r\n" + b"X: y\r\n" * (LARGEST_CARRIED // 8), "multipart/form-data; boundary=b", 413),
    ],
)
def test_what_no_browser_sends_is_refused_in_words(client: FlaskClient, body: bytes, kind: str, status: int) -> None:
    """P48."""
    answer = client.post("/organise/sign-in", data=body, content_type=kind)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert "<h1>" in answer.text


def test_a_form_with_a_file_may_be_as_large_as_a_public_form(client: FlaskClient, slug: str) -> None:
    from io import BytesIO

    for size, status in ((LARGEST_FORM - 2_000, 422), (LARGEST_FORM + 1, 413)):
        sent = {"receipt": "", "file": (BytesIO(b"x" * size), "receipt.json")}
        assert client.post(f"/c/{slug}/receipt", data=sent, content_type="multipart/form-data").status_code == status


def test_a_long_address_is_not_looked_up_part_by_part(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """P48: an address of 400,000 parts would be looked up once for each part."""
    looked_up = list[str]()

    def accepts(path: str, _method: str) -> bool:
        looked_up.append(path)
        return False

    monkeypatch.setattr(access, "accepts", accepts)
    with app.test_request_context("/organise"):
        assert access.next_page("/organise/" + "a/" * 400_000) == access.HOME
        assert looked_up == []
        assert access.next_page("/organise/a/b") == access.HOME
        assert looked_up == ["/organise/a/b", "/organise/a"]
