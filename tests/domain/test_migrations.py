"""Migrations with data in the tables, up and down."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, Engine, create_engine, text

from petition.bootstrap import EmbeddedServices
from petition.core import migrate
from tests.support.services import cloned

SUBSCRIBER = text(
    "INSERT INTO subscriber (id, campaign_id, audience, tag, sealed, lane, lang, rhythm, state, since, asked) "
    "VALUES (:id, '', 'READER', :id, '', '', 'en', 'DAILY', :state, '2026-11-25', 1)"
)

SUPPRESSION = text("INSERT INTO suppression (tag, reason, n, day) VALUES (:tag, :reason, 3, '2026-11-25')")


def states(connection: Connection) -> list[str]:
    return sorted(connection.scalars(text("SELECT state::text FROM subscriber")))


def test_suppressed_subscribers_come_and_go_with_their_migration(services: EmbeddedServices, template: str) -> None:
    """Suppressions for bounces end, those for complaints stay; back again nobody who was suppressed is mailed."""
    url = cloned(services, template, f"migrations_{secrets.token_hex(4)}")
    migrate.downgrade(url, "0005")
    engine: Engine = create_engine(url)
    with engine.begin() as connection:
        for number, state in enumerate(("UNCONFIRMED", "ACTIVE", "PAUSED")):
            connection.execute(SUBSCRIBER, {"id": bytes([number]), "state": state})
        for number, reason in enumerate(("BOUNCE", "SOFT", "COMPLAINT")):
            told = {"tag": bytes([number]), "reason": reason}
            connection.execute(SUPPRESSION, told)
        connection.execute(text("INSERT INTO halt (what, since) VALUES ('campaign:00', now())"))
    migrate.upgrade(url)
    with engine.begin() as connection:
        assert states(connection) == ["ACTIVE", "PAUSED", "UNCONFIRMED"]
        assert list(connection.scalars(text("SELECT tag FROM suppression"))) == [bytes([2])]
        connection.execute(text("UPDATE subscriber SET state = 'SUPPRESSED' WHERE state = 'ACTIVE'"))
        connection.execute(text("INSERT INTO halt (what, since, words) VALUES ('refused', now(), '5.7.1 blocked')"))
        connection.execute(text("INSERT INTO refusal (kind, recipient, period) VALUES ('update', '', 'news-1')"))
    migrate.downgrade(url, "0005")
    with engine.begin() as connection:
        assert states(connection) == ["PAUSED", "PAUSED", "UNCONFIRMED"]
        assert sorted(connection.scalars(text("SELECT what FROM halt"))) == ["all", "campaign:00"]
        assert connection.execute(text("SELECT reason::text, n FROM suppression")).all() == [("COMPLAINT", 1)]
    migrate.upgrade(url)
    engine.dispose()
