"""What a reporter downloads: exact bytes, tags, and nothing before the count is public."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from petition import campaigns, epochs, signatures
from petition.campaigns import OpenCampaign
from petition.config import Config
from petition.core import clock, db
from petition.ledger import verify
from petition.publication import bundle_file
from tests import make
from tests.support.public_pages import a_second_passes


@pytest.fixture
def published(slug: str, config: Config) -> str:
    """The name of a campaign with one signature in its ledger and its bundle written."""
    with db.transaction() as session:
        make.signature(session, campaigns.find(session, slug))
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, slug), clock.now())
    with db.session() as session:
        bundle_file.write_bundle(session, campaigns.find(session, slug), config.home)
    return slug


def test_nothing_can_be_recounted_before_the_count_is_public(client: FlaskClient, slug: str) -> None:
    answers = [client.get(f"/c/{slug}/{name}").status_code for name in ("checkpoint", "bundle.zip")]
    assert answers == [404, 404]


def test_bundle_is_whole_and_has_a_tag(client: FlaskClient, published: str, config: Config) -> None:
    answer = client.get(f"/c/{published}/bundle.zip")
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    assert answer.data == bundle_file.bundle_path(config.home, published).read_bytes()
    assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
    again = client.get(f"/c/{published}/bundle.zip", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_checkpoint_is_the_signed_note(client: FlaskClient, published: str) -> None:
    answer = client.get(f"/c/{published}/checkpoint")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.text.splitlines()[1] == "3"
    assert "\n\n\u2014 " in answer.text


def test_letters_are_the_bytes_that_the_ledger_covers(client: FlaskClient, published: str) -> None:
    letters = client.get(f"/api/campaigns/{published}").json["letter"]
    for lang, letter in letters.items():
        answer = client.get(f"/c/{published}/letter.{lang}.md")
        assert hashlib.sha256(answer.data).hexdigest() == letter["sha256"]
        assert answer.content_type == "text/markdown; charset=utf-8"
    assert client.get(f"/c/{published}/letter.xx.md").status_code == 404


def test_script_is_the_one_in_the_project(client: FlaskClient) -> None:
    assert client.get("/verify.py").data == Path(verify.__file__).read_bytes()


def test_next_epoch_changes_the_checkpoint_within_a_second(client: FlaskClient, published: str) -> None:
    first = client.get(f"/c/{published}/checkpoint").text
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, published), clock.now())
    a_second_passes(client.application)
    assert client.get(f"/c/{published}/checkpoint").text != first


def test_a_letter_that_falls_below_its_minimum_has_no_bundle_until_it_is_closed(
    client: FlaskClient, slug: str, config: Config
) -> None:
    """What was public once is taken off; after the close everybody can recount, however few signed."""
    with db.transaction() as session:
        campaign = campaigns.find(session, slug)
        campaign.public_min = 2
        receipts = [make.signature(session, campaign) for _ in range(2)]
        epochs.close_epoch(session, campaign, clock.now())

    def written() -> tuple[int, int, int]:
        with db.session() as session:
            bundle_file.write_bundle(session, campaigns.find(session, slug), config.home)
        a_second_passes(client.application)
        heads = client.get(f"/api/campaigns/{slug}/checkpoints").json["checkpoints"]
        answers = [client.get(f"/c/{slug}/{name}").status_code for name in ("bundle.zip", "checkpoint")]
        return answers[0], answers[1], len(heads)

    assert written() == (200, 200, 1)
    with db.transaction() as session:
        campaign = campaigns.find(session, slug)
        signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
        epochs.close_epoch(session, campaign, clock.now())
    assert written()[:2] == (404, 404)
    assert not bundle_file.bundle_path(config.home, slug).exists()
    with db.transaction() as session:
        epochs.close_campaign(session, campaigns.find(session, slug), clock.now())
    assert written() == (200, 200, 3)
