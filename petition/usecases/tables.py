"""The table of exports: files that workers make for organisers and that are kept for a day."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId, OrganiserId


class ExportKind(StrEnum):
    """The kinds of files."""

    SIGNERS = "signers"
    FIGURES_CSV = "figures_csv"
    FIGURES_JSON = "figures_json"
    AUDIT_LOG = "journal"


class ExportState(StrEnum):
    """The states of a file."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Export(Base):
    """A requested file. It is in the home folder under its id until `until`."""

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
