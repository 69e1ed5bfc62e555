"""Moves waiting signatures into the ledger in the order of their leaf hashes, so that the order reveals nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
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
from petition.ledger.entries import Act, AmendEntry, RemoveEntry, Visibility, WithdrawEntry
from petition.ledger.log import Entry
from petition.signatures.tables import (
    ActKind,
    BulkRemoval,
    BulkRemovalState,
    Pending,
    Signature,
    SignatureState,
    Spent,
    WaitingAct,
    WaitingRemoval,
)
from petition.signatures.withdrawal import GONE, UNSHOWN

_UNSYNCED: Final = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts of one epoch: their lines by ascending index, and the number of signatures that ended, by kind."""

    lines: list[bytes]
    withdrawn: int
    removed: dict[str, int]

    @property
    def ended(self) -> int:
        """Returns how many signatures do not count any more."""
        return self.withdrawn + sum(self.removed.values())


def count_redeemed(session: Session, campaign_id: CampaignId) -> int:
    """How many passes of a campaign were redeemed."""
    query = select(func.count()).select_from(Spent).where(Spent.campaign_id == campaign_id)
    return int(session.scalar(query) or 0)


def waiting(session: Session, campaign_id: CampaignId) -> tuple[int, int]:
    """Returns how many signatures, and how many acts on signatures in the ledger, wait for an epoch."""
    signatures = select(func.count()).select_from(Pending).where(Pending.campaign_id == campaign_id)
    acts = select(func.count()).select_from(WaitingAct).where(*_takes(campaign_id))
    removals = select(func.count()).select_from(Signature).where(*_ripe(campaign_id))
    found = session.execute(
        select(signatures.scalar_subquery(), acts.scalar_subquery() + removals.scalar_subquery())
    ).one()
    return int(found[0]), int(found[1])


def take_acts(session: Session, campaign_id: CampaignId, *, names_wait: bool = False) -> Acts:
    """Take the acts on signatures that are in the ledger. Others wait until their signature is there.

    A signature gets one entry at most. A withdrawal by its signer goes before a removal by organisers, which goes before
    a change. With `names_wait` no changed name becomes public. The signatures are locked first, as their signers lock
    them to act: an act that comes in afterwards waits until this epoch is written, or for the next one.
    """
    hws = cast(_lock(session, campaign_id), ARRAY(LargeBinary))
    removals = _removals(session, campaign_id)
    taken = [*_takes(campaign_id), WaitingAct.hw == any_(hws)]
    withdrawals = _withdrawals(session, taken)
    amendments = _amendments(session, taken, names_wait=names_wait)
    entries: list[Act] = [*removals, *withdrawals, *amendments]
    entries.sort(key=lambda entry: entry.index)
    reasons = Counter(str(entry.why) for entry in removals)
    return Acts([entry.line() for entry in entries], len(withdrawals), dict(reasons))


def _takes(campaign_id: CampaignId) -> tuple[ColumnElement[bool], ...]:
    """Returns the condition for acts that an epoch takes: their signature is in the ledger and not removed."""
    same = (Signature.campaign_id == WaitingAct.campaign_id) & (Signature.hw == WaitingAct.hw)
    return WaitingAct.campaign_id == campaign_id, same, Signature.state != SignatureState.REMOVED


def _lock(session: Session, campaign_id: CampaignId) -> list[bytes]:
    """Lock the signatures on which acts or removals wait. Returns their `hw`. No removal comes in meanwhile."""
    acting = select(Signature.index).select_from(Signature, WaitingAct).where(*_takes(campaign_id))
    removed = select(WaitingRemoval.index).where(*_whole(campaign_id))
    indices = cast(list(session.scalars(acting.union(removed))), ARRAY(BigInteger))
    locking = select(Signature.hw).where(Signature.campaign_id == campaign_id, Signature.index == any_(indices))
    return list(session.scalars(locking.order_by(Signature.index).with_for_update()))


def _withdrawals(session: Session, taken: list[ColumnElement[bool]]) -> list[WithdrawEntry]:
    taking = delete(WaitingAct).where(*taken, WaitingAct.kind == ActKind.WITHDRAW)
    rows = session.execute(taking.returning(Signature.index, WaitingAct.revealed).execution_options(**_UNSYNCED))
    return [WithdrawEntry(index, value) for index, value in rows]


def _amendments(session: Session, taken: list[ColumnElement[bool]], *, names_wait: bool) -> list[AmendEntry]:
    """Give signatures the bodies that their signers changed them to."""
    mine = (*taken, WaitingAct.kind == ActKind.AMEND)
    bodies = {name: getattr(WaitingAct, name) for name in GONE}
    changing = update(Signature).where(*mine).values(
        **bodies, **UNSHOWN | {"public": _is_shown(WaitingAct.__table__.c, names_wait=names_wait)}, state=SignatureState.LOGGED,
    )  # fmt: skip
    changed = changing.returning(Signature.index, WaitingAct.commitment, WaitingAct.revealed)
    rows = session.execute(changed.execution_options(**_UNSYNCED)).all()
    session.execute(delete(WaitingAct).where(*mine).execution_options(**_UNSYNCED))
    return [AmendEntry(index, commitment or b"", value) for index, commitment, value in rows]


def _whole(campaign_id: CampaignId) -> tuple[ColumnElement[bool], ...]:
    """Returns the condition for rows of removals that an epoch takes: as a whole, and not while one runs."""
    running = select(BulkRemoval.id).where(
        BulkRemoval.campaign_id == campaign_id, BulkRemoval.state == BulkRemovalState.RUNNING
    )
    whole = or_(WaitingRemoval.bulk_removal_id.is_(None), WaitingRemoval.bulk_removal_id.not_in(running))
    return WaitingRemoval.campaign_id == campaign_id, whole


def _ripe(campaign_id: CampaignId) -> tuple[ColumnElement[bool], ...]:
    """Returns the condition for removals that become entries. Where the signer withdrew, the withdrawal does."""
    same = (Signature.campaign_id == WaitingRemoval.campaign_id) & (Signature.index == WaitingRemoval.index)
    return *_whole(campaign_id), same, Signature.state == SignatureState.REMOVED


def _removals(session: Session, campaign_id: CampaignId) -> list[RemoveEntry]:
    """Delete the bodies, which were kept for undoing the removal. Afterwards it cannot be undone."""
    _count_done(session, campaign_id)
    final = update(Signature).where(*_ripe(campaign_id)).values(**GONE, why=WaitingRemoval.why)
    final = final.returning(Signature.index, WaitingRemoval.why).execution_options(synchronize_session=False)
    entries = [RemoveEntry(index, why) for index, why in session.execute(final)]
    indices = cast([entry.index for entry in entries], ARRAY(BigInteger))
    session.execute(delete(WaitingRemoval).where(*_whole(campaign_id)).execution_options(**_UNSYNCED))
    hws = select(Signature.hw).where(Signature.campaign_id == campaign_id, Signature.index == any_(indices))
    dropped = delete(WaitingAct).where(WaitingAct.campaign_id == campaign_id, WaitingAct.hw.in_(hws))
    session.execute(dropped.execution_options(**_UNSYNCED))
    return entries


def _count_done(session: Session, campaign_id: CampaignId) -> None:
    """Have each bulk removal say how many entries it makes. Until now it counted those that were withdrawn, too."""
    removed = func.count().filter(Signature.state == SignatureState.REMOVED)
    same = (Signature.campaign_id == WaitingRemoval.campaign_id) & (Signature.index == WaitingRemoval.index)
    query = select(WaitingRemoval.bulk_removal_id, removed).join(Signature, same).where(*_whole(campaign_id))
    for removal_id, n in session.execute(query.group_by(WaitingRemoval.bulk_removal_id)).all():
        session.execute(update(BulkRemoval).where(BulkRemoval.id == removal_id).values(done=n))


def acted_while_waiting(session: Session, campaign_id: CampaignId) -> bool:
    """Returns whether a waiting signature was withdrawn or changed. That entry must follow in a later batch."""
    same = (WaitingAct.campaign_id == Pending.campaign_id) & (WaitingAct.hw == Pending.hw)
    query = select(Pending.hw).join(WaitingAct, same).where(Pending.campaign_id == campaign_id)
    return session.scalar(query.limit(1)) is not None


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
        "ticket",
        "used",
    )
    columns: dict[str, object] = {name: row[name] for name in kept}
    return columns | {"epoch": literal(epoch), "state": in_ledger, "public": _is_shown(row, names_wait=names_wait)}


def _is_shown(row, *, names_wait: bool) -> ColumnElement[bool]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Returns whether a body may be shown as soon as it is in the ledger. Roles open later, with their group."""
    unsealed = (row.publish_at == 0) & (row.sealed_until == 0)
    open_name = literal(not names_wait) & (row.show == Visibility.NAME) & unsealed
    return func.coalesce(open_name | (row.show == Visibility.ANONYMOUS), False)


def _select_signature(placed, epoch: int, names_wait: bool):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    columns = _signature_columns(placed, epoch, names_wait)
    return select(*[column.label(name) for name, column in columns.items()]).order_by(placed.c.index)  # type: ignore[attr-defined]
