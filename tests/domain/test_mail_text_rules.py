"""Plain text of a mail, and time on the wire: links stay whole, lines are short, a slow server gets no more than its time."""

from __future__ import annotations

import io
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.mail import MailDelayed, MailRefused, Stage
from petition.mail.envelope import Answer
from petition.mail.templates import WIDTH, plain, wrapped
from petition.mail.timeouts import BoundedReader

words = st.text("abcdefgh-é", min_size=1, max_size=20)
paragraphs = st.lists(words, min_size=1, max_size=60).map(" ".join)


@given(paragraphs, st.integers(0, 8))
def test_no_line_is_longer_than_72_characters_and_no_word_is_lost(text: str, indent: int) -> None:
    lines = wrapped(text, indent).split("\n")
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(line.strip() for line in lines).split() == text.split()


@given(paragraphs, st.integers(1, 200))
def test_a_link_is_never_split(text: str, length: int) -> None:
    link = "https://letters.example/" + "x-" * length
    assert link in wrapped(f"{text} {link} {text}").split()


def test_a_no_break_space_is_never_the_end_of_a_line() -> None:
    text = "word " * 13 + "a signer\u202f: 76\u202f000\u00a0signatures"
    assert [line for line in wrapped(text).split("\n") if line.endswith(("\u202f", "\u00a0"))] == []
    assert "76\u202f000\u00a0signatures" in wrapped(text)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("See [the letter](https://a.example/x).", "See the letter <https://a.example/x>."),
        ("[a](https://a.example) [b](http://b.example)", "a <https://a.example> b <http://b.example>"),
        ("[call](tel:112)", "[call](tel:112)"),
        ("[a](javascript:alert)", "[a](javascript:alert)"),
        ("\n\none\n\ntwo\n\n", "one\n\ntwo"),
    ],
)
def test_a_link_of_a_text_is_written_out(markdown: str, text: str) -> None:
    assert plain(markdown, "en") == text


@pytest.mark.parametrize(
    ("item", "indent"), [("- ", 2), ("12. ", 4), ("> ", 2), ("  * ", 4), ("1) ", 3), ("", 0), ("-", 0)]
)
def test_the_lines_of_an_item_stand_below_its_first_word(item: str, indent: int) -> None:
    _, first, second = plain("Demands\n" + item + "x" * 40 + " " + "y" * 40, "en").split("\n")
    assert first.endswith("x" * 40)
    assert second == " " * indent + "y" * 40


def test_french_is_set_with_its_own_spaces_and_english_is_left_alone() -> None:
    assert plain("Signez : oui !", "fr") == "Signez\u202f: oui\u202f!"
    assert plain("Sign : yes !", "en") == "Sign : yes !"


@given(st.text(st.sampled_from("[]()<>* \n-ahtps:/.é"), max_size=200), st.sampled_from(["en", "fr"]))
def test_no_text_makes_a_line_break_that_is_not_one(text: str, lang: str) -> None:
    assert set(plain(text, lang)) & set("\r\t\v\f\u2028") == set()


def test_a_server_that_is_silent_is_waited_for_only_as_long_as_is_left() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        io.BufferedReader(BoundedReader(ours, lambda: 0.01)).readline()


def test_the_time_that_is_left_is_asked_for_before_each_wait() -> None:
    """A byte now and then does not begin the time again."""
    ours, theirs = socket.socketpair()
    left = iter([5.0, 5.0, 0.01])
    with ours, theirs:
        reader = BoundedReader(ours, lambda: next(left))
        for _ in range(2):
            theirs.send(b"2")
            assert reader.readinto(bytearray(8)) == 1
        with pytest.raises(TimeoutError):
            reader.readinto(bytearray(8))
        assert ours.gettimeout() == 0.01


@pytest.mark.parametrize(
    ("stage", "code", "good"),
    [
        (Stage.sender, 250, True),
        (Stage.recipient, 251, True),
        (Stage.recipient, 550, False),
        (Stage.recipient, 450, False),
        (Stage.data, 354, True),
        (Stage.data, 250, False),
        (Stage.sender, -1, False),
        (Stage.sender, 199, False),
    ],
)
def test_only_the_answer_that_a_stage_wants_is_good(stage: Stage, code: int, good: bool) -> None:
    assert Answer(stage, code, b"").is_good is good


def test_the_message_of_a_refusal_holds_numbers_and_never_the_words_of_the_server() -> None:
    refused = MailRefused(Stage.recipient, 550, "5.1.1", "no mailbox of suzie", no_such_address=True)
    delayed = MailDelayed(Stage.data, 451, "4.7.1", "greylisted suzie")
    assert [str(each) for each in (refused, delayed)] == [
        "The mail server refused this mail at recipient: 550 5.1.1",
        "The mail server did not take this mail at data: 451 4.7.1",
    ]
    assert str(MailDelayed(Stage.connect)).endswith("at connect: no answer")
