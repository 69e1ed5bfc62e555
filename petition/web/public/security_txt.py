"""Says where to report a security fault of this site: `/.well-known/security.txt` (RFC 9116).

The operator names the contact. Without one there is no such page, because the file must have a contact.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, abort

from petition.core import clock
from petition.core.i18n import LANGUAGES
from petition.web.services import services

PATH: Final = "/.well-known/security.txt"
GOOD_FOR: Final = timedelta(days=180)
CACHE: Final = {"Cache-Control": "public, max-age=3600"}

bp = Blueprint("security_txt", __name__)


@bp.get(PATH)
def security_txt() -> Response:
    """Returns the contacts in the order in which they are preferred. The file is good for half a year from today on."""
    config = services().config
    if not config.security_contacts:
        abort(404)
    until = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + GOOD_FOR
    lines = [
        *(f"Contact: {contact}" for contact in config.security_contacts),
        f"Expires: {until:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(LANGUAGES)}",
        f"Canonical: {config.base_url}{PATH}",
    ]
    return Response("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8", headers=CACHE)
