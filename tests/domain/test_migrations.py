"""Migrations with data in the tables, up and down."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Enum, create_engine, make_url, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from petition import epochs
from petition.bootstrap import EmbeddedServices
from petition.campaigns import Campaign
from petition.config.addresses import PROJECT
from petition.core import db, heartbeats, migrate, outbox
from petition.core.db import Base
from petition.ledger.entries import Visibility
from petition.mailing.subscribers.tables import Audience, Subscriber
from petition.organisers.audit_log import Action, AuditEntry
from petition.privacy import scrub_state
from petition.privacy.scrub import Scrubbed
from petition.privacy.scrub_state import LastScrub
from petition.signatures import DisplayChoice
from petition.signatures.tables import Pending, Signature
from tests import make
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
    migrate.upgrade(url, "0006")
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


SLOT = text("INSERT INTO job_slot (job, slot) VALUES (:job, :slot)")
SLOTS = {
    ("beat of prompt", "2026-11-25T10:00:10+00:00"),
    ("beat of prompt", "2026-11-25T10:00:20+00:00"),
    ("beat of bulk", "2026-11-25T09:00:00+00:00"),
    ("scrubbed", "2026-11-25T08:07:00+0000 rewritten wal_switched checkpointed"),
    ("scrubbed", "2026-11-25T09:07:03+0000 rewritten checkpointed"),
    ("scrub", "2026-11-25T09"),
}
NEWEST = SLOTS - {
    ("beat of prompt", "2026-11-25T10:00:10+00:00"),
    ("scrubbed", "2026-11-25T08:07:00+0000 rewritten wal_switched checkpointed"),
}


def test_heartbeats_and_the_last_scrub_move_into_tables_of_their_own_and_back(
    services: EmbeddedServices, template: str
) -> None:
    url = cloned(services, template, f"migrations_{secrets.token_hex(4)}")
    migrate.downgrade(url, "0007")
    engine: Engine = create_engine(url)
    with engine.begin() as connection:
        for job, slot in SLOTS:
            connection.execute(SLOT, {"job": job, "slot": slot})
    migrate.upgrade(url)
    with Session(engine) as session:
        assert heartbeats.last_beats(session, ["prompt", "bulk", "batches"]) == {
            "prompt": datetime(2026, 11, 25, 10, 0, 20, tzinfo=UTC),
            "bulk": datetime(2026, 11, 25, 9, 0, tzinfo=UTC),
        }
        did = Scrubbed(rewritten=True, wal_switched=False, checkpointed=True)
        assert scrub_state.last(session) == LastScrub(datetime(2026, 11, 25, 9, 7, 3, tzinfo=UTC), did)
        assert session.scalars(select(outbox.JobSlot.job)).all() == ["scrub"]
    migrate.downgrade(url, "0007")
    with engine.begin() as connection:
        assert {tuple(row) for row in connection.execute(text("SELECT job, slot FROM job_slot"))} == NEWEST
    engine.dispose()


def revision_of(url: str) -> str | None:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = migrate.revision(connection)
    engine.dispose()
    return found


def execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused_in_a_sentence_and_left_alone(database_url: str) -> None:
    """P58: a downgrade."""
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(migrate.DatabaseNewer, match=r"^The database holds tables of a newer version .*\.$"):
        migrate.upgrade(database_url)
    assert (revision_of(database_url), migrate.is_current(database_url)) == ("9999", False)


def test_an_upgrade_that_fails_changes_nothing_and_can_be_tried_again(database_url: str) -> None:
    """All steps that are missing are one transaction: the first of them are taken back with the one that fails."""
    migrate.downgrade(database_url, "0004")
    execute(database_url, "CREATE TABLE refusal (in_the_way int)")  # 0006 makes a table of this name
    with pytest.raises(ProgrammingError):
        migrate.upgrade(database_url)
    assert revision_of(database_url) == "0004"
    with pytest.raises(ProgrammingError):
        execute(database_url, "SELECT sealed_until FROM pending")  # of 0005
    execute(database_url, "DROP TABLE refusal")
    migrate.upgrade(database_url)
    assert migrate.is_current(database_url)


@pytest.fixture
def signed(database_url: str) -> bytes:
    """The id of a campaign with a signature in the ledger and one that waits."""
    db.connect(database_url)
    with db.transaction() as session:
        made = make.campaign(session)
        make.signature(session, made, DisplayChoice(Visibility.NAME, name="Suzie Quux"))
        epochs.close_epoch(session, made, make.NOW)
        make.signature(session, made)
    db.disconnect()
    return made.id


def test_signatures_and_ledger_survive_every_step_back_and_forth(database_url: str, signed: bytes) -> None:
    """P58, P19: from the first tables on, one version after the other, with signatures in the tables."""
    script = ScriptDirectory(str(PROJECT / "petition/migrations"))
    steps = [step.revision for step in script.walk_revisions()]
    for step in steps[1:]:
        migrate.downgrade(database_url, step)
    for step in reversed(steps):
        migrate.upgrade(database_url, step)
        assert revision_of(database_url) == step
    db.connect(database_url)
    with db.session() as session:
        assert epochs.audit(session, session.get_one(Campaign, signed)).faults == []
        assert session.scalars(select(Signature.name)).all() == ["Suzie Quux"]
        assert len(session.scalars(select(Pending.leaf)).all()) == 1
    db.disconnect()


def test_enums_are_spelled_alike_in_code_and_database(database_url: str) -> None:
    """The values of a type in the database are those of the members, in their order."""
    engine = create_engine(database_url)
    labels = text(
        "SELECT typname, array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum"
        " JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname"
    )
    with engine.connect() as connection:
        there = {name: [*values] for name, values in connection.execute(labels)}
    engine.dispose()
    columns = [each.type for table in Base.metadata.tables.values() for each in table.columns]
    kinds = [each for each in columns if isinstance(each, Enum)]
    values = {each.name: [member.value for member in each.enum_class or ()] for each in kinds}
    assert {each.name: each.enums for each in kinds} == values
    assert {each.name: each.enums for each in kinds if each.native_enum} == there


def test_states_and_kinds_are_renamed_by_their_migration_and_back(services: EmbeddedServices, template: str) -> None:
    """Rows, the conditions of indexes and the guard of the audit log stay as they are."""
    url = cloned(services, template, f"migrations_{secrets.token_hex(4)}")
    migrate.downgrade(url, "0008")
    engine: Engine = create_engine(url)
    with engine.begin() as connection:
        for number, state in enumerate(("UNCONFIRMED", "ACTIVE", "SUPPRESSED")):
            connection.execute(SUBSCRIBER, {"id": bytes([number]), "state": state})
        connection.execute(text("INSERT INTO journal (at, deed, about) VALUES (now(), 'CODES_RENEWED', '{}')"))
    migrate.upgrade(url)
    with Session(engine) as session:
        assert sorted(session.scalars(select(Subscriber.state))) == ["active", "suppressed", "unconfirmed"]
        assert session.scalars(select(Subscriber.audience).distinct()).all() == [Audience.SUBSCRIBER]
        assert session.scalars(select(AuditEntry.action)).all() == [Action.CODES_RENEWED]
        assert session.scalars(text("SELECT state::text FROM subscriber ORDER BY 1")).first() == "active"
        condition = session.scalar(text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_delivery_due'"))
        assert condition is not None
        assert "'planned'" in condition
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text("UPDATE journal SET deed = 'joined'"))
    migrate.downgrade(url, "0008")
    with engine.begin() as connection:
        assert states(connection) == ["ACTIVE", "SUPPRESSED", "UNCONFIRMED"]
        assert connection.scalars(text("SELECT deed FROM journal")).all() == ["CODES_RENEWED"]
    engine.dispose()


POLICIES = text("SELECT domains FROM campaign WHERE slug = :slug")
REQUEST = text(
    "INSERT INTO key_request (id, campaign_id, act, about, asked_by, asked_at, until, state) SELECT '\\x01', id, 'domains',"
    " cast(:about AS jsonb), '', now(), now(), 'waiting' FROM campaign WHERE slug = :slug"
)


def test_hosts_below_a_domain_are_listed_by_name_from_then_on(database_url: str) -> None:
    """P58: the flag is gone from campaigns and from requests that wait, and the lists of hosts begin empty."""
    db.connect(database_url)
    with db.transaction() as session:
        slug = make.campaign(session).slug
    db.disconnect()
    migrate.downgrade(database_url, "0010")
    old = {"corp.example": {"plus": True, "dots": True, "subdomains": True}, "b.example": {}}
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert connection.scalar(POLICIES, {"slug": slug}) == {"corp.example": {"plus": True, "dots": True}}
        connection.execute(text("UPDATE campaign SET domains = cast(:old AS jsonb)"), {"old": json.dumps(old)})
        asked = {"domains": old, "added": 1, "removed": 0, "changed": 0}
        connection.execute(REQUEST, {"about": json.dumps(asked), "slug": slug})
    migrate.upgrade(database_url)
    new = {"corp.example": {"plus": True, "dots": True}, "b.example": {}}
    with Session(engine) as session:
        made = session.scalars(select(Campaign).where(Campaign.slug == slug)).one()
        assert made.domains == new
        assert [policy.hosts for policy in made.policies()] == [(), ()]
        assert session.scalars(text("SELECT about FROM key_request")).one() == asked | {"domains": new}
    engine.dispose()


CODES = text(
    "INSERT INTO verification.code_day (campaign_id, domain, day, asked, used, share)"
    " VALUES ('', :domain, (now() AT TIME ZONE 'UTC')::date - :ago, :asked, :used, :share)"
)
CODE_ROWS = text("SELECT domain, asked, used, share FROM verification.code_day ORDER BY domain")


def test_a_verification_has_one_row_without_a_day_from_then_on(services: EmbeddedServices, template: str) -> None:
    """P44, P58: replies get random values, the codes of the running day and of quiet days are gone, others are coarse."""
    url = cloned(services, template, f"migrations_{secrets.token_hex(4)}")
    migrate.downgrade(url, "0015")
    engine: Engine = create_engine(url)
    with engine.begin() as connection:
        for number in range(3):
            connection.execute(
                text("INSERT INTO verification.tag (campaign_id, tag) VALUES ('', :tag)"), {"tag": bytes([number])}
            )
        connection.execute(text("INSERT INTO verification.stamped (reply, day) VALUES ('', now())"))
        for domain, ago, asked, used, share in (
            ("running.example", 0, 40, 30, None), ("quiet.example", 1, 9, 9, None), ("rounded.example", 2, 0, 0, None),
            ("a.example", 1, 40, 30, None), ("b.example", 1, 16, 4, None), ("c.example", 2, 12, 0, 25),
        ):  # fmt: skip
            row = {"domain": domain, "ago": ago, "asked": asked, "used": used, "share": share}
            connection.execute(CODES, row)
    migrate.upgrade(url)
    with engine.begin() as connection:
        replies = connection.scalars(text("SELECT reply FROM verification.tag")).all()
        assert [len(each) for each in replies] == [32] * 3
        assert len({*replies}) == 3
        assert [tuple(row) for row in connection.execute(CODE_ROWS)] == [
            ("a.example", 40, 30, 50), ("b.example", 16, 0, 25), ("c.example", 12, 0, 25),
        ]  # fmt: skip
    migrate.downgrade(url, "0015")
    migrate.upgrade(url)
    engine.dispose()


def test_only_names_that_are_shown_are_folded_by_their_migration(database_url: str) -> None:
    engine: Engine = create_engine(database_url)
    with Session(engine) as session, session.begin():
        made = make.campaign(session)
        for name, sealed in (("José Müller", 0), ("Sealed Sally", 50)):
            make.signature(session, made, DisplayChoice(Visibility.NAME, name=name, comment="Oui", sealed_until=sealed))
        epochs.close_epoch(session, made, make.NOW)
    migrate.downgrade(database_url, "0019")
    migrate.upgrade(database_url)
    with Session(engine) as session:
        rows = session.execute(select(Signature.name, Signature.folded_name, Signature.folded_comment))
        assert sorted(tuple(row) for row in rows) == [
            ("José Müller", "jose muller", "oui"),
            ("Sealed Sally", None, None),
        ]
    engine.dispose()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused_in_a_sentence(
    services: EmbeddedServices, template: str, encoding: str
) -> None:
    """P59."""
    url, name = cloned(services, template, f"migrations_{secrets.token_hex(4)}"), f"encoded_{secrets.token_hex(4)}"
    maker: Engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with maker.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"))
    maker.dispose()
    encoded = make_url(url).set(database=name).render_as_string(hide_password=False)
    with pytest.raises(migrate.EncodingWrong, match=f"stores text as {encoding}.*ENCODING 'UTF8'"):
        migrate.upgrade(encoded)
    engine: Engine = create_engine(encoded, connect_args={"client_encoding": "utf8"})
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
    engine.dispose()
