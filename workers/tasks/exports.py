"""Files for organisers, made in the background; the sweep sends again what nobody makes."""

from __future__ import annotations

from petition.core import clock
from workers.celery_app import app, worker_context
from workers.loops.exports import make_export


# Early acknowledgement: an export that kills its maker must not be handed to the next one at once; the sweep counts.
@app.task(name="exports.make", acks_late=False)
def make(export_id: str) -> None:
    """Make one file, unless somebody is at it."""
    make_export(bytes.fromhex(export_id), worker_context().config.home, clock.now())
