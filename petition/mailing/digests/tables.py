"""The table of editions: one row per kind and period, made once and mailed to many."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId


class Edition(Base):
    """The content of one period's digest. If `facts` is None, there was nothing to report and nothing is sent.

    It reports the news after `after`, up to `upto`. `since` and `until` are the half-open ends of the period.
    """

    __tablename__ = "edition"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]
    after: Mapped[int]
    upto: Mapped[int]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
