"""The errors of campaigns, each named after what happened."""

from __future__ import annotations

from collections.abc import Sequence

from petition.core.errors import ExpectedError


class CampaignUnknown(ExpectedError, LookupError):
    """No public campaign has this slug."""

    status = 404


class CampaignNotOpen(ExpectedError):
    """The campaign has not been opened for signatures yet."""

    status = 409


class CampaignClosed(ExpectedError):
    """The campaign takes no more signatures."""

    status = 409


class LetterFrozen(ExpectedError):
    """The letter was opened for signatures, so its text cannot change."""

    status = 409


class StepSkipped(ExpectedError):
    """A campaign goes from draft to open, closed, delivered and answered, one step at a time."""

    status = 409


class CampaignFaulty(ExpectedError, ValueError):
    """A campaign's description cannot be used. The message says what to correct."""

    status = 422


class SlugTaken(ExpectedError, ValueError):
    """Another campaign has this short name."""

    status = 422


class CampaignIncomplete(ExpectedError, ValueError):
    """A campaign cannot be opened yet. `missing` lists what it lacks."""

    status = 409

    def __init__(self, missing: Sequence[object]) -> None:
        super().__init__("A campaign cannot be opened yet: " + " ".join(str(each) for each in missing))
        self.missing = missing


class SigningStopped(ExpectedError):
    """The organisers paused signing. Passes stay valid."""

    status = 409


class VerificationStopped(ExpectedError):
    """The organisers paused codes, or a method of verification."""

    status = 409


class TextMissing(CampaignFaulty):
    """An update or an answer lacks its text in one of the letter's languages."""

    status = 409
