"""P4 and P5 without a storm: a web process dies between commit and reply, PostgreSQL ends a statement under way.

The storms with their figures are in `tests/proofs/test_faults.py`; here each moment is held until it is there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import Engine, create_engine, func, select, text

from petition import campaigns
from petition.config import Config
from petition.config.addresses import PROJECT
from petition.core import db
from petition.signatures.tables import Pending, Spent
from tests import make
from tests.support.waiting import lock_waiters, until

DIES_BEFORE_ITS_REPLY = """
import os, signal, sys
from petition.core import db
from petition.config import Config
from app import create_app
app = create_app(Config.from_env())
app.test_client().post(sys.argv[1], json={"pass": sys.argv[2], "show": "anonymous"})
os.kill(os.getpid(), signal.SIGKILL)
"""


def a_pass(slug: str) -> str:
    with db.transaction() as session:
        return make.a_pass(session, campaigns.find(session, slug)).held.encode()


def signatures_and_spent_passes() -> tuple[int, int]:
    with db.session() as session:
        count = [session.scalar(select(func.count()).select_from(each)) or 0 for each in (Pending, Spent)]
    return count[0], count[1]


def test_a_signature_whose_reply_was_lost_is_there_once_and_the_pass_is_spent(
    app: Flask, slug: str, config: Config
) -> None:
    held, path = a_pass(slug), f"/api/campaigns/{slug}/sign"
    (config.home / "pepper").write_bytes(config.pepper)
    env = os.environ | {
        "PETITION_ENV": "development",
        "PETITION_HOME": str(config.home),
        "PETITION_BASE_URL": "http://localhost",
        "PETITION_PEPPER_FILE": str(config.home / "pepper"),
        "PETITION_MASTER_KEY": config.master_keys[0],
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
    }
    died = subprocess.run([sys.executable, "-c", DIES_BEFORE_ITS_REPLY, path, held], cwd=PROJECT, env=env, check=False)
    assert died.returncode == -signal.SIGKILL
    assert signatures_and_spent_passes() == (1, 1)
    again = app.test_client().post(path, json={"pass": held, "show": "anonymous"})
    assert again.status_code == 409
    assert signatures_and_spent_passes() == (1, 1)


def end_the_waiting_statement(engine: Engine) -> None:
    """End the backend that waits for a lock, once there is one."""
    pid, *_ = until("a statement that waits for a lock", lock_waiters)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_signature_that_postgresql_ends_half_way_is_refused_with_503_and_can_be_repeated(
    app: Flask, slug: str, config: Config
) -> None:
    held, path = a_pass(slug), f"/api/campaigns/{slug}/sign"
    wish = {"pass": held, "show": "anonymous"}
    other = create_engine(config.owner_database_url)
    with ThreadPoolExecutor(1) as signer, other.connect() as holding:
        holding.execute(text("SELECT 1 FROM campaign WHERE slug = :slug FOR UPDATE"), {"slug": slug})
        signing = signer.submit(lambda: app.test_client().post(path, json=wish))
        end_the_waiting_statement(other)
        refused = signing.result(60)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert signatures_and_spent_passes() == (0, 0)
    assert app.test_client().post(path, json=wish).status_code == 201
    assert signatures_and_spent_passes() == (1, 1)
    other.dispose()


def test_after_postgresql_ended_every_connection_no_answer_is_a_500(app: Flask, slug: str, config: Config) -> None:
    held, path = a_pass(slug), f"/api/campaigns/{slug}/sign"
    other = create_engine(config.owner_database_url)
    with other.connect() as connection:
        ended = text(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute(ended)
    answers = [app.test_client().post(path, json={"pass": held, "show": "anonymous"}) for _ in range(12)]
    seen = [each.status_code for each in answers]
    assert set(seen) <= {201, 409, 503}
    assert seen.count(201) == 1
    assert {each.headers.get("Retry-After") for each in answers if each.status_code == 503} <= {"5"}
    assert signatures_and_spent_passes() == (1, 1)
    other.dispose()


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON spent FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


def test_a_full_disk_is_a_503_pages_are_served_and_nobody_loses_a_pass(app: Flask, slug: str, config: Config) -> None:
    """P15 without a disk that is really full: PostgreSQL says that it is."""
    held, path = a_pass(slug), f"/api/campaigns/{slug}/sign"
    wish, other = {"pass": held, "show": "anonymous"}, create_engine(config.owner_database_url)
    with other.begin() as connection:
        connection.execute(text(FULL))
    refused = app.test_client().post(path, json=wish)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert app.test_client().get(f"/c/{slug}").status_code == 200
    with other.begin() as connection:
        connection.execute(text("DROP TRIGGER full_disk ON spent"))
    assert app.test_client().post(path, json=wish).status_code == 201
    other.dispose()
