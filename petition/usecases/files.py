"""The content of exported files, and how they are written to the disk.

Memory use is constant: rows come through a server-side cursor and are written one by one. Only this system's user can
read a file, and it gets its name only when it is complete. Rows that are not public are excluded.
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
PROGRESS_EVERY: Final = 20_000
PART: Final = ".part"
FIGURES: Final = ("day", "signed", "withdrawn", "removed", "counted", "issued")

Write = Callable[[TextIO], Iterator[None]]


@dataclass(frozen=True, slots=True)
class Rows:
    """The number of rows, and a function that writes them, one for each step."""

    total: int
    write: Write


def path(home: Path, export_id: bytes) -> Path:
    """Returns the path of a file. Its download has another name."""
    return home / "exports" / export_id.hex()


def rows_of(session: Session, campaign: Campaign, kind: ExportKind, *, names: bool) -> Rows:
    """Returns the content of a kind of file. `names`: whether names are public at all."""
    if kind is ExportKind.SIGNERS:
        return _signers(session, campaign.id) if names else Rows(0, lambda file: _table(file, SIGNERS, iter(())))
    if kind is ExportKind.AUDIT_LOG:
        return _audit_log(session, campaign.id)
    figures = history.by_day(session, campaign.id)
    if kind is ExportKind.FIGURES_JSON:
        return Rows(len(figures), lambda file: _figures_json(file, campaign.slug, figures))
    lines = ([each.day.isoformat(), *list(asdict(each).values())[1:]] for each in figures)
    return Rows(len(figures), lambda file: _table(file, FIGURES, lines))


def write(target: Path, rows: Rows, record_progress: Callable[[int], None]) -> None:
    """Write a file under another name, then rename it. `record_progress` gets the number of rows that are done."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # These parts belong to killed workers, because the current writer holds the lock.
    for half in target.parent.glob(f"{target.name}.*{PART}"):
        half.unlink(missing_ok=True)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PART}")
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    done = 0
    record_progress(done)
    with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
        for done, _ in enumerate(rows.write(file), start=1):
            if done % PROGRESS_EVERY == 0:
                record_progress(done)
                failpoints.reach("export")
        file.flush()
        os.fsync(file.fileno())
    failpoints.reach("export-named")
    part.replace(target)
    record_progress(done)


def every(home: Path) -> list[Path]:
    """Returns every file and partial file in the folder."""
    folder = home / "exports"
    return list(folder.iterdir()) if folder.exists() else []


def keep_only(there: Collection[Path], living: Collection[str]) -> None:
    """Delete files whose row is gone, with their parts."""
    for each in there:
        if each.name.partition(".")[0] not in living:
            each.unlink(missing_ok=True)


SIGNERS: Final = ("name", "role", "team", "comment")


def _signers(session: Session, campaign_id: CampaignId) -> Rows:
    people = ((each.name, each.role, each.team, each.comment) for each in signatures.every_name(session, campaign_id))
    return Rows(signatures.count_cells(session, campaign_id).named, lambda file: _table(file, SIGNERS, people))


def _audit_log(session: Session, campaign_id: CampaignId) -> Rows:
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
    """Write a CSV file. Its byte order mark makes spreadsheets decode accents correctly."""
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
