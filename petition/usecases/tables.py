"""The rows of exports: files made in the background for organisers, which live a day."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId, OrganiserId


class ExportKind(StrEnum):
    """What there is to take home."""

    SIGNERS = "signers"
    FIGURES_CSV = "figures_csv"
    FIGURES_JSON = "figures_json"
    JOURNAL = "journal"


class ExportState(StrEnum):
    """How far a file is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Export(Base):
    """One file asked for; it lies in the home folder under its id until `until`."""

    __tablename__ = "export"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    campaign_id: Mapped[CampaignId] = mapped_column(index=True)
    kind: Mapped[ExportKind]
    state: Mapped[ExportState]
    done: Mapped[int]
    total: Mapped[int]
    tries: Mapped[int]
    by: Mapped[OrganiserId]
    at: Mapped[datetime]
    until: Mapped[datetime]
