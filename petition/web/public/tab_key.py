"""The key to what a signer's tab keeps across a reload: half of it here, half of it there (decision 0036).

Guards that a browser's disk holds nothing that can be read: the tab stores its step of signing encrypted, the key is
kept here for half an hour under a random id, and either half alone is noise. Refuses to know more: no campaign, no
address, no challenge and no signature comes along. Ids stand in bodies, so that no log has them; only JSON is taken,
which a page of another site cannot send here.
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
    """Keep a key that the tab made."""
    form = TabKeyForm.from_json(json_object())
    wait = services().redis_store.keep_tab_key(_hashed(form), form.key.data, network())
    if wait is not None:
        raise TooManyRequests(retry_after=wait)
    return json_response({"state": "kept"})


@bp.post("/read")
def read() -> Response:
    """The key again, for the tab that was loaded anew; 404 once it is gone."""
    key = services().redis_store.tab_key(_hashed(TabForm.from_json(json_object())))
    return json_response({"key": b64u(key)}) if key else abort(404)


@bp.post("/forget")
def forget() -> Response:
    """The tab needs it no more."""
    services().redis_store.forget_tab_key(_hashed(TabForm.from_json(json_object())))
    return json_response({"state": "forgotten"})


def _hashed(form: TabForm) -> bytes:
    return sha256(form.id.data).digest()
