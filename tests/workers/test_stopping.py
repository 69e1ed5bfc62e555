"""A worker that is told to stop: the processes of its pool hear it, though only their parent gets the signal."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest
from celery.signals import worker_shutting_down

from workers import celery_app


@pytest.fixture
def pool() -> Iterator[multiprocessing.pool.Pool]:
    """One forked process, as in a worker's pool."""
    with multiprocessing.get_context("fork").Pool(1) as forked:
        yield forked
    celery_app._stop.get()[0] = 0


def test_a_process_of_the_pool_hears_that_its_parent_was_told_to_stop(pool: multiprocessing.pool.Pool) -> None:
    assert pool.apply(celery_app.stopping) is False
    worker_shutting_down.send(sender="worker", sig="SIGTERM", how="Warm", exitcode=0)
    assert pool.apply(celery_app.stopping) is True
