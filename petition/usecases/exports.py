"""Exports: files that organisers download. Workers make them in the background, and they are kept for a day.

A file holds only public data or the audit log. A download is always complete: the file is written under another name,
closed, then renamed. The row is the promise. The worker that makes a file holds its lock, which ends with the process,
so that a sweep finds unfinished files and they are made again; a file that failed five times is marked as failed. Names
need the approval of a second organiser (`petition.usecases.approval_rules`). Only a few rows are in memory at a time.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign
from petition.core import db, events
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action
from petition.usecases import approval_rules, files
from petition.usecases.tables import Export, ExportKind, ExportState

LIFE: Final = timedelta(hours=24)
MOST_TRIES: Final = 5
UNFINISHED: Final = (ExportState.WAITING, ExportState.RUNNING)
WORDS: Final = {
    ExportKind.SIGNERS: ("signers", "csv"),
    ExportKind.FIGURES_CSV: ("figures", "csv"),
    ExportKind.FIGURES_JSON: ("figures", "json"),
    ExportKind.AUDIT_LOG: ("journal", "csv"),
}


class ExportUnknown(ExpectedError, LookupError):
    """There is no such file: it was never requested here, is not ready, or was deleted after a day."""

    status = 404


class NoNames(ExpectedError):
    """No name is public, so there is nothing to export."""

    status = 409


def ask(session: Session, campaign: Campaign, kind: ExportKind, actor: Actor) -> Export:
    """Request a file. A file that is already being made is not made twice. Names need `ask_names`."""
    assert kind is not ExportKind.SIGNERS
    return _promise(session, campaign, kind, actor)


def ask_names(session: Session, campaign: Campaign, actor: Actor) -> ApprovalRequest:
    """Ask a second organiser to approve a file of the public names; the request states their number. Raises NoNames."""
    names = public_names(session, campaign)
    if not names:
        raise NoNames
    return approval_rules.ask(session, campaign, ApprovalKind.EXPORT_NAMES, {"names": names}, actor)


def export_names(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Request the file for the organiser who asked, after its approval."""
    _promise(session, campaign, ExportKind.SIGNERS, Actor(request.asked_by, now))


def public_names(session: Session, campaign: Campaign) -> int:
    """Returns how many names the public may see now; 0 below the least number of signatures."""
    return signatures.count_cells(session, campaign.id).named if names_are_public(session, campaign) else 0


def names_are_public(session: Session, campaign: Campaign) -> bool:
    """Returns whether anything about the signers is public."""
    return bool(session.scalar(select(signatures.enough(campaign.id))))


def of(session: Session, campaign_id: CampaignId, now: datetime) -> list[Export]:
    """Returns the current files of a campaign, newest first."""
    query = select(Export).where(Export.campaign_id == campaign_id, Export.until > now)
    return list(session.scalars(query.order_by(Export.at.desc(), Export.id).limit(50)))


def find(session: Session, campaign_id: CampaignId, export_id: bytes, now: datetime) -> Export:
    """Returns a file that is ready. Raises ExportUnknown."""
    query = select(Export).where(Export.id == export_id, Export.campaign_id == campaign_id, Export.until > now)
    found = session.scalar(query.where(Export.state == ExportState.DONE))
    if found is None:
        raise ExportUnknown
    return found


def file_name(slug: str, export: Export) -> str:
    """Returns the name of the download: campaign-signers-2026-11-25.csv."""
    what, kind = WORDS[export.kind]
    return f"{slug}-{what}-{export.at:%Y-%m-%d}.{kind}"


def unfinished(session: Session) -> list[str]:
    """Returns the files that are still to be made, oldest first, for the sweep."""
    query = select(Export.id).where(Export.state.in_(UNFINISHED)).order_by(Export.at).limit(100)
    return [each.hex() for each in session.scalars(query)]


def try_lock(session: Session, export_id: bytes) -> bool:
    """Take the lock of a file until the end of this session. Returns False if another process is making the file."""
    return db.try_hold(session, db.lock_key("export", export_id))


def begin(session: Session, export_id: bytes) -> Export | None:
    """Record that a file is being made. Returns None if it need not be made, or failed too often."""
    export = session.get(Export, export_id, with_for_update=True)
    if export is None or export.state not in UNFINISHED:
        return None
    if export.tries >= MOST_TRIES:
        export.state = ExportState.FAILED
        return None
    export.tries, export.state, export.done = export.tries + 1, ExportState.RUNNING, 0
    return export


def rows_of(session: Session, export: Export) -> files.Rows:
    """Returns the content of a file, which is read while it is written."""
    campaign = session.get_one(Campaign, export.campaign_id)
    return files.rows_of(session, campaign, export.kind, names=names_are_public(session, campaign))


def record_progress(session: Session, export_id: bytes, done: int, total: int) -> None:
    """Record how many rows are written, for the page that shows the file."""
    if (export := session.get(Export, export_id)) is not None:
        export.done, export.total = done, max(done, total)


def finish(session: Session, export_id: bytes, now: datetime) -> None:
    """Record that a file is ready, unless it has expired."""
    if (export := session.get(Export, export_id)) is not None and export.until > now:
        export.state, export.total = ExportState.DONE, export.done


def purge(session: Session, home: Path, now: datetime) -> None:
    """Delete expired files and rows, and leftovers of killed workers."""
    # This list comes first, because every file that is made from now on has a row that the query below finds.
    there = files.every(home)
    session.execute(delete(Export).where(Export.until <= now))
    living = {each.hex() for each in session.scalars(select(Export.id))}
    files.keep_only(there, living)


def _promise(session: Session, campaign: Campaign, kind: ExportKind, actor: Actor) -> Export:
    db.hold(session, db.lock_key("exports of", campaign.id))
    mine = (Export.campaign_id == campaign.id) & (Export.kind == kind)
    found = session.scalar(select(Export).where(mine, Export.state.in_(UNFINISHED), Export.until > actor.now))
    if found is None:
        found = Export(
            id=secrets.token_bytes(16), campaign_id=campaign.id, kind=kind, state=ExportState.WAITING, done=0, total=0,
            tries=0, by=actor.by, at=actor.now, until=actor.now + LIFE,
        )  # fmt: skip
        session.add(found)
        session.flush()
        audit_log.write(session, campaign.id, actor, Action.EXPORTED, {"kind": kind.value})
    events.announce(session.info, events.ExportWanted(found.id.hex()))
    return found
