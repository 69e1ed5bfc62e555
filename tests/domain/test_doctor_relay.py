"""`doctor`: the mail server, against real ones that are in order, refuse, hang, or speak something else."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from petition.core import clock
from petition.mail import read_inbox
from petition.operation import CHECKS, Context, Dns, Verdict, run
from petition.operation.checks import relay as relay_check
from tests.support.certificate import DAY, Files, server_side
from tests.support.dkim_verifier import accepts
from tests.support.doctor import bare, is_, look
from tests.support.forward import forward
from tests.support.mail_server import Answers, server
from tests.support.raw_server import raw_server

OK, WARNING, FAULT = Verdict


def at(home: Path, url: str, **other: Any) -> Context:
    return Context(bare(home, smtp_url=url, **other), clock.now, Dns("127.0.0.1:9"))


@pytest.fixture
def trusted(certified: Callable[..., Files], monkeypatch: pytest.MonkeyPatch) -> Callable[..., ssl.SSLContext]:
    """Makes a certificate that this process trusts."""

    def make(*hosts: str, **times: timedelta) -> ssl.SSLContext:
        files = certified(*hosts, **times)
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
        return server_side(files)

    return make


def test_a_relay_over_tls_with_a_password_is_in_order(tmp_path: Path, trusted: Callable[..., ssl.SSLContext]) -> None:
    settings = {"authenticator": check_password, "auth_required": True, "tls_context": trusted(end=90 * DAY)}
    answers = Answers()
    with server(answers, **settings) as port:
        finding = look(at(tmp_path, f"smtp://me:s3cret@localhost:{port}?tls=required"), "relay")
    is_(finding, OK, "over TLS and accepts user and password", "89 days")
    assert answers.hellos[-1] == "letters.example"
    assert answers.taken == []


def check_password(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
    return AuthResult(success=given.password == b"s3cret", handled=False)


def test_a_wrong_password_is_a_fault_without_the_password(
    tmp_path: Path, trusted: Callable[..., ssl.SSLContext]
) -> None:
    with server(Answers(), authenticator=check_password, auth_required=True, tls_context=trusted()) as port:
        finding = look(at(tmp_path, f"smtp://me:hunter2@localhost:{port}?tls=required"), "relay")
    is_(finding, FAULT, "does not accept the user and password")
    assert "hunter2" not in finding.sentence


@pytest.mark.parametrize(
    ("hosts", "times", "words"),
    [
        ((), {"start": -3 * DAY, "end": -DAY}, "has expired"),
        ((), {"start": DAY, "end": 3 * DAY}, "not valid yet"),
        (("mail.other.example",), {}, "is for another host"),
    ],
)  # fmt: skip
def test_a_certificate_that_is_wrong_is_a_fault_that_says_how(
    tmp_path: Path,
    trusted: Callable[..., ssl.SSLContext],
    hosts: tuple[str, ...],
    times: dict[str, timedelta],
    words: str,
) -> None:
    with server(Answers(), tls_context=trusted(*hosts, **times)) as port:
        is_(look(at(tmp_path, f"smtp://localhost:{port}?tls=required"), "relay"), FAULT, words, "No mail is sent")


def test_a_certificate_that_nobody_vouches_for_is_a_fault(tmp_path: Path, certificate: Files) -> None:
    with server(Answers(), tls_context=server_side(certificate)) as port:
        is_(look(at(tmp_path, f"smtp://localhost:{port}?tls=required"), "relay"), FAULT, "vouched for by nobody")


def test_a_certificate_that_ends_soon_is_a_warning(tmp_path: Path, trusted: Callable[..., ssl.SSLContext]) -> None:
    with server(Answers(), tls_context=trusted(start=-80 * DAY, end=9.5 * DAY)) as port:
        is_(look(at(tmp_path, f"smtp://localhost:{port}?tls=required"), "relay"), WARNING, "ends in 9 days")


def test_tls_that_is_required_and_not_offered_is_a_fault(tmp_path: Path) -> None:
    with server(Answers()) as port:
        is_(look(at(tmp_path, f"smtp://localhost:{port}?tls=required"), "relay"), FAULT, "offers no STARTTLS")


def test_a_port_without_tls_called_as_smtps_is_a_fault(tmp_path: Path) -> None:
    with server(Answers()) as port:
        is_(look(at(tmp_path, f"smtps://localhost:{port}"), "relay"), FAULT, "does not speak TLS")


@pytest.mark.parametrize(
    ("url", "verdict", "words"),
    [
        ("smtp://127.0.0.1:{port}", OK, "on this machine"),
        ("smtp://127.0.0.2:{port}", WARNING, "unencrypted, codes too"),
        ("smtp://127.0.0.2:{port}?tls=none", WARNING, "unencrypted, codes too"),
    ],
)  # fmt: skip
def test_a_relay_elsewhere_without_tls_is_a_warning(tmp_path: Path, url: str, verdict: Verdict, words: str) -> None:
    with server(Answers()) as port, forward("127.0.0.2", port) as elsewhere:
        is_(look(at(tmp_path, url.format(port=elsewhere if "0.2" in url else port)), "relay"), verdict, words)


def test_tls_that_is_offered_and_good_should_be_required(
    tmp_path: Path, trusted: Callable[..., ssl.SSLContext]
) -> None:
    """Somebody on the way can take the offer out."""
    context = trusted("127.0.0.2")
    with server(Answers(), tls_context=context) as port, forward("127.0.0.2", port) as elsewhere:
        finding = look(at(tmp_path, f"smtp://127.0.0.2:{elsewhere}"), "relay")
    is_(finding, WARNING, "Somebody on the way can switch TLS off", "tls=required")


def test_tls_that_is_offered_with_a_wrong_certificate_says_what_is_wrong(
    tmp_path: Path, trusted: Callable[..., ssl.SSLContext]
) -> None:
    context = trusted("127.0.0.2", start=-3 * DAY, end=-DAY)
    with server(Answers(), tls_context=context) as port, forward("127.0.0.2", port) as elsewhere:
        finding = look(at(tmp_path, f"smtp://127.0.0.2:{elsewhere}"), "relay")
    is_(finding, WARNING, "has expired", "tls=required")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_password_that_goes_to_another_machine_unencrypted_is_a_fault(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"authenticator": check_password, "auth_required": True, "auth_require_tls": False}
    with server(Answers(), **settings) as port, forward("127.0.0.2", port) as elsewhere:
        finding = look(at(tmp_path, f"smtp://me:s3cret@127.0.0.2:{elsewhere}"), "relay")
    is_(finding, FAULT, "password go to the mail server unencrypted")


@pytest.mark.parametrize(
    ("said", "stays", "words"),
    [
        (b"", True, "is silent"),
        (b"220", True, "is silent"),
        (b"", False, "not SMTP"),
        (b"\x00\xff\x1b[31m\r\n\r\n", False, "not SMTP"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "not SMTP"),
        (b"220 hello\r\n", False, "not SMTP"),
        (b"220-" + b"x" * 100_000 + b"\r\n", False, "not SMTP"),
        (b"554 5.7.1 go away suzie@corp.example \x1b[2J\r\n", True, "554 5.7.1 go away […]"),
        (b"421 too busy\r\n", True, "421 too busy"),
    ],
)  # fmt: skip
def test_a_server_that_hangs_cuts_or_talks_garbage_is_one_sentence_within_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes, stays: bool, words: str
) -> None:
    monkeypatch.setattr(relay_check, "WAIT", 1.0)
    began = time.monotonic()
    with raw_server(said, stays=stays) as port:
        is_(look(at(tmp_path, f"smtp://127.0.0.1:{port}"), "relay"), FAULT, words)
    assert time.monotonic() - began < 8


def test_a_host_that_is_none_and_a_port_that_is_closed_are_faults(tmp_path: Path) -> None:
    is_(look(at(tmp_path, "smtp://127.0.0.1:9"), "relay"), FAULT, "refuses connections")
    found = look(at(tmp_path, "smtp://nowhere.invalid:25"), "relay")
    assert "no address" in found.sentence or "offline" in found.sentence
    assert found.verdict is not OK


def test_a_dns_that_does_not_answer_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "create_connection", offline)
    is_(look(at(tmp_path, "smtp://smtp.relay.example:25"), "relay"), WARNING, "offline")


def test_without_a_relay_mail_goes_to_the_inbox(tmp_path: Path) -> None:
    config = replace(bare(tmp_path), smtp_url=None)
    is_(look(Context(config, clock.now, Dns("127.0.0.1:9")), "relay"), OK, "development inbox")


def mails(context: Context) -> list[Any]:
    return run(context, [each for each in CHECKS if each.name == "mail"])


def test_a_mail_to_oneself_is_sent_from_both_senders_and_to_nobody_else(tmp_path: Path) -> None:
    """It goes the way of every mail: signed, with the sender's domain in its EHLO."""
    key = ed25519.Ed25519PrivateKey.generate()
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    answers = Answers()
    with server(answers) as port:
        context = at(tmp_path, f"smtp://127.0.0.1:{port}", dkim=f"letters.example:s1:{file}")
        found = mails(replace(context, mail_to="rita@home.example"))
    assert [(each.verdict, each.about) for each in found] == [
        (OK, "Letters <hello@letters.example>"), (OK, "no-reply@accounts.example"),
    ]  # fmt: skip
    assert sorted((sender, to) for sender, to, _ in answers.taken) == [
        ("hello@letters.example", ["rita@home.example"]), ("no-reply@accounts.example", ["rita@home.example"]),
    ]  # fmt: skip
    signed = next(content for sender, _, content in answers.taken if sender == "hello@letters.example")
    assert accepts(signed, key.public_key())
    neutral = next(content for sender, _, content in answers.taken if sender == "no-reply@accounts.example")
    assert b"letters.example" not in neutral
    assert b"open.example" not in b"".join(content for _, _, content in answers.taken)
    assert sorted(answers.hellos) == ["accounts.example", "letters.example"]


def test_no_mail_is_sent_unless_an_address_is_given(tmp_path: Path) -> None:
    answers = Answers()
    with server(answers) as port:
        context = at(tmp_path, f"smtp://127.0.0.1:{port}")
        assert mails(context) == []
        is_(look(context, "relay"), OK)
    assert answers.taken == []


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(rcpt="550 5.1.1 no rita@home.example here"), "550 5.1.1"),
        (Answers(mail="553 5.7.1 sender not allowed"), "553 5.7.1 sender not allowed"),
        (Answers(data="451 4.7.1 later"), "451 4.7.1"),
    ],
)  # fmt: skip
def test_a_mail_that_is_refused_is_a_fault_in_the_relay_s_words(tmp_path: Path, answers: Answers, words: str) -> None:
    with server(answers) as port:
        (finding, _) = mails(replace(at(tmp_path, f"smtp://127.0.0.1:{port}"), mail_to="rita@home.example"))
    is_(finding, FAULT, words)
    assert "rita@" not in finding.sentence


def test_in_development_the_mail_lies_in_the_inbox(tmp_path: Path) -> None:
    context = Context(bare(tmp_path, smtp_url=None), clock.now, Dns("127.0.0.1:9"), mail_to="rita@home.example")
    for finding in mails(context):
        is_(finding, OK, "development inbox")
    assert {mail.to for mail in read_inbox(tmp_path / "inbox", 9)} == {"rita@home.example"}
