"""The demonstration is made by the protocol, in one go, once."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from petition import campaigns, epochs, publication
from petition.campaigns import CampaignFaulty, CampaignIncomplete
from petition.config import Config
from petition.core import clock, db
from petition.ledger import log
from seeds.demo import FOUNDING, SeedBroken, read, sow


def test_the_founding_campaign_has_249_signatures_that_anybody_can_recount(engine: Engine, config: Config) -> None:
    assert sow(config) == "ice-letter is open."
    with db.session() as session:
        campaign = campaigns.find(session, "ice-letter")
        assert epochs.stalled_seconds(session, campaign, clock.now()) == 0
        drift = epochs.audit(session, campaign)
        snapshot = publication.load(session, "ice-letter")
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


def test_production_opens_no_letter_with_batches_under_five_from_a_file(engine: Engine, config: Config) -> None:
    """P41."""
    campaigns.allow_small_batches(False)
    with pytest.raises(CampaignIncomplete, match="small batches"):
        sow(config)
    with db.session() as session:
        assert session.scalars(campaigns.every()).all() == []


def test_the_demo_uses_no_real_domain_and_says_what_it_is_in_both_languages() -> None:
    described, _ = read(FOUNDING, "localhost")
    assert [domain.rpartition(".")[2] for domain in described.domains] == ["example"]
    assert set(described.notice) == set(described.languages) == {"en", "fr"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("slug = ", "is not a TOML file"),
        ("slug = 'x'", "languages is missing"),
        ("slug = 3", "languages is missing"),
        ("\x00", "is not a TOML file"),
    ],
)
def test_a_broken_file_is_refused_with_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "campaign.toml"
    file.write_text(text)
    with pytest.raises(SeedBroken, match=told):
        read(file, "localhost")


def test_a_missing_file_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SeedBroken, match="cannot be read"):
        read(tmp_path / "none.toml", "localhost")


BROKEN: list[tuple[tuple[str | int, ...], object, str]] = [
    (("slug",), 3, "slug may hold small letters, digits and single hyphens, 80 at most."),
    (("slug",), "a/../b", "slug may hold small letters, digits and single hyphens, 80 at most."),
    (("languages",), "en", "languages must be a list that is not empty."),
    (("languages", 0), ["en"], "languages.1 must be a language of two small letters, like en."),
    (("languages", 0), "de", "Each language that is listed needs a letter."),
    (("methods", 0), "hearsay", "methods.1 must be work_email."),
    (("organisation",), {}, "organisation must be a text of 1 to 200 characters."),
    (("organisation",), "Sales\x00force", "organisation must not hold characters that cannot be seen."),
    (("addressee", "role"), "Chief", "addressee.role must be a table."),
    (("letters", "en", "file"), "none.md", "none.md cannot be read: No such file or directory."),
    (("letters", "en", "file"), "..", "cannot be read: Is a directory."),
    (("demands",), [], "demands must be a list that is not empty."),
    (("demands", 0), {"en": "Answer."}, "At least one demand is needed, in each language of the letter."),
    (("domains",), {}, "domains must not be empty."),
    (("domains", "salesforce.example"), 3, "domains.salesforce.example must be a table."),
    (("domains", "salesforce.example", "plus"), "no", "domains.salesforce.example.plus must be true or false."),
    (
        ("domains", "salesforce.example", "dot"),
        True,
        "domains.salesforce.example.dot is not a name that is known here.",
    ),
    (("domains", "not a domain"), {}, "domains.not a domain must be a domain in its plain spelling, like example.org."),
    (("epochs", "interval"), 0, "epochs.interval must be a whole number from 1 to 604,800."),
    (("epochs", "interval"), True, "epochs.interval must be a whole number from 1 to 604,800."),
    (("epochs", "max_wait"), 5, "epochs.max_wait is not a name that is known here."),
    (("epochs", "interval"), 10**30, "epochs.interval must be a whole number from 1 to 604,800."),
    (("safety", "public_min"), -1, "safety.public_min must be a whole number from 1 to 100,000."),
    (("milestones", 0, "kind"), "share of", "milestones.1.kind must be count or share."),
    (("milestones", 0), {"kind": "count", "value": 250}, "milestones must not name one thing twice."),
    (("workforce", "count"), "many", "workforce.count must be a whole number from 1 to 100,000,000."),
    (("workforce", "source"), "a paper", "workforce.source must be a table."),
    (("roles", "Designer"), "Design", "roles.Designer must be a table."),
    (
        ("opens_at",),
        datetime(2026, 1, 1),
        "opens_at must be a date and time with its offset, like 2026-12-01T09:00:00+01:00.",
    ),
    (
        ("closes_at",),
        date(2026, 1, 1),
        "closes_at must be a date and time with its offset, like 2026-12-01T09:00:00+01:00.",
    ),
    (("closes-at",), "soon", "closes-at is not a name that is known here."),
]


@pytest.mark.parametrize(("place", "value", "told"), BROKEN)
def test_a_slip_in_a_file_is_named_with_its_place_and_nothing_is_written(
    engine: Engine, config: Config, tmp_path: Path, place: tuple[str | int, ...], value: object, told: str
) -> None:
    file = founding_with(tmp_path, place, value)
    with pytest.raises((SeedBroken, CampaignFaulty)) as refused:
        sow(config, file)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    with db.session() as session:
        assert session.scalars(campaigns.every()).all() == []


@pytest.mark.parametrize(
    ("written", "told"),
    [(b"Ch\xe8re", "is not text in UTF-8."), (b"Dear\x00", "holds characters that cannot be seen.")],
)
def test_a_letter_that_is_no_text_is_named(tmp_path: Path, written: bytes, told: str) -> None:
    file = founding_with(tmp_path, ("slug",), "ice-letter")
    (tmp_path / "letter.fr.md").write_bytes(written)
    with pytest.raises(SeedBroken) as refused:
        read(file, "localhost")
    assert str(refused.value) == f"{tmp_path}/letter.fr.md {told}"


def founding_with(folder: Path, place: tuple[str | int, ...], value: object) -> Path:
    """The founding campaign's file with one value changed."""
    told = tomllib.loads(FOUNDING.read_text())
    for letter in told["letters"].values():
        (folder / letter["file"]).write_bytes((FOUNDING.parent / letter["file"]).read_bytes())
    at: Any = told
    for name in place[:-1]:
        at = at[name]
    at[place[-1]] = value
    file = folder / "campaign.toml"
    file.write_text(toml(told))
    return file


def toml(value: object) -> str:
    """TOML that is good enough to be read back: one assignment a line, tables inline."""
    if isinstance(value, dict):
        return "\n".join(f"{json.dumps(name)} = {inline(each)}" for name, each in value.items())
    return inline(value)


def inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {inline(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def test_the_written_form_of_the_founding_file_is_the_founding_file(tmp_path: Path) -> None:
    file = founding_with(tmp_path, ("slug",), "ice-letter")
    assert tomllib.loads(file.read_text()) == tomllib.loads(FOUNDING.read_text())
