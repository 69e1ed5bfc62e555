"""P27, P31: a running site is seized after marked people signed; nothing that lies on its disks or in its logs names them.

What is left out of the search is what does not lie on the server in production: the development inbox stands for the
employees' mailboxes, and the folder of secrets for the place where pepper and master key are kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, text

from petition.config import Config
from petition.core import db
from petition.core.db import Base
from petition.privacy.tags import identity_tag
from tests.support.clients import attach, forget_networks, in_the_ledger, recounted
from tests.support.figures import Write
from tests.support.foreign_client import SLUG, api, call, verified
from tests.support.installation import Running, installation
from tests.support.services import METRICS_TOKEN, MONITOR
from tests.support.spellings import Place, files, met, spellings

pytestmark = pytest.mark.xdist_group("seizure")

MARK = "qzvmarkedone"
DOMAIN = "salesforce.example"
NOT_SEIZED = {"inbox", "secrets"}


@pytest.fixture(scope="module")
def tree() -> Iterator[Running]:
    """An installation that is to be seized."""
    with installation(PETITION_METRICS_TOKEN=METRICS_TOKEN) as started:
        yield started


def places(tree: Running, config: Config) -> Iterator[Place]:
    """Everything a thief finds: files of the home folder, every table as a dump, every key of Redis, the metrics."""
    owner = create_engine(config.owner_database_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        for table in Base.metadata.sorted_tables:
            yield f"table {table.fullname}", repr([tuple(row) for row in connection.execute(table.select())]).encode()
    server = redis.Redis.from_url(config.redis_url)
    for key in server.scan_iter():
        yield f"redis {key[:20]!r}", key + (server.dump(key) or b"")
    for path, data in files(tree.home):
        if NOT_SEIZED.isdisjoint(path.parts):
            yield f"file {path}", data
    asked = urllib.request.Request(f"{tree.url}/metrics", headers=MONITOR)
    yield "metrics", urllib.request.urlopen(asked).read()


def hits(tree: Running, config: Config, words: list[str]) -> list[str]:
    """Where in what a thief finds any spelling of any word lies."""
    return met(places(tree, config), words)


def test_the_search_finds_a_word_in_each_spelling() -> None:
    word = f"{MARK}0fedcba9"
    kept = [
        b"xx" + word.encode(), word.upper().encode(), b"a" + word.encode().hex().encode(), word.encode("utf-16-le"),
        *(base64.b64encode(b"z" * offset + word.encode() + b"@corp.example") for offset in range(6)),
    ]  # fmt: skip
    for data in kept:
        assert any(spelling in data for spelling in spellings(word).values()), data
        assert any(spelling in data for spelling in spellings(MARK).values()), data
    assert all(len(spelling) >= 9 for spelling in spellings(word).values())


def provoke(tree: Running, mark: str, held: str) -> int:
    """Thirty faults, each of them with the mark in it."""
    address, n = f"{mark}@{DOMAIN}", 0
    for bad in (
        f"{mark}@elsewhere.example",
        f"{mark}@@{DOMAIN}",
        f'"{mark}"@{DOMAIN}',
        f"{mark}\0@{DOMAIN}",
        f"{mark}@",
        "é" * 400 + mark,
    ):
        n += call(api(tree, "/verify"), {"address": bad}).status >= 400
    for code in ("00000000", "x", mark, "1" * 30, "１２３４５６７８"):
        given = {"challenge": secrets.token_urlsafe(16), "code": code, "blinded": mark}
        n += call(api(tree, "/pass"), given).status >= 400
    for wish in (
        {"show": mark}, {"show": "name", "name": f"{mark}\u202e"}, {"show": "name", "name": f"http://{mark}.example/"},
        {"show": "role", "role": mark}, {"show": "name", "name": mark * 100}, {"show": "anonymous", "name": mark},
        {"show": "name", "name": mark, "publish_at": "-1"}, {"show": "name", "name": mark, "team": mark},
    ):  # fmt: skip
        n += call(api(tree, "/sign"), {"pass": held, **wish}).status >= 400
    for token in (mark, "P2." + mark, held[:-1] + mark, f"{held}{mark}"):
        n += call(api(tree, "/sign"), {"pass": token, "show": "anonymous"}).status >= 400
    for what in ("withdraw", "hide"):
        n += call(api(tree, f"/{what}"), {"withdraw": mark}).status >= 400
    for path in (
        f"/c/{mark}",
        f"/c/{SLUG}/signers?page={mark}&q={mark}",
        f"/mail/confirm/{mark}",
        f"/api/campaigns/{mark}/count",
        f"/static/{mark}",
    ):
        n += call(f"{tree.url}{path}").status >= 400
    n += call(api(tree, "/subscribe"), {"address": address, "rhythm": "weekly"}).status >= 400
    n += call(f"{tree.url}/hooks/bounces", {"address": address}).status >= 400
    n += call(api(tree, "/verify"), {"address": address, mark: mark, "altcha": mark * 2000}).status >= 400
    return n


def test_a_seizure_yields_no_address_of_anybody_and_no_name_of_the_anonymous(
    tree: Running, long: bool, figure: Write
) -> None:
    config = attach(tree)
    marks = [f"{MARK}{secrets.token_hex(5)}" for _ in range(500 if long else 12)]
    answers = []
    for number, mark in enumerate(marks):
        if number % 40 == 39:
            forget_networks(config.redis_url)
        _, held = verified(tree, f"{mark}@{DOMAIN}")
        assert call(f"{tree.url}/c/{SLUG}/sign").status == 200
        answers.append(call(api(tree, "/sign"), {"pass": held, "show": "anonymous"}))
        assert answers[-1].status == 201
    before = hits(tree, config, marks)
    named = f"{MARK}{secrets.token_hex(5)}".capitalize()
    _, held = verified(tree, f"control@{DOMAIN}")
    wish = {"show": "name", "name": f"{named} Example", "role": "Designer"}
    answers.append(call(api(tree, "/sign"), {"pass": held, **wish}))
    in_the_ledger(answers, 60)
    recounted(tree)
    after = hits(tree, config, marks)
    assert any(each.startswith("table signature") for each in hits(tree, config, [named]))
    provoked = provoke(tree, marks[0], held)
    told = [each for each in hits(tree, config, [marks[0]]) if not each.startswith("table signature")]
    matched, tried = staff_list(config, [f"{mark}@{DOMAIN}" for mark in marks], 20_000 if long else 2_000)
    figure(f"P27: places with any of {len(marks)} marked addresses, before the epoch", len(before), "0")
    figure("P27: the same after it", len(after), "0")
    figure(f"P27: staff list matched without the pepper, {tried:,} tries", matched, "0")
    figure(f"P31: places with a mark after {provoked} provoked errors", len(told), "0")
    assert (before, after, told, matched) == ([], [], [], 0)
    assert provoked >= 30


def test_a_delivery_report_that_nobody_could_read_names_nobody_to_a_thief(tree: Running, tmp_path: Path) -> None:
    """P27, P54: it is kept sealed, and not at all if it names a work address. The operator's command opens it."""
    config, marks = attach(tree), [f"{MARK}{secrets.token_hex(5)}" for _ in range(2)]
    report = tmp_path / "report.eml"
    for address in (f"{marks[0]}@post.example", f"{marks[1]}@{DOMAIN}"):
        report.write_text(
            f"From: MAILER-DAEMON@mx.example\nSubject: Undeliverable: news\n\n<{address}>: no such user\n"
        )
        assert tree.command("bounces", "read", str(report)).stdout.startswith(
            "0 reports, 0 addresses suppressed.\nIt could not"
        )
    assert hits(tree, config, marks) == []
    shown = tree.command("bounces", "unread").stdout
    assert (marks[0] in shown, marks[1] in shown) == (True, False)
    assert "The text was not kept" in shown
    assert hits(tree, config, marks) == []


def staff_list(config: Config, signed: list[str], names: int) -> tuple[int, int]:
    """Hash a staff list that holds every signer with every key that lies in the database; gives matches and tries."""
    with db.engine().connect() as connection:
        tags = {bytes(row[0]) for row in connection.execute(text("SELECT tag FROM verification.tag"))}
        campaign = bytes(
            connection.execute(text("SELECT id FROM campaign WHERE slug = :slug"), {"slug": SLUG}).scalar_one()
        )
        keys = {b"", campaign} | {key for key in values(connection) if key not in tags}
    staff = [*signed, *(f"staff{n}@{DOMAIN}" for n in range(names - len(signed)))]
    few = sorted(keys, key=lambda key: hashlib.sha256(key).digest())[:25]
    matched = sum(not tags.isdisjoint(guesses(key, campaign, each)) for key in {b"", campaign, *few} for each in staff)
    with_pepper = sum(identity_tag(config.pepper, campaign, each) in tags for each in signed)
    assert with_pepper == len(signed)  # the control: with the pepper, each one is found
    return matched, len(staff) * len({b"", campaign, *few})


def values(connection: object) -> set[bytes]:
    """Every value of 16 to 64 bytes in the database: what a thief may try as a key."""
    found: set[bytes] = set()
    for table in Base.metadata.sorted_tables:
        for row in connection.execute(table.select().limit(200)):  # type: ignore[attr-defined]
            found |= {bytes(value) for value in row if isinstance(value, bytes) and 16 <= len(value) <= 64}
    return found


def guesses(key: bytes, campaign: bytes, address: str) -> set[bytes]:
    """What a tag could be under a key."""
    raw = address.encode()
    made = {hmac.digest(key, message, "sha256") for message in (raw, campaign + raw, raw + campaign)}
    made |= {hashlib.sha256(message).digest() for message in (raw, key + raw, campaign + raw, raw + key)}
    return made | ({identity_tag(key, campaign, address)} if len(key) == 32 else set())
