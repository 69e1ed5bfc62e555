"""Answers the operator's probe: which network does a request seem to come from (`petition.operation.probe`).

For everybody without a fresh token of this installation the page does not exist, whatever the method. A token works once.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, g, request

from petition.core import clock
from petition.operation import probe
from petition.operation.probe import ProbeRefused
from petition.web.network import seen
from petition.web.services import services

NO_STORE: Final = {"Cache-Control": "no-store"}

bp = Blueprint("probe", __name__)


@bp.before_app_request
def hide_from_others() -> None:
    """Answers 404 to a request for the probe without a token that is good. Raises RedisUnavailable."""
    if request.path == probe.PATH:
        g.probe = _token()


@bp.get(probe.PATH)
def answer() -> Response:
    """Returns what this process sees of the request, signed for its token."""
    config = services().config
    text = probe.answer(config.secret_keys, g.probe, seen(request.environ, config.trusted_proxies))
    return Response(f"{text}\n", content_type="text/plain", headers=NO_STORE)


def _token() -> str:
    """Returns the token of this request, which is used up by it."""
    token = request.headers.get(probe.HEADER, "")
    if not token or len(token) > probe.LONGEST:
        abort(404)
    try:
        once = probe.accept(services().config.secret_keys, token, clock.now())
    except ProbeRefused:
        abort(404)
    if not services().redis_store.remember(once, 2 * probe.SECONDS):
        abort(404)
    return token
