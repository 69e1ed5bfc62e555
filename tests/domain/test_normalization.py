"""Texts are put into composed form in a time that grows with their length, and what no script writes is refused first."""

from __future__ import annotations

import sys
import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.core.normalization import MOST_MARKS, TooManyMarks, nfc
from petition.privacy import AddressRefused
from petition.privacy.addresses import canonical_domain

SPELLED = {
    "Hebrew with points and accents": "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים",
    "Vietnamese in parts": unicodedata.normalize("NFD", "Nguyễn Thị Ngọc Ánh"),
    "Hindi": "क्षत्रिय श्रीमती ज़िंदगी",
    "Thai": "ที่นี่ น้ำ ผู้ใหญ่",
    "Arabic with vowels": "بِسْمِ ٱللَّٰهِ ٱلرَّحْمَٰنِ",
    "Tibetan": "བརྒྱུད་ ཧཱུྃ རྒྱུ ཀྵྨྱཱུྃ",
    "Burmese": "မြန်မာ က္ကျွန်ုပ်",
    "Khmer": "ស្ត្រី ខ្ញុំ",
    "Korean in parts": unicodedata.normalize("NFD", "안녕하세요"),
    "emoji": "1\ufe0f\u20e3 \u2764\ufe0f",
}


@pytest.mark.parametrize("text", SPELLED.values(), ids=SPELLED)
def test_what_people_write_is_composed(text: str) -> None:
    assert nfc(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "marks", ["\u0300", "\u0315\u0300", "\u0f73", "\u0f73\u0315", "\u0344", "\u20e3", "\U0001d165"]
)
def test_marks_without_end_are_refused_before_they_are_normalized(marks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(form: str, text: str) -> str:
        raise AssertionError(form, len(text))

    with monkeypatch.context() as patched:
        patched.setattr(unicodedata, "normalize", never)
        for before in ("", "a", "word " * 100):
            for text in (marks * 30_000, (marks * (MOST_MARKS + 1))[: MOST_MARKS + 1] + "b"):
                with pytest.raises(TooManyMarks):
                    nfc(before + text)


def test_as_many_as_are_allowed_pass_again_and_again() -> None:
    text = ("a" + "\u0315\u0300" * (MOST_MARKS // 2)) * 100
    assert nfc(text) == unicodedata.normalize("NFC", text)


def test_no_character_outside_of_the_marks_begins_with_one_that_is_put_in_order() -> None:
    """What the check by category leans on: a starter stands between any two runs of marks."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character)[0] != "M":
            assert unicodedata.combining(unicodedata.normalize("NFD", character)[0]) == 0, hex(code)


@given(st.text(st.one_of(st.characters(), st.characters(categories=["Mn", "Mc", "Me"]))))
def test_whatever_passes_is_what_unicode_says(text: str) -> None:
    try:
        assert nfc(text) == unicodedata.normalize("NFC", text)
    except TooManyMarks:
        assert sum(unicodedata.category(each)[0] == "M" for each in text) > MOST_MARKS


WORST = {
    "marks up to the limit": "a" + "\u0315\u0300" * (MOST_MARKS // 2),
    "marks that are two": "a" + "\u0f73" * MOST_MARKS,
    "one that becomes three": "\U0001d160",
    "Hangul in parts": "\u1100\u1161\u11a8",
    "excluded from composition": "\u0915\u093c",
}


@pytest.mark.parametrize("piece", WORST.values(), ids=WORST)
def test_the_worst_of_what_passes_is_cheap(piece: str) -> None:
    """Measured: 9 ms for 16,000 characters, 150 ms for 240,000; the bounds allow for a busy machine."""
    for length, most in ((16_000, 0.05), (240_000, 0.75)):
        text = piece * (length // len(piece))
        took = []
        for _again in range(3):
            began = process_time()
            nfc(text)
            took.append(process_time() - began)
        assert min(took) < most


@pytest.mark.parametrize(
    "host", ["a" + "\u0315\u0300" * 30_000 + ".example", ".".join("a" * 30_000), "\u0f73" * 60_000]
)
def test_a_host_is_refused_by_its_length_before_its_labels_are_read(host: str) -> None:
    began = process_time()
    with pytest.raises(AddressRefused):
        canonical_domain(host)
    assert process_time() - began < 0.05


def test_a_host_with_marks_without_end_is_refused() -> None:
    with pytest.raises(AddressRefused):
        canonical_domain("a" + "\u0315\u0300" * 20 + ".example")
