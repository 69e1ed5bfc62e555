"""Reports as mail relays send them."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from datetime import datetime
from typing import Any

from tests.make import NOW

KEY = "k" * 40


def mailgun(event: dict[str, Any], key: str = KEY, at: datetime = NOW) -> bytes:
    """A report in Mailgun's documented form."""
    timestamp, token = str(int(at.timestamp())), secrets.token_hex(25)
    signature = hmac.digest(key.encode(), (timestamp + token).encode(), "sha256").hex()
    told = {"timestamp": timestamp, "token": token, "signature": signature}
    return json.dumps({"signature": told, "event-data": {"recipient": SUZIE, "id": "x"} | event}).encode()


def failed(code: int, message: str, enhanced: str = "", description: str = "") -> dict[str, Any]:
    """What Mailgun adds when a mail was refused for good."""
    status = {"code": code, "message": message, "enhanced-code": enhanced, "description": description}
    return {"event": "failed", "severity": "permanent", "delivery-status": status}


def postmark(**fields: object) -> bytes:
    """A report in Postmark's documented form."""
    return json.dumps({"RecordType": "Bounce", "ID": 1, "Email": SUZIE, "Subject": "News"} | fields).encode()


def password(key: str, user: str = "postmark") -> dict[str, str]:
    """The header of HTTP basic authentication."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{key}'.encode()).decode()}"}


SUZIE = "suzie@post.example"
