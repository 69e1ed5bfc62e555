"""Invitations, the team, approvals and the audit log."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from petition import epochs, organisers
from petition.campaigns import Campaign, CampaignState, find_any
from petition.core import clock, db
from petition.organisers import Organiser, Role, approvals, audit_log
from petition.organisers.actor import Actor, Operator
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestState
from petition.organisers.audit_log import Action
from petition.organisers.labels import APPROVAL_TITLES
from petition.usecases import acts, approval_rules
from petition.web.dashboard import approval_requests, audit_messages
from petition.web.dashboard.access import COOKIE
from tests import make
from tests.support.accounts import by_code, codes_of, invited
from tests.support.omar import Omar, signed_in
from tests.support.work import number_of_queries


def member(app: Flask, omar: Omar, role: Role, name: str) -> Omar:
    return signed_in(app, omar.slug, role, name)


def roles(slug: str) -> dict[str, Role]:
    with db.session() as session:
        found = find_any(session, slug)
        assert found
        return {someone.name: role for someone, role in organisers.members(session, found.id)}


def told(slug: str) -> list[Action]:
    """The actions in a campaign's audit log, newest first."""
    with db.session() as session:
        found = find_any(session, slug)
        assert found
        return [line.action for line in session.scalars(audit_log.lines(found.id))]


def waiting(slug: str) -> list[ApprovalRequest]:
    with db.session() as session:
        found = find_any(session, slug)
        assert found
        return list(session.scalars(approvals.waiting(found.id, clock.now())))


def test_a_newcomer_follows_a_link_chooses_a_name_and_gets_ten_codes_once(
    app: Flask, client: FlaskClient, omar: Omar
) -> None:
    link = invited(omar)
    page = client.get(link)
    assert "A letter" in page.text
    assert "Your role: Editor." in page.text
    assert "Set-Cookie" not in page.headers
    answer = client.post(link, data={"name": "  Alice  Example "})
    assert answer.status_code == 200
    codes = codes_of(answer.text)
    assert len(codes) == 10
    assert "Alice Example" in answer.text
    assert answer.headers["Set-Cookie"].startswith(f"{COOKIE}=")
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"/organise/c/{omar.slug}").status_code == 200
    assert roles(omar.slug) == {"Alice Example": Role.EDITOR, "Omar": Role.OWNER}
    assert client.post(link, data={"name": "Mallory"}).status_code == 403  # no token of this visit
    assert app.test_client().post(link, data={"name": "Mallory"}).status_code == 404
    assert by_code(app.test_client(), "Alice Example", codes[0]).status_code == 303
    form = re.search(r'name="token" value="([0-9a-f]{64})"', answer.text)
    assert form
    assert client.post("/organise/sign-out", data={"token": form[1]}).status_code == 303


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Fill in this field."),
        (" \u00a0 ", "Fill in this field."),
        ("A" * 61, "Use 60 characters or fewer."),
        ("Ali\u0007ce", "characters that cannot be seen"),
        ("Ali\u200bce", "characters that cannot be seen"),
        ("alice@corp.example", "without a link or an address"),
        ("OMAR", "Another organiser has this name."),
    ],
)
def test_a_name_that_cannot_be_used_costs_neither_the_text_nor_the_link(
    client: FlaskClient, omar: Omar, name: str, sentence: str
) -> None:
    link = invited(omar)
    page = client.post(link, data={"name": name})
    assert page.status_code == 422
    assert sentence in page.text
    assert f'value="{name}"' in page.text
    assert "Set-Cookie" not in page.headers
    assert client.post(link, data={"name": "Suzie"}).status_code == 200


def test_an_invitation_lives_three_days_and_is_not_what_lets_an_organiser_in(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=False) as watch:
        omar = signed_in(app, slug)
        link = invited(omar)
        with db.transaction() as session:
            enter = organisers.let_in(session, omar.organiser_id, clock.now())
        assert app.test_client().get(f"/organise/invitation/{enter}").status_code == 404
        assert app.test_client().post(f"/organise/invitation/{enter}", data={"name": "Mallory"}).status_code == 404
        assert app.test_client().post(link.replace("invitation", "enter")).status_code == 404
        watch.shift(timedelta(hours=71, minutes=59))
        assert app.test_client().get(link).status_code == 200
        watch.shift(timedelta(minutes=1))
        assert app.test_client().get(link).status_code == 404
        assert app.test_client().post(link, data={"name": "Suzie"}).status_code == 404


def test_of_many_who_follow_a_link_at_once_one_joins(app: Flask, omar: Omar) -> None:
    link = invited(omar)
    with ThreadPoolExecutor(6) as crowd:
        join = lambda n: app.test_client().post(link, data={"name": f"Newcomer {n}"}).status_code
        assert sorted(crowd.map(join, range(6))) == [200] + [404] * 5
    assert len(roles(omar.slug)) == 2
    with db.session() as session:
        assert len(session.scalars(select(Organiser)).all()) == 2


def test_of_two_who_choose_one_name_at_once_one_gets_it(app: Flask, omar: Omar) -> None:
    links = [invited(omar) for _ in range(4)]
    with ThreadPoolExecutor(4) as crowd:
        join = lambda link: app.test_client().post(link, data={"name": "Suzie"}).status_code
        assert sorted(crowd.map(join, links)) == [200, 422, 422, 422]


def test_who_is_signed_in_joins_with_one_button_and_a_member_keeps_the_role(app: Flask, omar: Omar) -> None:
    suzie = signed_in(app, omar.slug, None, "Suzie")
    link = invited(omar, "moderator")
    assert "You are signed in as Suzie." in suzie.sees(link).text
    assert suzie.client.post(link).status_code == 403
    assert suzie.does(link).headers["Location"] == f"/organise/c/{omar.slug}"
    assert roles(omar.slug)["Suzie"] is Role.MODERATOR
    mine = invited(omar, "observer")
    assert "You are already here" in omar.sees(mine).text
    assert omar.does(mine).status_code == 409
    assert roles(omar.slug)["Omar"] is Role.OWNER
    assert app.test_client().get(mine).status_code == 200


def test_an_operators_invitation_makes_an_organiser_without_a_campaign(app: Flask, client: FlaskClient) -> None:
    with db.transaction() as session:
        link = "/organise/invitation/" + organisers.invite(session, None, None, Operator(clock.now()))
    assert "To organise campaigns on this site" in client.get(link).text
    assert client.post(link, data={"name": "Suzie"}).status_code == 200
    assert client.get("/organise").status_code == 200


def test_an_invitation_is_shown_once_listed_and_cancelled(app: Flask, omar: Omar) -> None:
    link = invited(omar, "observer")
    page = omar.sees("~/team").text
    assert link not in page
    found = re.search(r'action="[^"]*/team/cancel".*?name="id" value="([0-9a-f]+)"', page, re.DOTALL)
    assert found
    suzie = signed_in(app, make_another(), Role.OWNER, "Suzie")
    assert suzie.does("~/team/cancel", id=found[1]).status_code == 404
    assert omar.does("~/team/cancel", id=found[1]).status_code == 303
    assert app.test_client().get(link).status_code == 404
    assert "No invitation is open." in omar.sees("~/team").text
    assert told(omar.slug)[:2] == [Action.INVITATION_CANCELLED, Action.INVITED]
    assert omar.does("~/team/invite", role="king").status_code == 422


def make_another() -> str:
    with db.transaction() as session:
        return make.campaign(session).slug


def test_a_role_changes_and_a_member_goes_within_one_request(app: Flask, omar: Omar) -> None:
    suzie = member(app, omar, Role.EDITOR, "Suzie")
    assert suzie.sees("~/journal").status_code == 200
    assert omar.does("~/team/role", id=suzie.organiser_id.hex(), role="observer").status_code == 303
    assert suzie.sees("~/journal").status_code == 403
    assert omar.does("~/team/role", id=suzie.organiser_id.hex(), role="owner").status_code == 303
    link = invited(suzie, "owner")
    with db.transaction() as session:
        session.get_one(organisers.Membership, (found_id(omar.slug), suzie.organiser_id)).role = Role.EDITOR
    assert omar.does("~/team/remove", id=suzie.organiser_id.hex()).status_code == 303
    assert suzie.sees("~").status_code == 404
    assert suzie.sees(link).status_code == 404  # nor does a link made before lead back
    assert told(omar.slug)[0] is Action.MEMBER_REMOVED
    assert omar.does("~/team/remove", id=suzie.organiser_id.hex()).status_code == 404


def found_id(slug: str) -> bytes:
    with db.session() as session:
        found = find_any(session, slug)
        assert found
        return found.id


def test_the_last_owner_neither_goes_nor_becomes_less(app: Flask, omar: Omar) -> None:
    member(app, omar, Role.EDITOR, "Suzie")
    me = omar.organiser_id.hex()
    assert "The last owner can’t be removed." in omar.sees("~/team").text
    for answer in (omar.does("~/team/remove", id=me), omar.does("~/team/role", id=me, role="editor")):
        assert answer.status_code == 409
        assert "Make somebody else an owner first" in answer.text
    assert roles(omar.slug)["Omar"] is Role.OWNER
    assert waiting(omar.slug) == []


@pytest.mark.parametrize(
    ("role", "left"), [("", {"Omar": Role.OWNER}), ("editor", {"Omar": Role.OWNER, "Suzie": Role.EDITOR})]
)
def test_an_owner_goes_or_becomes_less_only_with_a_second_key(
    app: Flask, omar: Omar, role: str, left: dict[str, Role]
) -> None:
    """P46."""
    suzie, rita = member(app, omar, Role.OWNER, "Suzie"), member(app, omar, Role.OWNER, "Alice Example")
    typed = {"id": suzie.organiser_id.hex()} | ({"role": role} if role else {})
    answer = omar.does(f"~/team/{'role' if role else 'remove'}", **typed)
    assert answer.headers["Location"] == f"/organise/c/{omar.slug}/keys"
    assert roles(omar.slug)["Suzie"] is Role.OWNER
    (asked,) = waiting(omar.slug)
    page = rita.sees("~/keys").text
    assert "Suzie" in page
    assert "Omar asks for it" in page
    same = omar.does("~/keys/approve", id=asked.id.hex())
    assert same.status_code == 403
    assert "Another organiser with the same rights must" in same.text
    assert rita.does("~/keys/approve", id=asked.id.hex()).status_code == 303
    assert roles(omar.slug) == left | {"Alice Example": Role.OWNER}
    assert suzie.sees("~/team").status_code == (403 if role else 404)
    assert rita.does("~/keys/approve", id=asked.id.hex()).status_code == 404
    assert told(omar.slug)[:3] == [
        Action.ROLE_CHANGED if role else Action.MEMBER_REMOVED, Action.KEY_GIVEN, Action.KEY_ASKED,
    ]  # fmt: skip


def test_two_owners_who_remove_one_another_at_once_leave_one(app: Flask, omar: Omar) -> None:
    suzie = member(app, omar, Role.OWNER, "Suzie")
    omar.does("~/team/remove", id=suzie.organiser_id.hex())
    suzie.does("~/team/remove", id=omar.organiser_id.hex())
    first, second = waiting(omar.slug)
    pairs = (
        [(suzie, first), (omar, second)] if first.asked_by == omar.organiser_id else [(omar, first), (suzie, second)]
    )
    with ThreadPoolExecutor(2) as crowd:
        list(crowd.map(lambda pair: pair[0].does("~/keys/approve", id=pair[1].id.hex()), pairs))
    assert list(roles(omar.slug).values()) == [Role.OWNER]


def test_a_request_is_refused_or_taken_back_and_nothing_happens(app: Flask, omar: Omar) -> None:
    suzie = member(app, omar, Role.OWNER, "Suzie")
    for decider in (suzie, omar):
        omar.does("~/keys/close")
        (asked,) = waiting(omar.slug)
        assert decider.does("~/keys/refuse", id=asked.id.hex()).status_code == 303
        assert waiting(omar.slug) == []
        assert suzie.does("~/keys/approve", id=asked.id.hex()).status_code == 404
    assert told(omar.slug)[:4] == [Action.KEY_REFUSED, Action.KEY_ASKED] * 2


def test_a_campaign_is_closed_by_two_once_and_says_the_figures_before(app: Flask, omar: Omar) -> None:
    """P46."""
    suzie = member(app, omar, Role.OWNER, "Suzie")
    with db.transaction() as session:
        found = session.get_one(Campaign, found_id(omar.slug))
        make.signature(session, found)
    omar.does("~/keys/close")
    omar.does("~/keys/close")
    (asked,) = waiting(omar.slug)
    page = suzie.sees("~/keys").text
    assert "fewer than 10 signatures waited for the last batch." in page
    assert '<span class="badge">1<span class="unseen"> waiting</span>' in page
    with ThreadPoolExecutor(4) as crowd:
        answers = sorted(crowd.map(lambda _: suzie.does("~/keys/approve", id=asked.id.hex()).status_code, range(4)))
    assert answers == [303, 404, 404, 404]
    assert state(omar.slug) is CampaignState.OPEN
    assert calendar(timedelta(hours=23, minutes=59)) == []
    assert calendar(timedelta(hours=24, minutes=1)) == [omar.slug]
    assert state(omar.slug) is CampaignState.CLOSED
    assert [told(omar.slug).count(each) for each in (Action.KEY_GIVEN, Action.CLOSE_PLANNED, Action.CAMPAIGN_CLOSED)] == [
        1, 1, 1,
    ]  # fmt: skip
    assert omar.does("~/keys/close").status_code == 409


def state(slug: str) -> CampaignState:
    with db.session() as session:
        return session.get_one(Campaign, found_id(slug)).state


def calendar(later: timedelta) -> list[str]:
    """The campaigns that their dates open or close some time from now."""
    with db.transaction() as session:
        return epochs.keep_calendar(session, clock.now() + later)


def test_approval_and_act_stand_or_fall_together(app: Flask, omar: Omar) -> None:
    suzie = member(app, omar, Role.OWNER, "Suzie")
    omar.does("~/keys/close")
    (asked,) = waiting(omar.slug)
    with db.transaction() as session:
        session.get_one(Campaign, found_id(omar.slug)).state = CampaignState.CLOSED
    answer = suzie.does("~/keys/approve", id=asked.id.hex())
    assert answer.status_code == 409
    assert "A letter is opened, closed, delivered and answered, in this order." in answer.text
    assert [each.state for each in waiting(omar.slug)] == [RequestState.WAITING]


def test_a_request_of_somebody_who_went_counts_no_more_and_one_key_opens_nothing_alone(app: Flask, omar: Omar) -> None:
    """P46."""
    suzie, alice = member(app, omar, Role.OWNER, "Suzie"), member(app, omar, Role.OWNER, "Alice Example")
    suzie.does("~/keys/close")
    (asked,) = waiting(omar.slug)
    with db.transaction() as session:
        session.get_one(organisers.Membership, (found_id(omar.slug), suzie.organiser_id)).role = Role.OBSERVER
    assert "Nothing waits for a second organiser." in omar.sees("~/keys").text
    assert omar.does("~/keys/approve", id=asked.id.hex()).status_code == 404
    editor = member(app, omar, Role.EDITOR, "Alice Example")
    assert editor.organiser_id == alice.organiser_id
    omar.does("~/keys/close")
    mine = next(each for each in waiting(omar.slug) if each.asked_by == omar.organiser_id)
    assert "Nothing waits for a second organiser." in editor.sees("~/keys").text
    assert editor.does("~/keys/approve", id=mine.id.hex()).status_code == 403
    assert editor.does("~/keys/refuse", id=mine.id.hex()).status_code == 403
    assert "Nobody else here can approve it" in omar.sees("~/keys").text


def test_a_request_ends_after_three_days_and_of_another_campaign_is_unknown(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=False) as watch:
        omar, suzie = signed_in(app, slug), signed_in(app, slug, name="Suzie")
        omar.does("~/keys/close")
        (asked,) = waiting(slug)
        stranger = signed_in(app, make_another(), name="Mallory")
        assert stranger.does("~/keys/approve", id=asked.id.hex()).status_code == 404
        watch.shift(timedelta(hours=72))
        suzie = signed_in(app, slug, name="Suzie")
        assert "Nothing waits" in suzie.sees("~/keys").text
        assert suzie.does("~/keys/approve", id=asked.id.hex()).status_code == 404


def test_approving_asks_once_more_who_it_is(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=False) as watch:
        omar, suzie = signed_in(app, slug), signed_in(app, slug, name="Suzie")
        omar.does("~/keys/close")
        (asked,) = waiting(slug)
        watch.shift(timedelta(minutes=11))
        answer = suzie.does("~/keys/approve", id=asked.id.hex())
        assert answer.headers["Location"].startswith("/organise/confirm?next=")
        assert len(waiting(slug)) == 1


def test_every_act_has_a_right_words_and_something_that_it_does() -> None:
    for named in (approval_rules.RIGHTS, APPROVAL_TITLES, approval_requests.SENTENCES, acts.ACTS):
        assert set(named) == set(ApprovalKind)
    by_effect = {ApprovalKind.REMOVE, ApprovalKind.HIDE, ApprovalKind.CLOSE, ApprovalKind.NAMES_SOONER}
    assert set(ApprovalKind) - approval_rules.ALWAYS == by_effect


def test_every_action_has_a_sentence_in_both_languages(app: Flask) -> None:
    assert set(audit_messages.SENTENCES) == set(Action)
    said: dict[str, list[str]] = {}
    for lang in ("en", "fr"):
        with app.test_request_context(f"/?lang={lang}"):
            said[lang] = [
                audit_messages.describe_action(action, {"role": "editor", "left": 1, "act": "close", "name": "Suzie"})
                for action in Action
            ]
            assert audit_messages.describe_action(Action.REMOVAL_UNDONE, {}) == audit_messages.name(
                Action.REMOVAL_UNDONE
            )
    assert [pair for pair in zip(said["en"], said["fr"], strict=True) if pair[0] == pair[1]] == []


def test_the_audit_log_shows_who_did_what_and_filters(app: Flask, omar: Omar) -> None:
    suzie = member(app, omar, Role.EDITOR, "Suzie")
    omar.does("~/team/role", id=suzie.organiser_id.hex(), role="moderator")
    invited(omar)
    page = omar.sees("~/journal").text
    assert "Changed a role: Suzie, Moderator" in page
    assert "Invited somebody: Editor" in page
    page = omar.sees("~/journal?deed=joined").text
    assert page.count("Joined the team: ") == 2
    assert "Changed a role: " not in page
    page = omar.sees(f"~/journal?by={suzie.organiser_id.hex()}").text
    assert page.count("Joined the team: ") == 1
    assert "No line fits this filter." in omar.sees("~/journal?deed=exported").text
    for odd in ("deed=king", "by=zz", "by=00", "before=-1", "before=99999999999999999999999", "before=x", "deed=%00"):
        assert omar.sees(f"~/journal?{odd}").status_code == 200, odd


def test_the_audit_log_shows_a_hundred_lines_a_page(omar: Omar) -> None:
    with db.transaction() as session:
        for n in range(150):
            audit_log.write(
                session, found_id(omar.slug), Actor(omar.organiser_id, clock.now()), Action.UPDATE_WRITTEN, {"left": n}
            )
    first = omar.sees("~/journal?deed=update_written").text
    assert first.count("Wrote an update: ") == 100
    assert "149 codes left" in first
    older = re.search(r'href="([^"]*before=[^"]*)"', first)
    assert older
    second = omar.sees(older[1].replace("&amp;", "&")).text
    assert second.count("Wrote an update: ") == 50
    assert "Older lines" not in second


@pytest.mark.parametrize("statement", ["UPDATE journal SET deed = 'joined'", "DELETE FROM journal", "TRUNCATE journal"])
def test_the_database_itself_refuses_to_change_a_line(omar: Omar, owner: Engine, statement: str) -> None:
    """P50: the application's role lacks the privilege; the owner of the table meets its trigger."""
    with db.session() as session, pytest.raises(DBAPIError, match="permission denied"):
        session.execute(text(statement))
    with owner.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(statement))
    assert told(omar.slug) == [Action.JOINED]


@pytest.mark.parametrize("page", ["~/team", "~/keys", "~/journal"])
def test_each_list_takes_the_same_number_of_queries_with_one_row_and_with_three(
    app: Flask, omar: Omar, page: str
) -> None:
    invited(omar)
    suzie = member(app, omar, Role.OWNER, "Suzie")
    suzie.does("~/keys/close")
    one = number_of_queries(lambda: omar.sees(page))
    for name in ("Alice", "Bob"):
        another = member(app, omar, Role.OWNER, f"{name} Example")
        another.does("~/keys/close")
        invited(omar)
    assert number_of_queries(lambda: omar.sees(page)) == one
    assert len(waiting(omar.slug)) == 3


def test_upkeep_forgets_visits_invitations_and_requests_that_served_their_day(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=False) as watch:
        omar = signed_in(app, slug)
        invited(omar)
        omar.does("~/keys/close")
        watch.shift(timedelta(days=94))
        with db.transaction() as session:
            organisers.purge(session, clock.now())
            approvals.forget_old(session, clock.now() - timedelta(days=90))
            for table in (organisers.OrganiserSession, organisers.Invitation, ApprovalRequest):
                assert session.scalars(select(table)).all() == []  # type: ignore[var-annotated]
