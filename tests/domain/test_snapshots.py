"""What the public may see: nothing below the least number, everything from it on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import epochs, publication, signatures, verification
from petition.blindsign import passes, rsabssa
from petition.campaigns import CampaignClosed, CampaignState, OpenCampaign
from petition.campaigns.milestones import MilestoneKind
from petition.core.ids import OrganiserId
from petition.ledger.entries import Removal, Visibility
from petition.organisers.actor import Actor
from petition.signatures import NAMES_A_PAGE, DisplayChoice, bulk_removal
from petition.signatures.tables import Signature
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


def test_a_name_that_is_hidden_while_another_one_is_restored_leaves_the_later_pages_of_names(session: Session) -> None:
    """No figure says it, and the first hundred names are the same; pages beyond them are kept for each version."""
    campaign = make.campaign(session, public_min=1)
    names = [DisplayChoice(Visibility.NAME, name=f"Suzie {n}") for n in range(NAMES_A_PAGE + 2)]
    receipts = [make.signature(session, campaign, name) for name in names]
    epochs.close_epoch(session, campaign, make.NOW)
    last, before_last = session.scalars(select(Signature).order_by(Signature.index.desc()).limit(2))
    removal = bulk_removal.begin(
        session, campaign, [last.index], Removal.FRAUD, Actor(OrganiserId(b"o" * 16), make.NOW), {}
    )
    bulk_removal.advance(session, removal)
    epochs.refresh_stale(session, make.NOW)
    shown = publication.load(session, campaign.slug)
    assert shown is not None
    hiding = next(each for each in receipts if passes.secret_hash(each.w0) == before_last.hw)
    signatures.hide(session, OpenCampaign.of(campaign), hiding.withdraw)
    bulk_removal.undo(session, removal)
    epochs.refresh_stale(session, make.NOW)
    now = publication.load(session, campaign.slug, shown.version)
    assert now is not None
    assert (now.tally, now.first_names) == (shown.tally, shown.first_names)


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
