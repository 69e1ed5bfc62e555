"""The rows of what is told: one edition a kind and period, made once, mailed to many."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId


class Edition(Base):
    """What one period's digest says. `facts` None: there was nothing to say, and nothing is sent.

    It tells the news after `after`, up to `upto`; `since` and `until` are the period's ends, half-open.
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
