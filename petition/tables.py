"""Imports every table, for the migrations, for backups and for tests."""

from petition import campaigns, publication
from petition.campaigns import milestones, news
from petition.core import heartbeats, outbox, steady_clock
from petition.epochs import history
from petition.ledger import log
from petition.mailing.digests import tables as digests
from petition.mailing.queue import pauses
from petition.mailing.subscribers import tables as subscribers
from petition.operation import backups, results
from petition.organisers import approvals, audit_log
from petition.organisers import tables as organisers
from petition.privacy import daily_figures, scrub_state
from petition.signatures import tables as signatures
from petition.usecases import tables as usecases
from petition.verification import tables as verification

__all__ = [
    "approvals",
    "audit_log",
    "backups",
    "campaigns",
    "daily_figures",
    "digests",
    "heartbeats",
    "history",
    "log",
    "milestones",
    "news",
    "organisers",
    "outbox",
    "pauses",
    "publication",
    "results",
    "scrub_state",
    "signatures",
    "steady_clock",
    "subscribers",
    "usecases",
    "verification",
]
