"""MAIL, RCPT and DATA in one breath: each has its answer read, and only a mail that was asked for has its content sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from petition.mail import MailDelayed, MailRefused, SmtpPostbox, Stage
from tests.support.mail_server import PLAIN

GREETING = b"220 hello\r\n"
OFFER = b"250-hello\r\n250 PIPELINING\r\n"
OK, GO_ON = b"250 ok\r\n", b"354 go\r\n"
LEFT = b""


@contextmanager
def scripted(*lines: list[bytes]) -> Iterator[tuple[SmtpPostbox, list[bytes]]]:
    """A server that gives its connections such answers, one for each thing it hears, and hangs up at their end."""
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for answers in lines:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(GREETING)
                for answer in [OFFER, *answers]:
                    heard.append(connection.recv(65_536))
                    connection.sendall(answer)
                    if answer == LEFT:
                        break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        postbox = SmtpPostbox(f"smtp://127.0.0.1:{listener.getsockname()[1]}?tls=none", timeout=10)
        yield postbox, heard
        postbox.close()
        thread.join(10)


def said(heard: list[bytes]) -> list[bytes]:
    """The first four letters of each thing that was heard."""
    return [each[:4].lower() for each in heard]


def test_the_envelope_is_one_packet_and_the_content_another() -> None:
    with scripted([OK + OK + GO_ON, OK, OK]) as (postbox, heard):
        postbox.send(PLAIN)
    assert heard[1] == b"mail FROM:<code@mail.example>\r\nrcpt TO:<suzie@salesforce.example>\r\ndata\r\n"
    assert said(heard) == [b"ehlo", b"mail", b"from", b"quit"]
    assert heard[2].endswith(b"\r\n.\r\n")


def test_without_the_offer_each_command_waits_for_its_answer() -> None:
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(GREETING)
            for answer in (OK, OK, OK, GO_ON, OK, OK):
                heard.append(connection.recv(65_536))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        postbox = SmtpPostbox(f"smtp://127.0.0.1:{listener.getsockname()[1]}?tls=none")
        postbox.send(PLAIN)
        postbox.close()
        thread.join(10)
    assert said(heard) == [b"ehlo", b"mail", b"rcpt", b"data", b"from", b"quit"]


@pytest.mark.parametrize(
    ("answers", "failure", "stage", "code"),
    [
        (b"550 no\r\n503 no\r\n503 no\r\n", MailRefused, Stage.sender, 550),
        (b"451 later\r\n503 no\r\n503 no\r\n", MailDelayed, Stage.sender, 451),
        (b"250 ok\r\n550 no\r\n503 no\r\n", MailRefused, Stage.recipient, 550),
        (b"250 ok\r\n450 later\r\n554 no\r\n", MailDelayed, Stage.recipient, 450),
        (b"250 ok\r\n250 ok\r\n554 no\r\n", MailRefused, Stage.data, 554),
        (b"250 ok\r\n250 ok\r\n451 later\r\n", MailDelayed, Stage.data, 451),
    ],
)
def test_the_first_bad_answer_counts_and_the_line_stays_in_step(
    answers: bytes, failure: type[MailRefused | MailDelayed], stage: Stage, code: int
) -> None:
    with scripted([answers, OK, OK + OK + GO_ON, OK, OK]) as (postbox, heard):
        with pytest.raises(failure) as failed:
            postbox.send(PLAIN)
        postbox.send(PLAIN)
    assert (failed.value.stage, failed.value.code) == (stage, code)
    assert said(heard) == [b"ehlo", b"mail", b"rset", b"mail", b"from", b"quit"]


@pytest.mark.parametrize("refusal", [b"550 no\r\n250 ok\r\n354 go\r\n", b"250 ok\r\n550 no\r\n354 go\r\n"])
def test_a_server_that_wants_the_content_of_what_it_refused_gets_none(refusal: bytes) -> None:
    with scripted([refusal, b"554 no recipient\r\n", OK, OK + OK + GO_ON, OK, OK]) as (postbox, heard):
        with pytest.raises(MailRefused):
            postbox.send(PLAIN)
        postbox.send(PLAIN)
    assert heard[2] == b".\r\n"
    assert said(heard)[3:] == [b"rset", b"mail", b"from", b"quit"]


@pytest.mark.parametrize(
    ("answers", "stage"),
    [
        (b"421 closing\r\n", Stage.sender),
        (b"250 ok\r\n421 closing\r\n", Stage.recipient),
        (b"250 ok\r\n250 ok\r\n421 closing\r\n", Stage.data),
    ],
)
def test_a_server_that_closes_is_left_and_a_kept_line_is_replaced_at_once(answers: bytes, stage: Stage) -> None:
    with scripted([answers]) as (postbox, _), pytest.raises(MailDelayed) as delay:
        postbox.send(PLAIN)
    assert (delay.value.stage, delay.value.code) == (stage, 421)
    with scripted([OK + OK + GO_ON, OK, answers], [OK + OK + GO_ON, OK, OK]) as (postbox, heard):
        postbox.send(PLAIN)
        postbox.send(PLAIN)
    assert said(heard).count(b"from") == 2


@pytest.mark.parametrize(
    ("answers", "stage"),
    [(LEFT, Stage.connect), (OK, Stage.recipient), (OK + OK, Stage.data)],
)
def test_a_line_lost_before_the_content_is_replaced_once(answers: bytes, stage: Stage) -> None:
    with scripted([answers]) as (postbox, _), pytest.raises(MailDelayed) as delay:
        postbox.send(PLAIN)
    assert (delay.value.stage, delay.value.code) == (stage, 0)
    with scripted([OK + OK + GO_ON, OK, answers], [OK + OK + GO_ON, OK, OK]) as (postbox, heard):
        postbox.send(PLAIN)
        postbox.send(PLAIN)
    assert said(heard).count(b"from") == 2


def test_a_line_lost_after_the_content_is_a_delay_and_no_second_try() -> None:
    with scripted([OK + OK + GO_ON, LEFT]) as (postbox, heard), pytest.raises(MailDelayed) as delay:
        postbox.send(PLAIN)
    assert (delay.value.stage, said(heard).count(b"from")) == (Stage.data, 1)


@pytest.mark.parametrize(
    ("answer", "stage"),
    [(b"25", Stage.recipient), (OK, Stage.recipient), (OK + OK, Stage.data)],
    ids=["nothing", "MAIL", "RCPT"],
)
def test_no_answer_after_the_recipient_was_named_is_its_domain_that_hangs(answer: bytes, stage: Stage) -> None:
    silent = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(GREETING)
            for each in (OFFER, answer):
                connection.recv(65_536)
                connection.sendall(each)
            silent.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with pytest.raises(MailDelayed) as delay:
            SmtpPostbox(f"smtp://127.0.0.1:{listener.getsockname()[1]}?tls=none", timeout=0.3).send(PLAIN)
        silent.set()
        thread.join(10)
    assert (delay.value.stage, delay.value.code) == (stage, 0)


@pytest.mark.parametrize("odd", [b"250 ok\r\n", b"what\r\n"])
def test_an_answer_out_of_step_is_a_delay_and_the_line_is_left(odd: bytes) -> None:
    with scripted([OK + OK + odd], [OK + OK + GO_ON, OK, OK]) as (postbox, heard):
        with pytest.raises(MailDelayed) as delay:
            postbox.send(PLAIN)
        postbox.send(PLAIN)
    assert delay.value.stage is Stage.data
    assert said(heard) == [b"ehlo", b"mail", b"ehlo", b"mail", b"from", b"quit"]
