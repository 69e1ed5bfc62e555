"""Dumps of a database as `pg_dump` writes them, and what somebody reads in one who has no key."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import make_url

from petition.bootstrap.postgres import binaries

TABLE = re.compile(r"^COPY ([a-z_.]+) \((.*)\) FROM stdin;$")
RANDOM = re.compile(r"[\w+/=-]{32,}", re.ASCII)
"""What looks random to somebody without a key: keyed tags, sealed values, hashes, ids. They are long."""
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Dump:
    """The rows of each table in the order in which they lie, and when they were read."""

    at: datetime
    tables: dict[str, list[Row]]

    def rows(self, table: str) -> list[Row]:
        """Returns the rows of a table, none of one that does not exist."""
        return self.tables.get(table, [])

    def without_keys(self) -> dict[str, list[str]]:
        """Returns what remains of each table without what looks random, in an order that does not depend on it."""
        return {
            name: sorted(RANDOM.sub("•", "\t".join(row.values())) for row in rows) for name, rows in self.tables.items()
        }


def dumped(url: str, at: datetime) -> Dump:
    """Dump a database, whose owner's address this is."""
    parts = make_url(url)
    where = ["--host", str(parts.query.get("host", parts.host)), "--username", str(parts.username)]
    words = [str(binaries() / "pg_dump"), "--data-only", *where, "--dbname", str(parts.database)]
    text = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    tables: dict[str, list[Row]] = {}
    columns: list[str] = []
    rows: list[Row] | None = None
    for line in text.splitlines():
        if found := TABLE.match(line):
            columns, rows = found[2].replace('"', "").split(", "), tables.setdefault(found[1], [])
        elif line == r"\.":
            rows = None
        elif rows is not None:
            rows.append(dict(zip(columns, line.split("\t"), strict=True)))
    return Dump(at, tables)
