"""P18: a database that was copied, cloned or restored sends nothing by itself, and what was sent is not sent again."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from petition import backup
from petition.backup import Order
from petition.bootstrap import EmbeddedServices
from petition.bootstrap.postgres import binaries
from petition.core import clock, db
from petition.mail import ListPostbox
from petition.mailing import queue
from petition.mailing.digests import Sender
from petition.mailing.queue.pauses import RESTORED, identity
from tests import make
from tests.support import mails
from tests.support.figures import Write
from workers.loops.sending import send_round

URL = "http://localhost"
N = 30


@contextmanager
def admin(services: EmbeddedServices) -> Iterator[object]:
    url = make_url(services.database_url).set(database="postgres")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def cloned(services: EmbeddedServices, url: str, copy: str) -> None:
    """CREATE DATABASE … TEMPLATE: the same files under another name."""
    with admin(services) as connection:
        connection.execute(text(f"CREATE DATABASE {copy} TEMPLATE {make_url(url).database}"))  # type: ignore[attr-defined]


def restored(services: EmbeddedServices, url: str, copy: str) -> None:
    """pg_dump, and pg_restore into another database."""
    with admin(services) as connection:
        connection.execute(text(f"CREATE DATABASE {copy}"))  # type: ignore[attr-defined]
    dump = run(url, "pg_dump", "--format=custom")
    run(make_url(url).set(database=copy).render_as_string(False), "pg_restore", "--no-owner", stdin=dump)


def put_back(services: EmbeddedServices, url: str, copy: str) -> None:
    """pg_dump, and pg_restore over the same database, as after a mishap."""
    dump = run(url, "pg_dump", "--format=custom")
    run(url, "pg_restore", "--no-owner", "--clean", stdin=dump)


def kept(url: str, into: str, *, replace: bool) -> None:
    """`backup`, and `restore`: what our own commands do."""
    key, maker = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.backup"
        backup.write(db.connect(url), path, key.public_key(), maker, clock.now())
        db.disconnect()
        backup.restore(
            db.connect(into), Order(path, key, [maker.public_key()], Path(folder), replace=replace), clock.now()
        )
        db.disconnect()


def backed_up(services: EmbeddedServices, url: str, copy: str) -> None:
    """Our own backup, restored into another database."""
    with admin(services) as connection:
        connection.execute(text(f"CREATE DATABASE {copy}"))  # type: ignore[attr-defined]
    kept(url, make_url(url).set(database=copy).render_as_string(False), replace=False)


def backed_up_here(services: EmbeddedServices, url: str, copy: str) -> None:
    """Our own backup, restored over the same database."""
    kept(url, url, replace=True)


def run(url: str, *words: str, stdin: bytes = b"") -> bytes:
    parts = make_url(url)
    where = ["--host", str(parts.query.get("host", parts.host)), "--username", str(parts.username)]
    database = ["--dbname", str(parts.database)]
    argv = [str(binaries() / words[0]), *words[1:], *where, *database]
    return subprocess.run(argv, input=stdin, capture_output=True, check=True, env=os.environ).stdout


@pytest.mark.parametrize("how", [cloned, restored, put_back, backed_up, backed_up_here])
def test_a_copy_sends_nothing_until_it_is_told_to_and_repeats_nothing_that_was_sent(
    services: EmbeddedServices, database_url: str, tmp_path: Path, how: object, figure: Write
) -> None:
    """P18: half of a digest is sent, then the database is copied."""
    db.connect(database_url)
    postbox = ListPostbox()
    sender = Sender(postbox, URL, "s" * 32, make.PEPPER, "letters@undersigned.example", 0)
    campaign_id = mails.planned_digest(N)
    assert send_round(sender, clock.now, most=N // 2) == N // 2
    before = [mail.message_id for mail in postbox.sent]
    db.disconnect()
    copy = f"copy_{make_url(database_url).database}"
    how(services, database_url, copy)  # type: ignore[operator]
    here = how in {put_back, backed_up_here}
    try:
        db.connect(database_url if here else make_url(database_url).set(database=copy).render_as_string(False))
        assert send_round(sender, clock.now) == 0
        with db.transaction() as session:
            assert queue.current_pauses(session, URL) == [RESTORED]
            queue.resume(session, "all", URL)
        while send_round(sender, clock.now):
            pass
        assert mails.states(campaign_id) == {"sent": N}
    finally:
        db.disconnect()
        with admin(services) as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)"))  # type: ignore[attr-defined]
    after = [mail.message_id for mail in postbox.sent[len(before) :]]
    figure(f"P18: mails a copy sent before it was told to ({how.__name__})", 0, "0")  # type: ignore[attr-defined]
    figure(f"P18: of {len(before)} mails sent before, repeated ({how.__name__})", len({*before} & {*after}), "0")  # type: ignore[attr-defined]
    assert {*before} & {*after} == set()
    assert len({*before, *after}) == N


def test_a_role_with_no_special_rights_can_tell_which_database_it_is(database_url: str) -> None:
    db.connect(database_url)
    with db.transaction() as session:
        mine = identity(session, URL)
        session.execute(text("CREATE ROLE plain_sender"))
        session.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain_sender"))
        session.execute(text("SET LOCAL ROLE plain_sender"))
        assert identity(session, URL) == mine
        assert queue.current_pauses(session, URL) == []
        session.rollback()
