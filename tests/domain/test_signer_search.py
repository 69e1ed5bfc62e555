"""Searches for signers: both spellings find a name, repeated names are seen through spelling, and nothing hidden is folded."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from petition import epochs, signatures
from petition.campaigns import Campaign, OpenCampaign
from petition.campaigns.milestones import MilestoneKind
from petition.core.ids import OrganiserId
from petition.ledger.entries import Removal, Visibility
from petition.organisers.actor import Actor
from petition.signatures import Concealed, DisplayChoice, bulk_removal, selection
from petition.signatures.selection import Criteria
from petition.signatures.tables import Signature
from petition.usecases import hints
from tests import make

NAMES = ("Nguyễn Văn Ánh", "José Müller", "Mary O’Brien", "Suzie Example", "100% Omar_Example")
MALLORY = Actor(OrganiserId(b"m" * 16), make.NOW)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("Nguyen", [0]), ("nguyễn", [0]), ("NGUYỄN VAN", [0]), ("jose", [1]), ("muller", [1]), ("MÜLLER", [1]),
        ("O'Brien", [2]), ("O’Brien", [2]), ("o`brien", [2]), ("example", [3, 4]), ("0%", [4]), ("r_e", [4]),
        ("\u0301", []), ("Mallory", []), ("designer", [3]), ("grafikerin", [3]), ("plateforme", [3]),
    ],
)  # fmt: skip
def test_both_spellings_find_a_name_a_role_and_a_team(session: Session, q: str, found: list[int]) -> None:
    campaign = signed(session)
    assert sorted(each.name for each in signatures.named(session, campaign.id, q=q).names) == sorted(
        NAMES[n] for n in found
    )


@pytest.mark.parametrize("q", ["jose", "resume", "RÉSUMÉ", "L'équipe", "l’equipe"])
def test_organisers_find_names_and_comments_in_both_spellings(session: Session, q: str) -> None:
    campaign = signed(session, comment="Mon résumé : l’équipe est d’accord.")
    page = selection.list_named(session, campaign.id, Criteria(q=q))
    assert [signer.name for signer in page.signers] == ["José Müller"]


def test_a_search_for_an_accent_alone_selects_nobody(session: Session) -> None:
    """A text that folds to nothing would otherwise be contained in every name, in a preview of a removal, too."""
    campaign = signed(session)
    assert selection.list_named(session, campaign.id, Criteria(q="\u0301")).found == 0
    assert selection.select_signatures(session, campaign.id, Criteria(q="\u0301"), 1_000).members == ()


def test_a_name_that_several_write_differently_is_repeated(session: Session) -> None:
    campaign = make.campaign(session)
    for name in ("Mary O’Brien", "mary o'brien", "Máry  OʼBrien", "Omar 1", "Ómar 2", "OMAR 3", "Suzie Example"):
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=name))
    epochs.close_epoch(session, campaign, make.NOW)
    found = hints.find(session, campaign.id)
    assert [each.n for each in found.repeated] == [3]
    assert [(each.text, each.n) for each in found.numbered] == [("omar ", 3)]
    assert selection.list_named(session, campaign.id, Criteria(repeated=True)).found == 3


def test_only_what_is_shown_is_folded(session: Session) -> None:
    """A sealed, hidden, withdrawn or removed name has no folded copy, and neither has a waiting one."""
    campaign = make.campaign(session, goals=((MilestoneKind.COUNT, 50),))
    named = [
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=f"Suzie {n}", comment="Yes"))
        for n in range(5)
    ]
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Sealed Sally", sealed_until=50))
    make.signature(session, campaign, DisplayChoice(Visibility.ROLE, role="Engineer"))
    epochs.close_epoch(session, campaign, make.NOW)
    assert folded(session, campaign) == {f"suzie {n}": "yes" for n in range(5)}
    opened = OpenCampaign.of(campaign)
    signatures.hide(session, opened, named[0].withdraw)
    signatures.withdraw(session, opened, named[1].withdraw)
    signatures.conceal(session, campaign, index_of(session, "Suzie 2"), Concealed.NAME)
    signatures.conceal(session, campaign, index_of(session, "Suzie 3"), Concealed.COMMENT)
    removal = bulk_removal.begin(session, campaign, [index_of(session, "Suzie 4")], Removal.DUPLICATE, MALLORY, {})
    assert bulk_removal.advance(session, removal) is False
    session.flush()
    assert folded(session, campaign) == {"suzie 3": ""}
    bulk_removal.undo(session, removal)
    assert folded(session, campaign) == {"suzie 3": "", "suzie 4": "yes"}


def test_a_changed_name_is_folded_anew(session: Session) -> None:
    campaign = make.campaign(session)
    kept = make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie Example"))
    epochs.close_epoch(session, campaign, make.NOW)
    signatures.amend(
        session, OpenCampaign.of(campaign), kept.withdraw, DisplayChoice(Visibility.NAME, name="Zoë Example")
    )
    assert folded(session, campaign) == {}
    epochs.close_epoch(session, campaign, make.NOW)
    assert folded(session, campaign) == {"zoe example": ""}


def test_the_database_refuses_a_folded_name_that_is_not_shown(session: Session) -> None:
    campaign = signed(session)
    with pytest.raises(IntegrityError, match="folded_if_shown"):
        session.execute(update(Signature).where(Signature.campaign_id == campaign.id).values(public=False))


def signed(session: Session, comment: str = "") -> Campaign:
    campaign = make.campaign(
        session, roles={"Engineer": {}, "Designer": {"de": "Grafikerin"}}, teams={"Platform": {"fr": "Plateforme"}}
    )
    for name in NAMES:
        role, team = ("Designer", "Platform") if name == "Suzie Example" else ("", "")
        said = comment if name.startswith("José") else ""
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=name, comment=said, role=role, team=team))
    epochs.close_epoch(session, campaign, make.NOW)
    return campaign


def folded(session: Session, campaign: Campaign) -> dict[str, str | None]:
    session.expire_all()
    query = select(Signature.folded_name, Signature.folded_comment).where(Signature.campaign_id == campaign.id)
    rows = session.execute(query.where(text("num_nonnulls(folded_name, folded_comment) > 0")))
    return {str(name): comment for name, comment in rows}


def index_of(session: Session, name: str) -> int:
    return session.scalars(select(Signature.index).where(Signature.name == name)).one()
