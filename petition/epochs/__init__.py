"""Epochs: the only package that sees both sides, and of verification only the number of issued passes.

A batch is one transaction under one lock: entries, tree, checkpoint, count, milestones, outbox rows and the public
snapshot are committed together, so that a crash at any point changes nothing. A second process cannot run at the same
time. Batches are written at fixed slots, each of which is looked at once.
"""

from petition.epochs.audit import Drift, Health, audit, health, stalled_seconds
from petition.epochs.batch import EVERYTHING, Coming, Due, close_due, close_epoch, coming, due
from petition.epochs.calendar import (
    add_translation,
    change,
    close_campaign,
    keep_calendar,
    open_campaign,
    refresh_stale,
)

__all__ = [
    "EVERYTHING",
    "Coming",
    "Drift",
    "Due",
    "Health",
    "add_translation",
    "audit",
    "change",
    "close_campaign",
    "close_due",
    "close_epoch",
    "coming",
    "due",
    "health",
    "keep_calendar",
    "open_campaign",
    "refresh_stale",
    "stalled_seconds",
]
