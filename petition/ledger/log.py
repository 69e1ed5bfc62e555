"""The ledger in the database: entries, tiles and the head.

The ledger only grows: this module inserts entries and never changes them, and every proof comes from the same tiles
that the signed checkpoint covers. The module does not check what may be appended and in which order; `petition.epochs`
does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core import database_roles
from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.ledger import checkpoint, merkle
from petition.privacy import keyring

READ_AT_ONCE = 2_000


class Entry(Base):
    """One line of the ledger and its leaf hash."""

    __tablename__ = "entry"
    __table_args__ = {"info": database_roles.APPEND_ONLY}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    leaf: Mapped[bytes]
    line: Mapped[str]


class Tile(Base):
    """256 hashes of one level of the Merkle tree. The last tile of a level may hold fewer."""

    __tablename__ = "tile"
    __table_args__ = {"info": database_roles.KEPT}  # noqa: RUF012 (as above)

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    hashes: Mapped[bytes]


class Head(Base):
    """The end of the ledger: size, epoch, checkpoint, and the totals of its entries.

    `opened_at` is the moment of the opening, in whole seconds, from which the slots of batches are counted, and `slot`
    the number of the last slot that was looked at. `acts_week` is the number of the last week whose slot for acts was
    looked at.
    """

    __tablename__ = "head"
    __table_args__ = {"info": database_roles.KEPT}  # noqa: RUF012 (as above)

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    size: Mapped[int]
    epoch: Mapped[int]
    epoch_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    slot: Mapped[int]
    acts_week: Mapped[int]
    day: Mapped[date]
    root: Mapped[bytes]
    checkpoint: Mapped[str]
    counted: Mapped[int]
    withdrawn: Mapped[int]
    removed: Mapped[dict[str, int]]
    issued: Mapped[dict[str, int]]
    public: Mapped[bytes]
    sealed_key: Mapped[bytes]


@dataclass(frozen=True, slots=True)
class CheckpointSigner:
    """The signing key of a ledger: its origin (the key's name) and its private key."""

    origin: str
    key: Ed25519PrivateKey

    def vkey(self) -> str:
        """Returns the public key in C2SP's verifier-key form."""
        return checkpoint.vkey(self.origin, checkpoint.public_bytes(self.key))


def start(session: Session, campaign_id: CampaignId, day: date, now: datetime) -> Head:
    """Insert an empty ledger with a new encrypted key."""
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    head = Head(
        campaign_id=campaign_id, size=0, epoch=0, epoch_at=now, opened_at=now.replace(microsecond=0), slot=0, acts_week=0,
        day=day, root=merkle.EMPTY_ROOT, checkpoint="", counted=0, withdrawn=0, removed={},
        issued={}, public=checkpoint.public_bytes(key), sealed_key=keyring.seal(secret),
    )  # fmt: skip
    session.add(head)
    session.flush()
    return head


@lru_cache(maxsize=256)
def private_key(sealed: bytes) -> Ed25519PrivateKey:
    """Returns the ledger's private key, which is decrypted once per process."""
    return Ed25519PrivateKey.from_private_bytes(keyring.unsealed(sealed))


def checkpoint_signer(head: Head, origin: str) -> CheckpointSigner:
    """Returns the signer of a ledger. Its key is decrypted once per process."""
    return CheckpointSigner(origin, private_key(head.sealed_key))


def tree(session: Session, campaign_id: CampaignId, size: int) -> merkle.Tree:
    """Returns the Merkle tree of a ledger at a size. It reads tiles when it needs them."""

    def read_tile(level: int, index: int) -> bytes:
        return session.scalar(select(Tile.hashes).where(_tile_is(campaign_id, level, index))) or b""

    return merkle.Tree(size, read_tile)


def _tile_is(campaign_id: CampaignId, level: int, index: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    return (Tile.campaign_id == campaign_id) & (Tile.level == level) & (Tile.index == index)


def append_lines(session: Session, head: Head, lines: list[bytes], at: int | None = None) -> list[bytes]:
    """Insert lines from index `at` (by default the end) and return their leaf hashes. A call of `grow` must follow."""
    first = head.size if at is None else at
    leaves = [merkle.leaf_hash(line) for line in lines]
    rows = [
        {"campaign_id": head.campaign_id, "index": index, "leaf": leaf, "line": line.decode()}
        for index, (line, leaf) in enumerate(zip(lines, leaves, strict=True), start=first)
    ]
    if rows:
        session.execute(insert(Entry), rows)
    return leaves


def grow(session: Session, head: Head, leaves: list[bytes]) -> None:
    """Add the leaf hashes of inserted entries to the tree, and store the tiles that changed."""
    growing = tree(session, head.campaign_id, head.size)
    rows = [
        {"campaign_id": head.campaign_id, "level": level, "index": index, "hashes": hashes}
        for (level, index), hashes in growing.append(leaves).items()
    ]
    for at in range(0, len(rows), 500):
        storing = insert(Tile).values(rows[at : at + 500])
        session.execute(
            storing.on_conflict_do_update(
                index_elements=["campaign_id", "level", "index"], set_={"hashes": storing.excluded.hashes}
            )
        )
    head.size, head.root = growing.size, growing.root()


def seal_head(head: Head, origin: str) -> None:
    """Sign a checkpoint over the current content of the ledger."""
    head.checkpoint = checkpoint.sign(origin, head.size, head.root, checkpoint_signer(head, origin).key)


def head_of(session: Session, campaign_id: CampaignId, *, lock: bool = False) -> Head:
    """Returns the head of a ledger. `lock` locks it against other writers and reads it again."""
    query = select(Head).where(Head.campaign_id == campaign_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one()


def counted(session: Session, campaign_id: CampaignId) -> int:
    """Returns how many signatures count; 0 before there is a ledger."""
    return session.scalar(select(Head.counted).where(Head.campaign_id == campaign_id)) or 0


def lines(session: Session, campaign_id: CampaignId, size: int) -> Iterator[bytes]:
    """Yields the first `size` lines in order, read in small portions."""
    query = select(Entry.line).where(Entry.campaign_id == campaign_id, Entry.index < size).order_by(Entry.index)
    for line in session.scalars(query.execution_options(yield_per=READ_AT_ONCE)):
        yield line.encode()
