"""P50 in a running installation: each process works with the database role that it needs, and is given no other."""

from __future__ import annotations

import urllib.request

import pytest
from sqlalchemy import create_engine, text

from petition.config.addresses import APPLICATION_ROLE, MAINTENANCE_ROLE, MAINTENANCE_URL, OWNER_ROLE, OWNER_URL
from petition.config.addresses import embedded_database_url as embedded
from tests.support.clients import process
from tests.support.installation import Running
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("tree")
CONNECTED = text(
    "SELECT usename::text FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
PROCESSES = {
    "web": ("gunicorn",),
    "prompt": ("celery", "prompt@"),
    "bulk": ("celery", "bulk@"),
    "beat": ("celery", " beat "),
}


def test_only_the_worker_of_upkeep_is_given_another_role_than_the_application(running: Running) -> None:
    """P50."""
    given = {}
    for name, words in PROCESSES.items():
        environ = process(running, *words).environ()
        assert f"{APPLICATION_ROLE}@" in environ["DATABASE_URL"]
        given[name] = {OWNER_URL, MAINTENANCE_URL} & environ.keys()
    assert given == {"web": set(), "prompt": set(), "bulk": {MAINTENANCE_URL}, "beat": set()}


def test_whoever_is_connected_is_the_application_or_maintenance(running: Running) -> None:
    """P50: the owner's work was over before the processes started."""
    engine = create_engine(embedded(running.home, OWNER_ROLE))

    def connected() -> set[str]:
        urllib.request.urlopen(running.url).read()
        with engine.connect() as connection:
            return {*connection.scalars(CONNECTED)}

    there = until("a connection of the application", connected, lambda roles: APPLICATION_ROLE in roles)
    engine.dispose()
    assert there <= {APPLICATION_ROLE, MAINTENANCE_ROLE}
