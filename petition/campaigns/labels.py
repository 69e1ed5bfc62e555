"""The names of the states of a campaign and of a demand: on pages, in pictures and in mails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from petition.campaigns.tables import CampaignState, DemandState
from petition.core.i18n import marked as _

CAMPAIGN_STATES: Final[Mapping[CampaignState, str]] = {
    CampaignState.DRAFT: _("Not open yet"),
    CampaignState.OPEN: _("Open for signatures"),
    CampaignState.CLOSED: _("Closed for signatures"),
    CampaignState.DELIVERED: _("Delivered"),
    CampaignState.ANSWERED: _("Answered"),
}
SIGNING_PAUSED: Final = _("Signing is paused")
"""This label replaces the state of an open campaign whose signing is paused."""

DEMAND_STATES: Final[Mapping[DemandState, str]] = {
    DemandState.NO_ANSWER: _("No answer yet"),
    DemandState.REFUSED: _("Refused"),
    DemandState.PARTLY_MET: _("Partly met"),
    DemandState.MET: _("Met"),
    DemandState.BROKEN: _("Promised, then broken"),
}


def campaign_state(state: CampaignState, *, paused: bool) -> str:
    """Returns the label of a campaign's state, in English. `paused`: its organisers have paused signing."""
    return SIGNING_PAUSED if paused and state is CampaignState.OPEN else CAMPAIGN_STATES[state]
