"""This module keeps the typed text of a post that could not be processed, so that it can be sent again.

The text travels in a hidden field of the page that explains the problem, and nothing is stored on the server. A MAC of
this site protects it, so another site cannot present its own text as ours, and it can only be sent to an address of the
dashboard. Posts that are too large are not kept. Neither are the forms of signing in and of the account, which hold
secrets and no texts.
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
FIELDS_LEFT_OUT: Final = frozenset({"token", access.SENT_AGAIN})
LEAST_TEXT_LENGTH: Final = 20
"""A field with at least this many characters is shown as a text."""


@dataclass(frozen=True, slots=True)
class Resubmission:
    """A form of the dashboard as it was posted: its address, and its fields in their order."""

    path: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def sealed(self) -> str:
        """Return the form as the content of a hidden field."""
        text = json.dumps([self.path, self.fields], ensure_ascii=False)
        return f"{_mac(text, services().config.secret_key)}.{text}"

    def texts(self) -> list[str]:
        """Return the texts that are worth reading and copying."""
        return [text for _name, text in self.fields if len(text) >= LEAST_TEXT_LENGTH]

    def page(self) -> str:
        """Return the page where the form was filled in, or the nearest page."""
        return access.next_page(urlsplit(self.path).path)


def of_request() -> Resubmission | None:
    """Return the form of this request if it can be sent again.

    Call this only for a post that passes `access.is_ours`.
    """
    if request.method != "POST" or request.blueprint is None:
        return None
    try:
        fields = tuple((name, text) for name, text in request.form.items(multi=True) if name not in FIELDS_LEFT_OUT)
        if not access.has_text():
            return None
    except HTTPException:  # it cannot be read: too large, or no form
        return None
    return _if_it_fits(Resubmission(request.full_path.rstrip("?"), fields))


def read(sealed: str) -> Resubmission | None:
    """Return the form in a hidden field, or None if this site did not put it there."""
    mac, _, text = sealed.partition(".")
    if not any(hmac.compare_digest(mac.encode(), _mac(text, key).encode()) for key in services().config.secret_keys):
        return None
    path, fields = json.loads(text)
    return _if_it_fits(Resubmission(path, tuple((name, value) for name, value in fields)))


def _if_it_fits(found: Resubmission) -> Resubmission | None:
    known = access.accepts(urlsplit(found.path).path, "POST")
    return found if known and len(found.sealed().encode()) <= LARGEST_FIELDS else None


def _mac(text: str, secret_key: str) -> str:
    return hmac.new(secret_key.encode(), LABEL + text.encode("utf-8", "surrogatepass"), sha256).hexdigest()
