"""The schemas of the answers, in JSON Schema 2020-12, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from petition.campaigns import CampaignState, DemandState
from petition.campaigns.milestones import MilestoneKind
from petition.ledger.entries import Removal, Visibility
from petition.signatures.group_figures import LEAST, STEP

Schema = dict[str, Any]


def binary(length: int) -> Schema:
    """Returns the schema of `length` bytes in base64url without padding."""
    return {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{{(length * 4 + 2) // 3}}}$"}


def listed(each: Schema) -> Schema:
    """Returns the schema of an array."""
    return {"type": "array", "items": each}


def record(optional: tuple[str, ...] = (), /, **fields: Schema) -> Schema:
    """Returns the schema of an object with exactly these fields."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def or_null(schema: Schema) -> Schema:
    """Returns the schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def by_key(each: Schema) -> Schema:
    """Returns the schema of an object with arbitrary keys."""
    return {"type": "object", "additionalProperties": each}


TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
AT_LEAST: Final[Schema] = {"type": "integer", "minimum": LEAST, "multipleOf": STEP}
FLAG: Final[Schema] = {"type": "boolean"}
DAY: Final[Schema] = {"type": "string", "format": "date"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
HEX32: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
HEX64: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
STATE: Final[Schema] = {"enum": [str(each) for each in CampaignState]}
KIND: Final[Schema] = {"enum": [str(each) for each in MilestoneKind]}
MILESTONE: Final[Schema] = record(kind=KIND, value=NUMBER)
BODY: Final[Schema] = record(
    show={"enum": [str(each) for each in Visibility]}, name=TEXT, role=TEXT, team=TEXT, comment=TEXT
)

SHAPES: Final[dict[str, Schema]] = {
    "Listing": listed(record(slug=TEXT, title=TEXT, state=STATE, count=or_null(NUMBER))),
    "Campaign": record(
        id=HEX32,
        slug=TEXT,
        origin=TEXT,
        state=STATE,
        title=TEXT,
        addressee=TEXT,
        organisation=TEXT,
        languages=listed(TEXT),
        letter=by_key(record(sha256=HEX64, markdown=TEXT)),
        demands=listed(record(id=TEXT, text=TEXT, state={"enum": [str(each) for each in DemandState]})),
        groups=listed(
            record(
                id=TEXT,
                name=by_key(TEXT),
                issuer=TEXT,
                methods=listed(TEXT),
                domains=listed(TEXT),
                count=or_null(NUMBER),
            )
        ),
        k=NUMBER,
        ledger_key=TEXT,
        roles=listed(TEXT),
        teams=listed(TEXT),
        opened=or_null(DAY),
        closes=or_null(DAY),
        workforce=or_null(NUMBER),
        milestones=listed(record(kind=KIND, value=NUMBER, reached=or_null(DAY))),
        count=or_null(NUMBER),
        epoch=NUMBER,
        interval=NUMBER,
        since=or_null(MOMENT),
    ),
    "Count": record(count=or_null(NUMBER), epoch=NUMBER, day=or_null(DAY), next=or_null(MILESTONE)),
    "Puzzle": record(parameters={"type": "object"}, signature=TEXT),
    "Kept": record(challenge=binary(16)),
    "Stamp": record(stamp=binary(256)),
    "Signed": record(
        receipt=record(entry=TEXT, salt=binary(32), body=BODY, ticket=binary(16), promise=binary(64), by_epoch=NUMBER)
    ),
    "Amended": record(receipt=record(commitment=binary(32), salt=binary(32), body=BODY)),
    "State": record(state={"enum": ["pending", "logged", "withdrawn", "removed"]}),
    "Asked": record(state={"const": "asked"}),
    "Standing": record(
        ("index", "epoch", "size", "proof", "why", "used", "amends"),
        state={"enum": ["pending", "logged", "withdrawn", "removing", "removed"]},
        why={"enum": [str(each) for each in Removal]},
        index=NUMBER,
        epoch=NUMBER,
        size=NUMBER,
        proof=listed(binary(32)),
        used=NUMBER,
        amends=FLAG,
    ),
    "Signers": record(
        named=listed(record(name=TEXT, role=TEXT, team=TEXT, comment=TEXT)),
        roles=listed(record(role=TEXT, n=AT_LEAST)),
        anonymous=NUMBER,
    ),
    "Breakdown": record(
        by=listed(record(kind={"enum": ["role", "team"]}, cells=listed(record(value=TEXT, n=AT_LEAST)), other=FLAG)),
        rounded_to=NUMBER,
        least=NUMBER,
        epoch=NUMBER,
    ),
    "Checkpoints": record(
        ("before",),
        checkpoints=listed(record(epoch=NUMBER, day=DAY, size=NUMBER, note=TEXT)),
        before=NUMBER,
    ),
    "Consistency": record(old=NUMBER, new=NUMBER, proof=listed(binary(32))),
    "Problem": record(
        ("errors",),
        type=TEXT,
        title=TEXT,
        status={"type": "integer"},
        detail=TEXT,
        errors=by_key(listed(TEXT)),
    ),
}
