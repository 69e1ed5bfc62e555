"""Somebody who guesses at the code of one address of a running installation."""

from __future__ import annotations

from tests.support.foreign_client import api, b64u, call
from tests.support.installation import Running


def guess_fifty(running: Running, address: str) -> None:
    """Fifty wrong codes, five to a challenge: after that only the long code of the address is accepted."""
    for _ in range(10):
        challenge = call(api(running, "/verify"), {"address": address}).body["challenge"]
        for number in range(5):
            guess = {"challenge": challenge, "code": f"0000000{number}", "blinded": b64u(bytes([1]) * 256)}
            assert call(api(running, "/pass"), guess).status == 403
