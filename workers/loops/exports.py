"""Makes an exported file and commits its progress while it grows.

Only one process makes a file at a time: it holds the file's lock in the session that reads, and the lock ends with the
process.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from petition.core import db
from petition.usecases import exports, files


def make_export(export_id: bytes, home: Path, now: datetime) -> None:
    """Make a file, unless another process is making it or it is already made."""
    with db.session() as reading:
        if not exports.try_lock(reading, export_id):
            return
        with db.transaction() as session:
            export = exports.begin(session, export_id)
        if export is None:
            return
        rows = exports.rows_of(reading, export)
        files.write(files.path(home, export_id), rows, lambda done: _record_progress(export_id, done, rows.total))
    with db.transaction() as session:
        exports.finish(session, export_id, now)


def _record_progress(export_id: bytes, done: int, total: int) -> None:
    with db.transaction() as session:
        exports.record_progress(session, export_id, done, total)
