"""One spelling for every value, and no way around it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.core.encoding import MalformedEncoding, NotCanonical, b64u, canonical_json, unb64u

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    texts | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(st.binary(max_size=80))
def test_b64u_comes_back_whole(raw: bytes) -> None:
    assert unb64u(b64u(raw), len(raw)) == raw


@pytest.mark.parametrize(
    "text",
    ["", "AAA=", "AAA", "AAAB ", " AAAA", "AA\nAA", "AA+A", "AA/A", "AAAA====", "ÀAAA", "AAAé", "AAAAA"],
)
def test_unb64u_refuses_every_other_spelling_of_three_bytes(text: str) -> None:
    with pytest.raises(MalformedEncoding):
        unb64u(text, 3)


@pytest.mark.parametrize("text", ["AB", "AR", "A_"])
def test_unb64u_refuses_stray_bits_behind_the_last_byte(text: str) -> None:
    assert unb64u("AA", 1) == b"\0"
    with pytest.raises(MalformedEncoding):
        unb64u(text, 1)


@given(values)
def test_canonical_json_says_what_was_meant(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


def test_canonical_json_has_sorted_keys_no_spaces_and_plain_utf8() -> None:
    value = {
        "é": ["«\u202f»", "\x7f\u2028"],
        "b": {"2": 1, "10": -1},
        "a": 'say "\\\n\x1f"',
        "😀": 0,
        "\uffff": 0,
    }
    written = '{"a":"say \\"\\\\\\n\\u001f\\"","b":{"10":-1,"2":1},"é":["«\u202f»","\x7f\u2028"],"\uffff":0,"😀":0}'
    assert canonical_json(value) == written.encode()


def test_canonical_json_keeps_two_spellings_of_a_letter_apart() -> None:
    assert canonical_json("e\u0301") != canonical_json("\u00e9")


@pytest.mark.parametrize(
    "value",
    [True, None, 1.0, (1,), b"x", {1: "x"}, [{"deep": [False]}], "\ud800", {"\udfff": 1}, 2**53, -(2**53)],
)
def test_canonical_json_refuses_what_a_reader_could_take_in_two_ways(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)
