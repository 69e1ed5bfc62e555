"""The shapes of the answers, as JSON Schema: what other people's clients may rely on."""

from __future__ import annotations

from typing import Any, Final

from petition.campaigns import CampaignState, DemandState
from petition.ledger.entries import Show
from petition.milestones import MilestoneKind

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
DAY: Final[Schema] = {"type": ["string", "null"], "format": "date"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
BYTES: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "description": "base64url without padding"}


def _object(optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _one_of(values: type) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}  # type: ignore[attr-defined]


_STATE = _one_of(CampaignState)
_COUNT = {"type": ["integer", "null"], "minimum": 0}
_BODY = _object(show=_one_of(Show), name=TEXT, role=TEXT, team=TEXT, comment=TEXT)
_MILESTONE = _object(kind=_one_of(MilestoneKind), value=NUMBER, reached=DAY)
_RECEIPT = _object(entry=TEXT, salt=BYTES, body=_BODY, withdraw=BYTES, promise=BYTES, by_epoch=NUMBER)
_STANDING = {"type": "string", "enum": ["pending", "logged", "withdrawn", "removed"]}

SCHEMAS: Final[dict[str, Schema]] = {
    "Listing": _list(_object(slug=TEXT, title=TEXT, state=_STATE, count=_COUNT)),
    "Campaign": _object(
        id=TEXT,
        slug=TEXT,
        origin=TEXT,
        state=_STATE,
        title=TEXT,
        addressee=TEXT,
        organisation=TEXT,
        languages=TEXTS,
        letter={"type": "object", "additionalProperties": _object(sha256=TEXT, markdown=TEXT)},
        demands=_list(_object(id=TEXT, text=TEXT, state=_one_of(DemandState))),
        issuer=BYTES,
        ledger_key=TEXT,
        methods=TEXTS,
        domains=TEXTS,
        roles=TEXTS,
        teams=TEXTS,
        opened=DAY,
        closes=DAY,
        workforce={"type": ["integer", "null"]},
        milestones=_list(_MILESTONE),
        count=_COUNT,
        epoch=NUMBER,
        batch=_object(min=NUMBER, interval=NUMBER, max_wait=NUMBER),
    ),
    "Count": _object(
        count=_COUNT,
        epoch=NUMBER,
        day=DAY,
        next={"anyOf": [_object(kind=_one_of(MilestoneKind), value=NUMBER), {"type": "null"}]},
    ),
    "Puzzle": {"type": "object", "description": "an ALTCHA challenge"},
    "Standing": _object(
        ("index", "epoch", "proof"), state=_STANDING, index=NUMBER, epoch=NUMBER, proof=_list(BYTES)
    ),
    "Signers": _object(
        named=_list(_object(name=TEXT, role=TEXT, team=TEXT, comment=TEXT)),
        roles=_list(_object(role=TEXT, n={"type": "integer", "minimum": 10})),
        anonymous=NUMBER,
    ),
    "Kept": _object(challenge=BYTES),
    "Stamp": _object(stamp=BYTES),
    "Signed": _object(receipt=_RECEIPT),
    "State": _object(state=_STANDING),
    "Problem": _object(
        ("errors",),
        type=TEXT,
        title=TEXT,
        status=NUMBER,
        detail=TEXT,
        errors={"type": "object", "additionalProperties": TEXTS},
    ),
}
