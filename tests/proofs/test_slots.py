"""P41: batches of a running installation come at slots, as somebody sees who watches the public count."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from petition import campaigns, epochs
from petition.campaigns import Campaign
from petition.core import clock, db
from tests import make
from tests.support.clients import attach
from tests.support.figures import Write
from tests.support.foreign_client import call
from tests.support.installation import Running

pytestmark = pytest.mark.xdist_group("tree")
LEAST, INTERVAL = 5, 20
SECONDS = 160
LATE = 5.0
"""Seconds after a slot: beat sends a message each second, a worker takes it, and pages look once a second."""


@pytest.mark.proof
def test_a_watcher_of_a_running_installation_sees_batches_at_slots_only(running: Running, figure: Write) -> None:
    """P41: people sign at any moment; each change of the count comes just after a slot and adds five at least."""
    attach(running)
    with db.transaction() as session:
        made = campaigns.draft(session, make.a_draft(slug="fixed-slots", batch_min=LEAST, interval=INTERVAL))
        epochs.open_campaign(session, made, clock.now())
    over = threading.Event()
    signers = threading.Thread(target=sign_until, args=(over, made))
    signers.start()
    try:
        seen = watched(running, made.slug)
    finally:
        over.set()
        signers.join()
    batch = call(f"{running.url}/api/campaigns/{made.slug}").body
    since, interval = datetime.fromisoformat(batch["since"]), timedelta(seconds=batch["interval"])
    late = [((at - since) % interval).total_seconds() for at, _ in seen]
    counts = [0, *(count for _, count in seen)]
    added = [after - before for before, after in pairwise(counts)]
    figure("P41: seconds from a slot to the change of the public count", max(late), f"≤ {LATE:.0f}")
    figure("P41: signatures of the smallest batch", min(added), f"≥ {LEAST}")
    assert len(seen) >= 3
    assert max(late) <= LATE
    assert min(added) >= LEAST


def sign_until(over: threading.Event, campaign: Campaign) -> None:
    """Sign with pauses that nobody can foresee."""
    while not over.wait(random.uniform(0.2, 3.0)):
        with db.transaction() as session:
            make.signature(session, session.get_one(Campaign, campaign.id))


def watched(running: Running, slug: str) -> list[tuple[datetime, int]]:
    """The moments at which the public count changed, and the count then."""
    found: list[tuple[datetime, int]] = []
    end, epoch = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        told = call(f"{running.url}/api/campaigns/{slug}/count").body
        if told["epoch"] > epoch:  # each web process looks once a second, so one may still show the batch before
            epoch = told["epoch"]
            found.append((datetime.now(UTC), told["count"]))
        time.sleep(0.1)
    return found
