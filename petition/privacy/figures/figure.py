"""The shape of a declared figure, and how the table is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Seen(StrEnum):
    """Who sees a figure. Each role sees what the roles before it see."""

    PUBLIC = "everybody"
    SIGNER = "who holds the receipt"
    SUBSCRIBERS = "subscribers, by mail"
    OBSERVER = "observers and every other role"
    MODERATOR = "moderators and owners"
    EDITOR = "editors and owners"
    OWNER = "owners"
    ORGANISERS = "organisers, by mail"
    SELF = "the organiser of the account"
    MONITOR = "monitors"
    LOG = "who reads the logs"


class Changes(StrEnum):
    """When a figure changes. No value but `OWN` means: when one person signs, withdraws, hides or subscribes."""

    BATCH = "with a batch"
    BATCH_OR_HIDDEN = "with a batch; at once when a shown name, role or comment is hidden or removed"
    DAY = "once, when a day (UTC) is over"
    DIGEST = "with the mail, at its time of the day or week"
    ORGANISER = "when an organiser acts"
    LETTER = "when the letter or its settings change"
    CLOCK = "with the clock"
    LIST_MAIL = "while mail to a list is sent; mails about a subscription count the day after"
    FAULT = "when a part of the site fails or recovers"
    NEVER = "never"
    OWN = "when the holder of the receipt acts"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `sources` names the places in the code, one a line: a place, then the values that it writes.

    A source may end in `*`. It is the test's business to find the places (`tests/support/figure_sources.py`).
    """

    name: str
    where: str
    seen: Seen
    changes: Changes
    coarse: str
    sources: str

    def places(self) -> list[str]:
        """Returns each source as a place and a value."""
        found = []
        for line in self.sources.split("\n"):
            place, *values = line.split() or [""]
            found += [f"{place} {value}" for value in values]
        return found


HEAD = """# Figures

Every number that somebody can see: who sees it, when it changes, and how coarse it is. Somebody who has the mail log of the
code mails needs one number that moves a moment later, so no number here moves because one person acted, with one
exception: what is hidden leaves the pages at once (decision 0054).

The table is written from `petition/privacy/figures/`; a test compares it (`tests/house/test_figures_document.py`), finds
every number in templates, sentences, calls, mails, metrics, logs and exported files, and fails if one is not declared.
`tests/proofs/test_watchers.py` polls every address while one person acts; `tests/domain/test_daily_figures.py`,
`tests/domain/test_group_figures.py` and `tests/domain/test_canary.py` try the coarseness.

"Exact" figures are those of batches, which hold at least k new signatures, and settings. The operator's commands
(`python3 app.py --help`) read the database and count exactly; they are for who can read it anyway.

| figure | where | who sees it | when it changes | how coarse |
|---|---|---|---|---|
"""
TAIL = """
## Besides numbers

* **Bytes and headers.** ETags are hashes of the bytes. `bundle.zip` is replaced only if its bytes change, so its time is that
  of a batch or of a hidden name. Pages of organisers and forms have neither.
* **Feed.** The moment of an entry (`updated`) is made up within its day: so many seconds after midnight as batches or updates
  came before it on that day. It tells the day and the order, which the page of checkpoints tells, too.
* **Files.** Exported files hold figures of days, names that are public, and the audit log. Their rows are counted when an
  organiser asks for them.
* **Logs.** The web server and PostgreSQL write no line for a request, a statement or a visitor; Celery none for a task that
  succeeds. While a server is away, a line may say at which moment a code or a mail could not be sent, without saying for whom.
* **Rows.** Counters by hour exist in Redis only, for an hour: how many codes a network asked for, by a keyed hash with a random
  key. The codes of the running day are counted in Redis only, too. The database gets their figures once, when the day is
  over: a row where ten codes or more were asked for, and fewer than ten used ones as 0 (decision 0059). The moment of a mail
  about a subscription is cut to the hour by the hourly purge, and to the day once that day is over; the moment of the last
  mail to a domain is forgotten.
"""


def document(figures: Iterable[Figure]) -> str:
    """Returns the text of `docs/figures.md`."""
    rows = (f"| {each.name} | {each.where} | {each.seen} | {each.changes} | {each.coarse} |" for each in figures)
    return HEAD + "\n".join(rows) + "\n" + TAIL
