"""A form filled in has the bytes of the text it stands for, wherever the lines end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.mail.quoted_printable import Form, encode
from petition.mailing.subscribers import Purpose, links

ONE, TWO = "first-link-goes-here", "second-link-goes-here"
LENGTHS = {ONE: 66, TWO: 7}
words = st.text("abcXYZ019._-", min_size=66, max_size=66)
texts = st.lists(st.sampled_from(["é", "=", ".", " ", "\n", "\n.\n", "x" * 40, "long " * 9, ONE, TWO])).map("".join)


@given(texts, words)
def test_a_filled_form_is_the_encoded_text(text: str, word: str) -> None:
    filled = Form(text, LENGTHS).filled({ONE: word, TWO: word[:7]})
    assert filled == encode(text.replace(ONE, word).replace(TWO, word[:7]))


@pytest.mark.parametrize("word", ["short", "x" * 65 + "é", "x" * 65 + "=", "x" * 65 + "\n", "x" * 65 + " "])
def test_a_word_that_does_not_fit_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Form(ONE, {ONE: 66}).filled({ONE: word})


def test_a_link_is_as_long_as_its_blank() -> None:
    assert {len(links.made("s" * 32, each, bytes(16))) for each in Purpose} == {links.LENGTH}
