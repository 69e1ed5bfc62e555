"""Messages and their bytes: one recipient, one header a line, and the inbox that shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from petition.mail import (
    InboxMail,
    InboxPostbox,
    ListPostbox,
    Message,
    MessageBroken,
    SmtpPostbox,
    inbox_folder,
    postbox_for,
    read_inbox,
)
from tests.support.mail_server import NOW, PLAIN, SENDER


def parsed(message: Message) -> EmailMessage:
    return message_from_bytes(message.as_bytes(), EmailMessage, policy=default)


def part(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


# The bytes


def test_message_survives_the_wire() -> None:
    mail = parsed(PLAIN)
    assert (str(mail["From"]), str(mail["To"]), str(mail["Subject"])) == (SENDER, PLAIN.to, "Hello")
    assert (part(mail, "plain"), part(mail, "html")) == (PLAIN.text.rstrip() + "\n", "<p>é</p>\n")


def test_same_message_gives_the_same_bytes() -> None:
    assert PLAIN.as_bytes() == replace(PLAIN).as_bytes()


def test_lines_are_short_ascii_and_end_in_crlf() -> None:
    content = replace(PLAIN, subject="é" * 300).as_bytes()
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 78
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")


@pytest.mark.parametrize(
    "subject",
    [
        "é" * 300,
        "Votre code à usage unique, valable un quart d’heure seulement, à saisir",
        "=?utf-8?q?x?=",
        "€",
    ],
)
def test_subject_in_any_language_is_read_as_written(subject: str) -> None:
    mail = parsed(replace(PLAIN, subject=subject))
    assert str(mail["Subject"]) == subject


def test_long_header_stays_unbroken_on_one_line() -> None:
    link = f"<https://mail.example/{'x' * 300}>"
    content = replace(PLAIN, headers={"List-Unsubscribe": link}).as_bytes()
    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in content


@pytest.mark.parametrize("name", ["Équipe", 'The "Team"', "Team, The", "a@b"])
def test_senders_name_is_read_as_written(name: str) -> None:
    quoted = name.replace('"', '\\"')
    mail = parsed(replace(PLAIN, sender=f'"{quoted}" <code@mail.example>'))
    (address,) = mail["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, "code@mail.example")


@pytest.mark.parametrize(
    "to",
    [
        "",
        "suzie",
        "suzie@salesforce.example\r\nBcc: mallory@evil.example",
        "suzie@salesforce.example,mallory@evil.example",
        "suzie@salesforce.example mallory@evil.example",
        "Suzie <suzie@salesforce.example>",
        "suzie@evil.example@salesforce.example",
        '"suzie"@salesforce.example',
        "suzié@salesforce.example",
        "suzie@salesforce.example\n",
        "suzie@\0salesforce.example",
        "suzie@[127.0.0.1]",
        "a" * 250 + "@salesforce.example",
    ],
)
def test_message_to_anything_but_one_address_cannot_be_made(to: str) -> None:
    with pytest.raises(MessageBroken, match="recipient"):
        replace(PLAIN, to=to)


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "Hello\r\nBcc: mallory@evil.example"},
        {"subject": "Hello\u2028world"},
        {"subject": "  "},
        {"sender": "Team\r\nBcc: x@evil.example <code@mail.example>"},
        {"sender": "nobody"},
        {"message_id": "<a@mail.example>\r\nBcc: x"},
        {"message_id": "a@mail.example"},
        {"date": datetime(2026, 11, 24)},
        {"headers": {"X-Note": "a\nBcc: x@evil.example"}},
        {"headers": {"X-Note\r\nBcc": "x"}},
        {"headers": {"Bcc": "mallory@evil.example"}},
        {"headers": {"to": "mallory@evil.example"}},
    ],
    ids=ascii,
)
def test_message_with_a_smuggled_header_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(MessageBroken):
        replace(PLAIN, **wrong)


def test_recipient_and_text_stay_out_of_the_repr() -> None:
    shown = repr(PLAIN)
    assert ("suzie" in shown, "One line" in shown) == (False, False)


# The development inbox


def test_inbox_shows_the_newest_mail_first(tmp_path: Path) -> None:
    postbox = InboxPostbox(tmp_path / "inbox")
    postbox.send(replace(PLAIN, subject="Été", text="Deux\nlignes", date=NOW + timedelta(seconds=1)))
    postbox.send(PLAIN)
    newest, oldest = read_inbox(tmp_path / "inbox")
    assert newest == InboxMail(
        subject="Été",
        to="suzie@salesforce.example",
        text="Deux\nlignes\n",
        html="<p>é</p>\n",
        date=NOW + timedelta(seconds=1),
    )
    assert oldest.subject == "Hello"


def test_inbox_keeps_repeats_and_shows_no_more_than_asked(tmp_path: Path) -> None:
    for _ in range(3):
        InboxPostbox(tmp_path).send(PLAIN)
    assert (len(read_inbox(tmp_path)), len(read_inbox(tmp_path, limit=2))) == (3, 2)


def test_inbox_is_its_owners_only_and_holds_no_half_mail(tmp_path: Path) -> None:
    InboxPostbox(tmp_path / "inbox").send(PLAIN)
    (file,) = (tmp_path / "inbox").iterdir()
    assert (file.suffix, file.stat().st_mode & 0o077, (tmp_path / "inbox").stat().st_mode & 0o077) == (
        ".eml",
        0,
        0,
    )


def test_inbox_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert read_inbox(tmp_path / "nothing") == []


@dataclass(frozen=True)
class Settings:
    smtp_url: str | None
    home: Path
    dkim: str = ""


def test_postbox_follows_the_configuration(tmp_path: Path) -> None:
    development = Settings(None, tmp_path)
    inbox = postbox_for(development)
    inbox.send(PLAIN)
    assert [mail.subject for mail in read_inbox(inbox_folder(development))] == ["Hello"]
    smtp = postbox_for(Settings("smtp://mail.example", tmp_path))
    assert isinstance(smtp, SmtpPostbox)
    assert smtp.server.host == "mail.example"


def test_list_postbox_keeps_what_it_was_given() -> None:
    postbox = ListPostbox()
    postbox.send(PLAIN)
    assert postbox.sent == [PLAIN]
