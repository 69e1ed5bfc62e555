"""What every answer carries, whom we answer, and what faults look like."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from petition.campaigns import find
from petition.config import Config, Environment
from petition.core import db
from petition.web.app import build
from petition.web.headers import SecurityHeaders, hosts
from petition.web.services import Services
from tests import make
from tests.support.services import METRICS_TOKEN, MONITOR

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
EVERYWHERE = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
PUBLIC = (
    "/",
    "/c/{slug}",
    "/c/{slug}/signers",
    "/c/{slug}/count",
    "/safety",
    "/seizure",
    "/verify.py",
    "/api/campaigns/{slug}/count",
)
PERSONAL = (
    "/c/{slug}/sign",
    "/c/{slug}/receipt",
    "/c/{slug}/withdraw",
    "/c/{slug}/subscribe",
    "/mail/unsubscribe/cut",
    "/api/campaigns/{slug}/challenge",
    "/healthz",
    "/nowhere",
)


@pytest.mark.parametrize("path", [*PUBLIC, *PERSONAL])
def test_every_answer_is_guarded_and_sets_no_cookie(client: FlaskClient, slug: str, path: str) -> None:
    headers = client.get(path.format(slug=slug)).headers
    more = {"Referrer-Policy": "no-referrer"} if path.startswith("/mail/") else {}
    assert {name: headers.get(name) for name in EVERYWHERE} == EVERYWHERE | more
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Set-Cookie" not in headers
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", PUBLIC[1:])
def test_public_pages_are_kept_for_seconds_and_have_a_strong_tag(client: FlaskClient, slug: str, path: str) -> None:
    answer = client.get(path.format(slug=slug))
    assert answer.headers["Cache-Control"].startswith("public, max-age=5")
    assert re.fullmatch(r'"[^"]+"', answer.headers["ETag"])
    again = client.get(path.format(slug=slug), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", PERSONAL)
def test_personal_pages_and_errors_are_never_stored(client: FlaskClient, slug: str, path: str) -> None:
    assert client.get(path.format(slug=slug)).headers.getlist("Cache-Control") == ["no-store"]


@pytest.mark.parametrize(
    "path", ["/c/{slug}/verify", "/c/{slug}/withdraw", "/api/campaigns/{slug}/sign", "/", "/nowhere"]
)
def test_answers_to_posts_are_never_stored(client: FlaskClient, slug: str, path: str) -> None:
    assert client.post(path.format(slug=slug), data={"x": "y"}).headers.getlist("Cache-Control") == ["no-store"]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "localhost:99", "", "LOCALHOST@evil.example", "localhost..",
        "localhost:80:80", "localhost:443", "evil.example#@localhost", "localhost/", "[localhost]", "::1", "localhost, evil.example",
    ],
)  # fmt: skip
def test_foreign_host_is_refused(client: FlaskClient, slug: str, host: str) -> None:
    """P24."""
    page = client.get(f"/c/{slug}", headers={"Host": host})
    call = client.get(f"/api/campaigns/{slug}", headers={"Host": host})
    assert (page.status_code, call.status_code, call.content_type) == (400, 400, "application/problem+json")
    assert call.json
    assert call.json["type"] == "urn:undersigned:problem:bad-request"
    assert page.headers["Content-Security-Policy"] == POLICY
    assert host not in page.text or not host


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://letters.example", "letters.example:443"),
        ("https://letters.example", "letters.example."),
        ("https://letters.example", "LETTERS.Example.:443"),
        ("https://letters.example", "letters.example:"),
        ("https://Letters.Example:443", "letters.example"),
        ("http://letters.example", "letters.example:80"),
        ("https://letters.example:8443", "letters.example:8443"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "XN--BCHER-KVA.example:443"),
        ("https://xn--bcher-kva.example", "bücher.example"),
        ("https://xn--bcher-kva.example", "BÜCHER.example."),
        ("https://[2001:db8::1]", "[2001:DB8::1]:443"),
    ],
)
def test_every_spelling_of_our_host_is_ours(config: Config, base_url: str, host: str) -> None:
    """P59: a proxy or a client may add the port or the final dot, and a name may have other letters than ASCII."""
    production = replace(config, env=Environment.PRODUCTION, base_url=base_url)
    seen: dict[str, str] = {}

    def app(environ: Any, start: Any) -> list[bytes]:
        seen["host"] = environ["HTTP_HOST"]
        start("200 OK", [])
        return []

    environ = {"HTTP_HOST": host.encode().decode("latin-1"), "PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    statuses: list[str] = []
    list(SecurityHeaders(app, production)(environ, lambda status, *_: statuses.append(status)))  # type: ignore[arg-type]
    assert statuses == ["200 OK"]
    assert {seen["host"]} == hosts(production)


@pytest.mark.parametrize("host", ["letters.example:80", "letters.example:8443", "letters.example..", "xn--.example"])
def test_another_port_of_our_host_is_another_host(config: Config, host: str) -> None:
    production = replace(config, env=Environment.PRODUCTION, base_url="https://letters.example")
    statuses: list[str] = []
    environ = {"HTTP_HOST": host, "PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    list(SecurityHeaders(lambda *_: [], production)(environ, lambda status, *_: statuses.append(status)))  # type: ignore[arg-type]
    assert statuses == ["400 Bad Request"]


def test_forwarded_host_changes_nothing(client: FlaskClient, slug: str) -> None:
    """P24."""
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example"}
    for path in (f"/c/{slug}", "/", "/c/x//y"):
        answer = client.get(path, headers=forged)
        assert "evil.example" not in answer.text + str(answer.headers)


def test_production_answers_to_its_own_name_only_and_asks_for_tls(config: Config) -> None:
    production = replace(config, env=Environment.PRODUCTION, base_url="https://letters.example")
    assert hosts(production) == {"letters.example"}
    assert hosts(replace(config, port=8000)) >= {"localhost", "localhost:8000", "127.0.0.1:8000"}


def test_any_origin_may_call_and_none_may_read_pages(client: FlaskClient, slug: str) -> None:
    call = client.get(f"/api/campaigns/{slug}/count", headers={"Origin": "https://paper.example"})
    assert call.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.get(f"/c/{slug}").headers
    asked = client.options(f"/api/campaigns/{slug}/sign", headers={"Origin": "https://paper.example"})
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]


def test_unknown_campaign_is_a_page_for_people_and_a_problem_for_calls(client: FlaskClient, slug: str) -> None:
    page, call = client.get("/c/no-such-letter?lang=fr"), client.get("/api/campaigns/no-such-letter")
    assert (page.status_code, page.content_type) == (404, "text/html; charset=utf-8")
    assert "<h1>" in page.text
    assert (call.status_code, call.content_type) == (404, "application/problem+json")
    assert call.json == {
        "type": "urn:undersigned:problem:campaign-unknown",
        "title": "No such campaign",
        "status": 404,
        "detail": "There is no campaign with this name here.",
    }


def test_wrong_method_is_told_which_is_right(client: FlaskClient, slug: str) -> None:
    answer = client.get(f"/api/campaigns/{slug}/sign")
    assert (answer.status_code, answer.json["status"]) == (405, 405)
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_form_of_more_than_64_kb_is_refused(client: FlaskClient, slug: str) -> None:
    answer = client.post(f"/c/{slug}/withdraw", data={"receipt": "x" * 70_000})
    assert (answer.status_code, answer.content_type) == (413, "text/html; charset=utf-8")


def test_unforeseen_error_is_a_503_whose_message_reaches_no_log(app: Flask, capsys: Any, caplog: Any) -> None:
    app.testing = False

    @app.get("/api/broken")
    def broken() -> str:
        raise RuntimeError("suzie@corp.example")

    with caplog.at_level(logging.INFO):
        answer = app.test_client().get("/api/broken")
    assert (answer.status_code, answer.headers["Retry-After"], answer.json["title"]) == (
        503,
        "5",
        "Not available right now",
    )
    logged = capsys.readouterr().err + caplog.text
    assert "RuntimeError" in logged
    assert "suzie" not in logged + answer.text


def test_absent_database_is_a_503_and_known_pages_are_still_served(app: Flask, parts: Services, slug: str) -> None:
    app.testing = False
    client = app.test_client()
    known = client.get(f"/c/{slug}")
    db.connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    asked = client.post(f"/api/campaigns/{slug}/withdraw", json={"withdraw": "A" * 43})
    assert (asked.status_code, asked.headers["Retry-After"]) == (503, "5")
    assert client.get(f"/c/{slug}").data == known.data
    assert client.get("/c/another-letter").status_code == 503
    assert (client.get("/healthz").status_code, client.get("/metrics", headers=MONITOR).status_code) == (200, 200)


def test_monitors_learn_figures_and_no_names(client: FlaskClient, slug: str) -> None:
    assert client.get("/readyz").text == "database ok\nredis ok\n"
    told = client.get("/metrics", headers=MONITOR).text
    assert "undersigned_pending 0.0" in told
    assert 'undersigned_up{server="database"} 1.0' in told
    assert 'undersigned_subscribers{state="active"} 0.0' in told
    assert "undersigned_halted 0.0" in told
    assert slug not in told


@pytest.mark.parametrize("revision", ["0001", "9999"], ids=["older", "newer"])
def test_a_web_process_is_not_ready_while_the_tables_are_of_another_version(
    client: FlaskClient, config: Config, revision: str
) -> None:
    with create_engine(config.owner_database_url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "database not migrated\nredis ok\n")
    assert client.get("/healthz").status_code == 200


WRONG = [{}, {"Authorization": "Bearer "}, {"Authorization": METRICS_TOKEN}, {"Authorization": f"bearer {METRICS_TOKEN}"},
         {"Authorization": f"Bearer {METRICS_TOKEN}x"}, {"Authorization": f"Bearer {METRICS_TOKEN[:-1]}"},
         {"Authorization": "Bearer \u00e9"}, {"Cookie": f"token={METRICS_TOKEN}"}]  # fmt: skip


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"])
def test_without_its_token_the_figures_are_an_unknown_address(
    client: FlaskClient, method: str, headers: dict[str, str]
) -> None:
    answer, unknown = (client.open(path, method=method, headers=headers) for path in ("/metrics", "/metrico"))
    assert (answer.status_code, answer.data, list(answer.headers)) == (404, unknown.data, list(unknown.headers))


def test_the_figures_are_for_our_own_host_and_for_nobody_where_no_token_is_set(config: Config) -> None:
    app = build(config)
    foreign = app.test_client().get("/metrics", headers=MONITOR, base_url="http://anything.example")
    assert foreign.status_code == 400
    app = build(replace(config, metrics_token=""))
    for sent in ("Bearer ", "Bearer", ""):
        assert app.test_client().get("/metrics", headers={"Authorization": sent}).status_code == 404


AT_PORT = "http://127.0.0.1:9100"


def test_at_their_own_port_monitors_need_no_token_and_there_is_nothing_else(config: Config) -> None:
    client = build(replace(config, metrics_port=9100, metrics_token="")).test_client()
    for host in (AT_PORT, "http://anything.example:9100"):
        answer = client.get("/metrics", base_url=host)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert "undersigned_pending 0.0" in answer.text
    client.get("/safety")
    for path in ("/safety", "/", "/healthz", "/organise", "/api/campaigns", "/metrics/", "/c/letter-0"):
        answer = client.get(path, base_url=AT_PORT)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store"), path


def test_no_header_makes_the_public_port_that_of_monitors(config: Config) -> None:
    client = build(replace(config, metrics_port=9100, metrics_token="", trusted_proxies=1)).test_client()
    forged = {"X-Forwarded-Port": "9100", "X-Forwarded-Host": "127.0.0.1:9100", "X-Real-IP": "127.0.0.1"}
    assert client.get("/metrics", headers=forged).status_code == 404
    assert client.get("/metrics", headers=forged | {"Host": "127.0.0.1:9100"}).status_code == 400
    without_port = build(replace(config, metrics_token="")).test_client()
    assert without_port.get("/metrics", base_url="http://localhost:0").status_code in {400, 404}


def test_one_signature_that_waits_moves_no_figure_of_a_monitor(client: FlaskClient, slug: str) -> None:
    """P42."""

    def told() -> list[str]:
        lines = client.get("/metrics", headers=MONITOR).text.splitlines()
        return [line for line in lines if "seconds" not in line]

    before = told()
    with db.transaction() as session:
        make.signature(session, find(session, slug))
    assert told() == before


def test_static_files_are_kept_for_good_under_a_name_that_changes_with_them(client: FlaskClient, slug: str) -> None:
    link = re.search(r'href="(/static/[0-9a-f]{12}/style\.css)"', client.get(f"/c/{slug}").text)
    assert link
    served = client.get(link[1])
    assert (served.status_code, served.content_type) == (200, 'text/css; charset="utf-8"')
    assert "immutable" in served.headers["Cache-Control"]
    assert served.headers["Content-Security-Policy"] == POLICY
    other = client.get("/static/000000000000/style.css")
    assert (other.status_code, other.headers["Location"]) == (302, link[1])
    assert client.get("/static/000000000000/../../config/__init__.py").status_code == 404


ONION = "http://" + "a" * 56 + ".onion"


def test_the_same_page_over_tor_is_offered_where_there_is_one(config: Config) -> None:
    with_onion = build(replace(config, onion=ONION))
    client = with_onion.test_client()
    offered = client.get("/safety?lang=fr").headers["Onion-Location"]
    assert offered == f"{ONION}/safety?lang=fr"
    assert client.get("/%0d%0aSet-Cookie:a").headers["Onion-Location"] == f"{ONION}/%0D%0ASet-Cookie%3Aa"
    assert "Onion-Location" not in build(config).test_client().get("/safety").headers
    live = replace(config, env=Environment.PRODUCTION, base_url="https://letters.example", onion=ONION)
    over_tor = build(live).test_client().get("/safety", base_url=ONION)
    assert (over_tor.status_code, "Onion-Location" in over_tor.headers) == (200, False)


def test_the_way_out_says_nothing_and_lets_the_browser_forget(client: FlaskClient, slug: str) -> None:
    assert 'href="/leave"' in client.get(f"/c/{slug}/sign").text
    left = client.get("/leave")
    assert (left.status_code, left.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    assert left.headers["Cache-Control"] == "no-store"
    assert "localhost" not in left.headers["Location"]
