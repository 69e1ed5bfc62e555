"""The signer for the terminal before a site that lies to it: what it sends, believes, prints and keeps."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.wrappers import Response

import petition.ledger.verify as script
from petition.blindsign import rsabssa, signer
from petition.blindsign.passes import KeptPass, Pass
from petition.core.encoding import b64u
from petition.ledger import checkpoint
from petition.ledger.entries import Body, Visibility
from tests.support.false_site import ORIGIN, FalseSite, false_site, problem, values


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


def test_the_program_needs_python_3_9_and_its_standard_library_only() -> None:
    tree = ast.parse(Path(signer.__file__).read_text(), feature_version=(3, 9))
    names = [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


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


# --- The keys --------------------------------------------------------------------------------------------------------


def fingerprint_in(told: str) -> str:
    """The fingerprint that the program said."""
    [line] = [line for line in told.splitlines() if line.startswith("Keys of this letter: ")]
    return line.removeprefix("Keys of this letter: ")


def test_the_fingerprint_is_of_the_letters_keys_and_can_be_asked_for(site: FalseSite, folder: Path) -> None:
    said = fingerprint_in(sign(site, folder).stdout)
    assert said == script.fingerprint(site.cid.hex(), site.vkey, [site.on_campaign({})["groups"][0]["issuer"]])
    for given in (said, said.replace(" ", "").upper()):
        assert sign(site, folder, "--receipt", f"{given}.json", "--keys", given).returncode == 0


def test_a_key_for_one_person_is_not_the_one_that_others_see(site: FalseSite, folder: Path) -> None:
    said = fingerprint_in(sign(site, folder).stdout)
    before = len(site.heard)
    own = b64u(rsabssa.spki(rsabssa.generate_key().public))
    for turn in (
        lambda told: {**told, "groups": [{**told["groups"][0], "issuer": own}]},
        lambda told: {**told, "ledger_key": checkpoint.vkey(ORIGIN, bytes(32))},
        lambda told: {**told, "id": bytes(16).hex()},
    ):
        site.turns["campaign"] = turn
        done = sign(site, folder, "--receipt", "other.json", "--keys", said)
        assert (done.returncode, "other keys" in done.stderr) == (1, True), done.stderr
    assert {name for name, _, _ in site.heard[before:]} == {"campaign"}


def test_a_pass_that_was_kept_is_of_the_key_that_stamped_it(site: FalseSite, folder: Path) -> None:
    assert run(folder, "sign", site.letter, "--keep-pass", "pass.txt", said="s@salesforce.example\n1\n").returncode == 0
    site.issuer = rsabssa.generate_key()
    done = run(folder, "sign", site.letter, "--use-pass", "pass.txt", "--show", "anonymous")
    assert (done.returncode, "another key" in done.stderr, site.sent("sign")) == (1, True, [])


@pytest.mark.parametrize("fault", ["exponent", "small", "vkey", "origin", "id", "nothing"])
def test_keys_that_are_none_stop_it_before_an_address_is_asked_for(site: FalseSite, folder: Path, fault: str) -> None:
    spki = rsabssa.spki(site.issuer.public)
    changed = {
        "exponent": lambda told: {**told, "groups": [{**told["groups"][0], "issuer": b64u(spki[:-1] + b"\3")}]},
        "small": lambda told: {**told, "groups": [{**told["groups"][0], "issuer": b64u(spki[:33] + bytes(256) + spki[289:])}]},
        "vkey": lambda told: {**told, "ledger_key": "open-letter+00000000+AAAA"},
        "origin": lambda told: {**told, "origin": "letters.example.org/c/another"},
        "id": lambda told: {**told, "id": "zz"},
        "nothing": lambda told: [],
    }  # fmt: skip
    site.turns["campaign"] = changed[fault]
    done = sign(site, folder)
    assert (done.returncode, "does not answer as it should" in done.stderr) == (1, True)
    assert site.sent("verify") == []


# --- The receipt -----------------------------------------------------------------------------------------------------


def altered(told: Any, **changes: Any) -> Any:
    return {"receipt": {**told["receipt"], **changes}}


def entry_with(told: Any, **changes: Any) -> Any:
    entry = {**json.loads(told["receipt"]["entry"]), **changes}
    return altered(told, entry=json.dumps(entry, sort_keys=True, separators=(",", ":")))


LIES: dict[str, Callable[[FalseSite, Any], Any]] = {
    "no entry": lambda site, told: altered(told, entry="not an entry"),
    "an entry of another secret": lambda site, told: entry_with(told, w=b64u(bytes(32))),
    "an entry of another pass": lambda site, told: entry_with(told, r=b64u(bytes(32))),
    "an entry with another stamp": lambda site, told: entry_with(told, s=b64u(bytes(256))),
    "an entry of one demand": lambda site, told: entry_with(told, d=["d1"]),
    "an entry of another group": lambda site, told: entry_with(told, g="g2"),
    "a commitment to something else": lambda site, told: entry_with(told, c=b64u(bytes(32))),
    "another salt": lambda site, told: altered(told, salt=b64u(bytes(32))),
    "a body that was not chosen": lambda site, told: {
        "receipt": site.receipt(Pass.decode(site.sent("sign")[-1]["pass"]), Body(Visibility.NAME, "Mallory Example"))
    },
    "a promise by another key": lambda site, told: {
        "receipt": site.receipt(
            Pass.decode(site.sent("sign")[-1]["pass"]), Body(Visibility.ANONYMOUS), Ed25519PrivateKey.generate()
        )
    },
    "a promise for a batch in a thousand years": lambda site, told: altered(told, by_epoch=10**9),
    "an entry with a needless space": lambda site, told: altered(told, entry=told["receipt"]["entry"] + " "),
    "an entry that no text can hold": lambda site, told: altered(told, entry="\ud800"),
    "a number for an entry": lambda site, told: altered(told, entry=7),
    "no ticket": lambda site, told: altered(told, ticket=None),
    "a receipt that is a list": lambda site, told: {"receipt": []},
    "nothing": lambda site, told: None,
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_is_no_receipt_of_this_signature_is_kept_and_not_called_signed(
    site: FalseSite, folder: Path, lie: str
) -> None:
    answers: list[Any] = []

    def lying(told: Any) -> Any:
        answers.append(LIES[lie](site, told))
        return answers[-1]

    site.turns["sign"] = lying
    done = sign(site, folder)
    assert (done.returncode, "Signed." in done.stdout) == (1, False), done.stdout
    assert "is no receipt of your signature" in done.stderr
    held = KeptPass.decode((folder / "pass-open-letter.txt").read_text())
    assert held.held.encode() == site.sent("sign")[-1]["pass"]
    answer = json.loads((folder / "answer-open-letter.json").read_text())
    assert answer["answer"] == answers[0]
    assert not (folder / "mine.json").exists()


def test_what_the_site_writes_in_composed_form_is_what_was_chosen(site: FalseSite, folder: Path) -> None:
    def tidied(told: Any) -> Any:
        body = Body(Visibility.NAME, "Zoë Example", comment="One.\nTwo.")
        return {"receipt": site.receipt(Pass.decode(site.sent("sign")[-1]["pass"]), body)}

    site.turns["sign"] = tidied
    words = ("--show", "name", "--name", "Zoe\u0308  Example", "--comment", "One.\r\nTwo. ")
    said = "suzie@salesforce.example\n12345678\n\n"
    done = run(folder, "sign", site.letter, *words, said=said)
    assert (done.returncode, "Signed." in done.stdout) == (0, True), done.stderr


# --- Names, redirects, the terminal ----------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["../../escaped", "a\0b", "/etc/passwd", ".", "", "x" * 5_000, 7])
def test_a_file_is_never_called_what_the_site_says(site: FalseSite, folder: Path, slug: object) -> None:
    site.turns["campaign"] = partial(dict, slug=slug)
    said = "suzie@salesforce.example\n12345678\n"
    assert run(folder, "sign", site.letter, "--show", "anonymous", said=said).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["receipt-open-letter.json", "sign.py"]


def test_the_pass_lies_in_a_file_before_it_is_sent(site: FalseSite, folder: Path) -> None:
    def look(told: Any) -> Any:
        held = KeptPass.decode((folder / "pass-open-letter.txt").read_text())
        assert held.held.encode() == site.sent("sign")[-1]["pass"]
        return problem(503, "away", "Not now.")

    site.turns["sign"] = look
    done = sign(site, folder)
    assert (done.returncode, "Not now." in done.stderr, "pass-open-letter.txt" in done.stderr) == (1, True, True)
    del site.turns["sign"]
    again = run(folder, "sign", site.letter, "--use-pass", "pass-open-letter.txt", "--show", "anonymous")
    assert (again.returncode, (folder / "pass-open-letter.txt").exists()) == (0, True)


def test_a_pass_outlives_questions_without_an_answer(site: FalseSite, folder: Path) -> None:
    done = run(folder, "sign", site.letter, "--show", "name", said="suzie@salesforce.example\n12345678\n")
    assert done.returncode == 2
    KeptPass.decode((folder / "pass-open-letter.txt").read_text())


def test_a_file_that_is_there_stops_it_before_anything_is_sent(site: FalseSite, folder: Path) -> None:
    (folder / "mine.json").write_text("{}")
    assert sign(site, folder).returncode == 2
    assert sign(site, folder, "--receipt", "new.json", "--keep-pass", "mine.json").returncode == 2
    assert site.sent("verify") == []


@pytest.mark.parametrize("call", ["campaign", "verify", "pass", "sign"])
def test_a_redirect_to_another_site_is_not_followed(site: FalseSite, folder: Path, call: str) -> None:
    with false_site() as other:
        site.turns[call] = lambda told: Response("", 307 if call == "campaign" else 302, {"Location": other.letter})
        done = sign(site, folder)
        assert (done.returncode, "another site" in done.stderr) == (1, True), done.stderr
        assert other.heard == []


@pytest.mark.parametrize("call", ["receipt", "hide"])
def test_neither_ticket_nor_value_follows_a_redirect(site: FalseSite, signed: Path, call: str) -> None:
    with false_site() as other:
        site.turns[call] = lambda told: Response("", 302, {"Location": other.letter})
        done = run(signed, "hide", "mine.json")
        assert (done.returncode, "another site" in done.stderr) == (1, True)
        assert other.heard == []


OWNED = "\x1b]0;owned\x07\x9b2J\u202e\r\ud800"


def test_what_the_site_says_reaches_the_terminal_without_control(site: FalseSite, folder: Path) -> None:
    texts = {"title": "Lettre\u00a0ouverte " + OWNED, "addressee": OWNED, "demands": [{"id": OWNED, "text": OWNED}]}
    site.turns["campaign"] = partial(dict, roles=[OWNED], **texts)
    said = "suzie@salesforce.example\n12345678\n\n"
    done = run(folder, "sign", site.letter, "--show", "name", "--name", "Suzie", said=said)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout) & set("\x1b\x07\x9b\u202e\r") == set()
    assert "\\x1b]0;owned\\x07\\x9b2J\\u202e\\r\\ud800" in done.stdout
    assert "Lettre\u00a0ouverte" in done.stdout
    site.turns["verify"] = lambda told: problem(422, "address-refused", OWNED)
    refused = sign(site, folder)
    assert (refused.returncode, "\x1b" in refused.stderr, "owned" in refused.stderr) == (1, False, True)


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b'{"a":' * 50_000, b"\xff", b"1" * 5_000, b" " * 3_000_000])
def test_an_answer_that_is_none_is_a_sentence(site: FalseSite, signed: Path, body: bytes) -> None:
    site.turns["receipt"] = lambda told: Response(body, content_type="application/json")
    assert run(signed, "receipt", "mine.json").returncode == 1
    site.turns["receipt"] = lambda told: Response(body, 500)
    assert run(signed, "hide", "mine.json").returncode == 1


@pytest.mark.parametrize("status", [{"state": 1}, [], {"state": OWNED}, {"state": "logged", "index": 1, "proof": 7}])
def test_a_status_of_another_form_is_a_sentence(site: FalseSite, signed: Path, status: object) -> None:
    site.turns["receipt"] = lambda told: status
    done = run(signed, "receipt", "mine.json")
    assert "\x1b" not in done.stdout


# --- A site with too many visitors -----------------------------------------------------------------------------------


def crowded(times: int, seconds: str = "0") -> Callable[[Any], Any]:
    """A turn that refuses so many calls because of a crowd, and answers honestly from then on."""
    left = iter(range(times))

    def turn(told: Any) -> Any:
        refused = problem(503, "overloaded", "Too many people.")
        refused.headers["Retry-After"] = seconds
        return told if next(left, None) is None else refused

    return turn


@pytest.mark.parametrize("call", ["campaign", "verify", "pass", "sign"])
def test_a_crowd_is_waited_for_and_the_same_is_sent_again(site: FalseSite, folder: Path, call: str) -> None:
    """P16: the program asks again after the seconds that the site names, with what it sent before."""
    site.turns[call] = crowded(3)
    done = sign(site, folder)
    assert (done.returncode, "Signed." in done.stdout) == (0, True), done.stdout + done.stderr
    sent = site.sent(call)
    assert len(sent) >= 4
    assert all(each == sent[0] for each in sent[:4])


def test_a_crowd_that_stays_is_a_sentence_and_another_refusal_is_not_repeated(site: FalseSite, signed: Path) -> None:
    site.turns["receipt"] = crowded(100)
    done = run(signed, "receipt", "mine.json")
    assert (done.returncode, "Too many people." in done.stderr) == (1, True)
    assert len(site.sent("receipt")) == 6
    site.turns["receipt"] = lambda told: problem(503, "away")
    assert run(signed, "receipt", "mine.json").returncode == 1
    assert len(site.sent("receipt")) == 7


@pytest.mark.parametrize(("named", "seconds"), [("7", 7), ("9999", 60), ("", 5), ("soon", 5), ("-1", 5), ("١", 5)])
def test_how_long_it_waits_is_what_the_site_names_and_a_minute_at_most(
    site: FalseSite, monkeypatch: pytest.MonkeyPatch, named: str, seconds: int
) -> None:
    site.turns["campaign"] = crowded(1, named.encode().decode("latin-1"))
    waited: list[float] = []
    monkeypatch.setattr(signer.time, "sleep", waited.append)
    signer.call(f"{site.url}/api/campaigns/x")
    assert waited == [seconds]
