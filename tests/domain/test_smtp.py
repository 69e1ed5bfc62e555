"""Mails on a real SMTP line: one recipient, no name too many, and an honest answer when it fails."""

from __future__ import annotations

import socket
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from petition.mail import (
    MailDelayed,
    MailRefused,
    SmtpPostbox,
    Stage,
)
from petition.mail.dkim import Signer
from petition.privacy import AddressRefused, DomainPolicy, canonical_address
from tests.support.mail_server import PLAIN, Answers, server
from tests.support.served import free_port

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "data" / "addresses.toml").read_text("utf-8"))
POLICIES = [DomainPolicy.read(row["domain"], row) for row in TABLE["policy"]]
LISTED = {policy.domain for policy in POLICIES}


@pytest.fixture(params=[False, True], ids=["one by one", "pipelining"])
def answers(request: pytest.FixtureRequest) -> Answers:
    """Every test of a server runs with one that takes a command at a time and with one that takes them together."""
    return Answers(pipelining=request.param)


@pytest.fixture
def line(answers: Answers) -> Iterator[SmtpPostbox]:
    with server(answers) as port:
        postbox = SmtpPostbox(f"smtp://127.0.0.1:{port}")
        yield postbox
        postbox.close()


def test_mail_reaches_one_recipient_byte_for_byte(line: SmtpPostbox, answers: Answers) -> None:
    line.send(PLAIN)
    assert answers.taken == [("code@mail.example", ["suzie@salesforce.example"], PLAIN.as_bytes())]


def test_connection_is_kept_and_names_only_the_senders_domain(line: SmtpPostbox, answers: Answers) -> None:
    for _ in range(5):
        line.send(PLAIN)
    assert (len(answers.taken), answers.hellos) == (5, ["mail.example"])


def test_other_sender_never_rides_on_a_connection_that_named_the_campaign(line: SmtpPostbox, answers: Answers) -> None:
    line.send(replace(PLAIN, sender="Letter <news@letter.example>"))
    line.send(PLAIN)
    assert answers.hellos == ["letter.example", "mail.example"]


def test_server_that_restarts_costs_no_mail(answers: Answers) -> None:
    with server(answers) as port:
        postbox = SmtpPostbox(f"smtp://127.0.0.1:{port}")
        postbox.send(PLAIN)
    with server(answers, port):
        postbox.send(PLAIN)
        postbox.close()
    assert len(answers.taken) == 2


def test_each_thread_has_its_own_connection(line: SmtpPostbox, answers: Answers) -> None:
    def send_one() -> None:
        line.send(PLAIN)
        line.close()

    threads = [threading.Thread(target=send_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers.taken), len(answers.hellos)) == (4, 4)


@pytest.mark.parametrize(
    ("step", "answer", "stage", "status"),
    [
        ("rcpt", "550 5.1.1 <suzie@salesforce.example> unknown", Stage.recipient, "5.1.1"),
        ("rcpt", "553 no", Stage.recipient, ""),
        ("mail", "550 5.7.1 no", Stage.sender, "5.7.1"),
        ("data", "554 5.6.0 no", Stage.data, "5.6.0"),
    ],
)
def test_refusal_for_good_is_told_without_the_address(
    line: SmtpPostbox, answers: Answers, step: str, answer: str, stage: Stage, status: str
) -> None:
    setattr(answers, step, answer)
    with pytest.raises(MailRefused) as refusal:
        line.send(PLAIN)
    assert (refusal.value.stage, refusal.value.code, refusal.value.status) == (stage, int(answer[:3]), status)
    assert "suzie" not in str(refusal.value)


@pytest.mark.parametrize(
    ("step", "answer", "stage"),
    [
        ("mail", "451 4.3.0 later", Stage.sender),
        ("rcpt", "450 4.2.1 later", Stage.recipient),
        ("data", "452 4.3.1 full", Stage.data),
        ("mail", "421 4.3.2 closing", Stage.sender),
        ("rcpt", "421 4.3.2 closing", Stage.recipient),
        ("data", "421 4.3.2 closing", Stage.data),
    ],
)
def test_refusal_for_now_is_a_delay(line: SmtpPostbox, answers: Answers, step: str, answer: str, stage: Stage) -> None:
    setattr(answers, step, answer)
    with pytest.raises(MailDelayed) as delay:
        line.send(PLAIN)
    assert (delay.value.stage, delay.value.code) == (stage, int(answer[:3]))


@pytest.mark.parametrize("answer", ["550 no", "450 later", "421 closing"])
def test_next_mail_goes_out_after_one_that_failed(line: SmtpPostbox, answers: Answers, answer: str) -> None:
    line.send(PLAIN)
    answers.rcpt = answer
    with pytest.raises((MailRefused, MailDelayed)):
        line.send(PLAIN)
    answers.rcpt = "250 OK"
    line.send(PLAIN)
    assert len(answers.taken) == 2


def test_no_server_is_a_delay() -> None:
    with pytest.raises(MailDelayed, match="connect: no answer"):
        SmtpPostbox(f"smtp://127.0.0.1:{free_port()}").send(PLAIN)


def test_connection_cut_in_mid_mail_is_a_delay_and_no_second_try() -> None:
    heard: list[bytes] = []
    with rude_server(heard) as port, pytest.raises(MailDelayed) as delay:
        SmtpPostbox(f"smtp://127.0.0.1:{port}").send(PLAIN)
    assert (delay.value.stage, heard.count(b"data\r\n")) == (Stage.data, 1)


@contextmanager
def rude_server(heard: list[bytes]) -> Iterator[int]:
    """A server that hangs up once it has the whole mail, without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_hang_up_after_data, args=(listener, heard))
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _hang_up_after_data(listener: socket.socket, heard: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb", buffering=0) as file:
        file.write(b"220 hello\r\n")
        for said in iter(file.readline, b""):
            heard.append(said)
            if said == b".\r\n":
                return
            if said[:4].lower() in {b"ehlo", b"mail", b"rcpt", b"data"}:
                file.write(b"354 go\r\n" if said.lower() == b"data\r\n" else b"250 ok\r\n")


# The whole table of addresses, over the wire


def test_no_hostile_address_moves_a_mail_outside_the_listed_domains(line: SmtpPostbox, answers: Answers) -> None:
    """P22."""
    for text in (*hostile_texts(), *legal_texts()):
        with suppress(AddressRefused):
            line.send(replace(PLAIN, to=canonical_address(text, POLICIES).deliverable))
    recipients = [recipients for _, recipients, _ in answers.taken]
    assert (len(recipients), {len(each) for each in recipients}) == (len(legal_texts()), {1})
    assert {host_of(each) for (each,) in recipients} <= LISTED


def hostile_texts() -> list[str]:
    return [text for group in TABLE["hostile"] for text in group["texts"]]


def legal_texts() -> list[str]:
    return [text for row in TABLE["legal"] for text, _ in row["spellings"]]


def host_of(address: str) -> str:
    """The listed domain that an address's host belongs to, else the host."""
    host = address.rpartition("@")[2]
    return "corp.example" if host.endswith(".corp.example") else host


def test_a_mail_of_a_domain_with_a_key_leaves_signed_and_others_as_they_are() -> None:
    answers = Answers()
    signer = Signer("undersigned.example", "s1", Ed25519PrivateKey.generate())
    with server(answers) as port:
        postbox = SmtpPostbox(f"smtp://127.0.0.1:{port}?tls=none", signers=[signer])
        for sender in ("letters@undersigned.example", "codes@post.example"):
            postbox.send(replace(PLAIN, sender=sender, message_id=f"<bcd@{sender.rpartition('@')[2]}>"))
    assert [content.startswith(b"DKIM-Signature: ") for _, _, content in answers.taken] == [True, False]
