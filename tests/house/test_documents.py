"""Documents that describe the code name what is there, and nothing else."""

from __future__ import annotations

import re
from enum import StrEnum

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


def test_the_index_of_decisions_lists_each_record_with_its_title() -> None:
    folder = PROJECT / "docs/decisions"
    titles = {path.name: path.read_text().partition("\n")[0].partition(" · ")[2] for path in folder.glob("0*.md")}
    listed = dict(
        re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \| (.+?) \| ", (folder / "README.md").read_text(), re.MULTILINE)
    )
    assert listed == titles
