"""Receives reports of bounces and complaints from mail relays.

`petition.mailing.subscribers.relays` checks and reads them.

A report that arrives twice counts once. Another report with the same token of Mailgun is refused. A report takes effect before it is answered: when the relay reads 200, the address is
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
    keys = (relays.fingerprint(headers, body), relays.used_token(headers, body))
    with _once(*keys) as new, db.transaction() as session:
        for report in reports if new else ():
            subscribers.record(session, here.config.pepper, report, now.date())
    return json_response({"reports": len(reports)})


@contextmanager
def _once(report: bytes, token: bytes | None) -> Iterator[bool]:
    """Yields whether this report is new. A failure while acting on it forgets it, because the relay then repeats it.

    Raises SignatureWrong if another report came with the same token. Without Redis every report is new: counting a
    bounce twice does less harm than missing it.
    """
    new = _remember(report)
    if new and token is not None and not _remember(token):
        _forget(report)
        raise relays.SignatureWrong
    try:
        yield new
    except Exception:
        for key in filter(None, (report, token)):
            _forget(key)
        raise


def _remember(key: bytes) -> bool:
    try:
        return services().redis_store.remember(key, REMEMBERED_SECONDS)
    except RedisUnavailable:
        return True


def _forget(key: bytes) -> None:
    with suppress(RedisUnavailable):
        services().redis_store.forget(key)
