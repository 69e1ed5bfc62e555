"""What a request makes the servers do: SQL statements, rows written, Redis commands, password hashes, messages.

Two requests that do the same work take the same time for whatever reason a clock could show; this says so without a
clock, the same on a quiet machine and on a busy one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
from sqlalchemy import Connection, Engine, event, text

from petition.core import db

TRACE_ROWS = """
CREATE UNLOGGED TABLE IF NOT EXISTS written (place text NOT NULL);
CREATE OR REPLACE FUNCTION trace_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO public.written VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
  RETURN NULL;
END $$;
DO $$
DECLARE place regclass;
BEGIN
  FOR place IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('public', 'verification') AND c.relname <> 'written'
  LOOP
    EXECUTE format('CREATE TRIGGER trace_row AFTER INSERT OR UPDATE OR DELETE ON %s
                    FOR EACH ROW EXECUTE FUNCTION trace_row()', place);
  END LOOP;
END $$;
"""


@dataclass
class Work:
    """What was done: statements in order, rows written by table, Redis commands by name, and messages by kind."""

    statements: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)


@contextmanager
def counted_queries(engine: Engine | None = None) -> Iterator[list[str]]:
    """The SQL statements that an engine, this process's by default, is given while the block lasts, in order."""
    watched = engine or db.engine()
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(watched, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(watched, "before_cursor_execute", note)


def number_of_queries(act: Callable[[], object]) -> int:
    """How many SQL statements something sends."""
    with counted_queries() as statements:
        act()
    return len(statements)


class WorkCounter:
    """Counts the work of one installation; puts a trigger on every table of its database, which no other test shares.

    The owner of the database puts it there and counts; the work is that of this process's engine.
    """

    def __init__(self, owner: Engine, redis_url: str) -> None:
        self._owner = owner
        self._redis = redis.Redis.from_url(redis_url)
        with owner.begin() as connection:
            connection.execute(text(TRACE_ROWS))

    @contextmanager
    def work(self) -> Iterator[Work]:
        """The work that is done while the block lasts; rows count whether inserted, updated or deleted."""
        done = Work()
        with self._owner.begin() as connection:
            connection.execute(text("TRUNCATE written"))
        before = self._commands()
        with counted_queries() as statements:
            yield done
        done.commands = self._commands() - before
        done.statements = statements
        with self._owner.connect() as connection:
            done.rows = _rows(connection)

    def _commands(self) -> Counter[str]:
        stats = self._redis.info("commandstats")
        counts = {name.removeprefix("cmdstat_"): int(each["calls"]) for name, each in stats.items()}
        return Counter({name: calls for name, calls in counts.items() if name != "info"})


def _rows(connection: Connection) -> Counter[str]:
    return Counter(
        {place: n for place, n in connection.execute(text("SELECT place, count(*) FROM written GROUP BY 1"))}
    )
