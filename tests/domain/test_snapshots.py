"""What the public may see: nothing below the least number, everything from it on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from petition import epochs, publication, verification
from petition.blindsign import passes, rsabssa
from petition.campaigns import CampaignClosed, CampaignState, OpenCampaign
from petition.campaigns.milestones import MilestoneKind
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from petition.verification import Proven
from tests import make


def test_below_the_least_number_neither_count_nor_names_nor_ledger_are_shown(session: Session) -> None:
    campaign = make.campaign(session, public_min=2, goals=((MilestoneKind.COUNT, 1),))
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie"))
    epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=10))
    hidden = publication.load(session, campaign.slug)
    assert hidden is not None
    assert (hidden.count, hidden.size, hidden.root, hidden.checkpoint, hidden.first_names) == (None, 0, "", "", ())
    assert [each.reached for each in hidden.milestones] == [None]
    make.signature(session, campaign)
    epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=20))
    shown = publication.load(session, campaign.slug, hidden.version)
    assert shown is not None
    assert (shown.count, shown.size, [each.name for each in shown.first_names]) == (2, 5, ["Suzie"])


def test_a_snapshot_is_read_only_when_it_is_newer(session: Session) -> None:
    campaign = make.campaign(session)
    first = publication.load(session, campaign.slug)
    assert first is not None
    assert publication.load(session, campaign.slug, first.version) is None


def test_a_code_answered_just_after_the_close_finds_the_campaign_closed(session: Session) -> None:
    campaign = make.campaign(session)
    blinding = passes.begin(rsabssa.load_spki(campaign.issuer or b""), campaign.id)
    epochs.change(session, campaign, CampaignState.CLOSED, make.NOW)
    someone = Proven("work_email", bytes(32))
    with pytest.raises(CampaignClosed):
        verification.stamp(session, make.PEPPER, OpenCampaign.of(campaign), someone, blinding.blinded)
