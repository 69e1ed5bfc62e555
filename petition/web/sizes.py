"""The largest request body for each path. The server enforces these limits before it calls the application."""

from __future__ import annotations

from typing import Final

LARGEST_CALL: Final = 16 * 1024
LARGEST_FORM: Final = 64 * 1024
LARGEST_REPORT: Final = 256 * 1024
LARGEST_TEXTS: Final = 700_000
"""The limit for organisers' texts: 60,000 characters of three bytes each, every byte encoded as three, and a margin."""
LARGEST_FIELDS: Final = 262_144
"""The most bytes, as JSON, of an organiser's fields that are carried through signing in again."""
LARGEST_CARRIED: Final = 3 * LARGEST_FIELDS + 65_536
"""The limit for a form that carries them. Each byte may be encoded as three."""
BY_PATH: Final = {"/api/": LARGEST_CALL, "/hooks/": LARGEST_REPORT, "/organise/": LARGEST_CARRIED}


def largest_body(path: str) -> int:
    """Returns the most bytes that a body sent to this path may have."""
    return next((size for begin, size in BY_PATH.items() if path.startswith(begin)), LARGEST_FORM)
