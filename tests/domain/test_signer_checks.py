"""The signer for the terminal before a site that lies to it: what it sends, believes, prints and keeps."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from petition.blindsign import signer
from tests.support.false_site import FalseSite, false_site, problem, values


@pytest.fixture
def site() -> Iterator[FalseSite]:
    """A site that a test can tell what to answer."""
    with false_site() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the program, and nothing else."""
    shutil.copy(signer.__file__, tmp_path / "sign.py")
    return tmp_path


def run(folder: Path, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run it with nothing but the standard library, in its own folder."""
    argv = [sys.executable, "-I", "-S", "sign.py", *words]
    done = subprocess.run(argv, cwd=folder, input=said, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def sign(site: FalseSite, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Sign as Suzie does."""
    said = "suzie@salesforce.example\n12345678\n"
    return run(folder, "sign", site.letter, "--show", "anonymous", "--receipt", "mine.json", *words, said=said)


def kept(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "mine.json").read_text())
    return document


@pytest.fixture
def signed(site: FalseSite, folder: Path) -> Path:
    """The folder after Suzie signed: `mine.json` is her receipt."""
    done = sign(site, folder)
    assert (done.returncode, "Signed." in done.stdout) == (0, True), done.stdout + done.stderr
    return folder


# --- The secret chain ------------------------------------------------------------------------------------------------


def revealed(site: FalseSite, folder: Path, act: str = "hide") -> list[int]:
    """Which values of Suzie's secret the site has got, by their number."""
    chain = values(kept(folder)["w0"])
    return [chain.index(given["withdraw"]) for given in site.sent(act)]


def test_each_act_sends_one_value_and_the_file_says_how_many(site: FalseSite, signed: Path) -> None:
    for number in range(3):
        assert run(signed, "hide", "mine.json").returncode == 0
        assert (revealed(site, signed), kept(signed)["used"]) == ([*range(number + 1)], number + 1)
    assert [path.name for path in signed.iterdir() if "new" in path.name] == []


def test_a_site_that_refuses_every_value_gets_one(site: FalseSite, signed: Path) -> None:
    site.turns["hide"] = lambda told: problem(409, "value-used")
    site.turns["receipt"] = lambda told: {"state": "logged"}
    for _ in range(3):
        done = run(signed, "hide", "mine.json")
        assert (done.returncode, "--used 1" in done.stderr) == (1, True), done.stderr
    assert revealed(site, signed) == [0, 0, 0]


def test_a_site_that_says_many_values_were_used_gets_none(site: FalseSite, signed: Path) -> None:
    claims: list[object] = [1, 7, 8, 9, 1_000_000, -1, "1", None, [], True, 1.5]
    for used in claims:
        site.turns["receipt"] = partial(dict, used=used)
        done = run(signed, "hide", "mine.json")
        assert (done.returncode, done.stdout) == (1, ""), used
    assert revealed(site, signed) == []


def test_the_signer_can_say_which_value_is_next_and_one_is_sent(site: FalseSite, signed: Path) -> None:
    site.turns["hide"] = lambda told: problem(409, "value-used")
    for used in (2, 3):
        done = run(signed, "hide", "mine.json", "--used", str(used))
        assert (done.returncode, f"--used {used + 1}" in done.stderr) == (1, True)
    assert revealed(site, signed) == [2, 3]
    assert run(signed, "hide", "mine.json", "--used", "9").returncode == 2


def test_the_last_value_is_sent_only_if_the_signer_says_so(site: FalseSite, signed: Path) -> None:
    for _ in range(8):
        assert run(signed, "hide", "mine.json").returncode == 0
    stopped = run(signed, "hide", "mine.json")
    assert (stopped.returncode, "--used 8" in stopped.stderr) == (1, True)
    assert revealed(site, signed) == [*range(8)]
    assert run(signed, "hide", "mine.json", "--used", "8").returncode == 0
    assert revealed(site, signed) == [*range(9)]
    over = run(signed, "hide", "mine.json")
    assert (over.returncode, "changed nine times" in over.stderr) == (1, True)


def test_a_value_whose_answer_was_lost_is_sent_again_and_no_deeper_one(site: FalseSite, signed: Path) -> None:
    site.turns["hide"] = lambda told: problem(503, "away")
    site.turns["receipt"] = lambda told: {"state": "logged"}
    for _ in range(2):
        assert run(signed, "hide", "mine.json").returncode == 1
    assert revealed(site, signed) == [0, 0]


def test_a_withdrawal_is_not_sent_twice(site: FalseSite, signed: Path) -> None:
    site.turns["receipt"] = lambda told: {**told, "state": "withdrawn" if site.used else "logged"}
    for _ in range(2):
        assert run(signed, "withdraw", "mine.json").stdout == "Withdrawn: it no longer counts.\n"
    assert revealed(site, signed, "withdraw") == [0]
