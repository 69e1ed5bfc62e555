"""Once a letter is open, an address keeps its reading: a change of the work domains gives nobody a second pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core.ids import OrganiserId
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestOutdated
from petition.privacy import canonical_address
from petition.usecases import domains
from petition.usecases.domains import ReadingFixed
from tests import make

OMAR, RITA = Actor(OrganiserId(b"o" * 16), make.NOW), Actor(OrganiserId(b"r" * 16), make.NOW)
CORP = {"plus": True, "dots": False, "hosts": ["eu.corp.example"], "shared": []}
NEW: dict[str, Any] = {"plus": True, "dots": False, "hosts": [], "shared": []}
Policies = dict[str, dict[str, Any]]


@pytest.fixture
def letter(session: Session) -> Campaign:
    return make.campaign(session, domains={"corp.example": CORP, "b.example": {}})


def given(session: Session, letter: Campaign, after: Mapping[str, dict[str, Any]]) -> ApprovalRequest:
    request = domains.ask(session, letter, after, OMAR)
    session.flush()
    request.decided_by = RITA.by
    domains.change(session, letter, request, make.NOW)
    return request


REFUSED: dict[str, Policies] = {
    "dots": {"corp.example": CORP | {"dots": True}},
    "plus": {"corp.example": CORP | {"plus": False}},
    "both, of a domain without a policy": {"b.example": {"plus": False, "dots": True}},
    "a host becomes a domain": {"eu.corp.example": NEW, "corp.example": CORP | {"hosts": []}},
    "a host becomes a domain and stays a host": {"eu.corp.example": NEW},
    "a domain becomes a host": {"corp.example": CORP | {"hosts": ["eu.corp.example", "b.example"]}, "b.example": NEW | {"dots": True}},
    "another domain takes a host": {"longer.corp.example": NEW | {"hosts": ["eu.corp.example"]}},
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_no_request_changes_how_an_accepted_address_is_read(session: Session, letter: Campaign, what: str) -> None:
    with pytest.raises(ReadingFixed):
        domains.ask(session, letter, letter.domains | REFUSED[what], OMAR)


def test_a_domain_that_was_removed_comes_back_as_it_was_and_not_otherwise(session: Session, letter: Campaign) -> None:
    rest = {"b.example": letter.domains["b.example"]}
    given(session, letter, rest)
    for otherwise in (CORP | {"dots": True}, CORP | {"plus": False}):
        with pytest.raises(ReadingFixed):
            domains.ask(session, letter, rest | {"corp.example": otherwise}, OMAR)
    with pytest.raises(ReadingFixed):
        domains.ask(session, letter, rest | {"eu.corp.example": NEW}, OMAR)
    given(session, letter, rest | {"corp.example": CORP})
    read = canonical_address("su.zie@eu.corp.example", letter.policies())
    assert read.canonical == "su.zie@corp.example"


def test_domains_hosts_and_shared_mailboxes_are_added_and_a_new_domain_is_fixed_then(
    session: Session, letter: Campaign
) -> None:
    more = CORP | {"hosts": ["eu.corp.example", "us.corp.example"], "shared": ["night"]}
    given(session, letter, letter.domains | {"corp.example": more, "c.example": NEW | {"dots": True}})
    with pytest.raises(ReadingFixed):
        domains.ask(session, letter, letter.domains | {"c.example": NEW}, OMAR)


def test_an_approval_does_what_its_words_said_or_nothing(session: Session, letter: Campaign) -> None:
    first = domains.ask(session, letter, letter.domains | {"c.example": NEW}, OMAR)
    given(session, letter, letter.domains | {"d.example": NEW})
    with pytest.raises(RequestOutdated):
        domains.change(session, letter, first, make.NOW)
    old = ApprovalRequest(act=ApprovalKind.DOMAINS, about={"domains": {"corp.example": CORP | {"dots": True}}})
    with pytest.raises(ReadingFixed):
        domains.change(session, letter, old, make.NOW)
