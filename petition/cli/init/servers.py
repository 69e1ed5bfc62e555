"""The addresses that hold a password: of the mail server, and of PostgreSQL and Redis that are given."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import click

from petition.cli.init.questions import Answers, Question
from petition.config import Servers
from petition.config.addresses import LOCAL_HOSTS, MAINTENANCE_URL, OWNER_URL

ROLES: Final = {"DATABASE_URL": "undersigned_application", MAINTENANCE_URL: "undersigned_maintenance"}
"""The roles that `migrate` makes for the application and for maintenance (decision 0052)."""
SUBMISSION: Final = "587"
TLS_AT_ONCE: Final = "465"


def relay_url(text: str) -> str:
    """Returns the address of a mail server that people name as `host` or `host:port`.

    Port 587 with TLS is assumed, port 465 with TLS from the first byte, and port 25 without a password on this machine.
    """
    text = text.strip()
    if "://" in text or not text:
        return text
    host, _, port = text.rpartition(":") if text.rpartition(":")[2].isdigit() else (text, "", "")
    if host in LOCAL_HOSTS:
        return f"smtp://{host}:{port or 25}?tls=none"
    if port == TLS_AT_ONCE:
        return f"smtps://{host}:{port}"
    return f"smtp://{host}:{port or SUBMISSION}?tls=required"


def _given(answers: Answers) -> bool:
    return answers.get("PETITION_SERVERS") == Servers.GIVEN


def _with_relay_login(url: str) -> str:
    parts = urlsplit(url)
    if parts.password or parts.hostname in LOCAL_HOSTS:
        return url
    user = parts.username or click.prompt("User name there (empty: none)", default="", show_default=False, err=True)
    return with_login(url, user, _hidden(f"Password of {user}")) if user else url


def _with_password(url: str) -> str:
    parts = urlsplit(url)
    return url if parts.password else with_login(url, parts.username or "", _hidden("Password (empty: none)"))


RELAY: Final = Question(
    "SMTP_URL",
    "--relay",
    "Mail server, such as mail.example.org:587",
    "All mail goes out through this server. Its user name and password are asked next.",
    tidy=relay_url,
    complete=_with_relay_login,
)
GIVEN: Final = (
    Question(
        OWNER_URL,
        "--database",
        "PostgreSQL, such as postgresql://undersigned@db.example.org:5432/undersigned",
        "The role in this address owns the tables. Its password is asked next.",
        complete=_with_password,
        wanted=lambda answers: _given(answers) and not answers.get("DATABASE_URL"),
    ),
    Question(
        "REDIS_URL",
        "--redis",
        "Redis or Valkey, such as redis://redis.example.org:6379/0",
        "It holds codes and queues, and must write nothing to a disk. Its password is asked next.",
        complete=_with_password,
        wanted=_given,
    ),
)


def with_roles(answers: Answers, *, defaults: bool) -> Answers:
    """Returns the answers with addresses for the application and for maintenance, if only the owner's is known."""
    if OWNER_URL not in answers or answers.get("DATABASE_URL"):
        return answers
    question = "May this role create the two roles with fewer rights that the program uses from then on?"
    if defaults or click.confirm(question, default=True, err=True):
        return answers | {
            name: with_login(answers[OWNER_URL], role, secrets.token_hex(24)) for name, role in ROLES.items()
        }
    return {name: value for name, value in answers.items() if name != OWNER_URL} | {"DATABASE_URL": answers[OWNER_URL]}


def with_login(url: str, user: str, password: str) -> str:
    """Returns an address with a user name and a password. Without both it stays as it is."""
    if not user and not password:
        return url
    parts = urlsplit(url)
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}"))


def _hidden(text: str) -> str:
    return str(click.prompt(text, default="", show_default=False, hide_input=True, err=True))
