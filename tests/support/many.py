"""Many signatures at once, written by the database itself: rows as the ledger leaves them, without their proofs."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.epochs.history import Epoch
from petition.ledger import log

NAMED = text(
    "INSERT INTO signature (campaign_id, index, hw, leaf, epoch, state, salt, show, name, role, team, comment, "
    "publish_at, sealed_until, public, ticket, used) SELECT :cid, n, sha256(convert_to('w' || n, 'utf8')), sha256(convert_to('l' || n, 'utf8')), 1, "
    "'logged', NULL, 'name', 'Alice Example ' || n, 'Engineer', 'Platform', 'Comment number ' || n || ', in a few words', "
    "0, 0, true, '', 0 FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n"
)


def signed(session: Session, campaign: Campaign, n: int) -> None:
    """So many public names, counted in one epoch."""
    head = log.head_of(session, campaign.id)
    session.execute(NAMED, {"cid": campaign.id, "first": head.size, "last": head.size + n - 1})
    head.size, head.counted, head.epoch = head.size + n, head.counted + n, head.epoch + 1
    at = datetime.combine(head.day, time(12), UTC)
    row = {
        "signed": n,
        "withdrawn": 0,
        "removed": 0,
        "counted": head.counted,
        "issued": head.counted,
        "size": head.size,
    }
    session.add(Epoch(campaign_id=campaign.id, number=head.epoch, day=head.day, at=at, checkpoint="", **row))
    session.flush()


def peak_megabytes() -> float:
    """The most memory this program held since it began (Linux), not the process that forked it: ru_maxrss keeps that."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
