"""Carries out bulk removals, one portion per transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from petition.core import db, outbox
from petition.core.ids import CampaignId
from petition.signatures import bulk_removal
from petition.usecases import removals

REST_SECONDS: Final = 0.02
"""Seconds between two portions, in which an epoch or a page view can proceed."""


def carry_out_removals(
    outbox_id: str, now: Callable[[], datetime], stopping: Callable[[], bool], most: int = bulk_removal.PORTION
) -> None:  # fmt: skip
    """Carry out the bulk removals of a campaign. After a crash the sweep starts this again."""
    with db.transaction() as session:
        row = outbox.claim(session, outbox_id, now())
    if row is None:
        return
    while _portion(row.campaign_id, outbox_id, now(), most):
        if stopping():
            return
        time.sleep(REST_SECONDS)


def _portion(campaign_id: CampaignId, outbox_id: str, now: datetime, most: int) -> bool:
    with db.transaction() as session:
        return removals.remove_portion(session, campaign_id, outbox_id, now, most)
