"""Links as people paste them: with a final slash, in capitals, or with the punctuation of the sentence around them.

A page that is not there is looked for under the address without all that. The answer leads to a path of this site that
begins with one of a few fixed words, never to another site, and only if there is a page.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from flask import Response, current_app, redirect, request
from werkzeug.exceptions import HTTPException

from petition.campaigns import CampaignUnknown
from petition.web import page_cache

PUBLIC: Final = "/c/"
PERSONAL: Final = ("/mail/", "/organise/enter/", "/organise/invitation/")
"""Their links end in a token, in which capitals mean something."""
NOT_AT_THE_END: Final = re.compile(r"[^a-zA-Z0-9_=-]+$")
NOT_AFTER_A_SLUG: Final = re.compile(r"[^a-z0-9]+$")


def redirect_to_page() -> Response | None:
    """Returns a redirect to the page that the address of this request means, or None. The query stays."""
    path = meant(request.path)
    if request.method not in {"GET", "HEAD"} or path == request.path or not _is_page(path):
        return None
    query = request.query_string.decode("ascii", "ignore")
    return redirect(quote(path, safe="/=") + (f"?{query}" if query else ""))  # type: ignore[return-value]


def meant(path: str) -> str:
    """Returns a path without what does not belong to it. It is the same path if nothing is wrong or nothing is known."""
    path = re.sub("/{2,}", "/", path)
    if path.startswith(PERSONAL):
        return NOT_AT_THE_END.sub("", path)
    lower = path.lower()
    return NOT_AFTER_A_SLUG.sub("", lower) if lower.startswith(PUBLIC) else path


def _is_page(path: str) -> bool:
    try:
        current_app.url_map.bind("", url_scheme="https").match(path, "GET")
        if path.startswith(PUBLIC):
            page_cache.snapshot(path.split("/")[2])
    except (HTTPException, CampaignUnknown):
        return False
    return True
