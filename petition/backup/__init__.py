"""Backup and restore: all data of the database in one encrypted and signed file, and the restoration from it.

`stream` encrypts, signs and decrypts the file, `keys` handles the keys, `dump` writes a backup, `load` restores it, and
`replay` brings a restored ledger up to the one that was published meanwhile.
"""

from petition.backup.dump import Written, write
from petition.backup.errors import BackupBroken, BackupRefused, BackupUnsigned, DatabaseHoldsData, LedgerRefused
from petition.backup.load import Order, Restored, restore
from petition.backup.replay import Replayed

__all__ = [
    "BackupBroken",
    "BackupRefused",
    "BackupUnsigned",
    "DatabaseHoldsData",
    "LedgerRefused",
    "Order",
    "Replayed",
    "Restored",
    "Written",
    "restore",
    "write",
]
