"""Real parts for every test: PostgreSQL and Valkey of this run alone, a database of one's own, the app, a browser."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from petition import campaigns
from petition.bootstrap import EmbeddedServices, start_services
from petition.config import Config, Environment
from petition.config.addresses import APPLICATION_ROLE, MAINTENANCE_ROLE, MAINTENANCE_URL, OWNER_ROLE, OWNER_URL
from petition.core import db, migrate
from petition.core.database_roles import Roles
from petition.core.redis_store import RedisStore
from petition.privacy import keyring
from petition.verification import VerificationContext
from tests import make
from tests.support.places import in_memory

OPEN_SLUG = "letter-0"
"""The campaign of a furnished database."""
MASTER_KEY = Fernet.generate_key().decode()
METRICS_TOKEN = "a-token-of-monitors-in-tests-only"
MONITOR = {"Authorization": f"Bearer {METRICS_TOKEN}"}


@pytest.fixture(scope="session")
def services() -> Iterator[EmbeddedServices]:
    """PostgreSQL and Valkey, on sockets of this run."""
    root = Path(tempfile.mkdtemp(prefix="u-", dir=in_memory()))
    started = start_services(root, fast=True)
    yield started
    started.stop()
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def template(services: EmbeddedServices) -> str:
    """The name of a migrated database to clone."""
    name = "template_undersigned"
    with _admin(services).connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    migrate.upgrade(_url(services, name), roles=roles_of(_url(services, name)))
    return name


def _admin(services: EmbeddedServices) -> Engine:
    return create_engine(_url(services, "postgres"), isolation_level="AUTOCOMMIT")


def _url(services: EmbeddedServices, name: str) -> str:
    return make_url(services.database_url).set(database=name).render_as_string(hide_password=False)


def as_role(url: str, role: str) -> str:
    """The address of a database for another of its roles."""
    return make_url(url).set(username=role).render_as_string(hide_password=False)


def roles_of(url: str) -> Roles:
    """The roles of the embedded server that use a database."""
    return Roles(as_role(url, APPLICATION_ROLE), as_role(url, MAINTENANCE_ROLE))


def owner_of(engine: Engine) -> Engine:
    """An engine on the same database as its owner. The caller disposes it."""
    return create_engine(engine.url.set(username=OWNER_ROLE))


def environment_of(url: str) -> dict[str, str]:
    """The settings of an installation whose database this is, for its three roles."""
    roles = roles_of(url)
    return {"DATABASE_URL": roles.application, OWNER_URL: url, MAINTENANCE_URL: roles.maintenance}


@pytest.fixture(scope="session")
def shared_url(services: EmbeddedServices, template: str) -> str:
    """A database whose tests roll everything back."""
    return cloned(services, template, "shared")


@pytest.fixture(scope="session")
def furnished(services: EmbeddedServices, template: str) -> str:
    """The name of a database to clone in which a campaign is open already: `OPEN_SLUG`."""
    name = "template_with_a_campaign"
    db.connect(as_role(cloned(services, template, name), APPLICATION_ROLE))
    keyring.connect([MASTER_KEY])
    with db.transaction() as session:
        make.campaign(session, slug=OPEN_SLUG)
    db.disconnect()
    return name


@pytest.fixture
def database_url(services: EmbeddedServices, template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database of one's own, for tests with threads, processes or commits; with a campaign for who asks `furnished`.

    The address is that of its owner, who may change anything; the product works as the application (`config`, `engine`).
    """
    name = f"own_{secrets.token_hex(6)}"
    asked = "furnished" in request.fixturenames
    yield cloned(services, request.getfixturevalue("furnished") if asked else template, name)
    with _admin(services).connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


def cloned(services: EmbeddedServices, template: str, name: str) -> str:
    """A copy of a database under another name; its address for its owner."""
    with _admin(services).connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY = FILE_COPY"))
    return _url(services, name)


@pytest.fixture(autouse=True)
def _keys() -> None:
    keyring.connect([MASTER_KEY])
    campaigns.allow_small_batches(True)


@pytest.fixture
def session(shared_url: str) -> Iterator[Session]:
    """A session whose work, commits included, is rolled back; `db.transaction()` joins it.

    It may do what the application may; `RESET ROLE` makes it that of the owner.
    """
    engine = create_engine(shared_url)
    with engine.connect() as connection, connection.begin() as outer:
        connection.execute(text(f"SET LOCAL ROLE {APPLICATION_ROLE}"))
        db.bind(connection)
        with db.session() as opened:
            yield opened
        outer.rollback()
    engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """This process's engine on a database of one's own, as the application."""
    connected = db.connect(as_role(database_url, APPLICATION_ROLE), pool_size=20)
    yield connected
    db.disconnect()


@pytest.fixture
def owner(database_url: str) -> Iterator[Engine]:
    """An engine on the same database as its owner, for what the application may not do."""
    opened = create_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def maintenance(database_url: str) -> Iterator[Engine]:
    """An engine on the same database as the role that scrubs and deletes old lines of the audit log."""
    opened = create_engine(as_role(database_url, MAINTENANCE_ROLE))
    yield opened
    opened.dispose()


@pytest.fixture
def redis_store(services: EmbeddedServices) -> RedisStore:
    """Valkey, emptied."""
    import redis

    redis.Redis.from_url(services.redis_url).flushall()
    return RedisStore(services.redis_url)


@pytest.fixture
def desk(redis_store: RedisStore) -> VerificationContext:
    """What the verification side works with."""
    return VerificationContext(redis_store, keyring.connect([MASTER_KEY]), b"p" * 32)


@pytest.fixture
def config(services: EmbeddedServices, database_url: str, tmp_path: Path) -> Config:
    """The configuration of an installation that exists for one test."""
    return configured(services, database_url, tmp_path)


def configured(services: EmbeddedServices, url: str, home: Path) -> Config:
    """The configuration of an installation with a database, whose owner's address this is."""
    return Config(
        env=Environment.TEST,
        home=home,
        host="127.0.0.1",
        port=0,
        base_url="http://localhost",
        database_url=as_role(url, APPLICATION_ROLE),
        owner_database_url=url,
        maintenance_database_url=as_role(url, MAINTENANCE_ROLE),
        redis_url=services.redis_url,
        smtp_url=None,
        mail_from="letters@undersigned.example",
        code_mail_from="codes@post.example",
        secret_keys=("s" * 32,),
        master_keys=(MASTER_KEY,),
        pepper=b"p" * 32,
        metrics_token=METRICS_TOKEN,
    )
