"""What pages say about batches: a demonstration on each of them, a real letter where somebody signs, closes or counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from petition.blindsign.signer import every
from petition.campaigns import Campaign
from petition.core import clock, db
from petition.usecases import daily_figures
from tests import make
from tests.support.omar import Omar, signed_in
from tests.support.public_pages import published, text_of

HOUR = 3600
BANNERS = {
    (1, 5): (
        "Demonstration: batches of one every 5 seconds.",
        "des lots d’une seule signature, toutes les 5 secondes.",
    ),
    (4, HOUR): ("Demonstration: batches of 4 every hour.", "des lots de 4 signatures, chaque heure."),
    (2, 90): ("Demonstration: batches of 2 every 90 seconds.", "des lots de 2 signatures, toutes les 90 secondes."),
    (3, 900): ("Demonstration: batches of 3 every 15 minutes.", "des lots de 3 signatures, toutes les 15 minutes."),
}


def pages_of(app: Flask, omar: Omar) -> Iterator[tuple[str, str]]:
    """Every page about a letter that can be asked for by the letter's name alone, public ones and the dashboard's."""
    for rule in app.url_map.iter_rules():
        if rule.arguments != {"slug"} or "GET" not in (rule.methods or ()) or rule.rule.startswith("/api"):
            continue
        answer = omar.client.get(rule.rule.replace("<slug>", omar.slug))
        if answer.status_code == 200 and answer.mimetype == "text/html":
            yield rule.rule, text_of(answer.text)


@pytest.mark.parametrize(("least", "interval"), BANNERS)
def test_a_demonstration_says_so_on_every_page(app: Flask, least: int, interval: int) -> None:
    """P41."""
    omar = signed_in(app, published(named=2, batch_min=least, interval=interval))
    english, french = BANNERS[least, interval]
    found = dict(pages_of(app, omar))
    assert len(found) >= 27
    assert [rule for rule, text in found.items() if f"{english} A real letter waits for ten." not in text] == []
    page = text_of(omar.client.get(f"/c/{omar.slug}?lang=fr").text)
    assert f"{french} Une vraie lettre en attend dix." in page


def test_a_real_letter_has_no_such_banner(app: Flask) -> None:
    omar = signed_in(app, published(named=5, batch_min=5, interval=HOUR))
    assert [rule for rule, text in pages_of(app, omar) if "Demonstration" in text] == []


def test_a_letter_says_when_batches_come_to_auditors_and_organisers(app: Flask) -> None:
    omar = signed_in(app, published(named=12, batch_min=10, interval=HOUR))
    count = text_of(omar.client.get(f"/c/{omar.slug}/count").text)
    assert "Batches of at least 10 new signatures are written at fixed times, every hour since the opening." in count
    about = omar.client.get(f"/api/campaigns/{omar.slug}").json
    assert (about["k"], about["interval"], about["since"]) == (10, HOUR, make.NOW.isoformat())
    first = text_of(omar.sees("~").text)
    assert "Batches are written at fixed times, every hour. The next time is in" in first
    assert "A batch needs at least 10 signatures, however long that takes" in first


@pytest.mark.parametrize("waiting", [0, 1, 9, 10])
def test_before_somebody_asks_to_close_organisers_see_whether_few_wait(app: Flask, waiting: int) -> None:
    """P41, P43: fewer than ten or ten and more, and nothing finer."""
    omar = signed_in(app, published(named=12, batch_min=10, interval=HOUR))
    with db.transaction() as session:
        for _ in range(waiting):
            make.signature(session, session.query(Campaign).filter_by(slug=omar.slug).one())
        daily_figures.record(session, clock.now())
    few = "At midnight (UTC) fewer than 10 signatures waited for the last batch. It takes them however few they are"
    for path in ("~/keys", "~/settings"):
        text = text_of(omar.sees(path).text)
        assert (few in text) is (waiting < 10)
        assert ("10 signatures or more waited for the last batch." in text) is (waiting >= 10)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "every second"), (5, "every 5 seconds"), (90, "every 90 seconds"), (60, "every minute"), (900, "every 15 minutes"),
        (3600, "every hour"), (5400, "every 90 minutes"), (86_400, "every 24 hours"),
    ],
)  # fmt: skip
def test_the_terminal_says_when_batches_come(seconds: int, words: str) -> None:
    assert every(seconds) == words
