"""Connects to servers that are given, before anything is written: a wrong password shows now and not at the first start."""

from __future__ import annotations

from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from petition.config.addresses import OWNER_URL, redis_py_url, sqlalchemy_url
from petition.core import migrate
from petition.operation import Verdict
from petition.operation.checks import database, redis_server
from petition.operation.context import WAIT

DATABASES: Final = frozenset({OWNER_URL, "DATABASE_URL"})
STORE: Final = "REDIS_URL"


def problem_of(setting: str, url: str) -> str:
    """Returns why the server at an address is of no use. Settings that name no server have no problem."""
    if setting in DATABASES:
        return _problem_of_database(setting, sqlalchemy_url(url))
    return _problem_of_store(url) if setting == STORE else ""


def _problem_of_database(setting: str, url: str) -> str:
    limits = {"connect_timeout": int(WAIT), "client_encoding": "utf8"}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=limits)
    try:
        engine.connect().close()
        migrate.refuse_unfit(url)
    except DBAPIError as error:
        return database.reason(error, setting)
    except migrate.DatabaseUnfit as unfit:
        return str(unfit)
    finally:
        engine.dispose()
    return ""


def _problem_of_store(url: str) -> str:
    limits = {"socket_timeout": WAIT, "socket_connect_timeout": WAIT}
    client = redis.Redis.from_url(redis_py_url(url), retry=Retry(NoBackoff(), 0), **limits)
    try:
        client.ping()
        found = redis_server.judge_version(client.info("server"), took=0)
    except NoPermissionError:
        return ""  # it answers, and does not say which version it is; `doctor` says more
    except redis.RedisError as error:
        return redis_server.reason(error)
    finally:
        client.close()
    return found.sentence if found.verdict is Verdict.FAULT else ""
