"""Moves waiting signatures into the ledger in the order of their leaf hashes, so that the order reveals nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    any_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.ledger.entries import RemoveEntry, Visibility, WithdrawEntry
from petition.ledger.log import Entry
from petition.signatures.tables import (
    BulkRemoval,
    BulkRemovalState,
    Pending,
    Signature,
    SignatureState,
    Spent,
    WaitingRemoval,
    Withdrawal,
)
from petition.signatures.withdrawal import GONE


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """The tombstones of one epoch: their lines by ascending index, and their number by kind."""

    lines: list[bytes]
    withdrawn: int
    removed: dict[str, int]


def count_redeemed(session: Session, campaign_id: CampaignId) -> int:
    """How many passes of a campaign were redeemed."""
    query = select(func.count()).select_from(Spent).where(Spent.campaign_id == campaign_id)
    return int(session.scalar(query) or 0)


def waiting(session: Session, campaign_id: CampaignId) -> tuple[int, int]:
    """Returns how many signatures, and how many tombstones, wait for the next epoch."""
    signatures = select(func.count()).select_from(Pending).where(Pending.campaign_id == campaign_id)
    tombstones = (
        select(func.count())
        .select_from(Withdrawal)
        .join(Signature, (Signature.campaign_id == Withdrawal.campaign_id) & (Signature.hw == Withdrawal.hw))
        .where(Withdrawal.campaign_id == campaign_id)
    )
    removals = select(func.count()).select_from(Signature).where(*_ripe(campaign_id))
    found = session.execute(
        select(signatures.scalar_subquery(), tombstones.scalar_subquery() + removals.scalar_subquery())
    ).one()
    return int(found[0]), int(found[1])


def take_withdrawals(session: Session, campaign_id: CampaignId) -> Withdrawals:
    """Take the tombstones of signatures that are in the ledger. Others wait until their signature is there."""
    entries: list[WithdrawEntry | RemoveEntry] = [*_withdrawals(session, campaign_id)]
    entries += _removals(session, campaign_id)
    entries.sort(key=lambda entry: entry.index)
    reasons = Counter(str(entry.why) for entry in entries if isinstance(entry, RemoveEntry))
    withdrawn = sum(isinstance(entry, WithdrawEntry) for entry in entries)
    return Withdrawals([entry.line() for entry in entries], withdrawn, dict(reasons))


def _withdrawals(session: Session, campaign_id: CampaignId) -> list[WithdrawEntry]:
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


def _ripe(campaign_id: CampaignId) -> tuple[ColumnElement[bool], ...]:
    """Returns the condition for removals that an epoch takes. A bulk removal goes as a whole, and not while it runs."""
    running = select(BulkRemoval.id).where(
        BulkRemoval.campaign_id == campaign_id, BulkRemoval.state == BulkRemovalState.RUNNING
    )
    whole = or_(WaitingRemoval.bulk_removal_id.is_(None), WaitingRemoval.bulk_removal_id.not_in(running))
    same = (Signature.campaign_id == WaitingRemoval.campaign_id) & (Signature.index == WaitingRemoval.index)
    return WaitingRemoval.campaign_id == campaign_id, same, Signature.state == SignatureState.REMOVED, whole


def _removals(session: Session, campaign_id: CampaignId) -> list[RemoveEntry]:
    """Delete the bodies, which were kept for undoing the removal. Afterwards it cannot be undone."""
    final = update(Signature).where(*_ripe(campaign_id)).values(**GONE, why=WaitingRemoval.why)
    final = final.returning(Signature.index, WaitingRemoval.why).execution_options(synchronize_session=False)
    entries = [RemoveEntry(index, why) for index, why in session.execute(final)]
    taken = WaitingRemoval.index == any_(cast([entry.index for entry in entries], ARRAY(BigInteger)))
    session.execute(delete(WaitingRemoval).where(WaitingRemoval.campaign_id == campaign_id, taken))
    return entries


def withdrawn_while_waiting(session: Session, campaign_id: CampaignId) -> bool:
    """Returns whether a waiting signature was withdrawn. Its tombstone must follow in a later batch."""
    withdrawn = (Pending.campaign_id == campaign_id) & (Pending.state == SignatureState.WITHDRAWN)
    return session.scalar(select(Pending.hw).where(withdrawn).limit(1)) is not None


def append_batch(
    session: Session, campaign_id: CampaignId, base: int, epoch: int, *, names_wait: bool = False
) -> list[bytes]:
    """Move every waiting signature into the ledger from index `base` on. Returns their leaf hashes in order.

    A single statement does this, so that it moves exactly what it sees, and the rows never pass through this process.
    With `names_wait` no name becomes public, because the campaign has not reached the milestone that opens names.
    Sealed names are left to `update_visibility`.
    """
    moved = delete(Pending).where(Pending.campaign_id == campaign_id).returning(*Pending.__table__.columns).cte("moved")
    number = cast(func.row_number().over(order_by=moved.c.leaf), Integer)
    placed = select(moved, (literal(base) + number - 1).label("index")).cte("placed")
    entries = insert(Entry).from_select(
        ["campaign_id", "index", "leaf", "line"],
        select(placed.c.campaign_id, placed.c.index, placed.c.leaf, placed.c.line).order_by(placed.c.index),
    )
    signatures = insert(Signature).from_select(
        list(_signature_columns(placed, epoch, names_wait)), _select_signature(placed, epoch, names_wait)
    )
    moving = signatures.add_cte(entries.cte("entered")).returning(Signature.index, Signature.leaf)
    return [leaf for _, leaf in sorted((index, leaf) for index, leaf in session.execute(moving))]


def _signature_columns(placed, epoch: int, names_wait: bool) -> dict[str, object]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    row = placed.c
    in_ledger = case(
        (row.state == SignatureState.PENDING, literal(SignatureState.LOGGED, row.state.type)), else_=row.state
    )
    unsealed = (row.publish_at == 0) & (row.sealed_until == 0)
    open_name = literal(not names_wait) & (row.show == Visibility.NAME) & unsealed
    shown = func.coalesce(open_name | (row.show == Visibility.ANONYMOUS), False)
    kept = (
        "campaign_id",
        "index",
        "hw",
        "leaf",
        "salt",
        "show",
        "name",
        "role",
        "team",
        "comment",
        "publish_at",
        "sealed_until",
    )
    columns: dict[str, object] = {name: row[name] for name in kept}
    return columns | {"epoch": literal(epoch), "state": in_ledger, "public": shown}


def _select_signature(placed, epoch: int, names_wait: bool):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    columns = _signature_columns(placed, epoch, names_wait)
    return select(*[column.label(name) for name, column in columns.items()]).order_by(placed.c.index)  # type: ignore[attr-defined]
