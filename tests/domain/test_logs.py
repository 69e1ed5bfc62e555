"""Logs: what a line may say, whoever writes it and whatever goes wrong."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, cast

import pytest
import structlog

from petition.config import Config, Environment
from petition.core import logs

MARKED = "suzie.marked@corp.example"


@dataclass
class Only:
    """The one setting that logs read."""

    env: Environment


@pytest.mark.parametrize("env", [Environment.PRODUCTION, Environment.DEVELOPMENT])
def test_no_line_holds_what_somebody_typed(env: Environment, capsys: Any) -> None:
    """P31."""
    logs.configure(cast("Config", Only(env)))
    structlog.get_logger("petition.web").warning("asked", id="1f", address=MARKED, event_detail=MARKED)
    library = logging.getLogger("celery.app.trace")
    library.error("Task %(name)s[%(id)s] %(exc)s", {"name": "codes.mail", "id": "7", "exc": MARKED})
    library.warning("to %s after %d tries", MARKED, 3)
    for name in ("petition.web", "sqlalchemy.pool", "gunicorn.error"):
        try:
            raise ValueError(MARKED)
        except ValueError:
            logging.getLogger(name).exception("failed")
    told = capsys.readouterr().err
    assert MARKED not in told
    assert all(kept in told for kept in ("asked", "1f", "codes.mail", "3 tries", "ValueError", "test_logs.py"))
