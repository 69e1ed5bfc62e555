"""Organisers without a browser: rights, teams, invitations, sessions, approvals and recovery codes."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import organisers
from petition.core.ids import CampaignId, OrganiserId
from petition.organisers import (
    GRANTS,
    Act,
    InvitationUnknown,
    LastOwner,
    MemberAlready,
    MemberUnknown,
    NameTaken,
    Organiser,
    Role,
    approvals,
    audit_log,
    invitations,
    may,
    recovery,
    role_of,
    sessions,
    team,
)
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, RequestState, RequestUnknown, SameOrganiser
from petition.organisers.audit_log import Action
from tests import make

NOW = make.NOW
A, B = CampaignId(b"a" * 16), CampaignId(b"b" * 16)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
ABOUT = {"figure": 12, "digest": "abc", "certain": True, "domains": {"corp.example": {}}}


def organiser(session: Session, name: str, role: Role | None = None) -> OrganiserId:
    made = organisers.enrol(session, name, "en", NOW).id
    if role is not None:
        organisers.join(session, A, made, role, NOW)
    return made


@pytest.fixture
def omar(session: Session) -> OrganiserId:
    return organiser(session, "Omar", Role.OWNER)


@pytest.fixture
def olga(session: Session) -> OrganiserId:
    return organiser(session, "Olga", Role.EDITOR)


@pytest.mark.parametrize("role", Role)
def test_a_role_gives_its_rights_in_its_own_campaign_and_nowhere_else(session: Session, role: Role) -> None:
    member = organiser(session, "Omar", role)
    assert {act for act in Act if may(session, member, act, A)} == GRANTS[role]
    assert not any(may(session, member, act, B) for act in Act)


def test_a_disabled_organiser_has_no_role(session: Session, omar: OrganiserId) -> None:
    organisers.disable(session, session.get_one(Organiser, omar), NOW)
    assert role_of(session, omar, A) is None


def test_only_owners_manage_and_every_role_sees() -> None:
    assert [role for role in Role if Act.MANAGE in GRANTS[role]] == [Role.OWNER]
    assert all(Act.SEE in GRANTS[role] for role in Role)


def test_no_two_changes_of_a_team_leave_it_without_an_owner(session: Session, omar: OrganiserId) -> None:
    other, actor = organiser(session, "Olga", Role.OWNER), Actor(omar, NOW)
    changes = [*product((omar, other), (None, *Role))]
    for pair in product(changes, repeat=2):
        step = session.begin_nested()
        for member, to in pair:
            try:
                team.remove(session, A, member, actor) if to is None else team.change_role(
                    session, A, member, to, actor
                )
            except (LastOwner, MemberUnknown):
                continue
        assert Role.OWNER in {role for _, role in organisers.members(session, A)}, pair
        step.rollback()
        session.expire_all()


def test_a_disabled_owner_does_not_count_as_the_other_owner(session: Session, omar: OrganiserId) -> None:
    other = organiser(session, "Olga", Role.OWNER)
    organisers.disable(session, session.get_one(Organiser, other), NOW)
    with pytest.raises(LastOwner):
        team.remove(session, A, omar, Actor(omar, NOW))


@pytest.mark.parametrize("to", [None, Role.EDITOR, Role.MODERATOR, Role.OBSERVER])
def test_who_may_no_longer_invite_keeps_no_open_invitation(
    session: Session, omar: OrganiserId, to: Role | None
) -> None:
    other = organiser(session, "Olga", Role.OWNER)
    tokens = {(by, where): organisers.invite(session, where, Role.EDITOR, Actor(by, NOW))
              for by, where in product((omar, other), (A, B))}  # fmt: skip
    if to is None:
        team.remove(session, A, other, Actor(omar, NOW))
    else:
        team.change_role(session, A, other, to, Actor(omar, NOW))
    with pytest.raises(InvitationUnknown):
        invitations.find(session, tokens.pop((other, A)), NOW)
    assert all(invitations.find(session, token, NOW).role is Role.EDITOR for token in tokens.values())


def test_the_same_role_again_is_not_an_action(session: Session, omar: OrganiserId) -> None:
    team.change_role(session, A, omar, Role.OWNER, Actor(omar, NOW))
    assert session.scalars(audit_log.lines(A, action=Action.ROLE_CHANGED)).all() == []


def test_an_invitation_of_another_campaign_cannot_be_cancelled(session: Session, omar: OrganiserId) -> None:
    token = organisers.invite(session, B, Role.EDITOR, Actor(omar, NOW))
    with pytest.raises(InvitationUnknown):
        team.cancel(session, A, invitations.find(session, token, NOW).id, Actor(omar, NOW))
    assert [each.campaign_id for each in team.open_invitations(session, B, NOW)] == [B]


def test_an_invitation_works_once_and_gives_its_role(session: Session, omar: OrganiserId) -> None:
    token, guest = organisers.invite(session, A, Role.MODERATOR, Actor(omar, NOW)), organiser(session, "Olga")
    organisers.accept(session, token, guest, NOW)
    assert role_of(session, guest, A) is Role.MODERATOR
    with pytest.raises(InvitationUnknown):
        organisers.accept(session, token, organiser(session, "Otto"), NOW)


def test_an_invitation_changes_no_role(session: Session, omar: OrganiserId, olga: OrganiserId) -> None:
    token = organisers.invite(session, A, Role.OWNER, Actor(omar, NOW))
    with pytest.raises(MemberAlready):
        organisers.accept(session, token, olga, NOW)
    assert role_of(session, olga, A) is Role.EDITOR


def test_a_link_that_signs_somebody_in_is_no_invitation(session: Session, omar: OrganiserId, olga: OrganiserId) -> None:
    with pytest.raises(InvitationUnknown):
        organisers.accept(session, organisers.let_in(session, omar, NOW), olga, NOW)


def test_an_invitation_ends_after_72_hours_to_the_second(session: Session, omar: OrganiserId) -> None:
    token, end = organisers.invite(session, A, Role.EDITOR, Actor(omar, NOW)), NOW + timedelta(hours=72)
    organisers.purge(session, end - SECOND)
    assert invitations.find(session, token, end - SECOND).until == end
    for act in (invitations.find, invitations.take):
        with pytest.raises(InvitationUnknown):
            act(session, token, end)
    organisers.purge(session, end)
    assert team.open_invitations(session, A, NOW) == []


@pytest.mark.parametrize(("first", "second"), [("Omar", "OMAR"), ("straße", "STRASSE"), ("Éva", "éva")])
def test_a_name_belongs_to_one_organiser_whatever_its_case(session: Session, first: str, second: str) -> None:
    made = organisers.enrol(session, first, "en", NOW)
    with pytest.raises(NameTaken):
        organisers.enrol(session, second, "en", NOW)
    assert organisers.named(session, second) is made, "the transaction goes on"


def test_a_session_ends_after_30_idle_minutes_and_after_12_hours_to_the_second(
    session: Session, omar: OrganiserId
) -> None:
    token, at = sessions.begin(session, omar, NOW), NOW
    assert sessions.find(session, token, NOW + sessions.IDLE) is None
    while (at := at + sessions.IDLE - SECOND) < NOW + sessions.LONGEST:
        assert sessions.find(session, token, at)
    assert sessions.find(session, token, NOW + sessions.LONGEST) is None


@pytest.mark.parametrize(("after", "fresh"), [(timedelta(minutes=10) - SECOND, True), (timedelta(minutes=10), False)])
def test_a_proof_of_identity_is_fresh_for_ten_minutes(
    session: Session, omar: OrganiserId, after: timedelta, fresh: bool
) -> None:
    token = sessions.begin(session, omar, NOW - DAY / 4)
    session.scalars(select(organisers.OrganiserSession)).one().seen = NOW
    renewed = sessions.renew(session, sessions.visit_id(token), NOW)
    assert renewed is not None
    found = sessions.find(session, renewed, NOW + after)
    assert found is not None
    assert found.fresh is fresh


def test_a_new_proof_gives_a_new_cookie_and_the_old_one_is_worth_nothing(session: Session, omar: OrganiserId) -> None:
    """P36: the session ends when it would have ended, and a second window that proves with the old cookie gets none."""
    token = sessions.begin(session, omar, NOW)
    renewed = sessions.renew(session, sessions.visit_id(token), NOW + timedelta(minutes=20))
    assert renewed not in {None, token}
    assert sessions.find(session, token, NOW + timedelta(minutes=20)) is None
    assert sessions.renew(session, sessions.visit_id(token), NOW + timedelta(minutes=20)) is None
    session.scalars(select(organisers.OrganiserSession)).one().seen = NOW + sessions.LONGEST
    assert renewed is not None
    assert sessions.find(session, renewed, NOW + sessions.LONGEST - SECOND)
    assert sessions.find(session, renewed, NOW + sessions.LONGEST) is None


def test_the_last_use_is_written_once_a_minute(session: Session, omar: OrganiserId) -> None:
    token = sessions.begin(session, omar, NOW)

    def seen(at: datetime) -> datetime:
        assert sessions.find(session, token, at)
        return session.get_one(organisers.OrganiserSession, sessions.visit_id(token)).seen

    assert [seen(NOW + timedelta(seconds=n)) - NOW for n in (59, 60, 119, 120)] == [
        timedelta(minutes=n) for n in (0, 1, 1, 2)
    ]


def test_signing_out_everywhere_else_keeps_this_session_and_those_of_others(
    session: Session, omar: OrganiserId, olga: OrganiserId
) -> None:
    here, there, hers = (sessions.begin(session, each, NOW) for each in (omar, omar, olga))
    sessions.end_all(session, omar, but=sessions.visit_id(here))
    assert [sessions.find(session, token, NOW) is not None for token in (here, there, hers)] == [True, False, True]


def test_the_language_of_an_ended_session_is_known_until_its_row_goes(session: Session, omar: OrganiserId) -> None:
    token, later = sessions.begin(session, omar, NOW), NOW + DAY
    assert (sessions.find(session, token, later), sessions.language_of(session, token)) == (None, "en")
    sessions.forget_ended(session, later)
    assert sessions.language_of(session, token) is None


def test_the_same_request_twice_is_one_and_that_of_another_organiser_is_a_second(
    session: Session, omar: OrganiserId, olga: OrganiserId
) -> None:
    asked = [
        approvals.ask(session, A, act, about, Actor(by, NOW + n * SECOND)).id
        for n, (act, about, by) in enumerate([
            (ApprovalKind.CLOSE, ABOUT, omar), (ApprovalKind.CLOSE, dict(ABOUT), omar),
            (ApprovalKind.CLOSE, ABOUT, olga), (ApprovalKind.CLOSE, ABOUT | {"figure": 13}, omar),
            (ApprovalKind.REMOVE, ABOUT, omar),
        ])
    ]  # fmt: skip
    assert asked[0] == asked[1]
    assert [each.id for each in session.scalars(approvals.waiting(A, NOW))] == list(dict.fromkeys(asked))
    assert session.scalars(approvals.waiting(B, NOW)).all() == []


def test_nobody_approves_their_own_request_but_may_take_it_back(session: Session, omar: OrganiserId) -> None:
    request = approvals.ask(session, A, ApprovalKind.CLOSE, ABOUT, Actor(omar, NOW))
    with pytest.raises(SameOrganiser):
        approvals.approve(session, A, request.id, Actor(omar, NOW))
    assert request.state is RequestState.WAITING
    assert approvals.refuse(session, A, request.id, Actor(omar, NOW)).state is RequestState.REFUSED


@pytest.mark.parametrize("decide", [approvals.approve, approvals.refuse])
def test_a_request_is_decided_once_in_its_campaign_and_within_three_days(
    session: Session, omar: OrganiserId, olga: OrganiserId, decide: type
) -> None:
    request = approvals.ask(session, A, ApprovalKind.CLOSE, ABOUT, Actor(omar, NOW))
    for campaign, at in ((B, NOW), (A, NOW + approvals.LIFE)):
        with pytest.raises(RequestUnknown):
            decide(session, campaign, request.id, Actor(olga, at))
    decide(session, A, request.id, Actor(olga, NOW + approvals.LIFE - SECOND))
    for again in (approvals.approve, approvals.refuse):
        with pytest.raises(RequestUnknown):
            again(session, A, request.id, Actor(olga, NOW))
    assert request.decided_by == olga


def test_the_audit_log_takes_the_figures_of_a_request_and_nothing_else(session: Session, omar: OrganiserId) -> None:
    approvals.ask(session, A, ApprovalKind.REMOVE, ABOUT, Actor(omar, NOW))
    line = session.scalars(audit_log.lines(A, action=Action.KEY_ASKED)).one()
    assert line.about == {"act": "remove", "figure": 12}


def test_old_requests_go_and_younger_ones_stay(session: Session, omar: OrganiserId) -> None:
    kept = approvals.ask(session, A, ApprovalKind.CLOSE, {}, Actor(omar, NOW)).id
    approvals.ask(session, A, ApprovalKind.MAIL, {}, Actor(omar, NOW - DAY))
    approvals.forget_old(session, NOW + approvals.LIFE)
    assert session.scalars(select(approvals.ApprovalRequest.id)).all() == [kept]


CODE = st.text(alphabet=recovery.LETTERS, min_size=16, max_size=16)
NOISE = st.text(alphabet=" -.,\t_/", max_size=3)


@given(CODE, st.data())
def test_a_code_is_understood_however_it_is_typed(code: str, data: st.DataObject) -> None:
    spoken = {"1": "1iIlL", "0": "0oO"}
    typed = "".join(
        data.draw(st.sampled_from(spoken.get(each, each + each.upper()))) + data.draw(NOISE) for each in code
    )
    assert recovery.plain(typed) == code


@given(st.text(max_size=60))
def test_understanding_what_was_typed_is_done_once(typed: str) -> None:
    plain = recovery.plain(typed)
    assert (recovery.plain(plain), " " in plain, "-" in plain) == (plain, False, False)


def test_ten_codes_differ_can_be_read_aloud_and_start_with_their_number(session: Session, omar: OrganiserId) -> None:
    codes = recovery.renew(session, omar, NOW)
    assert [code[0] for code in codes] == list("0123456789")
    assert {recovery.plain(code) for code in codes} == {code.replace("-", "") for code in codes}
    assert {len(code.replace("-", "")) for code in codes} == {recovery.RANDOM_LETTERS + 1}


def test_new_codes_take_the_place_of_the_old_ones(session: Session, omar: OrganiserId) -> None:
    hashes = []
    for _ in range(2):
        recovery.renew(session, omar, NOW)
        hashes.append(set(session.scalars(select(organisers.RecoveryCode.hash))))
    assert hashes[0].isdisjoint(hashes[1])
    assert recovery.left(session, omar) == recovery.CODES
