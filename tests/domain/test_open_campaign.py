"""What the public path knows of a campaign: plain values, that need no session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import date, datetime
from enum import Enum

import pytest
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Session

from petition import campaigns, epochs, signatures, verification
from petition.blindsign import passes, rsabssa
from petition.campaigns import CampaignUnknown, OpenCampaign
from petition.core import db
from petition.privacy import DomainPolicy
from petition.signatures import SignatureState
from petition.verification import Proven
from petition.web import page_cache
from tests import make

PLAIN = (str, bytes, int, Enum, date, datetime, type(None))


def _reachable(value: object) -> Iterator[object]:
    """A value and everything in it."""
    yield value
    if is_dataclass(value):
        inner = [getattr(value, each.name) for each in fields(value)]
    elif isinstance(value, Mapping):
        inner = [*value.keys(), *value.values()]
    else:
        inner = [] if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else list(value)  # type: ignore[call-overload]
    for each in inner:
        yield from _reachable(each)


def _is_row(value: object) -> bool:
    try:
        return inspect(value) is not None
    except NoInspectionAvailable:
        return False


def test_its_values_are_plain_and_none_is_a_row(session: Session) -> None:
    row = make.campaign(session, roles={"nurse": {"en": "Nurse"}}, domains={"corp.example": {"dots": True}})
    found = list(_reachable(OpenCampaign.of(row)))
    assert _is_row(row)
    assert not any(_is_row(each) for each in found)
    assert all(isinstance(each, (*PLAIN, OpenCampaign, DomainPolicy, tuple, frozenset)) for each in found)


def test_it_has_the_values_of_its_row(session: Session) -> None:
    row = make.campaign(session, roles={"nurse": {"en": "Nurse"}}, domains={"corp.example": {"dots": True}})
    opened = OpenCampaign.of(row)
    assert (opened.id, opened.slug, opened.state, opened.issuer) == (row.id, row.slug, row.state, row.issuer)
    assert list(opened.domains) == row.policies()
    assert (opened.roles, opened.teams, opened.public_min) == ({"nurse"}, set(row.teams), row.public_min)


def test_it_cannot_be_changed(session: Session) -> None:
    opened = OpenCampaign.of(make.campaign(session))
    with pytest.raises(FrozenInstanceError):
        opened.slug = "another"  # type: ignore[misc]


def test_a_draft_has_none(session: Session) -> None:
    draft = campaigns.draft(session, make.a_draft())
    with pytest.raises(CampaignUnknown):
        campaigns.find_opened(session, draft.slug)


def test_a_closed_one_is_still_found(session: Session) -> None:
    row = make.campaign(session)
    epochs.close_campaign(session, row, make.NOW)
    assert campaigns.find_opened(session, row.slug) == OpenCampaign.of(row)


def test_what_a_web_process_remembers_holds_no_row(engine: Engine) -> None:
    with db.transaction() as session:
        slug = make.campaign(session).slug
    remembered = page_cache.from_database().campaign(slug)
    assert not any(_is_row(each) for each in _reachable(remembered))


def test_one_signs_with_what_is_remembered_after_its_session_was_closed(engine: Engine) -> None:
    with db.transaction() as session:
        slug = make.campaign(session).slug
    remembered = page_cache.from_database().campaign(slug)
    blinding = passes.begin(rsabssa.load_spki(remembered.issuer), remembered.id)
    somebody = Proven("work_email", bytes(32), remembered.domains[0].domain)
    with db.autocommit() as stamping:
        stamp = verification.stamp(stamping, make.PEPPER, remembered, somebody, blinding.blinded)
    kept = passes.complete(blinding, stamp)
    with db.autocommit() as signing:
        receipt = signatures.redeem(signing, remembered, kept.held, make.ANONYMOUS)
    with db.session() as session:
        assert signatures.status(session, remembered, receipt.leaf).state is SignatureState.PENDING
    with db.transaction() as session:
        assert signatures.withdraw(session, remembered, passes.reveal(kept.w0, 0)) is SignatureState.WITHDRAWN
