"""P59: an installation whose PostgreSQL is behind pgbouncer in transaction mode, as managed databases often are."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from petition import campaigns, epochs
from petition.bootstrap import EmbeddedServices
from petition.config import Config
from petition.config.addresses import APPLICATION_ROLE
from petition.core import clock, db
from petition.mail import ListPostbox
from petition.mailing.digests import Sender
from petition.privacy import keyring
from tests import make
from tests.proofs.load import in_threads
from tests.support import mails
from tests.support.clients import SLUG, Load, in_the_ledger, spent
from tests.support.foreign_client import call, patiently
from tests.support.installation import Running, environment, installation
from tests.support.mails import URL
from tests.support.places import in_memory
from tests.support.pooler import pooler
from tests.support.services import as_role, cloned, environment_of
from workers.loops.sending import send_round

pytestmark = pytest.mark.xdist_group("pooler")


@pytest.fixture(scope="module")
def address(services: EmbeddedServices, template: str) -> Iterator[str]:
    """The address of a database behind pgbouncer, for its owner."""
    with tempfile.TemporaryDirectory(prefix="p-", dir=in_memory()) as folder:
        url = cloned(services, template, "behind_a_pooler")
        with pooler(url, Path(folder)) as through:
            yield through


@pytest.fixture(scope="module")
def tree(address: str) -> Iterator[Running]:
    """An installation on that database: it migrates, fills and serves it through the pooler."""
    with installation(**environment_of(address)) as started:
        yield started


def test_people_sign_at_once_through_a_pooler(tree: Running, address: str) -> None:
    """40 requests for codes and 60 signatures from eight threads, over two connections to the server."""
    asked: Counter[int] = Counter()
    config = Config.from_env(environment(tree.home, int(tree.url.rsplit(":", 1)[1])) | environment_of(address))
    db.connect(config.database_url)
    keyring.connect(config.master_keys)
    with db.transaction() as session:
        campaign = campaigns.find(session, SLUG)
        held = iter([make.a_pass(session, campaign).held.encode() for _ in range(60)])
    load, before = Load(), spent()

    def client(number: int) -> None:
        for turn in range(5):
            address_ = f"pooled{number}{turn}{time.time_ns()}@salesforce.example"
            verify = f"{tree.url}/api/campaigns/{SLUG}/verify"
            asked[patiently(lambda: call(verify, {"address": address_})).status] += 1  # noqa: B023 (called at once)
        for mine in held:
            load.redeem(tree, mine)

    in_threads(client, 8)
    assert asked == {202: 40}
    assert (load.others, spent() - before) == ([], 60)
    in_the_ledger(load.receipts, 60)
    with db.session() as session:
        assert epochs.audit(session, campaigns.find(session, SLUG)).faults == []


def test_mails_are_acknowledged_through_a_pooler(address: str, database_url: str) -> None:
    """Each mail is sent once and marked as sent, while others use the same connections of the server."""
    own = make_url(address).set(database=make_url(database_url).database).render_as_string(hide_password=False)
    db.connect(as_role(own, APPLICATION_ROLE))
    campaign_id = mails.planned_digest(300)
    postboxes = [ListPostbox() for _ in range(3)]

    def sender(number: int) -> None:
        mine = Sender(postboxes[number], URL, "s" * 32, make.PEPPER, "letters@undersigned.example", 0)
        while send_round(mine, clock.now):
            pass

    in_threads(sender, 3)
    sent = Counter(mail.to for each in postboxes for mail in each.sent)
    assert mails.states(campaign_id) == {"sent": 300}
    db.disconnect()
    assert (sum(sent.values()), max(sent.values())) == (300, 1)


def test_only_a_connection_through_a_pooler_prepares_nothing(address: str, engine: Engine) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements")
    counts = []
    for each in (engine, db.connect(as_role(address, APPLICATION_ROLE))):
        with each.connect() as connection:
            for _ in range(20):
                connection.execute(text("SELECT 1"))
            counts.append(connection.scalar(prepared))
    assert counts[0] > 0
    assert counts[1] == 0
