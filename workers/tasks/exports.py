"""Makes files for organisers in the background. The sweep sends a message again for unfinished files."""

from __future__ import annotations

from petition.core import clock
from workers.celery_app import app, worker_context
from workers.loops.exports import make_export


# The message is acknowledged early, because an export that kills its worker must not go to the next one at once; the
# sweep counts the attempts.
@app.task(name="exports.make", acks_late=False)
def make(export_id: str) -> None:
    """Make one file, unless another worker is making it."""
    make_export(bytes.fromhex(export_id), worker_context().config.home, clock.now())
