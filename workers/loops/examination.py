"""Runs every check of an installation and keeps the verdicts, for the owners who read them on the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from petition import config as settings
from petition import operation
from petition.config import Config
from petition.core import db
from petition.operation import CHECKS, Check, Context, Dns, results
from petition.operation.checks.machine import secret_paths


def examine(config: Config, clock: Callable[[], datetime], dns: Dns, checks: Sequence[Check] = CHECKS) -> None:
    """Check everything, and keep a word for each. No mail is sent. It takes as long as the slowest check."""
    paths = secret_paths(settings.files_with_secrets(config.home), config.dkim)
    findings = operation.run(Context(config, clock, dns, paths=paths), checks)
    with db.transaction() as session:
        results.record(session, findings, clock())
