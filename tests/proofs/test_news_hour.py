"""P5, P16: an hour in the news in which everything fails: pages stay quick, and nothing acknowledged is lost."""

from __future__ import annotations

import threading
import time
from collections import Counter

import psycopg
import pytest

from petition.core import db
from tests.proofs.crowd import percentile
from tests.proofs.news_hour import load, named
from tests.support.clients import attach, kill_with_children, passes_for, process, recounted, spent
from tests.support.figures import Write
from tests.support.installation import installation
from tests.support.mail_server import Answers, server
from tests.support.waiting import until

PAGES, SIGNINGS, CODES = 200, 60, 20
WITHIN = 1.5


@pytest.mark.proof
def test_pages_stay_quick_while_postgresql_dies_and_the_relay_refuses(long: bool, figure: Write) -> None:
    seconds = 120 if long else 20
    relay = Answers(mail="451 4.3.0 try later")
    with server(relay) as port, installation(SMTP_URL=f"smtp://127.0.0.1:{port}") as tree:
        dsn = attach(tree).database_url.replace("+psycopg", "")
        held, before = passes_for(tree, SIGNINGS * seconds + 1), spent()

        def strike() -> None:
            time.sleep(seconds / 4)
            kill_with_children(process(tree, "bin/postgres", "-D"))
            time.sleep(seconds / 4)
            relay.mail = "250 OK"

        striking = threading.Thread(target=strike)
        striking.start()
        answers = load(tree, seconds, iter(held), pages=PAGES, signings=SIGNINGS, codes=CODES, wrong=5, large=1)
        striking.join()
        until("PostgreSQL", lambda: accepts(dsn))
        db.disconnect()
        refused = [each for each in answers if each.status == 503]
        pages, receipts = named(answers, "page", 200), named(answers, "sign", 201)
        figure(
            f"P16: news hour with faults: seconds for 99 of 100 pages of {len(pages)}",
            percentile(pages, 0.99),
            f"≤ {WITHIN}",
        )
        figure("P16: news hour with faults: pages that were refused", len(named(answers, "page", 503)), "0")
        figure("P16: news hour with faults: other requests refused", len(refused), "all with Retry-After")
        figure(
            "P5: news hour with faults: receipts without a spent pass", max(0, len(receipts) - (spent() - before)), "0"
        )
        assert {each.status for each in answers} <= {200, 201, 202, 404, 413, 422, 429, 503}, Counter(
            (each.name, each.status) for each in answers
        )
        assert all(each.retry_after for each in refused)
        assert percentile(pages, 0.99) <= WITHIN
        assert len(receipts) <= spent() - before
        assert recounted(tree) >= len(receipts)


def accepts(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=1):
            return True
    except psycopg.Error:
        return False
