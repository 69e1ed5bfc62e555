"""Acknowledgements that are sent now and confirmed later: committed once confirmed, and a failure is raised as any other."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, Enum, bindparam, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from petition.core import db
from petition.mailing import queue
from petition.mailing.queue import Claim, Delivery, DeliveryState
from petition.mailing.queue.acknowledgements import constant
from tests.support.mails import claimed


@pytest.fixture
def waiting(engine: Engine) -> list[Claim]:
    """Three mails that were claimed, in a database that others see."""
    with db.transaction() as session:
        return claimed(session, 3)


def _tell_and_hear(marks: queue.Acknowledgements, taken: Claim, following: Claim) -> None:
    marks.send(taken, following)
    marks.confirm()


def rows(waiting: list[Claim]) -> list[tuple[str, int, int]]:
    """State, tries and unanswered tries of each, as another connection sees them."""
    with db.session() as session:
        found = {each.recipient: each for each in session.scalars(select(Delivery))}
    return [(row.state.value, row.tries, row.unanswered) for row in (found[each.recipient] for each in waiting)]


def test_what_was_told_is_committed_once_it_is_heard(waiting: list[Claim]) -> None:
    with db.autocommit_connection() as line, queue.acknowledgements(line) as marks:
        marks.confirm()
        marks.send(waiting[0], waiting[1])
        marks.confirm()
        assert rows(waiting) == [("sent", 0, 0), ("planned", 1, 1), ("planned", 0, 0)]
        marks.send(waiting[1], waiting[2])
    assert rows(waiting) == [("sent", 0, 0), ("sent", 1, 1), ("planned", 1, 1)]


def test_a_mark_that_fails_is_said_again_and_raises_and_the_next_works(waiting: list[Claim]) -> None:
    with db.autocommit_connection() as line:
        line.execute(text("SET lock_timeout = '50ms'"))
        marks = queue.Acknowledgements(line)
        with db.session() as other:
            other.execute(select(Delivery).where(Delivery.recipient == waiting[0].recipient).with_for_update())
            marks.send(waiting[0], waiting[1])
            with pytest.raises(DBAPIError):
                marks.confirm()
        marks.send(waiting[0], waiting[1])
        marks.confirm()
        line.execute(text("RESET lock_timeout"))
    assert rows(waiting) == [("sent", 0, 0), ("planned", 1, 1), ("planned", 0, 0)]


def test_a_database_that_went_away_is_told_as_such(waiting: list[Claim]) -> None:
    with db.autocommit_connection() as line:
        marks = queue.Acknowledgements(line)
        marks.send(waiting[0], waiting[1])
        marks.confirm()
        pid = line.scalar(text("SELECT pg_backend_pid()"))
        with db.session() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(DBAPIError) as away:
            _tell_and_hear(marks, waiting[1], waiting[2])
    assert db.is_away(away.value)
    assert rows(waiting) == [("sent", 0, 0), ("planned", 1, 1), ("planned", 0, 0)]


def test_inside_somebodys_transaction_it_is_heard_at_once(session: Session) -> None:
    waiting = claimed(session, 2)
    with db.autocommit_connection() as line, queue.acknowledgements(line) as marks:
        marks.send(*waiting)
        assert rows(waiting) == [("sent", 0, 0), ("planned", 1, 1)]


def test_it_writes_what_the_statements_of_claims_write(engine: Engine) -> None:
    with db.transaction() as session:
        waiting = claimed(session, 4)
    with db.transaction() as session:
        queue.mark_sent(session, waiting[0])
        queue.begin(session, waiting[1])
    with db.autocommit_connection() as line, queue.acknowledgements(line) as marks:
        marks.send(waiting[2], waiting[3])
    assert rows(waiting[2:]) == rows(waiting[:2])


@pytest.mark.parametrize("stored", [DeliveryState.SENT.name, DeliveryState.SENT.value])
def test_a_state_is_spelled_as_its_column_stores_it(stored: str) -> None:
    by_hand = Enum(
        DeliveryState, values_callable=lambda states: [stored if s is DeliveryState.SENT else s.name for s in states]
    )
    assert constant(bindparam("state", DeliveryState.SENT, by_hand)) == stored.encode()
