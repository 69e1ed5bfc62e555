"""What a mail server's answer means, in the words that mail servers use; and how it is shown to organisers."""

from __future__ import annotations

import time

import pytest

from petition.mail.bounce_status import MASK, Meaning, quoted, read

GONE = [
    "5.1.1 <x@post.example>: Recipient address rejected: User unknown in virtual mailbox table",
    "5.1.1 <x@post.example>: Recipient address rejected: User unknown in relay recipient table",
    "5.1.1 The email account that you tried to reach does not exist. Please try\n5.1.1 double-checking",
    "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "5.1.1 RESOLVER.ADR.ExRecipNotFound; not found",
    "5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416",
    "5.1.2 domain does not exist",
    "5.1.3 bad recipient address syntax",
    "5.2.1 The email account that you tried to reach is disabled",
    "#5.1.1 bad address x@post.example",
    "user unknown",
    "No such user here",
    "no such mailbox",
    "Unknown user",
    "<x@post.example>: Recipient address rejected: User unknown",
    "Requested action not taken: mailbox not found",
    "mailbox unavailable: does not exist",
    "Invalid recipient: <x@post.example>",
    "sorry, no mailbox here by that name (#5.1.1)",
    "delivery error: dd This user doesn't have a post.example account (x@post.example) [0]",
    "x@post.example: user not found",
    "Account disabled",
    "x... User not listed in public directory",
    "Utilisateur inconnu",
    "L’adresse n’existe pas",
    "Empfänger unbekannt",
    "5.0.0 user unknown",
    "smtp; 550 5.1.1 user unknown (Exim 4.94.2)",
]
KEPT = [
    "",
    "no",
    "Administrative prohibition",
    "Requested action not taken: mailbox unavailable",
    "5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.example",
    "5.1.1 <x@post.example>: blocked using spamhaus",
    "5.1.1 user unknown, or message rejected by policy",
    "5.1.8 <letters@undersigned.example>: Sender address rejected: Domain not found",
    "5.1.0 <letters@undersigned.example>: Sender address rejected: User unknown in local recipient table",
    "<letters@undersigned.example>: Sender address rejected: user unknown",
    "5.2.2 The email account that you tried to reach is over quota",
    "mailbox full",
    "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages",
    "5.3.4 Message too big",
    "5.4.1 Recipient address rejected: Access denied",
    "5.6.0 content rejected",
    "5.7.26 This mail has been blocked because the sender is unauthenticated.",
    "5.7.1 no such user",
    "5.5.0 mailbox unavailable, no such user",
    "5.0.0 something",
    "5.1.1.20 is listed at a blocklist",
    "Your account is disabled",
    "5.7.0 Authentication required",
    "5.1.1 x\n5.7.1 y",
]
LATER = ["4.2.2 mailbox full", "4.1.1 user unknown", "5.1.1 said: 450 4.7.1 come back", "greylisted, 450 4.2.0"]


@pytest.mark.parametrize("text", GONE)
def test_an_answer_about_this_very_address_is_one(text: str) -> None:
    assert read(text, code=550) is Meaning.NO_SUCH_ADDRESS


@pytest.mark.parametrize("text", KEPT)
def test_an_answer_about_anything_else_keeps_the_subscriber(text: str) -> None:
    assert read(text, code=550) is Meaning.REFUSED


@pytest.mark.parametrize("text", LATER)
def test_an_answer_for_now_keeps_the_subscriber(text: str) -> None:
    assert read(text, code=550) is Meaning.TEMPORARY
    assert read("5.1.1 user unknown", code=450) is Meaning.TEMPORARY


def test_a_status_beside_the_words_must_agree_with_one_in_them() -> None:
    assert read("550 5.1.1 no such user", "5.1.1") is Meaning.NO_SUCH_ADDRESS
    assert read("550 5.1.1 no such user", "5.0.0") is Meaning.NO_SUCH_ADDRESS
    assert read("550 5.1.1 no such user", "5.7.1") is Meaning.REFUSED
    assert read("", "5.1.1") is Meaning.NO_SUCH_ADDRESS
    assert read("", "4.4.7") is Meaning.TEMPORARY


def test_an_endless_answer_takes_no_time() -> None:
    began = time.monotonic()
    for text in ("user " * 100_000, "a@" * 100_000, "(" * 100_000, "bo\u0131\u0302te " * 50_000, "5.1." * 100_000):
        read(text)
        assert len(quoted(text)) <= 200
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5.7.1 blocked using zen.example", "5.7.1 blocked using zen.example"),
        ("5.7.1 <suzie.q@post.example>: no\r\n5.7.1 see\x00\x1b[31m\u202e it", f"5.7.1 {MASK} no 5.7.1 see [31m it"),
        ("https://relay.example/?to=suzie.q%40post.example refused", f"{MASK} refused"),
        ("mailbox suzie.q at post.example may not", f"mailbox {MASK} at {MASK} may not"),
        ("SUZIE.Q", MASK),
        ("letters@undersigned.example is not ours", f"{MASK} is not ours"),
        ("", ""),
    ],
)
def test_organisers_see_the_words_without_any_address_and_without_control_characters(text: str, shown: str) -> None:
    assert quoted(text, "suzie.q@post.example") == shown


def test_what_is_shown_is_cut() -> None:
    assert quoted("no " * 500) == ("no " * 66 + "n")[:199].rstrip() + "…"
