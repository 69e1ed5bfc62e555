"""The signer for the terminal, as somebody who does not trust the page's script would use it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.foreign_client import call
from tests.support.guesses import guess_fifty
from tests.support.installation import Running
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("tree")


@pytest.fixture(scope="module")
def program(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as the site serves it."""
    path = tmp_path_factory.mktemp("signer") / "sign.py"
    path.write_bytes(urllib.request.urlopen(f"{running.url}/sign.py").read())
    return path


def letter(running: Running) -> str:
    listing = json.loads(urllib.request.urlopen(f"{running.url}/api/campaigns").read())
    return f"{running.url}/c/{listing[0]['slug']}"


def run(program: Path, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run it with nothing but the standard library, in its own folder."""
    argv = [sys.executable, "-I", "-S", program.name, *words]
    return subprocess.run(argv, cwd=program.parent, input=said, capture_output=True, text=True, check=False, timeout=60)


def sign(running: Running, program: Path, address: str, *words: str) -> tuple[int, str]:
    """Sign as a person does: the address, then the code from the mail."""
    argv = [sys.executable, "-I", "-S", program.name, "sign", letter(running), *words]
    process = subprocess.Popen(
        argv, cwd=program.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdin
    process.stdin.write(f"{address}\n")
    process.stdin.flush()
    process.stdin.write(f"00000000\n{running.code_for(address)}\n")
    told, _ = process.communicate("", timeout=60)
    return process.returncode, told


def test_signs_hides_and_withdraws_from_the_terminal(running: Running, program: Path) -> None:
    words = ("--show", "name", "--name", "Suzie Terminal", "--role", "Software engineer", "--receipt", "mine.json")
    code, told = sign(running, program, "suzie.terminal@salesforce.example", *words)
    assert (code, "Signed." in told) == (0, True), told
    assert "This code is wrong" in told
    kept = program.parent / "mine.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    found = until("a batch", lambda: run(program, "receipt", "mine.json").stdout, lambda told: "logged" in told)
    assert "proven by" in found
    assert run(program, "hide", "mine.json").stdout == "Hidden: it counts, and nothing is shown of it.\n"
    words = ("--show", "name", "--name", "Suzie Corrected", "--role", "Software engineer")
    done = run(program, "amend", "mine.json", *words, "--receipt", "changed.json")
    assert (done.returncode, done.stdout.splitlines()[-1].endswith("The new receipt is in changed.json.")) == (0, True)
    changed = json.loads((program.parent / "changed.json").read_text())
    assert (changed["body"]["name"], changed["w0"]) == ("Suzie Corrected", json.loads(kept.read_text())["w0"])
    assert changed["commitment"] not in changed["entry"]
    until(
        "the corrected name", lambda: call(f"{running.url}/api/campaigns/ice-letter/signers?q=corrected").body["named"]
    )
    for _ in range(2):
        assert run(program, "withdraw", "mine.json").stdout == "Withdrawn: it no longer counts.\n"
    assert run(program, "receipt", "mine.json").stdout.startswith("state: withdrawn")


def test_who_is_asked_for_the_long_code_types_it_at_the_terminal(running: Running, program: Path) -> None:
    """P47: strangers typed fifty wrong codes; she goes on with the other number of the same mail."""
    address = "suzie.guessed@salesforce.example"
    guess_fifty(running, address)
    said = f"{address}\n{running.code_for(address)}\n{running.long_code_for(address)}\n"
    done = run(program, "sign", letter(running), "--keep-pass", "guessed.txt", said=said)
    assert (done.returncode, "Your pass is in guessed.txt" in done.stdout) == (0, True), done.stdout + done.stderr
    assert "Type the long code of sixteen digits" in done.stdout


def test_a_pass_is_kept_and_signs_later_once(running: Running, program: Path) -> None:
    code, told = sign(running, program, "suzie.later@salesforce.example", "--keep-pass", "pass.txt")
    assert (code, "Your pass is in pass.txt" in told) == (0, True), told
    later = ("sign", letter(running), "--use-pass", "pass.txt", "--show", "anonymous", "--receipt", "later.json")
    assert run(program, *later).returncode == 0
    again = run(program, *later[:-1], "again.json")
    assert (again.returncode, "This pass was used before" in again.stderr) == (1, True)
    assert not (program.parent / "again.json").exists()


def test_the_same_program_runs_as_a_command(running: Running, tmp_path: Path) -> None:
    done = running.command("receipt", str(tmp_path / "nothing.json"))
    assert (done.returncode, done.stderr) == (
        2,
        f"{tmp_path}/nothing.json cannot be read: No such file or directory.\n",
    )


@pytest.mark.parametrize(
    ("words", "said", "code", "sentence"),
    [
        (["sign", "http://letters.example/c/open"], "", 2, "is not the address of a letter"),
        (["sign", "https://letters.example/open"], "", 2, "is not the address of a letter"),
        (["sign", "LETTER"], "", 2, "The answer ended before the questions did."),
        (["sign", "LETTER"], "suzie@elsewhere.example\n", 1, "address: "),
        (["sign", "LETTER-that-is-not"], "", 1, "There is no campaign with this name here."),
        (["sign", "http://127.0.0.1:9/c/open"], "", 1, "The site cannot be reached"),
        (["withdraw", "notes.json"], "", 2, "notes.json is not a receipt that sign.py wrote."),
        (["receipt", "bytes.json"], "", 2, "bytes.json cannot be read: it is not text."),
    ],
)
def test_bad_input_is_a_sentence_and_an_exit_code(
    running: Running, program: Path, words: list[str], said: str, code: int, sentence: str
) -> None:
    (program.parent / "notes.json").write_text('{"site": 1}')
    (program.parent / "bytes.json").write_bytes(os.urandom(64) + b"\xff")
    filled = [word.replace("LETTER", letter(running)) for word in words]
    done = run(program, *filled, said=said)
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
