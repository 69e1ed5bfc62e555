"""How large a body may be, by the path it is sent to: what the server reads before the application is asked."""

from __future__ import annotations

from typing import Final

LARGEST_CALL: Final = 16 * 1024
LARGEST_FORM: Final = 64 * 1024
LARGEST_REPORT: Final = 256 * 1024
LARGEST_TEXTS: Final = 700_000
"""Of organisers: 60,000 characters, each of them three bytes long and each byte written as three; and room for the rest."""
LARGEST_FIELDS: Final = 262_144
"""Bytes of an organiser's fields, as JSON, that go through signing in again."""
LARGEST_CARRIED: Final = 3 * LARGEST_FIELDS + 65_536
"""A form that carries them: each byte may be written as three."""
BY_PATH: Final = {"/api/": LARGEST_CALL, "/hooks/": LARGEST_REPORT, "/organise/": LARGEST_CARRIED}


def largest_body(path: str) -> int:
    """The most bytes that a body sent to this path may have."""
    return next((size for begin, size in BY_PATH.items() if path.startswith(begin)), LARGEST_FORM)
