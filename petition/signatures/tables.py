"""The tables of the letter's side: spent passes, waiting signatures, signatures in the ledger, waiting tombstones.

No row has a serial number or a time. After the scrub (`petition.privacy.scrub`) nothing reveals the order in which
people came.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from petition.core import database_roles
from petition.core.db import Base, stored
from petition.core.ids import CampaignId, OrganiserId
from petition.ledger.entries import Removal, Visibility

FOLDED_IF_SHOWN: Final = (
    "folded_name IS NULL AND folded_comment IS NULL OR public AND show IS NOT NULL AND show = 'name'"
)


class SignatureState(StrEnum):
    """The states of a signature. A `hidden` one still counts."""

    PENDING = "pending"
    LOGGED = "logged"
    HIDDEN = "hidden"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"


class Spent(Base):
    """A pass that was redeemed, by the hash of its secret chain. The row is never deleted."""

    __tablename__ = "spent"
    __table_args__ = {"info": database_roles.APPEND_ONLY | database_roles.REWRITTEN}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    hw: Mapped[bytes] = mapped_column(primary_key=True)


class Pending(Base):
    """A signature on its way to the ledger. Salt and body are deleted when it is hidden, changed or withdrawn.

    `publish_at` is the signer's own choice of how many names must be public. `sealed_until` is the number of signatures
    that was promised to this signer before any name is public (0: none). `ticket` is the hash of the receipt's ticket.
    `used` is how many values of the signer's secret chain were used.
    """

    __tablename__ = "pending"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    hw: Mapped[bytes] = mapped_column(primary_key=True)
    leaf: Mapped[bytes]
    line: Mapped[str]
    salt: Mapped[bytes | None]
    show: Mapped[Visibility | None] = mapped_column(stored(Visibility, name="show"))
    name: Mapped[str]
    role: Mapped[str]
    team: Mapped[str]
    comment: Mapped[str]
    publish_at: Mapped[int]
    sealed_until: Mapped[int]
    state: Mapped[SignatureState]
    ticket: Mapped[bytes]
    used: Mapped[int]

    __table_args__ = (
        Index("ix_pending_leaf", "campaign_id", "leaf", unique=True),
        {"info": database_roles.REWRITTEN},
    )


class Signature(Base):
    """A signature in the ledger, at `index`.

    `public`: its body may be shown. `why`: the ledger's reason of its removal. `ticket` and `used` are as in `Pending`.
    `folded_name` and `folded_comment` are what a search compares (`petition.core.folding`). They exist only while the
    name is shown: the database refuses them in any other row. None: not folded yet.
    """

    __tablename__ = "signature"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    hw: Mapped[bytes]
    leaf: Mapped[bytes]
    epoch: Mapped[int]
    state: Mapped[SignatureState]
    salt: Mapped[bytes | None]
    show: Mapped[Visibility | None] = mapped_column(stored(Visibility, name="show"))
    name: Mapped[str]
    role: Mapped[str]
    team: Mapped[str]
    comment: Mapped[str]
    publish_at: Mapped[int]
    sealed_until: Mapped[int]
    public: Mapped[bool]
    ticket: Mapped[bytes]
    used: Mapped[int]
    why: Mapped[Removal | None] = mapped_column(default=None)
    folded_name: Mapped[str | None] = mapped_column(default=None)
    folded_comment: Mapped[str | None] = mapped_column(default=None)

    __table_args__ = (
        CheckConstraint(FOLDED_IF_SHOWN, name="folded_if_shown"),
        Index("ix_signature_hw", "campaign_id", "hw", unique=True),
        Index("ix_signature_leaf", "campaign_id", "leaf", unique=True),
        Index("ix_signature_named", "campaign_id", "index", postgresql_where=text("public AND show = 'name'")),
        Index(
            "ix_signature_unfolded",
            "campaign_id",
            "index",
            postgresql_where=text("public AND show = 'name' AND folded_name IS NULL"),
        ),
        {"info": database_roles.REWRITTEN},
    )


class ActKind(StrEnum):
    """What a signer does with a signature so that it becomes an entry of the ledger."""

    WITHDRAW = "withdraw"
    AMEND = "amend"


class WaitingAct(Base):
    """An act of a signer whose entry waits for an epoch. A later act of the same signer replaces it.

    `revealed` is the value of the secret chain that proves who asked. The other columns belong to a change: the new
    commitment with its salt, and the new body. They have the meaning that they have in `Pending`.
    """

    __tablename__ = "waiting_act"
    __table_args__ = {"info": database_roles.REWRITTEN}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    hw: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[ActKind] = mapped_column(stored(ActKind, native_enum=False, length=16))
    revealed: Mapped[bytes]
    commitment: Mapped[bytes | None]
    salt: Mapped[bytes | None]
    show: Mapped[Visibility | None] = mapped_column(stored(Visibility, name="show"))
    name: Mapped[str]
    role: Mapped[str]
    team: Mapped[str]
    comment: Mapped[str]
    publish_at: Mapped[int]
    sealed_until: Mapped[int]


class WaitingRemoval(Base):
    """A removal by organisers that waits for an epoch and can still be undone.

    `reached`: the bulk removal has come to this signature; while it runs, it has not come to all. A row stays when the
    signer withdraws, so that the removal counts again if the withdrawal is taken back, and so that nothing that
    organisers see depends on it. `public` is the signature's value before the removal. Code that adds, changes or
    deletes a row must hold the lock of its signature.
    """

    __tablename__ = "waiting_removal"
    __table_args__ = {"info": database_roles.REWRITTEN}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    why: Mapped[Removal]
    bulk_removal_id: Mapped[bytes | None] = mapped_column("wave", key="bulk_removal_id")
    public: Mapped[bool]
    reached: Mapped[bool] = mapped_column(default=False)


class BulkRemovalState(StrEnum):
    """The states of a bulk removal."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    UNDONE = "undone"


class BulkRemoval(Base):
    """A bulk removal: its criteria, and how many signatures were found and are done. It names nobody.

    Until an epoch takes it, `done` counts signatures that were withdrawn meanwhile, too: organisers see no difference.
    Then it is the number of entries that the ledger has of it.
    """

    __tablename__ = "wave"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    campaign_id: Mapped[CampaignId] = mapped_column(index=True)
    why: Mapped[Removal]
    criteria: Mapped[dict[str, Any]]
    found: Mapped[int]
    done: Mapped[int]
    state: Mapped[BulkRemovalState] = mapped_column(stored(BulkRemovalState, name="wavestate"))
    by: Mapped[OrganiserId]
    at: Mapped[datetime]
