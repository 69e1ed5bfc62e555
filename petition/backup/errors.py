"""The reasons for which a backup or a restore fails, each as a sentence for the operator."""

from __future__ import annotations


class BackupRefused(Exception):
    """Nothing was written and nothing was restored. The text says why and what to do."""


class BackupBroken(BackupRefused):
    """The file is not a backup, was altered or cut, was encrypted for another key, or was made by somebody else."""


class BackupUnsigned(BackupRefused):
    """The file does not prove who made it, as those of earlier versions."""

    def __init__(self) -> None:
        super().__init__(
            "This backup does not prove who made it: an earlier version of this program did, or somebody else. "
            "If you know where the file comes from, add --unsigned."
        )


class DatabaseHoldsData(BackupRefused):
    """A restore would replace data in the database. `lost` says what, in figures."""

    def __init__(self, lost: str) -> None:
        super().__init__(f"The database is not empty; --replace --yes would delete {lost}.")
        self.lost = lost


class LedgerRefused(BackupRefused):
    """The bundle does not continue a ledger in the backup."""
