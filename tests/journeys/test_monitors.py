"""The web server itself, with a port for monitors: the figures are there without a token, and nowhere else."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from petition.bootstrap import commands
from petition.config import Config
from tests.proofs.load import process
from tests.support.served import free_port
from tests.support.services import METRICS_TOKEN


def status(url: str, **headers: str) -> int:
    """The status of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_the_figures_are_at_the_port_of_monitors_and_at_the_public_one_for_the_token_only(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P39."""
    public, monitors = free_port(), free_port()
    monkeypatch.setenv("PETITION_METRICS_TOKEN", METRICS_TOKEN)
    ours = replace(config, port=public, metrics_port=monitors, base_url=f"http://localhost:{public}")
    with process(
        commands.web(ours).argv, ours.environment(), lambda: status(f"http://localhost:{public}/healthz") == 200
    ):
        assert status(f"http://127.0.0.1:{monitors}/metrics") == 200
        assert status(f"http://127.0.0.1:{monitors}/metrics", Host="anything.example") == 200
        assert status(f"http://127.0.0.1:{monitors}/healthz") == 404
        assert status(f"http://localhost:{public}/metrics") == 404
        assert status(f"http://localhost:{public}/metrics", Authorization=f"Bearer {METRICS_TOKEN}") == 200
