"""Backup and restore: everything the database holds in one sealed file, and the way back from it.

`stream` seals and opens the file, `keys` are whom it is sealed to, `dump` writes it, `load` restores it, `replay` brings a
restored ledger up to the one that was published meanwhile.
"""

from petition.backup.dump import Written, write
from petition.backup.errors import BackupBroken, BackupRefused, DatabaseHoldsData, LedgerRefused
from petition.backup.load import Order, Restored, restore
from petition.backup.replay import Replayed

__all__ = [
    "BackupBroken",
    "BackupRefused",
    "DatabaseHoldsData",
    "LedgerRefused",
    "Order",
    "Replayed",
    "Restored",
    "Written",
    "restore",
    "write",
]
