"""Keeps the key to the signing step that a browser tab stores across a reload (decision 0036).

A browser's disk contains nothing readable: the tab stores its step encrypted, and the key is kept here for half an hour
under a random id. Neither half is readable without the other. The server receives no campaign, address, challenge or
signature. Ids are sent in bodies, so that no log contains them. Only JSON is accepted, which a page of another site
cannot send here.
"""

from __future__ import annotations

from hashlib import sha256

from flask import Blueprint, Response, abort
from werkzeug.exceptions import TooManyRequests

from petition.core.encoding import b64u
from petition.web.forms.public import TabForm, TabKeyForm
from petition.web.json_http import json_object, json_response
from petition.web.network import network
from petition.web.services import services

bp = Blueprint("tab_key", __name__, url_prefix="/tab-key")


@bp.post("/keep")
def keep() -> Response:
    """Store a key that the tab made."""
    form = TabKeyForm.from_json(json_object())
    wait = services().redis_store.keep_tab_key(_hashed(form), form.key.data, network())
    if wait is not None:
        raise TooManyRequests(retry_after=wait)
    return json_response({"state": "kept"})


@bp.post("/read")
def read() -> Response:
    """Returns the key, for a tab that was reloaded. Answers 404 once it is gone."""
    key = services().redis_store.tab_key(_hashed(TabForm.from_json(json_object())))
    return json_response({"key": b64u(key)}) if key else abort(404)


@bp.post("/forget")
def forget() -> Response:
    """Delete the key when the tab no longer needs it."""
    services().redis_store.forget_tab_key(_hashed(TabForm.from_json(json_object())))
    return json_response({"state": "forgotten"})


def _hashed(form: TabForm) -> bytes:
    return sha256(form.id.data).digest()
