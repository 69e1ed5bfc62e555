"""What may be wrong with a campaign, each named after what happened."""

from __future__ import annotations

from collections.abc import Sequence


class CampaignUnknown(LookupError):
    """No public campaign has this name."""


class CampaignNotOpen(Exception):
    """The campaign has not been opened for signatures yet."""


class CampaignClosed(Exception):
    """The campaign takes no more signatures."""


class LetterFrozen(Exception):
    """The letter was opened for signatures; its words cannot change."""


class StepSkipped(Exception):
    """A campaign goes from draft to open, closed, delivered and answered, one step at a time."""


class CampaignFaulty(ValueError):
    """A campaign's description cannot be used; the sentence says what to mend."""


class SlugTaken(ValueError):
    """Another campaign has this short name."""


class CampaignIncomplete(ValueError):
    """Something is missing that a campaign needs before it can be opened; `missing` says what."""

    def __init__(self, missing: Sequence[object]) -> None:
        super().__init__("A campaign cannot be opened yet: " + " ".join(str(each) for each in missing))
        self.missing = missing


class SigningStopped(Exception):
    """The organisers stopped signing for a while; passes stay good."""


class VerificationStopped(Exception):
    """The organisers stopped codes, or a method of verification, for a while."""


class TextMissing(CampaignFaulty):
    """An update, or an answer, lacks its text in a language of a letter that is public."""
