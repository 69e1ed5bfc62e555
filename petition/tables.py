"""Every table, imported for the migrations and for the honesty tests; nothing else imports this."""

from petition import campaigns, milestones, owed, snapshots
from petition.ledger import log
from petition.signatures import tables as signatures
from petition.verification import tables as verification

__all__ = ["campaigns", "log", "milestones", "owed", "signatures", "snapshots", "verification"]
