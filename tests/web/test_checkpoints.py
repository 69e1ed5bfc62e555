"""What others keep: signed heads, the feed, and the proof that a later head begins with an earlier one."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from petition import campaigns, epochs
from petition.campaigns import OpenCampaign
from petition.core import clock, db
from petition.core.encoding import unb64u
from petition.ledger import checkpoint, merkle
from tests import make
from tests.support.public_pages import a_second_passes

ATOM = "{http://www.w3.org/2005/Atom}"


def an_epoch(slug: str, signatures: int = 1) -> None:
    with db.transaction() as session:
        for _ in range(signatures):
            make.signature(session, campaigns.find(session, slug))
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, slug), clock.now())


def heads(client: FlaskClient, slug: str, query: str = "") -> list[dict[str, object]]:
    return client.get(f"/api/campaigns/{slug}/checkpoints{query}").json["checkpoints"]


@pytest.fixture
def grown(slug: str) -> str:
    """A campaign of three epochs."""
    for n in (1, 2, 3):
        an_epoch(slug, n)
    return slug


def test_each_epoch_leaves_a_signed_head_and_any_two_are_proven_to_agree(client: FlaskClient, grown: str) -> None:
    vkey = client.get(f"/api/campaigns/{grown}").json["ledger_key"]
    found = heads(client, grown)
    assert [each["epoch"] for each in found] == [3, 2, 1]
    opened = [checkpoint.open_(str(each["note"]), vkey) for each in found]
    assert [each.size for each in opened] == [each["size"] for each in found] == [10, 6, 3]
    for new in opened:
        for old in opened:
            answer = client.get(f"/api/campaigns/{grown}/consistency?old={old.size}&new={new.size}")
            if old.size > new.size:
                assert answer.status_code == 404
                continue
            proof = [unb64u(each, 32) for each in answer.json["proof"]]
            assert merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)


def test_the_newest_head_is_meant_when_no_size_is_named(client: FlaskClient, grown: str) -> None:
    assert client.get(f"/api/campaigns/{grown}/consistency").json == {"old": 0, "new": 10, "proof": []}
    assert client.get(f"/api/campaigns/{grown}/consistency?old=3").json["new"] == 10


@pytest.mark.parametrize("query", ["old=-1", "old=x", "new=1e3", "old=٣", "new=" + "9" * 30])
def test_what_is_no_size_is_not_understood(client: FlaskClient, grown: str, query: str) -> None:
    assert client.get(f"/api/campaigns/{grown}/consistency?{query}").status_code == 400
    assert client.get(f"/c/{grown}/checkpoints?before={query[4:]}").status_code == 400


def test_sizes_beyond_the_public_head_are_not_there(client: FlaskClient, grown: str) -> None:
    assert client.get(f"/api/campaigns/{grown}/consistency?old=3&new=11").status_code == 404


def test_before_the_count_is_public_no_head_is(client: FlaskClient, slug: str) -> None:
    with db.transaction() as session:
        campaigns.find(session, slug).public_min = 3
    an_epoch(slug, 2)
    assert heads(client, slug) == []
    assert client.get(f"/api/campaigns/{slug}/consistency?old=0&new=2").status_code == 404
    page = client.get(f"/c/{slug}/checkpoints")
    assert (page.status_code, "None yet" in page.text) == (200, True)
    an_epoch(slug, 1)
    with db.session() as session:
        assert len(epochs.history.checkpoints(session, OpenCampaign.of(campaigns.find(session, slug)))) == 1


def test_older_heads_are_a_page_further_on(client: FlaskClient, slug: str) -> None:
    for _ in range(3):
        an_epoch(slug)
    with db.session() as session:
        campaign = campaigns.find(session, slug)
        newest = epochs.history.checkpoints(session, OpenCampaign.of(campaign), most=2)
        older = epochs.history.checkpoints(session, OpenCampaign.of(campaign), before=newest[-1].epoch, most=2)
    assert [each.epoch for each in (*newest, *older)] == [3, 2, 1]
    assert [each["epoch"] for each in heads(client, slug, "?before=2")] == [1]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_atom_feed_holds_heads_and_news(client: FlaskClient, grown: str, lang: str) -> None:
    with db.transaction() as session:
        text = {"en": "Talks <begin> & go on", "fr": "Les discussions commencent"}
        now = clock.now() + timedelta(seconds=1)
        campaigns.publish_update(session, campaigns.find(session, grown), text, now, mailed_since=None)
    with db.transaction() as session:
        epochs.refresh_stale(session, clock.now())
    answer = client.get(f"/c/{grown}/feed.atom?lang={lang}")
    assert (answer.status_code, answer.content_type) == (200, "application/atom+xml; charset=utf-8")
    feed = ET.fromstring(answer.data)
    contents = [entry.findtext(f"{ATOM}content") or "" for entry in feed.iter(f"{ATOM}entry")]
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")]
    assert text[lang] in contents
    assert len(set(ids)) == len(ids) == 4
    assert sum("\n\n\u2014 " in content for content in contents) == 3


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "Pacific/Pago_Pago"])
def test_entries_of_the_feed_have_distinct_moments_of_their_day_that_never_change(
    client: FlaskClient, zone: str
) -> None:
    """Feed readers take two entries with the same `updated` for one. A moment tells the day and the order, and no time."""
    with db.transaction() as session:
        slug = make.campaign(session, mailing={"time_zone": zone}).slug
    seen: dict[str, str] = {}
    for round_ in range(2):
        for _ in range(3):
            an_epoch(slug)
        with db.transaction() as session:
            found = campaigns.find(session, slug)
            for _ in range(2):
                campaigns.publish_update(session, found, {"en": "We met.", "fr": "Vu."}, clock.now(), mailed_since=None)
            epochs.refresh_stale(session, clock.now())
        a_second_passes(client.application)
        entries = ET.fromstring(client.get(f"/c/{slug}/feed.atom").data)
        moments = {
            str(each.findtext(f"{ATOM}id")): str(each.findtext(f"{ATOM}updated"))
            for each in entries.iter(f"{ATOM}entry")
        }
        assert len(set(moments.values())) == len(moments) == 5 * (round_ + 1)
        assert seen.items() <= moments.items()
        assert entries.findtext(f"{ATOM}updated") == max(moments.values(), key=datetime.fromisoformat)
        seen = moments
    read = {name: datetime.fromisoformat(moment) for name, moment in seen.items()}
    assert all(moment.utcoffset() is not None for moment in read.values())
    assert all(moment.time() < time(0, 1) for moment in read.values())
    checkpoints = [read[name] for name in sorted(read) if "checkpoint-" in name]
    assert checkpoints == sorted(checkpoints)


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
        ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2019, 2, 17, 2, tzinfo=UTC)),
    ],
)
def test_news_of_the_days_on_which_clocks_change_keep_their_order_and_their_day(
    client: FlaskClient, zone: str, change: datetime
) -> None:
    """Midnight may be skipped, or come twice."""
    told = [change + timedelta(hours=12 * n, minutes=-90) for n in range(-2, 4)]
    with db.transaction() as session:
        found = make.campaign(session, mailing={"time_zone": zone})
        slug, days = found.slug, [found.local_day(moment) for moment in told]
        for moment in told:
            campaigns.publish_update(session, found, {"en": "We met.", "fr": "Vu."}, moment, mailed_since=None)
        epochs.refresh_stale(session, clock.now())
    entries = ET.fromstring(client.get(f"/c/{slug}/feed.atom").data).iter(f"{ATOM}entry")
    moments = [datetime.fromisoformat(str(each.findtext(f"{ATOM}updated"))) for each in entries]
    assert moments == sorted(moments, reverse=True)
    assert len(set(moments)) == len(told)
    zoned = [moment.astimezone(ZoneInfo(zone)).date() for moment in moments]
    assert zoned[::-1] == days == sorted(days)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_feed_that_has_not_changed_is_not_sent_again(client: FlaskClient, grown: str, lang: str) -> None:
    answer = client.get(f"/c/{grown}/feed.atom?lang={lang}")
    again = client.get(f"/c/{grown}/feed.atom?lang={lang}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_letter_leads_to_the_feed(client: FlaskClient, grown: str) -> None:
    assert f'href="/c/{grown}/feed.atom"' in client.get(f"/c/{grown}").text


def test_the_count_leads_to_the_checkpoints(client: FlaskClient, grown: str) -> None:
    page = client.get(f"/c/{grown}/count").text
    assert f'href="/c/{grown}/checkpoints"' in page
    assert client.get(f"/c/{grown}/checkpoints").text.count("<pre") == 3
