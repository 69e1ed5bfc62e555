"""P28: whoever holds the database after an epoch cannot link who was verified to what was signed, by any order in it."""

from __future__ import annotations

import secrets
from itertools import product

import pytest
from sqlalchemy import Engine, text

from petition import epochs, signatures, verification
from petition.blindsign import passes, rsabssa
from petition.campaigns import Campaign, OpenCampaign
from petition.core import db
from petition.core.ids import OrganiserId
from petition.ledger.entries import Removal
from petition.organisers.actor import Actor
from petition.privacy.scrub import SAW_ACTS, scrub
from petition.signatures import bulk_removal
from petition.verification import Proven
from tests import make
from tests.support.figures import Write
from tests.support.ranks import CHANCE, correlation, places

SIGNERS = 300
OMAR = OrganiserId(b"o" * 16)
VERIFIED = ("verification.tag",)
SIGNED = {"spent": "hw", "signature": "hw", "entry": "leaf"}
ORDERS = ("ctid", "xmin::text::bigint, ctid", "key")


def come_and_go(campaign: Campaign, n: int = SIGNERS) -> dict[str, list[bytes]]:
    """Some people are verified and sign at once, one after the other; what each left behind, in the order of arrival."""
    left: dict[str, list[bytes]] = {"tag": [], "hw": []}
    public = rsabssa.load_spki(campaign.issuer or b"")
    for _ in range(n):
        blinding, tag = passes.begin(public, campaign.id), secrets.token_bytes(32)
        someone = Proven("work_email", tag)
        with db.transaction() as session:
            stamp = verification.stamp(session, make.PEPPER, OpenCampaign.of(campaign), someone, blinding.blinded)
        held = passes.complete(blinding, stamp).held
        with db.transaction() as session:
            signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)
        left["tag"].append(tag)
        left["hw"].append(held.hw)
    return left


def ranked(engine: Engine, table: str, key: str, order: str) -> list[bytes]:
    """The rows of a table in an order that a thief can see."""
    by = key if order == "key" else order
    where = 'WHERE line LIKE \'%"t":"sign"%\'' if table == "entry" else ""
    with engine.connect() as connection:
        return [bytes(row[0]) for row in connection.execute(text(f"SELECT {key} FROM {table} {where} ORDER BY {by}"))]


@pytest.mark.proof
def test_no_order_in_the_database_links_a_verified_person_to_a_signature(
    engine: Engine, maintenance: Engine, figure: Write
) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session)
    left = come_and_go(campaign)
    before = correlation(
        places(ranked(engine, "verification.tag", "tag", "ctid"), left["tag"]),
        places(ranked(engine, "spent", "hw", "ctid"), left["hw"]),
    )
    with db.transaction() as session:
        epochs.close_epoch(session, session.get_one(Campaign, campaign.id), make.NOW)
    assert scrub(maintenance).rewritten
    with db.session() as session:
        rows = session.execute(text("SELECT hw, leaf FROM signature"))
        leaf_of = {bytes(hw): bytes(leaf) for hw, leaf in rows}
    left["leaf"] = [leaf_of[hw] for hw in left["hw"]]
    worst = {"linked": 0, "correlation": 0.0}
    tags = [ranked(engine, "verification.tag", "tag", order) for order in ORDERS]
    for tag_order, (table, key), order in product(tags, SIGNED.items(), ORDERS):
        signed = ranked(engine, table, key, order)
        guessed = places(tag_order, left["tag"]), places(signed, left[key])
        worst["linked"] = max(worst["linked"], sum(a == b for a, b in zip(*guessed, strict=True)))
        worst["correlation"] = max(worst["correlation"], abs(correlation(*guessed)))
    figure(f"P28: {SIGNERS} signers: rank correlation before the scrub", float(before), "(about 1: the attack works)")
    figure("P28: highest rank correlation after it, 27 orders", float(worst["correlation"]), f"< {CHANCE}")
    figure("P28: most signers linked by any order (chance: 1)", worst["linked"], "<= 8")
    assert before > 0.99
    assert worst["correlation"] < CHANCE
    assert worst["linked"] <= 8


def test_each_scrub_draws_an_order_that_is_neither_that_of_arrival_nor_that_of_the_keys(
    engine: Engine, maintenance: Engine
) -> None:
    """P28, P44: the order of arrival would link; after the order of keys, later rows would stand out in a dump.

    Two orders of twenty rows are the same by chance once in 2.4e18 times. Entries of a batch stand in the order of their
    leaves.
    """
    with db.transaction() as session:
        campaign = make.campaign(session)
    early = come_and_go(campaign, 20)
    with db.transaction() as session:
        epochs.close_epoch(session, session.get_one(Campaign, campaign.id), make.NOW)
    late = come_and_go(campaign, 20)
    for table, key, arrived in (
        ("verification.tag", "tag", [*early["tag"], *late["tag"]]),
        ("spent", "hw", [*early["hw"], *late["hw"]]),
        ("pending", "hw", late["hw"]),
    ):
        orders = [arrived, ranked(engine, table, key, "key")]
        for _ in range(3):
            assert scrub(maintenance).rewritten
            orders.append(ranked(engine, table, key, "ctid"))
        assert len({tuple(each) for each in orders}) == len(orders), table
        assert {frozenset(each) for each in orders} == {frozenset(arrived)}, table
    with engine.connect() as connection:
        leaves = list(connection.scalars(text("SELECT leaf FROM signature ORDER BY index")))
    assert len(leaves) == 20
    assert leaves == sorted(leaves)


def test_after_the_scrub_the_order_of_acts_is_forgotten(engine: Engine, maintenance: Engine) -> None:
    """P28: each hide, withdrawal and change updates the row of its signature, and hides that of a removal that waits.

    The row's transaction, beside those of rows that have a time, tells when; the network log tells who.
    """
    with db.transaction() as session:
        campaign = make.campaign(session)
        receipts = [make.signature(session, campaign) for _ in range(30)]
        epochs.close_epoch(session, campaign, make.NOW)
        letter = OpenCampaign.of(campaign)
    acted = [passes.hashes_of(receipt.withdraw)[0] for receipt in receipts[:24]]
    with db.transaction() as session:
        rows = session.execute(text("SELECT index FROM signature WHERE hw = ANY(:hws)"), {"hws": acted[:8]})
        indices = [row[0] for row in rows]
        removal = bulk_removal.begin(session, campaign, indices, Removal.FRAUD, Actor(OMAR, make.NOW), {})
        bulk_removal.advance(session, removal)
    for number, receipt in enumerate(receipts[:24]):
        with db.transaction() as session:
            if number < 16:
                signatures.hide(session, letter, receipt.withdraw)
            elif number < 20:
                signatures.withdraw(session, letter, receipt.withdraw)
            else:
                signatures.amend(session, letter, receipt.withdraw, make.ANONYMOUS)
    used, by_act = "signature WHERE used > 0", "xmin::text::bigint, ctid"
    assert ranked(engine, used, "hw", by_act) == acted, "the attack works"
    orders = [acted, sorted(acted)]
    for _ in range(3):
        assert scrub(maintenance).rewritten
        for table in SAW_ACTS:
            with engine.connect() as connection:
                assert connection.scalar(text(f"SELECT count(DISTINCT xmin::text) FROM {table}")) == 1, table
        assert ranked(engine, used, "hw", by_act) == ranked(engine, used, "hw", "ctid")
        orders.append(ranked(engine, used, "hw", "ctid"))
    assert len({tuple(each) for each in orders}) == len(orders)
    assert {frozenset(each) for each in orders} == {frozenset(acted)}


def test_after_the_scrub_all_rows_of_a_table_bear_one_transaction_and_no_column_tells_a_time(
    engine: Engine, maintenance: Engine
) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session)
    for _ in range(5):
        with db.transaction() as session:
            make.signature(session, session.get_one(Campaign, campaign.id))
    scrub(maintenance)
    with engine.connect() as connection:
        for table in (*VERIFIED, "spent", "pending"):
            assert connection.execute(text(f"SELECT count(DISTINCT xmin::text) FROM {table}")).scalar() == 1
        schema_and_name = [
            f"'{table if '.' in table else 'public.' + table}'"
            for table in (*VERIFIED, "spent", "pending", "signature")
        ]
        query = (
            "SELECT count(*) FROM information_schema.columns WHERE table_schema || '.' || table_name IN "
            f"({', '.join(schema_and_name)}) AND (data_type LIKE 'time%' OR is_identity = 'YES' OR column_default LIKE 'nextval%')"
        )
        assert connection.execute(text(query)).scalar() == 0
