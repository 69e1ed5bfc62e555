"""Backup and restore: all data of the database in one encrypted file, and the restoration from it.

`stream` encrypts and decrypts the file, `keys` handles the key pair, `dump` writes a backup, `load` restores it, and
`replay` brings a restored ledger up to the one that was published meanwhile.
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
