"""The door of the dashboard: who comes in, for how long, and what each role may do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from petition import organisers
from petition.campaigns import find_any
from petition.core import clock, db
from petition.organisers import GRANTS, Act, Role
from petition.web.dashboard.access import COOKIE, Audience, next_page
from tests import make
from tests.support.dashboard import GOODBYES, routes
from tests.support.omar import Omar, signed_in


def filled(rule: str, slug: str) -> str:
    """A path of a rule: the campaign's name, and something that does not exist for the rest."""
    import re

    path = rule.replace("<slug>", slug)
    path = re.sub(r"<int:[a-z_]+>", "999999", path)
    return re.sub(r"<[^>]+>", "nothing", path)


def test_every_route_of_the_dashboard_declares_its_access_and_campaigns_ask_for_an_act(app: Flask) -> None:
    """P35."""
    found = routes(app)
    assert len(found) > 5
    assert [each for each in found if each[3] is None] == []
    wrong = [rule for _, rule, _, access in found if ("<slug>" in rule) is not isinstance(access.what, Act)]  # type: ignore[union-attr]
    assert wrong == []


@pytest.mark.parametrize("role", [None, *Role])
def test_each_route_answers_each_role_as_it_declares(app: Flask, slug: str, role: Role | None) -> None:
    """P35."""
    with db.transaction() as session:
        foreign = make.campaign(session).slug
    someone = signed_in(app, slug, role)
    token = someone.token()
    for method, rule, endpoint, access in routes(app):
        if endpoint in GOODBYES or access is None:
            continue
        for where, has in ((slug, role), (foreign, None), ("no-such-letter", None)):
            if "<slug>" not in rule and where != slug:
                continue
            answer = someone.client.open(
                filled(rule, where), method=method, data={"token": token} if method == "POST" else None
            )
            what = f"{method} {rule} as {has} in {where}: {answer.status}"
            if isinstance(access.what, Audience):
                assert answer.status_code not in {401, 500}, what
            elif has is None:
                assert answer.status_code == 404, what
                assert "There is no campaign with this name here." in answer.text, what
            elif access.what not in GRANTS[has]:
                assert answer.status_code == 403, what
                assert "Your role in this campaign does not allow this." in answer.text, what
            else:
                assert answer.status_code not in {401, 403, 500, 503}, what


def test_a_visitor_who_is_not_signed_in_is_led_to_the_sign_in_page_and_nothing_happens(app: Flask, slug: str) -> None:
    client = app.test_client()
    for method, rule, _, access in routes(app):
        if access is None or access.what is Audience.ANYBODY:
            continue
        answer = client.open(filled(rule, slug), method=method)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/organise/sign-in"), rule


def test_the_cookie_is_bound_to_this_host_and_no_script_reads_it(app: Flask, slug: str) -> None:
    """P36."""
    with db.transaction() as session:
        someone = organisers.enrol(session, "Omar", "en", clock.now())
        link = organisers.let_in(session, someone.id, clock.now())
    client = app.test_client()
    cookie = client.post(f"/organise/enter/{link}").headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert COOKIE.startswith("__Host-")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    again = client.post(f"/organise/enter/{link}")
    assert again.status_code == 404
    assert "Set-Cookie" not in again.headers


def test_a_link_that_is_only_opened_signs_nobody_in(app: Flask) -> None:
    with db.transaction() as session:
        link = organisers.let_in(session, organisers.enrol(session, "Omar", "en", clock.now()).id, clock.now())
    client = app.test_client()
    page = client.get(f"/organise/enter/{link}")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert client.get("/organise").status_code == 303


def test_a_sign_in_has_a_new_name_each_time_and_the_old_one_opens_nothing(app: Flask, omar: Omar) -> None:
    """P36."""
    first = omar.client.get_cookie(COOKIE, domain="localhost")
    assert first
    with db.transaction() as session:
        link = organisers.let_in(session, omar.organiser_id, clock.now())
    omar.client.post(f"/organise/enter/{link}")
    second = omar.client.get_cookie(COOKIE, domain="localhost")
    assert second
    assert second.value != first.value
    thief = app.test_client()
    thief.set_cookie(COOKIE, first.value, domain="localhost")
    assert thief.get("/organise").status_code == 303


def test_a_visit_is_dead_at_sign_out_at_removal_and_when_disabled_with_the_next_request(app: Flask, omar: Omar) -> None:
    """P36."""
    cookie = omar.client.get_cookie(COOKIE, domain="localhost")
    assert cookie
    omar.does("/organise/sign-out")
    omar.client.set_cookie(COOKIE, cookie.value, domain="localhost")
    assert omar.sees("~").status_code == 303
    other = signed_in(app, omar.slug, Role.OBSERVER, "Suzie")
    assert other.sees("~").status_code == 200
    with db.transaction() as session:
        found = find_any(session, omar.slug)
        assert found
        session.delete(session.get_one(organisers.Membership, (found.id, other.organiser_id)))
    assert other.sees("~").status_code == 404
    with db.transaction() as session:
        session.get_one(organisers.Organiser, other.organiser_id).disabled = True
    assert other.sees("/organise").status_code == 303


def test_a_visit_ends_after_half_an_hour_of_silence_and_after_twelve_hours_in_any_case(app: Flask, slug: str) -> None:
    """P36."""
    with time_machine.travel(make.NOW, tick=False) as watch:
        omar = signed_in(app, slug)
        watch.shift(timedelta(minutes=29))
        assert omar.sees("~").status_code == 200
        watch.shift(timedelta(minutes=29))
        assert omar.sees("~").status_code == 200
        watch.shift(timedelta(minutes=31))
        assert omar.sees("~").status_code == 303
        omar = signed_in(app, slug)
        for _ in range(24):
            watch.shift(timedelta(minutes=29, seconds=30))
            assert omar.sees("~").status_code == 200
        watch.shift(timedelta(minutes=13))
        assert omar.sees("~").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://mallory.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_post_from_elsewhere_is_refused_whatever_token_it_has(omar: Omar, headers: dict[str, str]) -> None:
    answer = omar.client.post("/organise/sign-out", data={"token": omar.token()}, headers=headers)
    assert answer.status_code == 403
    assert omar.sees("/organise").status_code == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_post_without_the_token_of_this_visit_is_refused(omar: Omar, token: str) -> None:
    assert omar.client.post("/organise/sign-out", data={"token": token}).status_code == 403
    assert omar.sees("/organise").status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        "https://mallory.example", "//mallory.example", "/\\mallory.example", "/organise/../\\mallory.example",
        "\t//mallory.example", "http:/organise", "javascript:alert(1)", "/organisers", "organise", "/c/letter",
        "/organise\r\nSet-Cookie: a=b", "///organise", "/organise@mallory.example", "",
    ],
)  # fmt: skip
def test_nobody_is_led_away_after_signing_in(asked: str) -> None:
    """P34."""
    assert next_page(asked) == "/organise"


def test_no_answer_of_the_dashboard_is_kept_and_no_public_page_sets_a_cookie(omar: Omar, client: FlaskClient) -> None:
    assert omar.sees("~").headers["Cache-Control"] == "no-store"
    assert "publickey-credentials-get=(self)" in omar.sees("~").headers["Permissions-Policy"]
    page = client.get(f"/c/{omar.slug}")
    assert "Set-Cookie" not in page.headers
    assert "publickey-credentials-get=()" in page.headers["Permissions-Policy"]
