"""Brings a restored ledger up to the public one, from its newer bundle.

This preserves what happened after the backup. What signers withdrew or hid, and what organisers removed, is deleted
again. What people signed counts, and their passes are spent. The log continues where it was and ends in the published
root. A bundle cannot distinguish a hidden body from a sealed one, so a body that it does not show is deleted in case of
doubt (decision 0027). A bundle that is not a continuation is rejected by the public script (`petition.ledger.verify`).
A row that lost its body never gets it back.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from petition import campaigns, publication, verification
from petition.backup.errors import LedgerRefused
from petition.backup.ledger_replay import LedgerReplay
from petition.campaigns import Campaign
from petition.core.encoding import unb64u
from petition.core.ids import CampaignId
from petition.epochs.slots import Slots
from petition.ledger import checkpoint, entries, log, verify
from petition.ledger.entries import CampaignEntry, Visibility
from petition.signatures.tables import Signature, SignatureState, WaitingRemoval
from petition.signatures.visibility import fold_names
from petition.signatures.withdrawal import GONE, UNSHOWN

UNREADABLE: Final = (
    OSError, ValueError, KeyError, TypeError, RuntimeError, RecursionError, EOFError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
AT_ONCE: Final = 2_000
UNSYNCED: Final = {"synchronize_session": False}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Replayed:
    """The effect of a newer ledger.

    Signatures that came after the backup, signatures withdrawn or removed after it, bodies deleted because the bundle
    does not show them, waiting signatures that can no longer be entered because the ledger is closed, and passes issued
    after the backup, whose holders the restored copy does not know.
    """

    signed: int
    ended: int
    bodies: int
    late: int
    passes: int


def replay(session: Session, path: Path, now: datetime, *, keep_sealed: bool = False) -> tuple[str, Replayed]:
    """Apply a newer bundle to its campaign. Returns the campaign's slug and the effect. Raises LedgerRefused."""
    with _archive(path) as archive:
        campaign = _campaign_of(session, archive, path)
        head = log.head_of(session, campaign.id, lock=True)
        recount = _recounted(archive, path, campaign, head)
        letters = verify.open_bundle(archive).letters
        continuing = LedgerReplay(session, campaign, head, letters, now)
        before, size = sum(verification.issued(session, campaign.id).values()), head.size
        for line in islice(verify.lines_of(archive, "log.jsonl"), head.size, None):
            continuing.take(line)
        if (head.size, head.root, head.counted) != (recount.size, recount.root(), recount.counted):
            raise LedgerRefused(f"{path}: the restored ledger does not end as this bundle does.")
        # The bundle was written after the backup, so what it shows was not being removed any more.
        if head.size > size:
            _take_back(session, campaign.id, recount.shown)
            # The slot in which this happens may be the one in which the bundle's last batch was written.
            head.slot = Slots.of(campaign, head).look(head.slot, now).slot
        _show(session, campaign.id, archive, continuing.fresh)
        bodies = _forget(session, campaign.id, recount.shown.keys(), keep_sealed=keep_sealed)
    session.flush()
    session.expire_all()
    publication.refresh(session, campaign, in_batch=head.size > size)
    passes = sum(head.issued.values()) - before
    return campaign.slug, Replayed(continuing.signed, continuing.ended, bodies, continuing.late, passes)


def size_of(path: Path) -> int:
    """Returns the number of entries that a bundle claims, or 0 if the file is missing or not a bundle."""
    try:
        with zipfile.ZipFile(path) as archive:
            note, vkey = (verify.small(archive, name, verify.LONGEST_HEAD).decode() for name in ("checkpoint", "vkey"))
            return verify.read_checkpoint(note, vkey.rstrip("\n"))[1]
    except UNREADABLE:
        return 0


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise LedgerRefused(f"{path} cannot be read: there is no such file.") from None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
        raise LedgerRefused(f"{path} cannot be read: it is not a whole bundle.") from None


def _campaign_of(session: Session, archive: zipfile.ZipFile, path: Path) -> Campaign:
    """Returns the campaign whose first entry the bundle begins with."""
    try:
        first = entries.parse(next(verify.lines_of(archive, "log.jsonl")))
    except (*UNREADABLE, StopIteration):
        raise LedgerRefused(f"{path} cannot be read: it is not a whole bundle.") from None
    found = session.get(Campaign, first.id) if isinstance(first, CampaignEntry) else None
    if found is None or found.state is campaigns.CampaignState.DRAFT:
        raise LedgerRefused(f"{path} is the ledger of a campaign that was not open in this backup.")
    return found


def _recounted(archive: zipfile.ZipFile, path: Path, campaign: Campaign, head: log.Head) -> verify.Recount:
    """Verify the bundle against the key and the head in the backup."""
    try:
        recount = verify.verify(
            verify.open_bundle(archive),
            checkpoint.vkey(campaign.origin, head.public),
            {"the head in the backup": head.checkpoint},
        )
    except UNREADABLE as error:
        raise LedgerRefused(f"{path} cannot be read: {error}.") from None
    if recount.size < head.size and len(recount.faults) == 1:
        raise LedgerRefused(f"{path} is older than the backup: it has {recount.size} entries, the backup {head.size}.")
    if recount.faults:
        raise LedgerRefused(f"{path} does not continue the ledger in the backup: {recount.faults[0]}.")
    return recount


def _take_back(session: Session, campaign_id: CampaignId, shown: Container[int]) -> None:
    """Undo removals that waited in the backup and were undone later: the newer bundle shows their bodies."""
    waiting = session.scalars(select(WaitingRemoval.index).where(WaitingRemoval.campaign_id == campaign_id))
    for portion in _portions(iter([index for index in waiting if index in shown])):
        mine = (WaitingRemoval.campaign_id == campaign_id, WaitingRemoval.index.in_(portion))
        session.execute(delete(WaitingRemoval).where(*mine).execution_options(**UNSYNCED))
        rows = (Signature.campaign_id == campaign_id, Signature.index.in_(portion))
        removed = update(Signature).where(*rows, Signature.state == SignatureState.REMOVED)
        session.execute(removed.values(state=SignatureState.LOGGED).execution_options(**UNSYNCED))


def _show(session: Session, campaign_id: CampaignId, archive: zipfile.ZipFile, fresh: set[int]) -> None:
    """Mark what the bundle shows as public. Only signatures that the backup did not have get their bodies from it."""
    bodies = (verify.parse(line, verify.BODY) for line in verify.lines_of(archive, "bodies.jsonl"))
    for portion in _portions(bodies):
        new = [_row(campaign_id, each) for each in portion if each["i"] in fresh]
        if new:
            session.execute(update(Signature), new)
        known = [each["i"] for each in portion if each["i"] not in fresh]
        shown = (Signature.campaign_id == campaign_id, Signature.index.in_(known), Signature.salt.is_not(None))
        logged = update(Signature).where(*shown, Signature.state == SignatureState.LOGGED)
        session.execute(logged.values(public=True).execution_options(**UNSYNCED))
    fold_names(session, campaign_id)


def _row(campaign_id: CampaignId, shown: dict[str, Any]) -> dict[str, Any]:
    body = {**shown["body"], "show": Visibility(shown["body"]["show"]), "salt": unb64u(shown["salt"], 32)}
    return {"campaign_id": campaign_id, "index": shown["i"], "state": SignatureState.LOGGED, "public": True, **body}


def _forget(session: Session, campaign_id: CampaignId, shown: Container[int], *, keep_sealed: bool) -> int:
    """Delete the bodies that the bundle does not show; with `keep_sealed` only those that were public in the backup."""
    # The anonymous never have a body in a bundle (decision 0028).
    showing = Signature.show.in_([Visibility.NAME, Visibility.ROLE])
    query = select(Signature.index).where(Signature.campaign_id == campaign_id, showing)
    if keep_sealed:
        query = query.where(Signature.public)
    gone = [index for index in session.scalars(query.execution_options(yield_per=AT_ONCE)) if index not in shown]
    for portion in _portions(iter(gone)):
        mine = update(Signature).where(Signature.campaign_id == campaign_id, Signature.index.in_(portion))
        session.execute(mine.values(**GONE, **UNSHOWN).execution_options(**UNSYNCED))
        hidden = mine.where(Signature.state == SignatureState.LOGGED).values(state=SignatureState.HIDDEN)
        session.execute(hidden.execution_options(**UNSYNCED))
    return len(gone)


def _portions(found: Iterator[T]) -> Iterator[list[T]]:
    while portion := list(islice(found, AT_ONCE)):
        yield portion
