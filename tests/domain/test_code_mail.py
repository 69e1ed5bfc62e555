"""The employer reads the code mail: it finds a code, and no word of the campaign."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from jinja2 import UndefinedError

from petition.mail import Message, compose, random_message_id
from petition.mail.message import LETTERS

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
SENDER = "Verification <code@mail.example>"
TO = "suzie@corp.example"
ID = "<bcdf@mail.example>"
WORDS = """
    petition petitions pétition pétitions letter letters lettre lettres open ouverte campaign campaigns
    campagne undersigned soussigné soussignés sign signs signed signer signers signing signature signatures
    signataire signez signé employee employees employé employés salarié salariés worker workers union
    syndicat organiser organisers demand demands demande revendication revendications appeal appel addressee
    destinataire count counted milestone pass ledger verify verified colleague colleagues collègue collègues
    salesforce marc benioff ice immigration customs enforcement renee good alex pretti minneapolis chief
    executive technology unsubscribe désabonner http https www
"""
STEMS = ("petit", "pétit", "letter", "lettre", "sign", "undersig", "campa", "collea", "collègue", "salari", "emplo")
LINKS = ("http", "www", "<a ", "<img", "href", "src=", "url")
GIVE_AWAY = STEMS + LINKS
WORDS_OF_THE_CAMPAIGN = frozenset(WORDS.split())


def code_mail(lang: str = "en", to: str = "suzie@corp.example", sender: str = "code@mail.example") -> Message:
    context = {"code": "12345678", "long_code": "1234 5678 9012 3456"}
    message_id = random_message_id(sender)
    return compose("code", lang, context, to=to, sender=sender, message_id=message_id, now=NOW)


def parsed(message: Message) -> EmailMessage:
    return message_from_bytes(message.as_bytes(), EmailMessage, policy=default)


def part(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_code_mail_in_english_says_the_code_and_nothing_else() -> None:
    message = code_mail("en")
    assert (message.subject, message.text) == (
        "Your code",
        (
            "Your code:\n\n    12345678\n\nIt is valid today, until midnight UTC.\n\n"
            "If the page asks for the long code, type this instead:\n\n    1234 5678 9012 3456\n\n"
            "If you did not ask for it, ignore this message."
        ),
    )


def test_code_mail_in_french_says_the_code_and_nothing_else() -> None:
    message = code_mail("fr")
    assert (message.subject, message.text) == (
        "Votre code",
        (
            "Votre code\u202f:\n\n    12345678\n\nIl est valable aujourd’hui, jusqu’à minuit UTC.\n\n"
            "Si la page réclame le code long, saisissez plutôt celui-ci\u202f:\n\n    1234 5678 9012 3456\n\n"
            "Si vous n’attendiez pas ce code, ignorez ce message."
        ),
    )


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_code_mail_reads_the_same_in_html(lang: str) -> None:
    message = code_mail(lang)
    body = message.html.partition("<body")[2].partition(">")[2]
    words = re.sub(r"<[^>]*>", " ", body).split()
    assert words == message.text.split()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_code_mail_holds_no_word_of_the_campaign(lang: str) -> None:
    """P29."""
    message = code_mail(lang)
    mail = parsed(message)
    headers = "\n".join(f"{name}: {value}" for name, value in mail.items())
    for text in (message.as_bytes().decode("ascii"), headers, part(mail, "plain"), part(mail, "html")):
        words = set(re.findall(r"[^\W\d_]+", text.lower()))
        assert words & WORDS_OF_THE_CAMPAIGN == set()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_code_mail_holds_no_part_of_a_word_of_the_campaign(lang: str) -> None:
    """P29."""
    found = re.findall("|".join(GIVE_AWAY), code_mail(lang).as_bytes().decode("ascii"), re.IGNORECASE)
    assert found == []


def test_random_letters_of_a_mail_cannot_spell_a_part_of_a_word_of_the_campaign() -> None:
    assert [part for part in GIVE_AWAY if set(part) <= set(LETTERS)] == []


def test_code_mail_shows_eight_digits_once_in_each_part() -> None:
    assert re.findall(rb"\d{8}", code_mail().as_bytes()) == [b"12345678", b"12345678"]


def test_code_mail_has_only_the_headers_it_needs() -> None:
    """P29."""
    assert list(parsed(code_mail()).keys()) == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Language",
        "Content-Type",
    ]


def test_message_ids_are_random_at_the_senders_domain() -> None:
    ids = {random_message_id(SENDER) for _ in range(100)}
    assert (len(ids), {one.partition("@")[2] for one in ids}) == (100, {"mail.example>"})


def test_template_without_its_context_is_an_error_and_no_blank() -> None:
    with pytest.raises(UndefinedError):
        compose("code", "en", {"minutes": 15}, to=TO, sender=SENDER, message_id=ID, now=NOW)


def test_context_is_escaped_in_html_and_not_in_text() -> None:
    wicked = {"code": "<script>", "long_code": "", "minutes": 15}
    message = compose("code", "en", wicked, to=TO, sender=SENDER, message_id=ID, now=NOW)
    assert ("<script>" in message.text, "<script>" in message.html, "&lt;script&gt;" in message.html) == (
        True,
        False,
        True,
    )
