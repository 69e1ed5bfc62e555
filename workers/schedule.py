"""Beat: what is looked at regularly. A hint only: locks and unique rows decide who does it, and how often."""

from __future__ import annotations

from typing import Any, Final

from celery.schedules import crontab

from workers.celery_app import LEDGER, MAIL, UPKEEP, app

# A nudge that waited longer than its turn is worthless: the next one says the same.
SOON: Final = {"expires": 20}

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    # Demo epochs last five seconds, so a second is the longest that a due one may be overlooked.
    "epochs": {"task": "ledger.close_epochs", "schedule": 1.0, "options": {"queue": LEDGER, **SOON}},
    # Dates act by themselves, planned updates too; a hidden name leaves the page within seconds, not at the next epoch.
    "calendar": {"task": "ledger.keep_calendar", "schedule": 3.0, "options": {"queue": LEDGER, **SOON}},
    # Days end at any minute of the hour somewhere; a demonstration's day lasts two minutes.
    "digests": {"task": "digests.plan", "schedule": 5.0, "options": {"queue": MAIL, **SOON}},
    # A delivery that was put off, or whose sender died, is due again at its own time.
    "mail": {"task": "mail.send", "schedule": 2.0, "options": {"queue": MAIL, **SOON}},
    # Rows of the outbox whose message was lost with Redis are found within a minute.
    "sweep": {"task": "upkeep.sweep", "schedule": 20.0, "options": {"queue": UPKEEP, **SOON}},
    # The dashboard shows when each worker gave its last sign of life.
    "pulse of prompt": {
        "task": "upkeep.beat",
        "schedule": 10.0,
        "args": ("prompt",),
        "options": {"queue": LEDGER, **SOON},
    },
    "pulse of bulk": {"task": "upkeep.beat", "schedule": 10.0, "args": ("bulk",), "options": {"queue": UPKEEP, **SOON}},
    # At most once an hour: it stops arrivals for a moment.
    "scrub": {"task": "upkeep.scrub", "schedule": crontab(minute="7"), "options": {"queue": UPKEEP}},
    # Caps on mails are per day, reminders a day after, unconfirmed subscribers live three.
    "purge": {"task": "upkeep.purge", "schedule": crontab(minute="23"), "options": {"queue": UPKEEP}},
}


def install() -> None:
    """Hand the table to beat."""
    app.conf.beat_schedule = SCHEDULE
