"""A site in use leaves no key in Redis and no file that the data map does not describe, and none for longer than it says."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

import pytest
import redis
from sqlalchemy import select

from petition import campaigns
from petition.config import Config
from petition.core import clock, db
from petition.core.encoding import b64u
from petition.organisers import Organiser
from petition.organisers.actor import Actor
from petition.privacy.data_elsewhere import FILES, KEYS, Kept, row_of
from petition.usecases import exports
from petition.usecases.tables import ExportKind
from tests.support.clients import attach
from tests.support.foreign_client import SLUG, api, call, verified
from tests.support.installation import Running
from tests.support.queues import send_task
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("tree")

VANISHED = -2
NOT_MET = {
    "unacked_mutex",
    "unacked",
    "unacked_index",
    "codes",
    "ledger",
    "mail",
    "upkeep",
}  # held for an instant, while work is handed over


@dataclass
class Watch:
    """What was seen in Redis while it was used: names, and what is wrong with any."""

    names: set[str] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)

    def look(self, server: redis.Redis) -> None:
        for key in server.scan_iter(count=1000):
            name, left = key.decode("latin-1"), server.pttl(key)
            row = row_of(KEYS, name)
            self.names.add(row.names if row else name)
            if row is None:
                self.faults.add(f"{name!r} stands in no row")
            elif row.seconds is not None and left != VANISHED and not 0 <= left <= row.seconds * 1000:
                self.faults.add(f"{row.names} lives for {left} ms")

    def missing(self) -> set[str]:
        """Keys of the data map that were not met, though they are there for long enough."""
        return {row.names for row in KEYS} - self.names - NOT_MET


def files(home: Path) -> dict[str, Kept | None]:
    """Each file of an installation, and its row in the data map."""
    there = [str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir()]
    return {name: row_of(FILES, name) for name in there}


OF_AN_UPGRADE = "records/*"
"""What only an upgrade writes, from letters of version 1 (tests/journeys/test_upgrade.py looks at it)."""


def files_missing(home: Path) -> set[str]:
    """Files of the data map that are not there."""
    return {row.names for row in FILES} - {OF_AN_UPGRADE} - {row.names for row in files(home).values() if row}


@contextmanager
def watched(config: Config) -> Iterator[Watch]:
    """Look at every key again and again."""
    watch, over = Watch(), Event()
    server = redis.Redis.from_url(config.redis_url)

    def go_on_looking() -> None:
        while not over.wait(0.005):
            watch.look(server)

    thread = Thread(target=go_on_looking)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def posted(url: str, typed: dict[str, str]) -> int:
    """The status of a form that was sent."""
    try:
        return int(urllib.request.urlopen(url, urlencode(typed).encode(), timeout=20).status)
    except urllib.error.HTTPError as refused:
        return refused.code


def use(running: Running, config: Config, private: Path) -> None:
    """Sign, ask for mail, come in as an organiser in two ways, ask for a file, make a key for backups."""
    assert running.command("backup", "key", str(private)).returncode == 0
    held = verified(running, "elsewhere@salesforce.example")[1]
    assert call(api(running, "/sign"), {"pass": held, "show": "anonymous"}).status == 201
    challenge = call(api(running, "/verify"), {"address": "guessed@salesforce.example"}).body["challenge"]
    guess = {"challenge": challenge, "code": "00000000", "blinded": b64u(bytes([1]) * 256)}
    assert call(api(running, "/pass"), guess).status == 403
    tab = {"id": b64u(bytes(16)), "key": b64u(bytes(32))}
    assert call(f"{running.url}/tab-key/keep", tab).status == 200
    wanted = {"address": "elsewhere@post.example", "rhythm": "weekly"}
    assert call(api(running, "/subscribe"), wanted).status == 202
    assert posted(f"{running.url}/organise/sign-in", {"name": "Omar", "code": "0000"}) >= 400
    assert posted(f"{running.url}/organise/sign-in/challenge", {}) == 200
    with db.transaction() as session:
        owner = session.scalars(select(Organiser.id).limit(1)).one()
        campaign = campaigns.find(session, SLUG)
        export = exports.ask(session, campaign, ExportKind.FIGURES_CSV, Actor(owner, clock.now()))
        wanted = export.id.hex()
    send_task(config, "exports.make", "upkeep", wanted)


def test_every_key_and_file_of_a_site_in_use_stands_in_the_data_map(running: Running, tmp_path: Path) -> None:
    config = attach(running)
    with watched(config) as watch:
        use(running, config, tmp_path / "private.key")
        until("the export", lambda: any((running.home / "exports").glob("*")))
        with suppress(AssertionError):  # what never comes is named below
            until("every key and file", lambda: not watch.missing() and not files_missing(running.home))
    assert watch.faults == set()
    assert watch.missing() == set()
    found = files(running.home)
    assert sorted(name for name, row in found.items() if row is None) == []
    assert files_missing(running.home) == set()
