"""The reasons for which a backup or a restore fails, each as a sentence for the operator."""

from __future__ import annotations


class BackupRefused(Exception):
    """Nothing was written and nothing was restored. The text says why and what to do."""


class BackupBroken(BackupRefused):
    """The file is not a backup, was altered or cut, or was encrypted for another key."""


class DatabaseHoldsData(BackupRefused):
    """A restore would replace data in the database."""


class LedgerRefused(BackupRefused):
    """The bundle does not continue a ledger in the backup."""
