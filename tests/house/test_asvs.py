"""docs/asvs.md has each requirement of ASVS 5.0.0, levels 1 and 2, once, and what it names is there."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from petition.config.addresses import PROJECT

DOCUMENT: Final = (PROJECT / "docs" / "asvs.md").read_text()
ROWS: Final = re.findall(r"^\| ([0-9.–]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", DOCUMENT, re.MULTILINE)
STATES: Final = {"met", "not applicable", "open"}
# How many requirements of levels 1 and 2 each section has. They are the first of their section but where a range says so.
SECTIONS: Final = (
    "1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 "
    "5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 "
    "8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 "
    "11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 "
    "16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2"
)
WANTED: Final = [
    f"{section}.{number}"
    for section, _, n in (each.partition(":") for each in SECTIONS.split())
    for number in range(1, int(n) + 1)
]


def numbers(cell: str) -> list[str]:
    """The requirements of a cell: one, or all of a section from one to another."""
    first, _, last = cell.partition("–")
    section, _, start = first.rpartition(".")
    return [f"{section}.{n}" for n in range(int(start), int((last or first).rpartition(".")[2]) + 1)]


def test_each_requirement_stands_in_the_table_once_with_a_state() -> None:
    assert len(WANTED) == 253
    assert [each for cell, *_ in ROWS for each in numbers(cell)] == WANTED
    assert {state for _, _, state, _ in ROWS} == STATES


def test_the_sums_are_those_of_the_table() -> None:
    sums = Counter(state for cell, _, state, _ in ROWS for _ in numbers(cell))
    met, absent, open_ = (sums[state] for state in ("met", "not applicable", "open"))
    assert f"{met} are met, {absent} are not applicable, {open_} are open." in DOCUMENT


def test_what_the_table_names_is_there_and_what_is_open_has_a_reason() -> None:
    named = set(
        re.findall(r"`([\w./-]+/[\w./-]+|[A-Z]+\.md|compose\.yaml|Dockerfile)`", "".join(row[3] for row in ROWS))
    )
    paths = {each for each in named if not each.startswith("/")}
    assert len(paths) > 60
    assert sorted(each for each in paths if not (PROJECT / each).exists()) == []
    assert [cell for cell, _, state, why in ROWS if state == "open" and len(why) < 10] == []
    proven = re.compile(r"`(?:tests/|petition/|workers/|docs/|[A-Z]+\.md|compose)")
    assert len([cell for cell, _, state, why in ROWS if state == "met" and proven.search(why)]) > 100


def test_no_script_of_ours_makes_html_or_code_of_text_and_messages_stay_between_a_page_and_its_worker() -> None:
    scripts = {path.name: path.read_text() for path in (PROJECT / "petition" / "static" / "js").glob("*.js")}
    makes = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
    assert [name for name, text in scripts.items() if makes.search(text)] == []
    listens = {name for name, text in scripts.items() if re.search(r"postMessage|\bonmessage|\"message\"", text)}
    assert listens <= {"code.js", "altcha-worker.js"}
    assert 'window.addEventListener("message"' not in "".join(scripts.values())


def test_whatever_uses_cryptography_stands_in_the_inventory_of_keys() -> None:
    inventory = (PROJECT / "docs" / "key-rotation.md").read_text()
    uses = re.compile(
        r"^ *(?:import|from) (?:hmac|cryptography|argon2|gmpy2|webauthn|altcha|itsdangerous)\b", re.MULTILINE
    )
    modules = [path for folder in ("petition", "workers") for path in (PROJECT / folder).rglob("*.py")]
    found = {str(path.relative_to(PROJECT)) for path in modules if uses.search(path.read_text())}
    assert len(found) > 20
    assert sorted(name for name in found if f"`{name}`" not in inventory) == []
