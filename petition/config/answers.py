"""Checks one answer of an operator with the code that reads all settings at a start, as in production."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from petition.config import Size, addresses, settings_file
from petition.config.reader import PORTS, Reader

DEFAULT_PORT: Final = 8000
CHECKS: Final[Mapping[str, Callable[[Reader], object]]] = {
    "PETITION_BASE_URL": lambda reader: reader.base_url(DEFAULT_PORT),
    "PETITION_PORT": lambda reader: reader.number("PETITION_PORT", DEFAULT_PORT, PORTS),
    "PETITION_TRUSTED_PROXIES": lambda reader: reader.number("PETITION_TRUSTED_PROXIES", 0, (0, 9)),
    "PETITION_SECURITY_CONTACT": Reader.security_contacts,
    "PETITION_SERVERS": Reader.origin,
    "PETITION_SIZE": lambda reader: reader.one_of("PETITION_SIZE", Size.NORMAL),
    "MAIL_FROM": lambda reader: reader.sender("MAIL_FROM", ""),
    "CODE_MAIL_FROM": lambda reader: reader.sender("CODE_MAIL_FROM", ""),
    "SMTP_URL": Reader.smtp_url,
    "DATABASE_URL": Reader.servers,
    "REDIS_URL": Reader.servers,
    addresses.OWNER_URL: Reader.roles,
    addresses.MAINTENANCE_URL: Reader.roles,
}
"""How the setting of each question is read. Any other setting is read with all the others."""


def problem_of(name: str, value: str, others: Mapping[str, str]) -> str:
    """Returns what is wrong with the value of a setting, in a sentence that quotes no password, or an empty text.

    `others` are the settings that are known already.
    """
    if reason := settings_file.problem_of(value):
        return f"{name} {reason}."
    # A role's address is checked before that of the application is known.
    before = {"DATABASE_URL": value} if name in {addresses.OWNER_URL, addresses.MAINTENANCE_URL} else {}
    environ = {"PETITION_ENV": "production", **before, **others, name: value}
    reader = Reader(environ)
    reader.problems.clear()
    if check := CHECKS.get(name):
        check(reader)
    return next((problem for problem in reader.problems if name in problem), "")
