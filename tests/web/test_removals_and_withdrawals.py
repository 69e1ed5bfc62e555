"""Organisers who remove anonymous signatures learn nothing of one signer: not which entry, and not who withdrew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from petition import epochs, signatures
from petition.campaigns import Campaign, OpenCampaign, find_any
from petition.core import clock, db
from petition.ledger import log
from petition.organisers import Role, audit_log
from petition.signatures.selection import digest
from petition.signatures.tables import BulkRemoval, Signature
from tests import make
from tests.support.omar import Omar, signed_in
from tests.support.signers import an_epoch, named

ANONYMOUS = [make.ANONYMOUS] * 5


def hidden(page: str) -> dict[str, str]:
    """The form of a preview as a browser would send it back."""
    (form,) = re.findall(r'<form method="post" action="[^"]*/removals/new" class="fields">.*?</form>', page, re.DOTALL)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def found(slug: str) -> Campaign:
    with db.session() as session:
        campaign = find_any(session, slug)
        assert campaign
        return campaign


def anonymous_of_first_batch(omar: Omar) -> dict[str, str]:
    return hidden(omar.sees("~/removals/new?shown=anonymous&first=1&last=1").text)


def removals(slug: str) -> list[BulkRemoval]:
    with db.session() as session:
        query = select(BulkRemoval).where(BulkRemoval.campaign_id == found(slug).id).order_by(BulkRemoval.at)
        return list(session.scalars(query))


def withdraw(slug: str, receipt: make.KeptReceipt) -> None:
    with db.transaction() as session:
        campaign = find_any(session, slug)
        assert campaign
        signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)


@pytest.mark.parametrize("index", [1, 3, 5])
def test_nobody_selects_a_single_anonymous_entry_with_a_preview_of_their_own(omar: Omar, index: int) -> None:
    """P43: the size of the ledger and a digest of the indices, which everybody can compute, select no prefix of a batch."""
    an_epoch(omar.slug, *ANONYMOUS)
    given = anonymous_of_first_batch(omar)
    for members in ([index], list(range(1, index + 1))):
        forged = {"size": str(index + 1), "epoch": "1", "seen": digest(members), "digest": digest(members)}
        answer = omar.does("~/removals/new", **(given | forged | {"why": "fraud"}))
        assert answer.status_code in {409, 422} or len(members) == 5
    assert [each.found for each in removals(omar.slug)] in ([], [5])
    assert omar.does("~/removals/new", **(given | {"seen": given["seen"][:-1], "why": "fraud"})).status_code == 409


def test_a_preview_is_good_for_its_organiser_and_its_letter(app: Flask, omar: Omar) -> None:
    an_epoch(omar.slug, *ANONYMOUS)
    given = anonymous_of_first_batch(omar) | {"why": "fraud"}
    rita = signed_in(app, omar.slug, Role.MODERATOR, "Rita")
    assert rita.does("~/removals/new", **(given | {"token": rita.token()})).status_code == 409
    with db.transaction() as session:
        other = make.campaign(session).slug
    suzie = signed_in(app, other, Role.MODERATOR, "Suzie")
    an_epoch(other, *ANONYMOUS)
    assert suzie.does("~/removals/new", **(given | {"token": suzie.token()})).status_code == 409
    assert (removals(omar.slug), removals(other)) == ([], [])
    assert omar.does("~/removals/new", **given).status_code == 303


def seen_by(omar: Omar) -> str:
    """What an organiser sees of removals and signers, without what is random."""
    pages = ["~/removals", "~/signers", "~/removals/new?shown=anonymous", "~/removals/new?first=1&last=1", "~/journal"]
    text = "\n".join(omar.sees(path).text for path in pages)
    with db.session() as session:
        lines = [f"{line.action} {line.about}" for line in session.scalars(audit_log.lines(found(omar.slug).id))]
        figures = session.execute(
            select(BulkRemoval.found, BulkRemoval.done, BulkRemoval.state)
            .where(BulkRemoval.campaign_id == found(omar.slug).id)
            .order_by(BulkRemoval.at)
        ).all()
    main = re.findall(r"<main.*?</main>", text, re.DOTALL)
    assert len(main) == len(pages)
    steady = re.sub(
        r'(name="(?:token|seen)" value=")[^"]*|/removals/[0-9a-f]{32}/|[0-9a-f]{32}|\d{4}-\d\d-\d\dT[^"]*',
        r"\1",
        "\n".join(main),
    )
    return "\n".join([steady.replace(omar.slug, "SLUG"), *lines, repr(figures)])


def week(omar: Omar, receipts: list[make.KeptReceipt], when: int, who: int | None) -> Iterator[str]:
    """A removal, its undo, a removal again and the batch; somebody withdraws at one of these moments, or nobody does."""

    def step(number: int) -> str:
        if who is not None and number == when:
            withdraw(omar.slug, receipts[who])
        return seen_by(omar)

    yield step(0)
    given = anonymous_of_first_batch(omar) | {"why": "fraud"}
    yield step(1)
    assert omar.does("~/removals/new", **given).status_code == 303
    yield step(2)
    assert omar.does(f"~/removals/{removals(omar.slug)[0].id.hex()}/undo").status_code == 303
    yield step(3)
    assert omar.does("~/removals/new", **(anonymous_of_first_batch(omar) | {"why": "fraud"})).status_code == 303
    yield step(4)


@pytest.mark.parametrize("when", range(5))
def test_nothing_that_an_organiser_sees_of_removals_moves_when_somebody_withdraws(
    app: Flask, omar: Omar, when: int
) -> None:
    """P43: the same week is lived twice, once with a withdrawal, and every page, figure and line is the same."""
    with db.transaction() as session:
        other = make.campaign(session).slug
    rita = signed_in(app, other, Role.OWNER, "Rita")
    with time_machine.travel(clock.now(), tick=False) as at:
        lives = [week(each, an_epoch(each.slug, *ANONYMOUS), when, who) for each, who in ((omar, None), (rita, 2))]
        for number, (still, moved) in enumerate(zip(*lives, strict=True)):
            assert moved.replace("Rita", "Omar") == still, (when, number)
            at.shift(timedelta(minutes=1))
    with time_machine.travel(clock.now() + timedelta(minutes=20), tick=False):
        an_epoch(other)
        page = rita.sees("~/removals").text
    (_, last) = removals(other)
    assert (last.found, last.done) == (5, 4)
    assert "In the ledger" in page
    assert "1 was withdrawn or removed before" in page
    with db.session() as session:
        head = log.head_of(session, found(other).id)
        assert (head.counted, head.withdrawn, head.removed) == (0, 1, {"fraud": 4})
        assert epochs.audit(session, found(other)).faults == []


def test_a_removal_of_one_looks_the_same_when_its_signer_withdraws(omar: Omar) -> None:
    (receipt,) = an_epoch(omar.slug, named("Suzie Quux"))
    with db.session() as session:
        index = session.scalars(select(Signature.index).where(Signature.name == "Suzie Quux")).one()
    assert omar.does(f"~/signers/{index}/remove", why="duplicate").status_code == 303
    before = seen_by(omar)
    withdraw(omar.slug, receipt)
    assert seen_by(omar) == before
    assert "Undo the removal of 1 signature" in before
    an_epoch(omar.slug)
    page = omar.sees("~/removals").text
    assert "Nothing was left to remove" in page
    assert "Undo the removal" not in page


def test_what_was_undone_counts_against_the_fifty_of_a_week(omar: Omar) -> None:
    """P46: nobody removes and restores without end to see what moves."""
    an_epoch(omar.slug, *[make.ANONYMOUS] * 20)
    for number in range(2):
        given = anonymous_of_first_batch(omar) | {"why": "fraud"}
        assert omar.does("~/removals/new", **given).status_code == 303
        assert omar.does(f"~/removals/{removals(omar.slug)[number].id.hex()}/undo").status_code == 303
    assert "needs a second organiser" in omar.sees("~/removals/new?first=1&last=1").text
    assert omar.does("~/removals/new", **(anonymous_of_first_batch(omar) | {"why": "fraud"})).status_code == 303
    assert len(removals(omar.slug)) == 2
