"""The outbox: a row and its announcement are one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import Engine, select

from petition.core import db, events, outbox
from petition.core.outbox import OutboxItem, OutboxItemAdded, OutboxKind
from petition.core.process import ProcessValue
from tests.make import NOW


def test_adding_an_item_announces_it_after_the_commit(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    del engine
    delivered: list[events.Event] = []
    monkeypatch.setattr(events, "_deliverer", ProcessValue("deliverer", delivered.append))
    with db.transaction() as session:
        added = outbox.add(session, OutboxKind.BUNDLE, b"c" * 16, 1, NOW)
        assert delivered == []
    assert delivered == [OutboxItemAdded(OutboxKind.BUNDLE, added)]


def test_an_item_that_was_rolled_back_is_not_announced(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    del engine
    delivered: list[events.Event] = []
    monkeypatch.setattr(events, "_deliverer", ProcessValue("deliverer", delivered.append))
    with suppress(ZeroDivisionError), db.transaction() as session:
        outbox.add(session, OutboxKind.BUNDLE, b"c" * 16, 1, NOW)
        raise ZeroDivisionError
    with db.session() as session:
        assert (delivered, session.scalars(select(OutboxItem)).all()) == ([], [])
