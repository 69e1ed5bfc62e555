"""The batch: what waited is moved into the ledger in leaf-hash order, so that order says nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Integer, case, cast, delete, func, insert, literal, select
from sqlalchemy.orm import Session

from petition.ledger.entries import RemoveEntry, Show, WithdrawEntry
from petition.ledger.log import Entry
from petition.signatures.tables import Pending, Signature, SignatureState, WaitingRemoval, Withdrawal


@dataclass(frozen=True, slots=True)
class Regrets:
    """Tombstones for one epoch: their lines by ascending index, and how many of which kind."""

    lines: list[bytes]
    withdrawn: int
    removed: dict[str, int]


def waiting(session: Session, campaign_id: bytes) -> tuple[int, int]:
    """How many signatures, and how many tombstones, wait for the next epoch."""
    signatures = select(func.count()).select_from(Pending).where(Pending.campaign_id == campaign_id)
    tombstones = (
        select(func.count())
        .select_from(Withdrawal)
        .join(Signature, (Signature.campaign_id == Withdrawal.campaign_id) & (Signature.hw == Withdrawal.hw))
        .where(Withdrawal.campaign_id == campaign_id)
    )
    removals = select(func.count()).select_from(WaitingRemoval).where(WaitingRemoval.campaign_id == campaign_id)
    found = session.execute(
        select(signatures.scalar_subquery(), tombstones.scalar_subquery() + removals.scalar_subquery())
    ).one()
    return int(found[0]), int(found[1])


def take_regrets(session: Session, campaign_id: bytes) -> Regrets:
    """Take the tombstones of signatures that are in the ledger; others wait until theirs is."""
    entries: list[WithdrawEntry | RemoveEntry] = [*_withdrawals(session, campaign_id)]
    entries += _removals(session, campaign_id)
    entries.sort(key=lambda entry: entry.index)
    reasons = Counter(str(entry.why) for entry in entries if isinstance(entry, RemoveEntry))
    withdrawn = sum(isinstance(entry, WithdrawEntry) for entry in entries)
    return Regrets([entry.line() for entry in entries], withdrawn, dict(reasons))


def _withdrawals(session: Session, campaign_id: bytes) -> list[WithdrawEntry]:
    taking = (
        delete(Withdrawal)
        .where(
            Withdrawal.campaign_id == campaign_id,
            Signature.campaign_id == campaign_id,
            Signature.hw == Withdrawal.hw,
        )
        .returning(Signature.index, Withdrawal.w)
    )
    return [WithdrawEntry(index, w) for index, w in session.execute(taking)]


def _removals(session: Session, campaign_id: bytes) -> list[RemoveEntry]:
    taking = (
        delete(WaitingRemoval)
        .where(WaitingRemoval.campaign_id == campaign_id)
        .returning(WaitingRemoval.index, WaitingRemoval.why)
    )
    return [RemoveEntry(index, why) for index, why in session.execute(taking)]


def withdrawn_while_waiting(session: Session, campaign_id: bytes) -> bool:
    """Whether a signature that waits was withdrawn; its tombstone can only follow in a batch of its own."""
    withdrawn = (Pending.campaign_id == campaign_id) & (Pending.state == SignatureState.WITHDRAWN)
    return session.scalar(select(Pending.hw).where(withdrawn).limit(1)) is not None


def roll(session: Session, campaign_id: bytes, base: int, epoch: int) -> list[bytes]:
    """Move every waiting signature into the ledger from index `base` on; gives their leaf hashes in order.

    One statement, so that what it sees is what it moves; the rows never pass through this process.
    """
    moved = delete(Pending).where(Pending.campaign_id == campaign_id).returning(*Pending.__table__.columns).cte("moved")
    number = cast(func.row_number().over(order_by=moved.c.leaf), Integer)
    placed = select(moved, (literal(base) + number - 1).label("index")).cte("placed")
    entries = insert(Entry).from_select(
        ["campaign_id", "index", "leaf", "line"],
        select(placed.c.campaign_id, placed.c.index, placed.c.leaf, placed.c.line).order_by(placed.c.index),
    )
    signatures = insert(Signature).from_select(
        list(_signature_columns(placed, epoch)), _select_signature(placed, epoch)
    )
    rolling = signatures.add_cte(entries.cte("entered")).returning(Signature.index, Signature.leaf)
    return [leaf for _, leaf in sorted((index, leaf) for index, leaf in session.execute(rolling))]


def _signature_columns(placed, epoch: int) -> dict[str, object]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    row = placed.c
    in_ledger = case(
        (row.state == SignatureState.PENDING, literal(SignatureState.LOGGED, row.state.type)), else_=row.state
    )
    open_name = (row.show == Show.NAME) & (row.publish_at == 0)
    shown = func.coalesce(open_name | (row.show == Show.ANONYMOUS), False)  # noqa: FBT003 (SQL's false)
    kept = ("campaign_id", "index", "hw", "leaf", "salt", "show", "name", "role", "team", "comment", "publish_at")
    columns: dict[str, object] = {name: row[name] for name in kept}
    return columns | {"epoch": literal(epoch), "state": in_ledger, "public": shown}


def _select_signature(placed, epoch: int):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    columns = _signature_columns(placed, epoch)
    return select(*[column.label(name) for name, column in columns.items()]).order_by(placed.c.index)  # type: ignore[attr-defined]
