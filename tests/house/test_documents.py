"""Documents that describe the code name what is there, and nothing else."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

import petition.tables  # noqa: F401 (registers every table)
from petition.campaigns import CampaignState
from petition.config.addresses import PROJECT
from petition.core.db import Base
from petition.mailing.queue import DeliveryState
from petition.signatures import SignatureState
from petition.signatures.tables import BulkRemovalState

STATES = {
    "Campaign": CampaignState,
    "Signature": SignatureState,
    "Delivery": DeliveryState,
    "Bulk removal": BulkRemovalState,
}


def test_the_list_of_tables_is_the_tables_and_their_classes() -> None:
    written = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", (PROJECT / "docs/tables.md").read_text(), re.MULTILINE)
    mapped = [(each.local_table.name, each.class_) for each in Base.registry.mappers]
    assert sorted(written) == sorted((name, f"{kind.__module__}.{kind.__name__}") for name, kind in mapped)


@pytest.mark.parametrize("title", STATES)
def test_a_diagram_of_states_has_each_state_of_the_code_and_no_other(title: str) -> None:
    section = (PROJECT / "docs/states.md").read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    arrows = re.findall(r"^    (\S+) --> (\w+):", section, re.MULTILINE)
    states: type[StrEnum] = STATES[title]
    assert {name for arrow in arrows for name in arrow} - {"[*]"} == {each.value for each in states}


RECORDS = sorted((PROJECT / "docs/decisions").glob("0*.md"))
PARTS = ["Context", "Decision", "Consequences"]
STATUS = re.compile(r"(?:accepted|superseded (?:in part )?by (\d{4}))(?: \(.+\))?")


def records_in_the_index() -> list[tuple[str, ...]]:
    """Number, file, title, sentence, status and date of each row."""
    row = re.compile(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \| (.+?) \| (.+?) \| (\S+) \|$", re.MULTILINE)
    return row.findall((PROJECT / "docs/decisions/README.md").read_text())


def head_of(record: Path) -> tuple[str, str, str]:
    """Title, status and date, which stand in the first lines of a record."""
    title, _, line = record.read_text().splitlines()[:3]
    date, _, status = line.strip("*").partition(" · ")
    return title, status, date


def test_the_index_of_decisions_lists_each_record_with_title_status_and_date() -> None:
    listed = [(number, file, f"# {number} · {title}", status, date) for number, file, title, _, status, date in
              records_in_the_index()]  # fmt: skip
    assert listed == [(each.name[:4], each.name, *head_of(each)) for each in RECORDS]


def test_the_index_of_decisions_says_each_in_one_sentence() -> None:
    sentences = [sentence for _, _, _, sentence, _, _ in records_in_the_index()]
    assert [each for each in sentences if not each.endswith(".") or ". " in each] == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: each.stem)
def test_a_decision_has_a_status_and_a_date(record: Path) -> None:
    _, status, date = head_of(record)
    found = STATUS.fullmatch(status)
    assert found is not None
    assert found[1] is None or found[1] in {each.name[:4] for each in RECORDS}
    assert re.fullmatch(r"2\d{3}-\d\d-\d\d", date)


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: each.stem)
def test_a_decision_is_context_decision_and_consequences_in_twenty_lines(record: Path) -> None:
    """Measurements, and what was tried and rejected, follow below and may be longer."""
    text = record.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) in (PARTS, [*PARTS, "Measurements"])
    above = [
        line for line in text.partition("## Measurements")[0].splitlines()[3:] if line and not line.startswith("#")
    ]
    assert 4 <= len(above) <= 20
    assert [line for line in above if len(line) > 130] == []


def test_documents_and_code_name_decisions_that_are_there() -> None:
    files = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")]
    files += [path for root in ("petition", "workers", "tests") for path in (PROJECT / root).rglob("*.py")]
    named = {number for file in files for number in re.findall(r"[Dd]ecision (\d{4})", file.read_text())}
    assert named <= {each.name[:4] for each in RECORDS}


@pytest.mark.parametrize("map_", ["README.md", "ARCHITECTURE.md"])
def test_the_maps_lead_to_every_document(map_: str) -> None:
    text = (PROJECT / map_).read_text()
    documents = [f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md")]
    assert sorted(name for name in documents if f"({name})" not in text) == []


def test_the_map_of_the_readme_names_every_folder_of_code() -> None:
    text = (PROJECT / "README.md").read_text()
    inside = [f"petition/{path.name}/" for path in (PROJECT / "petition").glob("[!_]*") if path.is_dir()]
    outside = ["workers/", "seeds/", "templates/", "undersigned/", "deploy/", "tests/"]
    assert sorted(name for name in [*inside, *outside] if f"`{name}`" not in text) == []
