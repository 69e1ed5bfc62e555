"""What stands in the way of a backup or a restore: each a sentence for whoever sits at the terminal."""

from __future__ import annotations


class BackupRefused(Exception):
    """Nothing was written and nothing was restored; the text says why and what to do."""


class BackupBroken(BackupRefused):
    """The file is no backup, was altered or cut, or is sealed to another key."""


class DatabaseHoldsData(BackupRefused):
    """A restore would replace what the database holds."""


class LedgerRefused(BackupRefused):
    """The bundle is not a continuation of a ledger in the backup."""
