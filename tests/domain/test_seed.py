"""The demonstration is made by the protocol, in one go, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from petition import campaigns, db, epochs, snapshots
from petition.config import Config
from petition.ledger import log
from seeds.demo import FOUNDING, SeedBroken, read, sow


def test_the_founding_campaign_has_249_signatures_that_anybody_can_recount(engine: Engine, config: Config) -> None:
    assert sow(config) == "ice-letter is open."
    with db.session() as session:
        drift = epochs.audit(session, campaigns.find(session, "ice-letter"))
        snapshot = snapshots.load(session, "ice-letter")
    assert (drift.counted, drift.faults) == (249, [])
    assert snapshot is not None
    assert (snapshot.count, snapshot.epoch, snapshot.tally.named) == (249, 6, 40)
    assert [each.value for each in snapshot.milestones if each.reached] == [100]
    assert snapshot.next_milestone() == snapshot.milestones[1]
    assert (config.home / "public" / "ice-letter" / "bundle.zip").exists()


def test_sowing_twice_changes_nothing(engine: Engine, config: Config) -> None:
    sow(config)
    with db.session() as session:
        before = session.scalar(select(func.count()).select_from(log.Entry))
    assert sow(config) == "ice-letter is there already; nothing was changed."
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(log.Entry)) == before == 1 + 249 + 6


def test_the_demo_uses_no_real_domain_and_says_what_it_is_in_both_languages() -> None:
    described, _ = read(FOUNDING, "localhost")
    assert [domain.rpartition(".")[2] for domain in described.domains] == ["example"]
    assert set(described.notice) == set(described.languages) == {"en", "fr"}


@pytest.mark.parametrize(
    ("text", "told"),
    [("slug = ", "is not a TOML file"), ("slug = 'x'", "is not complete"), ("letters = 3", "is not complete")],
)
def test_a_broken_file_is_refused_with_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "campaign.toml"
    file.write_text(text)
    with pytest.raises(SeedBroken, match=told):
        read(file, "localhost")


def test_a_missing_file_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SeedBroken, match="cannot be read"):
        read(tmp_path / "none.toml", "localhost")
