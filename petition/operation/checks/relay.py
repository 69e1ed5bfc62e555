"""Checks of the mail server: connection, TLS, sign-in, and a mail to the operator who asked for one.

The connection is the one that mail takes (`petition.mail.smtp`). Nothing is mailed to anybody but `--mail-to`.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from email.utils import parseaddr
from typing import Final

from petition.mail import MailDelayed, MailRefused, Message, TlsMissing, bounce_status, postbox_for, random_message_id
from petition.mail.smtp import Server, Tls, connect, parse_smtp_url
from petition.operation import certificates
from petition.operation.context import LOCAL, WAIT, Context
from petition.operation.findings import Finding, fault, ok, warning

SUBJECT: Final = "Test of the mail server"
TEXT: Final = "This mail was sent by hand to see whether mail arrives. Nothing has to be done.\n"


def relay(context: Context, _about: str) -> Finding:
    """Looks whether the mail server answers, encrypts and lets us in, as SMTP_URL says."""
    if not context.config.smtp_url:
        return ok("SMTP_URL is not set: mail goes to the development inbox, and nowhere else.")
    server = parse_smtp_url(context.config.smtp_url)
    hello = parseaddr(context.config.mail_from)[1].rpartition("@")[2]
    try:
        smtp = connect(server, hello, WAIT)
    except TlsMissing as missing:
        return fault(
            f"TLS is required, and the certificate of the mail server {_tls_reason(missing)}. No mail is sent."
        )
    except (smtplib.SMTPException, OSError) as error:
        return (warning if _is_offline(error) else fault)(_why(error, server))
    try:
        certificate = smtp.sock.getpeercert() if isinstance(smtp.sock, ssl.SSLSocket) else None
        encrypted = isinstance(smtp.sock, ssl.SSLSocket)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    if not encrypted:
        return _unencrypted(server)
    if server.tls is not Tls.required:
        return _unverified(server, hello)
    good = "The mail server answers over TLS" + (" and accepts user and password" if server.user else "")
    return certificates.life(certificate, context.clock(), "the mail server", good)


def _tls_reason(missing: TlsMissing) -> str:
    """Returns why TLS is missing. The error hides its cause from logs, but keeps it."""
    cause = missing.__context__
    if isinstance(cause, ssl.SSLError):
        return certificates.reason(cause)
    return "could not be seen, because it offers no STARTTLS: turn TLS on there, or use smtps://"


def _is_offline(error: Exception) -> bool:
    """Returns whether the DNS did not answer, which says nothing about the mail server."""
    return isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN


def _why(error: Exception, server: Server) -> str:
    """Returns why the mail server cannot be used. What it answered is quoted without addresses."""
    where = f"The mail server at port {server.port}"
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPNotSupportedError):
        return _answer(error)
    if _is_offline(error):
        return (
            "The host of SMTP_URL could not be looked up: look whether this machine is offline and its resolver works."
        )
    if isinstance(error, socket.gaierror):
        return "The host of SMTP_URL has no address: correct its name, or look whether the DNS works here."
    if isinstance(error, ConnectionRefusedError):
        return f"{where} refuses connections: correct host or port of SMTP_URL, or start the server."
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"{where} is silent: look for a firewall (many providers block port 25), and at the server."
    return f"{where} answers with something that is not SMTP, or hangs up: correct SMTP_URL."


def _answer(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "The mail server does not accept the user and password of SMTP_URL: correct them."
    # What the server said is bytes; a text is smtplib's own, about an answer that it could not read.
    if isinstance(error, smtplib.SMTPResponseException) and isinstance(error.smtp_error, bytes) and error.smtp_code > 0:
        words = bounce_status.quoted(error.smtp_error.decode(errors="replace")).rstrip(".")
        return f"The mail server refuses this machine: {error.smtp_code} {words}. Ask whoever runs it."
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return (
            "The mail server offers no way to sign in that is known here: use a port with TLS, or leave out the user."
        )
    return "The mail server answers with something that is not SMTP: correct SMTP_URL."


def _unencrypted(server: Server) -> Finding:
    if server.host in LOCAL:
        return ok("The mail server on this machine answers.")
    if server.user:
        return fault(
            "User and password go to the mail server unencrypted: add ?tls=required to SMTP_URL, or use smtps://."
        )
    return warning("Mail goes to the mail server unencrypted, codes too: add ?tls=required to SMTP_URL if it can TLS.")


def _unverified(server: Server, hello: str) -> Finding:
    """Returns what would happen if the certificate was looked at, which `tls=offered` does not do."""
    if server.host in LOCAL:
        return ok("The mail server on this machine answers over TLS.")
    try:
        smtp = connect(replace(server, tls=Tls.required), hello, WAIT)
    except TlsMissing as missing:
        return warning(
            f"Mail is encrypted for whoever answers: the certificate of the mail server {_tls_reason(missing)}; then add "
            "?tls=required to SMTP_URL."
        )
    with suppress(smtplib.SMTPException, OSError):
        smtp.quit()
    return warning("Somebody on the way can switch TLS off: the certificate is good, so add ?tls=required to SMTP_URL.")


def asked_for_mail(context: Context) -> Sequence[str]:
    """Returns the senders that a mail is sent from: both, if the operator gave an address, else none."""
    if not context.mail_to:
        return ()
    return tuple(dict.fromkeys((context.config.mail_from, context.config.code_mail_from)))


def trial_mail(context: Context, sender: str) -> Finding:
    """Sends a mail from one sender to the operator, signed and handed over like every other mail."""
    message = trial_message(context.mail_to, sender, context.clock())
    postbox = postbox_for(context.config, WAIT)
    try:
        postbox.send(message)
    except MailRefused as refused:
        return fault(f"The mail server refused the mail: {_quoted(refused)}.")
    except MailDelayed as delayed:
        return fault(f"The mail server did not take the mail: {_quoted(delayed)}.")
    if not context.config.smtp_url:
        return ok("The mail is in the development inbox; nothing was really sent.")
    return ok("The mail server took a mail: see whether it arrived, and that its Authentication-Results say pass.")


def trial_message(to: str, sender: str, now: datetime) -> Message:
    """Returns the mail. It says nothing of a letter, and names no host but the sender's. Raises MessageBroken."""
    html = f"<p>{TEXT.strip()}</p>"
    return Message(to, sender, SUBJECT, TEXT, html, "en", random_message_id(sender), now)


def _quoted(failure: MailRefused | MailDelayed) -> str:
    """Returns what the server answered, without addresses, or where to read why it did not."""
    if not failure.code:
        return "see the line “relay”"
    return f"{failure.code} {failure.words or failure.status}".rstrip(" .")
