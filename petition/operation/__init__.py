"""Whether an installation is in order: checks of its servers, its mail, its DNS and its public address.

`run` asks everything side by side and returns a sentence for each. The command `doctor` prints them, a worker keeps the
verdicts once a day for the dashboard, and nothing is changed, apart from a mail to the operator who asked for one.
"""

from __future__ import annotations

from petition.operation.catalogue import CHECKS
from petition.operation.check import Check
from petition.operation.context import Context
from petition.operation.dns import Dns, ResolverWrong
from petition.operation.findings import Finding, Verdict, worst
from petition.operation.runner import run

__all__ = ["CHECKS", "Check", "Context", "Dns", "Finding", "ResolverWrong", "Verdict", "run", "worst"]
