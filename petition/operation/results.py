"""The results of the last daily run of all checks: for each check a word, without a subject and without a sentence.

Owners read them on the dashboard. Sentences name hosts, versions and addresses, and are for operators at a terminal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base
from petition.operation.findings import Finding, Verdict, worst


class CheckResult(Base):
    """The verdict of one check of the last run, with a resolution of one second. One row a check."""

    __tablename__ = "check_result"

    name: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    at: Mapped[datetime]


def record(session: Session, findings: Sequence[Finding], now: datetime) -> None:
    """Record a run in place of the one before. Of several subjects of a check the worst counts."""
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    for each in findings:
        verdicts[each.name].append(each.verdict)
    session.execute(delete(CheckResult))
    at = now.replace(microsecond=0)
    rows = [{"name": name, "verdict": worst(found).value, "at": at} for name, found in verdicts.items()]
    if rows:
        session.execute(insert(CheckResult), rows)


def last(session: Session) -> tuple[datetime | None, dict[str, Verdict]]:
    """Returns when the last run was, and the verdict of each check of it. Unknown ones are left out."""
    rows = session.scalars(select(CheckResult)).all()
    known = {row.name: Verdict(row.verdict) for row in rows if row.verdict in list(Verdict)}
    return max((row.at for row in rows), default=None), known
