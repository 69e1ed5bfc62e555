"""The SMTP postbox (RFC 5321): one recipient per mail, and one connection kept open for each thread.

This module keeps three further promises. If TLS is required, nothing is sent unencrypted (TlsMissing). No name of this
machine is disclosed: EHLO names the sender's domain, because otherwise the employer's mail log would show a host named
after the campaign. And a mail is never sent twice: a lost connection is reopened only if no byte of the content has
been sent; after that, MailDelayed leaves the decision to the caller.
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NoReturn
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from petition.core import failpoints
from petition.mail import bounce_status
from petition.mail.bounce_status import Meaning
from petition.mail.dkim import Signer
from petition.mail.envelope import OK, SERVICE_CLOSING, Answer, Unanswered, send_envelope
from petition.mail.message import Message
from petition.mail.postbox import MailDelayed, MailRefused, Stage
from petition.mail.timeouts import Bounded, BoundedTls

TIMEOUT: Final = 10.0
# A kept connection that broke within this many seconds is replaced at once. After a hang there is no second attempt.
RECONNECT_SECONDS: Final = 2.0
TEMPORARY: Final = range(400, 500)
PERMANENT: Final = range(500, 600)
ENHANCED_STATUS = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
PORTS: Final = {"smtp": 25, "smtps": 465}


class SmtpUrlWrong(ValueError):
    """SMTP_URL does not have the form smtp://user:pass@host:587?tls=required."""

    def __init__(self) -> None:
        super().__init__("SMTP_URL must look like smtp://user:pass@host:587?tls=required.")


class TlsMissing(MailDelayed):
    """TLS is required, but the server has none, or no trusted certificate. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(Stage.connect)
        self.args = ("TLS is required, and the mail server has none that can be trusted. Nothing was sent.",)


class Tls(StrEnum):
    """When the connection is encrypted: `required` checks the certificate, `offered` accepts any."""

    required = "required"
    offered = "offered"
    none = "none"


@dataclass(frozen=True, slots=True)
class Server:
    """The server of SMTP_URL. `smtps` means TLS from the first byte."""

    host: str
    port: int
    smtps: bool
    tls: Tls
    user: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Line:
    """An open connection, the process that opened it (a fork must not share it) and the name in its EHLO."""

    smtp: Bounded
    pid: int
    hello: str


def parse_smtp_url(url: str) -> Server:
    """Parse SMTP_URL. Raises SmtpUrlWrong, which does not repeat the URL because it may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        tls = _tls_of(parts)
    except (ValueError, KeyError):
        raise SmtpUrlWrong from None
    if not parts.hostname or parts.path not in {"", "/"}:
        raise SmtpUrlWrong
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, port, parts.scheme == "smtps", tls, user, password)


def _tls_of(parts: SplitResult) -> Tls:
    words = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else {}
    (word,) = words.pop("tls", ["required" if parts.scheme == "smtps" else "offered"])
    if words:
        raise SmtpUrlWrong
    return Tls(word)


class LineLost(MailDelayed):
    """The connection broke before the mail was handed over, so the mail may be sent on another one at once."""


class SmtpPostbox:
    """Sends through one server. It can be shared between threads and across a fork; create one per process.

    `timeout`: seconds to wait for one response. `signers`: the DKIM signers, one for each domain.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT, signers: Sequence[Signer] = ()) -> None:
        self.server = parse_smtp_url(url)
        self.timeout = timeout
        self._signers = {signer.domain: signer for signer in signers}
        self._held = threading.local()

    def send(self, message: Message) -> None:
        """Returns when the server has taken the mail.

        Raises MailRefused or MailDelayed (of which TlsMissing is one).
        """
        content = self._content(message)
        smtp = self._with_envelope(message)
        failpoints.reach("before_data")
        try:
            smtp.send(_stuffed(content))
            code, text = smtp.getreply()
        except (smtplib.SMTPException, OSError):
            self._drop()
            raise MailDelayed(Stage.data) from None
        if code not in OK:
            self._fail(smtp, Answer(Stage.data, code, text), message.to)

    def _content(self, message: Message) -> bytes:
        """Returns the mail's bytes, signed if there is a key for its sender's domain."""
        signer = self._signers.get(message.sender_domain.lower())
        return message.as_bytes() if signer is None else signer.signed(message.as_bytes())

    def close(self) -> None:
        """Close this thread's connection with QUIT, if it has one."""
        line = self._line()
        if line is not None:
            line.smtp.begin()
            with suppress(smtplib.SMTPException, OSError):
                line.smtp.quit()
            self._drop()

    def _with_envelope(self, message: Message) -> Bounded:
        line, began = self._line(), time.monotonic()
        if line is not None and line.hello == message.sender_domain:
            line.smtp.begin()
            try:
                return self._address(line.smtp, message)
            except LineLost:
                if time.monotonic() - began > RECONNECT_SECONDS:
                    raise
        self.close()
        return self._address(self._open(message.sender_domain), message)

    def _address(self, smtp: Bounded, message: Message) -> Bounded:
        try:
            answer = send_envelope(smtp, message.envelope_sender, message.to)
        except Unanswered as broken:
            self._drop()
            raise LineLost(broken.stage) from None
        if not answer.is_good:
            self._fail(smtp, answer, message.to)
        return smtp

    def _fail(self, smtp: smtplib.SMTP, answer: Answer, recipient: str) -> NoReturn:
        """Raise the error of a bad response: only 5xx is a refusal. A closing or out-of-step connection is dropped."""
        status = _status_of(answer.text)
        if answer.code == SERVICE_CLOSING:
            self._drop()
            raise LineLost(answer.stage, answer.code, status)
        if answer.code in TEMPORARY or answer.code in PERMANENT:
            self._reset(smtp)
        else:
            self._drop()
        if answer.code in PERMANENT:
            raise _refusal(answer, status, recipient)
        raise MailDelayed(answer.stage, answer.code, status)

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _open(self, hello: str) -> Bounded:
        try:
            smtp = connect(self.server, hello, self.timeout)
        except smtplib.SMTPResponseException as answer:
            text = _bytes(answer.smtp_error)
            words = bounce_status.quoted(text.decode(errors="replace"))
            raise MailDelayed(Stage.connect, answer.smtp_code, _status_of(text), words) from None
        except (smtplib.SMTPException, OSError):
            raise MailDelayed(Stage.connect) from None
        self._held.line = Line(smtp, os.getpid(), hello)
        return smtp

    def _line(self) -> Line | None:
        line: Line | None = getattr(self._held, "line", None)
        if line is not None and line.pid != os.getpid():
            self._drop()
            return None
        return line

    def _drop(self) -> None:
        line: Line | None = getattr(self._held, "line", None)
        self._held.line = None
        if line is not None:
            line.smtp.close()


def _refusal(answer: Answer, status: str, recipient: str) -> MailRefused:
    """Returns the refusal and its meaning. Before the recipient was named it cannot be about that address."""
    text = answer.text.decode(errors="replace")
    about = answer.stage in {Stage.recipient, Stage.data}
    dead = about and bounce_status.read(text, status, answer.code) is Meaning.NO_SUCH_ADDRESS
    words = bounce_status.quoted(text, recipient)
    return MailRefused(answer.stage, answer.code, status, words, no_such_address=dead)


def connect(server: Server, hello: str, timeout: float = TIMEOUT) -> Bounded:
    """Open, encrypt and authenticate a connection. Raises TlsMissing, OSError or SMTPException."""
    smtp = _dial(server, hello, timeout)
    try:
        if not server.smtps:
            _encrypt(smtp, server.tls)
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _dial(server: Server, hello: str, timeout: float) -> Bounded:
    if not server.smtps:
        return Bounded(server.host, server.port, hello, timeout)
    try:
        return BoundedTls(server.host, server.port, hello, timeout, _tls_context(server.tls))
    except ssl.SSLError:
        raise TlsMissing from None


def _encrypt(smtp: smtplib.SMTP, tls: Tls) -> None:
    smtp.ehlo_or_helo_if_needed()
    if tls is Tls.none or (tls is Tls.offered and not smtp.has_extn("starttls")):
        return
    try:
        smtp.starttls(context=_tls_context(tls))
    except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException, ssl.SSLError):
        raise TlsMissing from None


def _tls_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if tls is not Tls.required:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _stuffed(content: bytes) -> bytes:
    """Returns the content in the form of DATA. Unlike smtplib it need not search for bare line ends: ours have none."""
    stuffed = content.replace(b"\r\n.", b"\r\n..") if b"\r\n." in content else content
    return stuffed + b".\r\n"


def _status_of(text: bytes) -> str:
    found = ENHANCED_STATUS.match(text)
    return found.group().decode("ascii") if found else ""


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
