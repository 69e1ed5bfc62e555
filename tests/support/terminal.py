"""The command line against a database of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from petition.bootstrap import EmbeddedServices
from petition.cli import cli
from tests.support.services import environment_of

NOWHERE = "postgresql://somebody@127.0.0.1:1/nothing"


@pytest.fixture
def environ(database_url: str, services: EmbeddedServices, tmp_path: Path) -> dict[str, str]:
    """A development installation on servers of its own."""
    return {
        "PETITION_ENV": "development",
        "PETITION_HOME": str(tmp_path),
        **environment_of(database_url),
        "REDIS_URL": services.redis_url,
    }


def run(environ: dict[str, str], *words: str) -> Result:
    """What a command did with these words."""
    return CliRunner(env=environ).invoke(cli, words)


def told(environ: dict[str, str], *words: str) -> str:
    """The one line that a refused command says."""
    result = run(environ, *words)
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1, result.output
    return result.output
