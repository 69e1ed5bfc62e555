"""The messages beside a field that the domain rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from petition import signatures
from petition.blindsign.rsabssa import BlindedRefused
from petition.campaigns import SlugTaken
from petition.core.errors import ExpectedError
from petition.core.i18n import marked as _
from petition.mailing.subscribers import WorkAddressRefused
from petition.organisers import NameTaken

FIELD_MESSAGES: Final[Mapping[type[ExpectedError], tuple[str, str]]] = {
    WorkAddressRefused: (
        "address",
        _("This is a work address: your employer can read the mail that arrives there. Use a personal one."),
    ),
    SlugTaken: ("slug", _("Another campaign has this short name. Choose a different one.")),
    NameTaken: ("name", _("Another organiser has this name. Choose a different one.")),
    BlindedRefused: ("blinded", _("This is not a blinded value for this campaign’s key.")),
}
"""The field that an error is about, and the message beside it."""

DISPLAY_MESSAGES: Final[Mapping[signatures.DisplayFault, str]] = {
    signatures.DisplayFault.NAME_MISSING: _("Enter your full name, or choose to show less."),
    signatures.DisplayFault.ROLE_MISSING: _("Choose your role, or choose to stay anonymous."),
    signatures.DisplayFault.NOT_NEEDED: _("Leave this empty. It does not fit what you chose to show."),
    signatures.DisplayFault.NOT_LISTED: _("Choose one from the list."),
    signatures.DisplayFault.OUT_OF_RANGE: _("Enter a whole number between 0 and 100,000."),
}
"""Messages for a field of what a signer chose to show."""
