"""What counts as a database that is away: a server that may answer later, never a statement of ours that is wrong."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, create_engine, literal, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from petition.core import db


def test_a_server_that_does_not_answer_is_away() -> None:
    engine = create_engine("postgresql+psycopg://somebody@127.0.0.1:1/nothing")
    with pytest.raises(DBAPIError) as caught, engine.connect():
        pass
    assert db.is_away(caught.value)


@pytest.mark.parametrize("code", ["53100", "53300", "57P01", "57P03", "58030", "08006", "25006"])
def test_a_server_without_room_or_on_its_way_down_is_away(session: Session, code: str) -> None:
    raising = text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$")
    with pytest.raises(DBAPIError) as caught, session.begin_nested():
        session.execute(raising)
    assert db.is_away(caught.value)


@pytest.mark.parametrize(
    ("statement", "values"),
    [("SELECT 1/0", {}), ("SELECT * FROM nothing", {}), ("SELECT :x", {"x": "a\x00"}), ("SELECT :x", {"x": object()})],
)
def test_a_wrong_statement_of_ours_is_not_taken_for_an_absent_server(
    session: Session, statement: str, values: dict[str, object]
) -> None:
    with pytest.raises(DBAPIError) as caught, session.begin_nested():
        session.execute(text(statement), values)
    assert not db.is_away(caught.value)


def test_a_second_statement_in_autocommit_mode_is_refused(engine: Engine) -> None:
    """It would be a transaction of its own, and a fault between the two would leave half of the work."""
    del engine
    with db.autocommit() as single:
        assert db.run(single, select(literal(1)), {}).scalar() == 1
        assert single.scalar(select(literal(2))) == 2
        with pytest.raises(db.SecondStatement):
            db.run(single, select(literal(3)), {})


def test_a_transaction_takes_as_many_statements_as_it_likes(session: Session) -> None:
    assert [db.run(session, select(literal(number)), {}).scalar() for number in (1, 2)] == [1, 2]


def test_a_plan_of_tables_that_were_put_in_place_anew_is_an_absence_that_passes(engine: Engine, owner: Engine) -> None:
    """A backup was restored while this process had connections: their plans know the tables that are gone."""
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE thing (n bigint)"))
        connection.execute(text("GRANT SELECT ON thing TO PUBLIC"))
    asks = lambda: db.engine().connect()
    with asks() as connection:
        for _ in range(10):  # the driver prepares what is asked often
            connection.execute(text("SELECT n FROM thing"))
            connection.commit()
        with owner.begin() as other:
            other.execute(text("DROP TABLE thing"))
            other.execute(text("CREATE TABLE thing (n text)"))
            other.execute(text("GRANT SELECT ON thing TO PUBLIC"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text("SELECT n FROM thing"))
    assert db.is_away(caught.value)
    with asks() as connection:
        assert connection.execute(text("SELECT n FROM thing")).all() == []
