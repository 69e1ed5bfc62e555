"""Celery beat's schedule. A message of beat is only a hint: locks and unique rows decide who works, and how often."""

from __future__ import annotations

from typing import Any, Final

from celery.schedules import crontab

from petition.config import Size
from workers.celery_app import LEDGER, MAIL, UPKEEP, app

# A message that waited longer than its interval is useless, because the next one has the same effect.
SOON: Final = {"expires": 20}

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    # Demo epochs last five seconds, so a due one must be found within a second.
    "epochs": {"task": "ledger.close_epochs", "schedule": 1.0, "options": {"queue": LEDGER, **SOON}},
    # Dates take effect automatically, also those of scheduled updates. A hidden name leaves the page within seconds,
    # not at the next epoch.
    "calendar": {"task": "ledger.keep_calendar", "schedule": 3.0, "options": {"queue": LEDGER, **SOON}},
    # Somewhere in the world a day ends at any minute of the hour; a demonstration's day lasts two minutes.
    "digests": {"task": "digests.plan", "schedule": 5.0, "options": {"queue": MAIL, **SOON}},
    # A delivery that was postponed, or whose sender died, is due again at its own time.
    "mail": {"task": "mail.send", "schedule": 2.0, "options": {"queue": MAIL, **SOON}},
    # Outbox rows whose message was lost with Redis are found within a minute.
    "sweep": {"task": "upkeep.sweep", "schedule": 20.0, "options": {"queue": UPKEEP, **SOON}},
    # The dashboard shows each worker's last sign of life.
    "pulse of prompt": {
        "task": "upkeep.beat",
        "schedule": 10.0,
        "args": ("prompt",),
        "options": {"queue": LEDGER, **SOON},
    },
    "pulse of bulk": {"task": "upkeep.beat", "schedule": 10.0, "args": ("bulk",), "options": {"queue": UPKEEP, **SOON}},
    # This runs at most once an hour, because it blocks new signatures for a moment.
    "scrub": {"task": "upkeep.scrub", "schedule": crontab(minute="7"), "options": {"queue": UPKEEP}},
    # Figures of subscribers and mail are those of the last day: they are counted right after midnight (UTC).
    "day": {"task": "upkeep.count_day", "schedule": 30.0, "options": {"queue": UPKEEP, **SOON}},
    # Owners read once a day whether the site is in order; the first run of a day (UTC) that finds a worker counts.
    "examination": {"task": "upkeep.examine", "schedule": crontab(minute="41"), "options": {"queue": UPKEEP}},
    # Mail caps apply per day, reminders follow after a day, and unconfirmed subscribers are deleted after three days.
    "purge": {"task": "upkeep.purge", "schedule": crontab(minute="23"), "options": {"queue": UPKEEP}},
}


SMALL: Final = {
    "epochs": 3.0, "calendar": 10.0, "digests": 15.0, "mail": 10.0, "sweep": 30.0, "pulse of prompt": 40.0,
    "pulse of bulk": 40.0, "day": 60.0,
}  # fmt: skip
"""Seconds between the messages of an installation of the small size, which looks less often."""


def install(size: Size) -> None:
    """Set the schedule of beat."""
    slower = {name: SCHEDULE[name] | {"schedule": seconds} for name, seconds in SMALL.items()}
    app.conf.beat_schedule = SCHEDULE | (slower if size is Size.SMALL else {})
