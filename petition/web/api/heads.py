"""Past heads of the ledger, and proofs that a later head only added to an earlier one (RFC 9162 §2.1.4)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from flask import request
from werkzeug.exceptions import BadRequest, NotFound

from petition.core import db
from petition.core.encoding import b64u
from petition.core.ids import CampaignId
from petition.epochs import history
from petition.epochs.history import KeptCheckpoint
from petition.ledger import log
from petition.publication import Snapshot
from petition.web import page_cache
from petition.web.forms.fields import DIGITS
from petition.web.services import services

PAGE_SIZE: Final = 100


def checkpoints(slug: str) -> dict[str, Any]:
    """Returns heads of the epochs before a number. `before` in the answer leads to older ones."""
    found = checkpoints_before(page_cache.snapshot(slug), query_number("before", 0))
    heads = [asdict(each) | {"day": each.day.isoformat()} for each in found]
    return {"checkpoints": heads} | ({"before": found[-1].epoch} if len(found) == PAGE_SIZE else {})


def consistency(slug: str) -> dict[str, Any]:
    """Returns the proof between two public sizes. Answers 404 for sizes beyond the newest head.

    `new` defaults to the size of the newest head.
    """
    snapshot = page_cache.snapshot(slug)
    old, new = query_number("old", 0), query_number("new", snapshot.size)
    if not old <= new <= snapshot.size:
        raise NotFound
    with db.session() as session:
        proof = log.tree(session, CampaignId(bytes.fromhex(snapshot.id)), snapshot.size).consistency_proof(old, new)
    return {"old": old, "new": new, "proof": [b64u(each) for each in proof]}


def checkpoints_before(snapshot: Snapshot, before: int) -> list[KeptCheckpoint]:
    """Returns at most a hundred heads of the epochs before a number. It is empty while nothing is public."""
    if snapshot.count is None:
        return []
    with db.session() as session:
        return history.checkpoints(
            session, services().page_cache.campaign(snapshot.slug), before=before, most=PAGE_SIZE
        )


def query_number(name: str, default: int) -> int:
    """Returns a whole number from the query. Answers 400 for anything else."""
    text = request.args.get(name, str(default))
    if not DIGITS.fullmatch(text):
        raise BadRequest
    return int(text)
