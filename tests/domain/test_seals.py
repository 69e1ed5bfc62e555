"""A sealed name opens at the number that was promised when it was signed, whatever organisers do to milestones later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import epochs, publication, signatures
from petition.campaigns import Campaign, OpenCampaign
from petition.campaigns.milestones import UNKNOWN, MilestoneKind, PlannedMilestone
from petition.ledger import log
from petition.ledger.entries import Visibility
from petition.organisers import approvals
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalRequest
from petition.signatures import DisplayChoice
from petition.signatures.tables import Pending, Signature
from petition.usecases import milestone_settings
from petition.usecases.milestone_settings import Consequences
from tests import make

BY = bytes(16)
OPENS = Consequences(mail_readers=False, mail_organisers=False, open_names=True)
OPENS_NOT = Consequences(mail_readers=False, mail_organisers=False, open_names=False)
COUNT = MilestoneKind.COUNT
LATER = make.NOW + timedelta(seconds=10)


def a_letter(session: Session, *opening: tuple[MilestoneKind, int], **changes: object) -> Campaign:
    """A letter whose names wait for the lowest of these milestones."""
    campaign = make.campaign(session, goals=opening, **changes)
    for kind, value in opening:
        session.get_one(PlannedMilestone, (campaign.id, kind, value)).open_names = True
    session.flush()
    return campaign


def signs(session: Session, campaign: Campaign, *names: str, shown: int = 0) -> None:
    for name in names:
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=name, sealed_until=shown))


def batch(session: Session, campaign: Campaign) -> list[str]:
    """Write one; the names that are public then, sorted."""
    epochs.close_epoch(session, campaign, LATER)
    return names(session, campaign)


def names(session: Session, campaign: Campaign) -> list[str]:
    return sorted(each.name for each in signatures.named(session, campaign.id).names)


def seals(session: Session, campaign: Campaign) -> dict[str, int]:
    """Of those that wait for a batch."""
    session.expire_all()
    rows = session.execute(select(Pending.name, Pending.sealed_until).where(Pending.campaign_id == campaign.id))
    return {name: seal for name, seal in rows}


def by_two(session: Session, campaign: Campaign, asked: ApprovalRequest | None) -> None:
    """A second organiser approves what was asked, where something was."""
    if asked is not None:
        approvals.approve(session, campaign.id, asked.id, Actor(bytes(15) + b"2", LATER))
        milestone_settings.approved(session, campaign, asked, LATER)
        session.flush()


def removed(session: Session, campaign: Campaign) -> None:
    by_two(session, campaign, milestone_settings.remove(session, campaign, COUNT, 5, Actor(BY, LATER)))


def unticked(session: Session, campaign: Campaign) -> None:
    by_two(session, campaign, milestone_settings.change(session, campaign, COUNT, 5, OPENS_NOT, Actor(BY, LATER)))


def undercut(session: Session, campaign: Campaign) -> None:
    by_two(session, campaign, milestone_settings.add(session, campaign, COUNT, 1, OPENS, Actor(BY, LATER)))


def replaced(session: Session, campaign: Campaign) -> None:
    removed(session, campaign)
    undercut(session, campaign)


def shrunk(session: Session, campaign: Campaign) -> None:
    removed(session, campaign)
    campaign.workforce = 10
    by_two(
        session, campaign, milestone_settings.add(session, campaign, MilestoneKind.SHARE, 1, OPENS, Actor(BY, LATER))
    )


Trick = Callable[[Session, Campaign], None]
TRICKS: list[Trick] = [removed, unticked, undercut, replaced, shrunk]


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_an_editor_does_opens_a_name_before_its_number(session: Session, trick: Trick) -> None:
    """P45."""
    campaign = a_letter(session, (COUNT, 5))
    signs(session, campaign, "Suzie")
    assert batch(session, campaign) == []
    signs(session, campaign, "Rita")
    trick(session, campaign)
    campaign.stale = True
    session.flush()
    epochs.refresh_stale(session, LATER)
    assert names(session, campaign) == []
    assert batch(session, campaign) == []
    signs(session, campaign, "Omar")
    assert batch(session, campaign) == ["Omar"]
    signs(session, campaign, "Bob", "Carol")
    assert batch(session, campaign) == ["Bob", "Carol", "Omar", "Rita", "Suzie"]
    assert epochs.audit(session, campaign).faults == []


@pytest.mark.parametrize("trick", TRICKS)
def test_a_letter_that_closes_below_the_number_never_opens_its_sealed_names(session: Session, trick: Trick) -> None:
    campaign = a_letter(session, (COUNT, 5))
    signs(session, campaign, "Suzie")
    batch(session, campaign)
    signs(session, campaign, "Rita")
    trick(session, campaign)
    epochs.close_campaign(session, campaign, LATER)
    assert names(session, campaign) == []
    campaign.stale = True
    session.flush()
    epochs.refresh_stale(session, LATER)
    assert names(session, campaign) == []


def test_a_milestone_removed_after_the_close_opens_nothing(session: Session) -> None:
    """P45."""
    campaign = a_letter(session, (COUNT, 5))
    signs(session, campaign, "Suzie")
    epochs.close_campaign(session, campaign, LATER)
    removed(session, campaign)
    session.flush()
    epochs.refresh_stale(session, LATER)
    assert names(session, campaign) == []


def test_names_open_in_the_batch_that_reaches_their_number(session: Session) -> None:
    campaign = a_letter(session, (COUNT, 3), (COUNT, 9))
    signs(session, campaign, "Suzie", "Rita")
    assert seals(session, campaign) == {"Suzie": 3, "Rita": 3}
    assert batch(session, campaign) == []
    signs(session, campaign, "Omar")
    assert batch(session, campaign) == ["Omar", "Rita", "Suzie"]
    signs(session, campaign, "Bob")
    assert seals(session, campaign) == {"Bob": 0}


def test_the_seal_is_that_of_the_page_or_of_the_letter_whichever_is_later(session: Session) -> None:
    """P45."""
    campaign = a_letter(session, (COUNT, 50), (COUNT, 900))
    signs(session, campaign, "Suzie", shown=900)
    signs(session, campaign, "Rita", shown=20)
    by_two(session, campaign, milestone_settings.remove(session, campaign, COUNT, 50, Actor(BY, LATER)))
    session.flush()
    signs(session, campaign, "Omar", shown=50)
    by_two(session, campaign, milestone_settings.remove(session, campaign, COUNT, 900, Actor(BY, LATER)))
    session.flush()
    signs(session, campaign, "Bob", shown=50)
    signs(session, campaign, "Carol")
    make.signature(session, campaign, DisplayChoice(Visibility.ANONYMOUS, sealed_until=50))
    assert seals(session, campaign) == {"Suzie": 900, "Rita": 50, "Omar": 900, "Bob": 50, "Carol": 0, "": 0}


@pytest.mark.parametrize(
    ("workforce", "share", "seal"), [(1000, 10, 100), (1001, 10, 101), (7, 1, 1), (None, 5, UNKNOWN)]
)
def test_a_share_is_sealed_as_the_number_that_the_page_shows(
    session: Session, workforce: int | None, share: int, seal: int
) -> None:
    campaign = a_letter(session, (MilestoneKind.SHARE, share), workforce=workforce)
    snapshot = publication.refresh(session, campaign)
    signs(session, campaign, "Suzie")
    assert (seals(session, campaign), snapshot.seal()) == ({"Suzie": seal}, seal)


def test_a_wish_waits_beside_the_seal_and_a_hidden_name_keeps_neither(session: Session) -> None:
    campaign = a_letter(session, (COUNT, 2))
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie", publish_at=3))
    receipt = make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Rita"))
    assert batch(session, campaign) == ["Rita"]
    signs(session, campaign, "Omar")
    assert batch(session, campaign) == ["Omar", "Rita", "Suzie"]
    signatures.hide(session, OpenCampaign.of(campaign), receipt.withdraw)
    session.flush()
    kept = select(func.count()).select_from(Signature).where(Signature.campaign_id == campaign.id)
    assert session.scalar(kept.where(Signature.sealed_until > 0)) == 1
    assert log.head_of(session, campaign.id).counted == 3
