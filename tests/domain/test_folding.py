"""Folding for searches: what people type finds what others wrote."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from petition.core.folding import fold


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Nguyễn Văn Ánh", "nguyen van anh"),
        ("José", "jose"),
        ("Müller", "MULLER"),
        ("Groß", "GROSS"),
        ("O’Brien", "O'Brien"),
        ("OʼBrien", "o`brien"),
        ("N´Diaye", "N’Diaye"),
        ("İbrahim Işık", "ibrahim isik"),
        ("Łukasz Øster Þór Æsa", "lukasz oster thor aesa"),
        ("Đặng", "dang"),
        ("Jean–Luc", "Jean-Luc"),
        ("Suzie\u00a0 Example", "suzie example"),
        ("علی\u200cرضا", "علیرضا"),
        ("محمّد", "محمد"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("Алёна", "алена"),
        ("ＳＵＺＩＥ", "suzie"),
        ("ﬁona", "fiona"),
    ],
)
def test_two_spellings_are_the_same(written: str, typed: str) -> None:
    assert fold(written) == fold(typed) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("か", "が"), ("कि", "का"), ("Suzie", "Susie"), ("Anna", "Hanna"), ("ย", "ยา")]
)
def test_other_letters_stay_other_letters(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(some.text(max_size=60))
def test_folding_twice_changes_nothing_and_the_form_of_unicode_does_not_matter(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
