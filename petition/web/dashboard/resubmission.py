"""A post that could not be answered: what was typed rides in the page that says so, and is sent again from there.

Guards that nothing is kept on the server for it, that nobody else's words are shown as ours (what comes back carries a
MAC of this site), and that it can only lead to an address of the dashboard. Refuses (None) what is too large to ride
along, and the forms of signing in and of the account, which hold secrets and no texts.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import HTTPException

from petition.web.dashboard import access
from petition.web.services import services
from petition.web.sizes import LARGEST_FIELDS

LABEL: Final = b"undersigned/resubmission/v1\0"
FIELD: Final = "resubmission"
LEFT_OUT: Final = frozenset({"token", access.SENT_AGAIN})
A_TEXT: Final = 20
"""From so many characters on a field is shown as a text."""


@dataclass(frozen=True, slots=True)
class Resubmission:
    """A form of the dashboard as it was posted: where to, and its fields in their order."""

    path: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def sealed(self) -> str:
        """As a hidden field holds it."""
        text = json.dumps([self.path, self.fields], ensure_ascii=False)
        return f"{_mac(text, services().config.secret_key)}.{text}"

    def texts(self) -> list[str]:
        """What is worth reading of it, and copying."""
        return [text for _name, text in self.fields if len(text) >= A_TEXT]

    def page(self) -> str:
        """The page where it was typed, or the nearest."""
        return access.next_page(urlsplit(self.path).path)


def of_request() -> Resubmission | None:
    """The form of this request, if it is one to be sent again: call only for a post that `access.is_ours`."""
    if request.method != "POST" or request.blueprint is None:
        return None
    try:
        fields = tuple((name, text) for name, text in request.form.items(multi=True) if name not in LEFT_OUT)
        if not access.has_text():
            return None
    except HTTPException:  # it cannot be read: too large, or no form
        return None
    return _fitting(Resubmission(request.full_path.rstrip("?"), fields))


def read(sealed: str) -> Resubmission | None:
    """What a hidden field held; None for what this site did not put there."""
    mac, _, text = sealed.partition(".")
    if not any(hmac.compare_digest(mac.encode(), _mac(text, key).encode()) for key in services().config.secret_keys):
        return None
    path, fields = json.loads(text)
    return _fitting(Resubmission(path, tuple((name, value) for name, value in fields)))


def _fitting(found: Resubmission) -> Resubmission | None:
    known = access.accepts(urlsplit(found.path).path, "POST")
    return found if known and len(found.sealed().encode()) <= LARGEST_FIELDS else None


def _mac(text: str, secret_key: str) -> str:
    return hmac.new(secret_key.encode(), LABEL + text.encode("utf-8", "surrogatepass"), sha256).hexdigest()
