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

# ("schema.table.column", Datum(…)), in the order of the pages; sentences are marked for translation.
ROWS: tuple[Row, ...] = ()


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
