"""Every table, imported for the migrations and for the honesty tests; nothing else imports this."""

from petition import campaigns, journal, milestones, news, owed, snapshots, two_keys
from petition.deliveries import halts
from petition.digests import tables as digests
from petition.epochs import history
from petition.ledger import log
from petition.organisers import tables as organisers
from petition.organising import tables as organising
from petition.signatures import tables as signatures
from petition.subscribers import tables as subscribers
from petition.verification import tables as verification

__all__ = [
    "campaigns",
    "digests",
    "halts",
    "history",
    "journal",
    "log",
    "milestones",
    "news",
    "organisers",
    "organising",
    "owed",
    "signatures",
    "snapshots",
    "subscribers",
    "two_keys",
    "verification",
]
