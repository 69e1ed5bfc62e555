"""Receives reports of bounces and complaints from mail relays.

`petition.mailing.subscribers.relays` checks and reads them.

A report that arrives twice counts once. It takes effect before it is answered: when the relay reads 200, the address is
off every list. Without a key, every report is rejected. Bodies above 256 kB are rejected too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from flask import Blueprint, Response, abort, request

from petition.core import clock, db
from petition.core.redis_store import RedisUnavailable
from petition.mailing import subscribers
from petition.mailing.subscribers import relays
from petition.web.json_http import json_response
from petition.web.services import services
from petition.web.sizes import LARGEST_REPORT

REMEMBERED_SECONDS: Final = 24 * 3600

bp = Blueprint("hooks", __name__, url_prefix="/hooks")


@bp.post("/bounces")
def bounces() -> Response:
    """Act on a relay's report. Answers 404 if no key is configured. Raises SignatureWrong, ReportUnreadable."""
    here, now = services(), clock.now()
    if not here.config.hook_key:
        abort(404)
    request.max_content_length = LARGEST_REPORT
    headers, body = dict(request.headers), request.get_data(cache=False)
    reports = relays.reports(headers, body, here.config.hook_key, now)
    with _once(relays.fingerprint(headers, body)) as new, db.transaction() as session:
        for report in reports if new else ():
            subscribers.record(session, here.config.pepper, report, now.date())
    return json_response({"reports": len(reports)})


@contextmanager
def _once(key: bytes) -> Iterator[bool]:
    """Yields whether this report is new. A failure while acting on it forgets it, because the relay then repeats it.

    Without Redis every report is new: counting a bounce twice does less harm than missing it.
    """
    try:
        new = services().redis_store.remember(key, REMEMBERED_SECONDS)
    except RedisUnavailable:
        new = True
    try:
        yield new
    except Exception:
        with suppress(RedisUnavailable):
            services().redis_store.forget(key)
        raise
