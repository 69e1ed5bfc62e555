"""What stands in an exported file, and how it gets onto the disk whole.

Guards constant memory: rows come through a cursor on the server's side and leave one by one. Guards the disk: nobody but
this system's user may read a file, and it has its name only once it is complete. Refuses rows that are not public.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TextIO

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign
from petition.core import failpoints
from petition.core.ids import CampaignId, OrganiserId
from petition.epochs import history
from petition.organisers import Organiser, audit_log
from petition.usecases import cells
from petition.usecases.tables import ExportKind

NOBODY: Final = OrganiserId(b"")
AT_ONCE: Final = 2_000
TOLD_EVERY: Final = 20_000
PART: Final = ".part"
FIGURES: Final = ("day", "signed", "withdrawn", "removed", "counted", "issued")

Write = Callable[[TextIO], Iterator[None]]


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows there will be, and what writes them, one for each turn."""

    total: int
    write: Write


def path(home: Path, export_id: bytes) -> Path:
    """Where a file lies; who asks for it gets it under another name."""
    return home / "exports" / export_id.hex()


def rows_of(session: Session, campaign: Campaign, kind: ExportKind, *, names: bool) -> Rows:
    """What a kind of file holds. `names`: whether names are public at all."""
    if kind is ExportKind.SIGNERS:
        return _signers(session, campaign.id) if names else Rows(0, lambda file: _table(file, SIGNERS, iter(())))
    if kind is ExportKind.JOURNAL:
        return _journal(session, campaign.id)
    figures = history.by_day(session, campaign.id)
    if kind is ExportKind.FIGURES_JSON:
        return Rows(len(figures), lambda file: _figures_json(file, campaign.slug, figures))
    lines = ([each.day.isoformat(), *list(asdict(each).values())[1:]] for each in figures)
    return Rows(len(figures), lambda file: _table(file, FIGURES, lines))


def write(target: Path, rows: Rows, record_progress: Callable[[int], None]) -> None:
    """Write a file under another name, then give it its own; `tell` hears how many rows are done."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for half in target.parent.glob(f"{target.name}.*{PART}"):  # of one who was killed: whoever writes holds the lock
        half.unlink(missing_ok=True)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PART}")
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    done = 0
    record_progress(done)
    with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
        for done, _ in enumerate(rows.write(file), start=1):
            if done % TOLD_EVERY == 0:
                record_progress(done)
                failpoints.reach("export")
        file.flush()
        os.fsync(file.fileno())
    failpoints.reach("export-named")
    part.replace(target)
    record_progress(done)


def every(home: Path) -> list[Path]:
    """Every file and half of one that lies there."""
    folder = home / "exports"
    return list(folder.iterdir()) if folder.exists() else []


def keep_only(there: Collection[Path], living: Collection[str]) -> None:
    """Delete files whose row is gone, with their halves."""
    for each in there:
        if each.name.partition(".")[0] not in living:
            each.unlink(missing_ok=True)


SIGNERS: Final = ("name", "role", "team", "comment")


def _signers(session: Session, campaign_id: CampaignId) -> Rows:
    people = ((each.name, each.role, each.team, each.comment) for each in signatures.every_name(session, campaign_id))
    return Rows(signatures.count_cells(session, campaign_id).named, lambda file: _table(file, SIGNERS, people))


def _journal(session: Session, campaign_id: CampaignId) -> Rows:
    lines = audit_log.lines(campaign_id)
    total = session.scalar(select(func.count()).select_from(lines.order_by(None).subquery())) or 0
    return Rows(
        total, lambda file: _table(file, ("number", "at", "by", "action", "about"), _audit_rows(session, lines))
    )


def _audit_rows(session: Session, lines: Select[audit_log.AuditEntry]) -> Iterator[tuple[str | int, ...]]:
    names = {organiser_id: name for organiser_id, name in session.execute(select(Organiser.id, Organiser.name))}
    for each in session.scalars(lines.execution_options(yield_per=AT_ONCE)):
        about = json.dumps(each.about, ensure_ascii=False, sort_keys=True)
        yield (
            each.number,
            each.at.isoformat(timespec="seconds"),
            names.get(each.by or NOBODY, ""),
            each.action.value,
            about,
        )


def _table(
    file: TextIO, head: tuple[str, ...], rows: Iterator[tuple[str | int, ...] | list[str | int]]
) -> Iterator[None]:
    """A CSV file; its mark of UTF-8 makes spreadsheets read accents."""
    file.write("\ufeff")
    table = cells.writer(file)
    table.writerow(head)
    for each in rows:
        table.writerow(cells.row(each))
        yield


def _figures_json(file: TextIO, slug: str, figures: list[history.DayFigures]) -> Iterator[None]:
    days = [asdict(each) | {"day": each.day.isoformat()} for each in figures]
    json.dump({"campaign": slug, "days": days}, file, indent=1)
    yield from (None for _ in days)
