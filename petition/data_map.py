"""The data map: every column of the database, what it is, how long it lives, what a thief would get from it.

Guards against the column that nobody thought about: a test fails on a column without a row here, and the page
"what a seizure would yield" is made from these rows. Refuses a column named twice or named loosely.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from petition.i18n import marked as _

COLUMN = re.compile(r"[a-z_]+\.[a-z0-9_]+\.[a-z0-9_]+", re.ASCII)


class Kind(StrEnum):
    """What a value is to somebody who took the disk."""

    public = "public"
    keyed = "keyed"
    sealed = "sealed"
    personal = "personal"
    operational = "operational"


@dataclass(frozen=True, slots=True)
class Datum:
    """One column: its kind, how long a value lives, and what a seizure of it yields (two short sentences)."""

    kind: Kind
    life: str
    seizure: str


class DataMapWrong(ValueError):
    """A row of the data map names a column loosely or a second time."""


Row = tuple[str, Datum]


FOR_GOOD = _("for good")
TO_EPOCH = _("until the next batch is written")
TO_CLOSE = _("until the letter closes")
TO_HIDE = _("until it is hidden or withdrawn, or six months after the letter closed")
A_DAY = _("a day")
AS_LETTER = _("as long as the letter")
MINUTES = _("until the work is done")


def _columns(table: str, names: str, kind: Kind, life: str, seizure: str) -> tuple[Row, ...]:
    """Rows for columns of one table about which the same is to be said."""
    return tuple((f"{table}.{name}", Datum(kind, life, seizure)) for name in names.split())


LETTER = _("The letter and its settings, as published.")
LEDGER = _("The ledger, as published.")
WAITING = _("A signature as it will be published; not whose it is.")
BODY = _("What a signer chose to show, as published; a sealed name before its time.")

# In the order of the page; sentences are marked for translation.
ROWS: tuple[Row, ...] = (
    *_columns(
        "verification.tag",
        "campaign_id tag",
        Kind.keyed,
        TO_CLOSE,
        _("That so many people were verified. Who they are only with the pepper, which is kept elsewhere."),
    ),
    *_columns(
        "verification.mail_cap",
        "key day n",
        Kind.keyed,
        A_DAY,
        _("That so many codes were asked for today. For which addresses only with the pepper."),
    ),
    *_columns(
        "verification.stamped",
        "reply day",
        Kind.keyed,
        A_DAY,
        _("That a reply may be asked for again. It leads to nobody and to no signature."),
    ),
    *_columns("verification.issuer", "campaign_id sealed_key", Kind.sealed, TO_CLOSE, _("A key, encrypted.")),
    *_columns("verification.issued", "campaign_id method n", Kind.public, FOR_GOOD, LEDGER),
    *_columns("public.pending", "name role team comment", Kind.personal, TO_EPOCH, BODY),
    *_columns("public.pending", "campaign_id hw leaf line salt show publish_at state", Kind.public, TO_EPOCH, WAITING),
    *_columns("public.signature", "name role team comment", Kind.personal, TO_HIDE, BODY),
    *_columns(
        "public.signature",
        "campaign_id index hw leaf epoch state salt show publish_at public",
        Kind.public,
        FOR_GOOD,
        LEDGER,
    ),
    *_columns("public.spent", "campaign_id hw", Kind.public, FOR_GOOD, _("Which passes were used; not by whom.")),
    *_columns(
        "public.withdrawal",
        "campaign_id hw w",
        Kind.public,
        TO_EPOCH,
        _("That a signature is being withdrawn, as the next batch will say."),
    ),
    *_columns(
        "public.waiting_removal",
        "campaign_id index why",
        Kind.public,
        TO_EPOCH,
        _("That organisers are removing a signature, as the next batch will say."),
    ),
    *_columns("public.entry", "campaign_id index leaf line", Kind.public, FOR_GOOD, LEDGER),
    *_columns("public.tile", "campaign_id level index hashes", Kind.public, FOR_GOOD, LEDGER),
    *_columns(
        "public.head",
        "campaign_id size epoch day root checkpoint counted withdrawn removed issued public",
        Kind.public,
        FOR_GOOD,
        LEDGER,
    ),
    *_columns("public.head", "sealed_key", Kind.sealed, FOR_GOOD, _("A key, encrypted.")),
    *_columns("public.head", "epoch_at", Kind.operational, TO_EPOCH, _("When the last batch was written.")),
    *_columns(
        "public.campaign",
        "id slug origin state languages addressee addressee_role organisation organisers notice methods domains roles "
        "teams workforce workforce_source batch_min interval max_wait public_min opens_at closes_at opened closed issuer",
        Kind.public,
        AS_LETTER,
        LETTER,
    ),
    *_columns("public.campaign", "stale", Kind.operational, MINUTES, _("That the public pages are about to change.")),
    *_columns("public.letter", "campaign_id lang title markdown sha256", Kind.public, AS_LETTER, LETTER),
    *_columns("public.demand", "campaign_id number text state since source", Kind.public, AS_LETTER, LETTER),
    *_columns("public.update", "campaign_id number day text", Kind.public, AS_LETTER, LETTER),
    *_columns("public.goal", "campaign_id kind value", Kind.public, AS_LETTER, LETTER),
    *_columns("public.milestone", "campaign_id kind value epoch day", Kind.public, AS_LETTER, LETTER),
    *_columns("public.publication", "campaign_id slug version data", Kind.public, AS_LETTER, LETTER),
    *_columns(
        "public.owed",
        "id kind campaign_id number since leased_until tries given_up",
        Kind.operational,
        MINUTES,
        _("Which files are still to be written for which batch."),
    ),
    *_columns("public.job_slot", "job slot", Kind.operational, A_DAY, _("When the servers last tidied up.")),
)


def data_map(rows: Iterable[Row]) -> Mapping[str, Datum]:
    """Index rows by column, keeping their order; raise DataMapWrong."""
    found: dict[str, Datum] = {}
    for column, datum in rows:
        if COLUMN.fullmatch(column) is None:
            msg = f"write {column!r} as schema.table.column"
            raise DataMapWrong(msg)
        if column in found:
            msg = f"{column} stands in the data map twice"
            raise DataMapWrong(msg)
        found[column] = datum
    return MappingProxyType(found)


DATA_MAP: Mapping[str, Datum] = data_map(ROWS)
