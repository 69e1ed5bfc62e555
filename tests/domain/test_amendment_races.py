"""Acts of signers beside the batch that takes them: none is lost, and none follows an ending that the ledger has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, func, select

from petition import campaigns, epochs, signatures
from petition.blindsign import passes
from petition.campaigns import OpenCampaign
from petition.core import db
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice, SignatureEnded
from petition.signatures.tables import WaitingAct
from tests import make
from tests.make import KeptReceipt
from tests.support.waiting import lock_waiters, until

LATER = make.NOW + timedelta(hours=2)
Letter = tuple[str, list[KeptReceipt]]


@pytest.fixture
def letter(engine: Engine) -> Letter:
    """A letter with two signatures in its ledger."""
    with db.transaction() as session:
        made = make.campaign(session)
        receipts = [make.signature(session, made) for _ in range(2)]
    write_batch(made.slug)
    return made.slug, receipts


def write_batch(slug: str) -> None:
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, slug), LATER)


def faults(slug: str) -> list[str]:
    with db.session() as session:
        return epochs.audit(session, campaigns.find(session, slug)).faults


def amend(slug: str, receipt: KeptReceipt, number: int, name: str) -> None:
    with db.transaction() as session:
        campaign = OpenCampaign.of(campaigns.find(session, slug))
        choice = DisplayChoice(Visibility.NAME, name=name)
        signatures.amend(session, campaign, passes.reveal(receipt.w0, number), choice)


def withdraw(slug: str, receipt: KeptReceipt, number: int) -> None:
    with db.transaction() as session:
        signatures.withdraw(session, OpenCampaign.of(campaigns.find(session, slug)), passes.reveal(receipt.w0, number))


def test_a_change_beside_the_batch_that_takes_the_withdrawal_comes_too_late(letter: Letter) -> None:
    slug, (hers, _) = letter
    withdraw(slug, hers, 0)
    with ThreadPoolExecutor(1) as thread:
        with db.transaction() as session:
            epochs.close_epoch(session, campaigns.find(session, slug), LATER)
            changing: Future[None] = thread.submit(amend, slug, hers, 1, "Suzie Example")
            until("the change to wait for a lock, or to end", lambda: changing.done() or lock_waiters())
        with pytest.raises(SignatureEnded):
            changing.result(60)
    write_batch(slug)
    assert faults(slug) == []


def after(engine: Engine, words: tuple[str, ...], act: Callable[[], None]) -> Callable[[], None]:
    """Do something once, in another transaction, right after a statement with these words. Returns what ends that."""
    done: list[bool] = []

    def hook(*args: object) -> None:
        statement = str(args[2])
        if not done and all(word in statement for word in words):
            done.append(True)
            with ThreadPoolExecutor(1) as thread:
                thread.submit(act).result(60)

    event.listen(engine, "after_cursor_execute", hook)
    return lambda: (event.remove(engine, "after_cursor_execute", hook), done or pytest.fail("no such statement"))[0]


@pytest.fixture
def beside(engine: Engine) -> Iterator[list[Callable[[], None]]]:
    ends: list[Callable[[], None]] = []
    yield ends
    for end in ends:
        end()


def test_a_change_that_comes_in_while_a_batch_takes_others_waits_for_the_next_one(
    letter: Letter, beside: list[Callable[[], None]]
) -> None:
    slug, (hers, his) = letter
    amend(slug, hers, 0, "Suzie Example")
    beside.append(after(db.engine(), ("UPDATE signature", "waiting_act"), lambda: amend(slug, his, 0, "Bob Example")))
    write_batch(slug)
    assert names(slug) == ["Suzie Example"]
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(WaitingAct)) == 1
    write_batch(slug)
    assert sorted(names(slug)) == ["Bob Example", "Suzie Example"]
    assert faults(slug) == []


def names(slug: str) -> list[str]:
    with db.session() as session:
        return [each.name for each in signatures.named(session, campaigns.find(session, slug).id).names]


def test_signers_who_change_their_minds_beside_batches_leave_a_ledger_without_faults(letter: Letter) -> None:
    slug, receipts = letter

    def wavers(receipt: KeptReceipt) -> int:
        acted = 0
        for number in range(9):
            try:
                if number % 3 == 1:
                    withdraw(slug, receipt, number)
                else:
                    amend(slug, receipt, number, f"Suzie {number}")
            except SignatureEnded:
                return acted
            acted += 1
        return acted

    with ThreadPoolExecutor(3) as threads:
        wavering = [threads.submit(wavers, receipt) for receipt in receipts]
        batches = threads.submit(lambda: [write_batch(slug) for _ in range(9)])
        assert all(each.result(120) >= 2 for each in wavering)
        batches.result(120)
    write_batch(slug)
    assert faults(slug) == []
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(WaitingAct)) == 0
