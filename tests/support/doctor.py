"""An installation as `doctor` sees it, and what a check finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from petition.config import Config, Environment
from petition.operation import CHECKS, Context, Finding, Verdict, run


def bare(home: Path, **other: Any) -> Config:
    """The configuration of an installation in production that has no server yet."""
    config = Config(
        env=Environment.PRODUCTION, home=home, host="127.0.0.1", port=8000, base_url="https://open.example",
        database_url="", owner_database_url="", maintenance_database_url="", redis_url="",
        smtp_url="smtp://smtp.relay.example:587?tls=required",
        mail_from="Letters <hello@letters.example>", code_mail_from="no-reply@accounts.example",
        secret_keys=("s" * 32,), master_keys=(), pepper=b"",
    )  # fmt: skip
    return replace(config, **other)


def look(context: Context, name: str, about: str = "", seconds: float = 12.0) -> Finding:
    """What one check finds about one subject, as the runner reports it."""
    check = next(each for each in CHECKS if each.name == name)
    (finding,) = run(context, [replace(check, subjects=lambda _: (about,))], seconds)
    return finding


def is_(finding: Finding, verdict: Verdict, *words: str) -> None:
    """The verdict, in one printable sentence that has these words."""
    assert finding.verdict is verdict, finding
    assert [word for word in words if word not in finding.sentence] == [], finding
    assert finding.sentence.isprintable()
    assert finding.sentence.endswith((".", "…")) or "chmod" in finding.sentence, finding
    assert len(finding.sentence) <= 600
