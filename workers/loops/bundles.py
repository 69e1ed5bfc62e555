"""Writes the bundle that an outbox row asks for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from petition.core import db, outbox
from petition.publication import bundle_file


def publish_bundle(outbox_id: str, home: Path, now: datetime) -> None:
    """Claim the row, write the file, settle the row. A second caller finds nothing to do."""
    with db.transaction() as session:
        row = outbox.claim(session, outbox_id, now)
    if row is None:
        return
    with db.session() as session:
        bundle_file.write_epoch(session, row.campaign_id, row.number, home)
    with db.transaction() as session:
        outbox.settle(session, outbox_id)
