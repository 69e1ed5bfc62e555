"""SMTP_URL decides who may listen: TLS, sign-in, and what a wrong address of the server costs."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from petition.mail import (
    MailDelayed,
    SmtpPostbox,
    SmtpUrlWrong,
    TlsMissing,
)
from petition.mail.smtp import Server, Tls, parse_smtp_url
from tests.support.mail_server import PLAIN, Answers, server


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


def test_required_tls_that_is_missing_stops_everything(answers: Answers) -> None:
    with server(answers) as port, pytest.raises(TlsMissing):
        SmtpPostbox(f"smtp://localhost:{port}?tls=required").send(PLAIN)
    assert answers.taken == []


def test_required_tls_refuses_a_certificate_nobody_vouches_for(answers: Answers, tls: ssl.SSLContext) -> None:
    with server(answers, tls_context=tls) as port, pytest.raises(TlsMissing):
        SmtpPostbox(f"smtp://localhost:{port}?tls=required").send(PLAIN)
    assert answers.taken == []


@pytest.mark.parametrize(("mode", "encrypted"), [("required", True), ("offered", True), ("none", False)])
def test_mail_is_encrypted_as_the_url_says(
    answers: Answers,
    tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    encrypted: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with server(answers, tls_context=tls) as port:
        postbox = SmtpPostbox(f"smtp://localhost:{port}?tls={mode}")
        postbox.send(PLAIN)
        postbox.close()
    assert answers.encrypted == [encrypted]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(("password", "works"), [("s3cr:t/", True), ("wrong", False)])
def test_signing_in_with_the_urls_password(
    answers: Answers,
    password: str,
    works: bool,
) -> None:
    def check(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == b"s3cr:t/", handled=False)

    settings: dict[str, Any] = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    quoted = password.replace(":", "%3A").replace("/", "%2F")
    with server(answers, **settings) as port:
        postbox = SmtpPostbox(f"smtp://me:{quoted}@127.0.0.1:{port}")
        if works:
            postbox.send(PLAIN)
            postbox.close()
        else:
            with pytest.raises(MailDelayed, match="connect: 535"):
                postbox.send(PLAIN)
    assert len(answers.taken) == int(works)


def test_url_is_read_in_full() -> None:
    assert parse_smtp_url("smtp://me:p%40ss@mail.example:587?tls=required") == Server(
        "mail.example", 587, smtps=False, tls=Tls.required, user="me", password="p@ss"
    )


def test_url_without_more_has_defaults() -> None:
    assert (parse_smtp_url("smtp://mail.example").port, parse_smtp_url("smtps://mail.example").port) == (
        25,
        465,
    )
    assert parse_smtp_url("smtp://mail.example").tls == Tls.offered
    assert parse_smtp_url("smtps://mail.example").tls == Tls.required


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:none",
        "smtp://mail.example:99999",
        "smtp://mail.example?tls=maybe",
        "smtp://mail.example?tls=",
        "smtp://mail.example?tls=none&tls=required",
        "smtp://mail.example?starttls=1",
        "smtp://mail.example/path",
    ],
)
def test_url_that_says_too_little_or_too_much_is_refused(url: str) -> None:
    with pytest.raises(SmtpUrlWrong):
        SmtpPostbox(url)
