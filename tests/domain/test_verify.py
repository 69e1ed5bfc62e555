"""The script a reporter downloads, run as she runs it: it proves an honest ledger and names each fraud (P26)."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import petition.ledger.verify as script
from petition.blindsign import passes, rsabssa
from petition.core.encoding import b64u
from petition.ledger import bundle, checkpoint, merkle
from petition.ledger.bundle import Contents, PublicBody
from petition.ledger.entries import (
    AmendEntry,
    Body,
    CampaignEntry,
    CloseEntry,
    EpochEntry,
    Group,
    Removal,
    RemoveEntry,
    SignEntry,
    TranslationEntry,
    Visibility,
    WithdrawEntry,
    commitment,
    parse,
)

SCRIPT = Path(script.__file__)
ORIGIN = "undersigned.example/c/open-letter"
CID = bytes(range(16))
ISSUER = rsabssa.generate_key()
STRANGER = rsabssa.generate_key()
LEDGER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = checkpoint.vkey(ORIGIN, checkpoint.public_bytes(LEDGER_KEY))
LETTERS = {"en": b"# Dear Ms Example\n", "fr": "# Chère Mme Example\n".encode(), "de": b"# Liebe Frau Example\n"}
DAYS = [date(2031, 3, day) for day in (1, 2, 3, 4)]


@dataclass(frozen=True)
class Signed:
    """A signature as its signer holds it."""

    entry: SignEntry
    w0: bytes
    salt: bytes
    body: Body

    def value(self, number: int) -> bytes:
        """The value of the secret chain that an act reveals."""
        return passes.reveal(self.w0, number)

    @property
    def leaf(self) -> bytes:
        return merkle.leaf_hash(self.entry.line())


@dataclass
class Story:
    """A whole ledger, as the site would publish it; a fraud changes a copy of it."""

    lines: list[bytes]
    bodies: list[PublicBody]
    letters: dict[str, bytes] = field(default_factory=lambda: dict(LETTERS))
    head: str = ""
    vkey: str = VKEY

    def copy(self) -> Story:
        return Story([*self.lines], [*self.bodies], {**self.letters}, self.head, self.vkey)

    def signed(self, key: Ed25519PrivateKey = LEDGER_KEY, origin: str = ORIGIN) -> Story:
        root = merkle.root_of(map(merkle.leaf_hash, self.lines))
        self.head = checkpoint.sign(origin, len(self.lines), root, key)
        return self

    def contents(self) -> Contents:
        return Contents(iter(self.lines), iter(self.bodies), self.head, self.vkey, self.letters)


def sign(body: Body, issuer: rsabssa.PrivateKey = ISSUER, cid: bytes = CID) -> Signed:
    blinding = passes.begin(issuer.public, cid)
    kept = passes.complete(blinding, rsabssa.blind_sign(issuer, blinding.blinded))
    held, salt = kept.held, sha256(kept.w0).digest()
    return Signed(SignEntry(commitment(salt, body), held.hw, held.r, held.sig), kept.w0, salt, body)


def in_order(*signed: Signed) -> list[Signed]:
    return sorted(signed, key=lambda one: one.leaf)


def publish(first: int, signed: list[Signed]) -> list[PublicBody]:
    return [PublicBody(first + at, one.salt, one.body) for at, one in enumerate(signed)]


FIRST = in_order(
    sign(Body(Visibility.NAME, "Suzie Example", "Engineer", "", "« Il était temps ! »")),
    sign(Body(Visibility.NAME, "Alice Example")),
    sign(Body(Visibility.ROLE, role="Designer")),
    sign(Body(Visibility.ANONYMOUS)),
)
SECOND = in_order(*(sign(Body(Visibility.ANONYMOUS)) for _ in range(3)))
SPARE = sign(Body(Visibility.ANONYMOUS))

K = 3
CAMPAIGN = CampaignEntry(
    CID, ORIGIN, {lang: sha256(LETTERS[lang]).digest() for lang in ("en", "fr")}, ("d1", "d2"),
    (Group("g1", {"en": "Example", "fr": "Exemple"}, rsabssa.spki(ISSUER.public)),), K, DAYS[0],
)  # fmt: skip
#  0 campaign · 1–4 signatures · 5 epoch 1 · 6 translation · 7 withdraw · 8, 9 remove · 10–12 signatures
#  13 epoch 2 · 14 close. Entry 1 is withdrawn, 2 and 3 are removed, 12 has hidden its body.
HONEST = Story(
    [
        CAMPAIGN.line(),
        *(one.entry.line() for one in FIRST),
        EpochEntry(1, DAYS[1], {"g1": {"work_email": 5}}).line(),
        TranslationEntry("de", sha256(LETTERS["de"]).digest()).line(),
        WithdrawEntry(1, FIRST[0].value(0)).line(),
        RemoveEntry(2, Removal.DUPLICATE).line(),
        RemoveEntry(3, Removal.FRAUD).line(),
        *(one.entry.line() for one in SECOND),
        EpochEntry(2, DAYS[2], {"g1": {"work_email": 6, "invitation": 1}}).line(),
        CloseEntry(DAYS[3]).line(),
    ],
    [*publish(1, FIRST)[3:], *publish(10, SECOND)[:2]],
).signed()


def recount(folder: Path, contents: Contents, *arguments: str) -> tuple[int, list[str]]:
    """Exit status and printed lines of the script, run without site packages and environment."""
    path = folder / "bundle.zip"
    bundle.write(path, contents)
    return run(str(path), *arguments)


def run(*arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-I", "-S", str(SCRIPT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, (done.stdout + done.stderr).splitlines()


def figure(lines: list[str], name: str) -> str:
    [line] = [line for line in lines if line.strip().startswith(name)]
    return line.split()[-1]


def test_an_honest_ledger_is_counted(tmp_path: Path) -> None:
    status, lines = recount(tmp_path, HONEST.contents(), "--key", VKEY)
    root = base64.b64encode(merkle.root_of(map(merkle.leaf_hash, HONEST.lines))).decode()
    shown = str(FIRST[3].body.show)
    visible = {"name": 0, "role": 0, "anonymous": 2, "undisclosed": 1}
    visible[shown] += 1
    expected = {
        "counted": 4, **visible, "withdrawn": 1, "removed": 2, "duplicate": 1, "fraud": 1, "passes issued": 7,
        "work_email": 6, "invitation": 1, "entries": 15, "root": root, "ledger": ORIGIN,
    }  # fmt: skip
    keys = script.fingerprint(CID.hex(), VKEY, [b64u(rsabssa.spki(ISSUER.public))])
    assert (status, lines[-1]) == (0, f"keys            {keys}")
    assert {name: figure(lines, name) for name in expected} == {name: str(value) for name, value in expected.items()}
    assert len(lines) == len(expected) + 1


def test_without_a_key_from_elsewhere_the_reader_is_told_to_compare(tmp_path: Path) -> None:
    status, lines = recount(tmp_path, HONEST.contents())
    assert (status, lines[-1]) == (0, "The key came with the bundle: compare its vkey with one from elsewhere.")


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    bundle.write(tmp_path / "one.zip", HONEST.contents())
    with (tmp_path / "two.zip").open("wb") as file:
        bundle.write(file, HONEST.contents())
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.zip", "two.zip"]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == [
            "log.jsonl", "bodies.jsonl", "checkpoint", "vkey", "letter.de.md", "letter.en.md", "letter.fr.md",
        ]  # fmt: skip
        assert archive.read("log.jsonl") == b"\n".join(HONEST.lines) + b"\n"


def test_a_bundle_that_could_not_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        bundle.write(path, replace(HONEST.contents(), lines=[b"{}", None]))  # type: ignore[list-item]
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("bundle.zip", b"old")]


Fraud = Callable[[Story], object]
FRAUDS: dict[str, tuple[Fraud, list[str]]] = {}


def fraud(*faults: str) -> Callable[[Fraud], Fraud]:
    """A fraud by someone who holds the ledger's key, so the head is signed anew: only the rules can tell."""

    def keep(change: Fraud) -> Fraud:
        FRAUDS[change.__name__] = (change, list(faults))
        return change

    return keep


NO_PASS = "no pass: the issuer did not stamp this"
MALFORMED = "malformed: not what the format allows, in its one legal spelling"
RISING = "out of order: in an epoch signatures rise by leaf hash, after what happened to earlier ones"
ENDS_FIRST = "out of order: in an epoch withdrawals, changes and removals rise by index, before signatures"


def put_second(story: Story, *signed: Signed) -> None:
    """Other signatures in the second epoch, in order, without their bodies."""
    story.lines[10:13] = [one.entry.line() for one in in_order(*signed)]
    story.bodies = story.bodies[:1]


@fraud("entry 10: " + NO_PASS, "entry 11: " + NO_PASS, "entry 12: " + NO_PASS)
def fakes_stamped_by_another_key(story: Story) -> None:
    put_second(story, *(sign(Body(Visibility.ANONYMOUS), STRANGER) for _ in range(3)))


@fraud("entry 10: " + NO_PASS, "entry 11: " + NO_PASS, "entry 12: " + NO_PASS)
def passes_of_another_campaign(story: Story) -> None:
    put_second(story, *(sign(Body(Visibility.ANONYMOUS), ISSUER, bytes(16)) for _ in range(3)))


@fraud("entry 10: " + NO_PASS)
def a_fake_without_any_pass(story: Story) -> None:
    put_second(
        story, Signed(SignEntry(bytes(32), bytes(32), bytes(32), bytes(256)), b"", b"", Body(Visibility.ANONYMOUS))
    )


@fraud("entry 13: minted: 7 signatures, but only 6 passes were issued")
def signatures_minted_beyond_the_passes(story: Story) -> None:
    story.lines[13] = EpochEntry(2, DAYS[2], {"g1": {"work_email": 6}}).line()


@fraud("entry 13: fewer passes issued than before")
def passes_taken_back(story: Story) -> None:
    story.lines[13] = EpochEntry(2, DAYS[2], {"g1": {"work_email": 4, "invitation": 9}}).line()


@fraud("entry 13: fewer passes issued than before")
def a_method_that_disappears(story: Story) -> None:
    story.lines[13] = EpochEntry(2, DAYS[2], {"g1": {"invitation": 9}}).line()


@fraud("entry 10: replayed: entry 2 spent this pass")
def a_replayed_pass(story: Story) -> None:
    put_second(story, replace(SECOND[0], entry=FIRST[1].entry))


@fraud("entry 11: " + RISING, "entry 12: " + RISING)
def signatures_in_the_order_of_arrival(story: Story) -> None:
    story.lines[10:13] = story.lines[12:9:-1]
    story.bodies = story.bodies[:1]


@fraud("entry 12: " + RISING, "entry 12: replayed: entry 11 spent this pass")
def the_same_line_twice(story: Story) -> None:
    story.lines[12] = story.lines[11]


@fraud("entry 9: " + ENDS_FIRST)
def removals_out_of_order(story: Story) -> None:
    story.lines[8:10] = story.lines[9:7:-1]


@fraud("entry 10: " + ENDS_FIRST)
def a_removal_after_a_signature(story: Story) -> None:
    story.lines[9:11] = story.lines[10:8:-1]
    story.bodies = [story.bodies[0], story.bodies[2]]


@fraud("log.jsonl: the last entries stand in no epoch")
def signatures_after_the_last_epoch(story: Story) -> None:
    story.lines[13:] = []


@fraud("entry 8: a translation stands inside an epoch")
def a_translation_inside_an_epoch(story: Story) -> None:
    story.lines[6:9] = [*story.lines[7:9], story.lines[6]]


@fraud("entry 13: the close stands inside an epoch", "entry 14: stands after the close")
def a_close_before_its_epoch(story: Story) -> None:
    story.lines[13:] = [CloseEntry(DAYS[2]).line(), story.lines[13]]


@fraud("entry 15: stands after the close")
def an_epoch_after_the_close(story: Story) -> None:
    story.lines.append(EpochEntry(3, DAYS[3], {"g1": {"work_email": 6, "invitation": 1}}).line())


@fraud("entry 13: epoch 3 follows epoch 1")
def a_skipped_epoch(story: Story) -> None:
    story.lines[13] = EpochEntry(3, DAYS[2], {"g1": {"work_email": 6, "invitation": 1}}).line()


@fraud("entry 13: its day 2031-03-01 is before 2031-03-02")
def a_day_that_runs_backwards(story: Story) -> None:
    story.lines[13] = EpochEntry(2, DAYS[0], {"g1": {"work_email": 6, "invitation": 1}}).line()


@fraud("entry 5: its day 2031-02-28 is before 2031-03-01")
def an_epoch_before_the_opening(story: Story) -> None:
    story.lines[5] = EpochEntry(1, date(2031, 2, 28), {"g1": {"work_email": 5}}).line()


@fraud("entry 13: month must be in 1..12")
def a_day_that_never_was(story: Story) -> None:
    story.lines[13] = story.lines[13].replace(b"2031-03-03", b"2031-13-03")
    story.lines[14:] = [story.lines[13].replace(b"2031-13-03", b"2031-03-03")]


@fraud("entry 7: its value is not of entry 1")
def a_withdrawal_with_a_foreign_token(story: Story) -> None:
    story.lines[7] = WithdrawEntry(1, SPARE.value(0)).line()


@fraud("entry 14: entry 1 was withdrawn or removed before", "entry 15: entry 2 was withdrawn or removed before")
def signatures_ended_twice(story: Story) -> None:
    story.lines[14:] = [
        RemoveEntry(1, Removal.FRAUD).line(),
        RemoveEntry(2, Removal.FRAUD).line(),
        EpochEntry(3, DAYS[3], {"g1": {"work_email": 6, "invitation": 1}}).line(),
    ]


QUIET = {"g1": {"work_email": 6, "invitation": 1}}


def go_on(story: Story, *acts: WithdrawEntry | AmendEntry, issued: dict[str, dict[str, int]] = QUIET) -> None:
    """Epochs of one act each, in place of the close."""
    epochs = range(3, 3 + len(acts))
    story.lines[14:] = [
        line
        for n, act in zip(epochs, acts, strict=True)
        for line in (act.line(), EpochEntry(n, DAYS[3], issued).line())
    ]


@fraud()
def changes_that_reveal_deeper_values_are_no_fraud(story: Story) -> None:
    first = FIRST[3]
    salt, body = bytes(32), Body(Visibility.NAME, "Suzanne Example")
    go_on(
        story,
        AmendEntry(4, bytes(32), first.value(0)),
        AmendEntry(4, commitment(salt, body), first.value(3)),
    )
    story.bodies[0] = PublicBody(4, salt, body)


@fraud("body of entry 4: is not the one that was signed")
def a_body_that_was_changed_since(story: Story) -> None:
    go_on(story, AmendEntry(4, bytes(32), FIRST[3].value(0)))


@fraud("entry 16: its value was used for entry 4 before")
def a_change_with_a_value_that_the_ledger_shows(story: Story) -> None:
    go_on(story, AmendEntry(4, FIRST[3].entry.commitment, FIRST[3].value(1)), WithdrawEntry(4, FIRST[3].value(0)))
    story.bodies = story.bodies[1:]


@fraud("entry 16: its value was used for entry 4 before")
def the_same_value_twice(story: Story) -> None:
    same = AmendEntry(4, FIRST[3].entry.commitment, FIRST[3].value(0))
    go_on(story, same, same)


@fraud("entry 14: its value is not of entry 4")
def a_change_with_a_value_of_somebody_else(story: Story) -> None:
    go_on(story, AmendEntry(4, FIRST[3].entry.commitment, SPARE.value(0)))


@fraud("entry 14: its value is not of entry 4")
def a_change_with_a_value_from_beyond_the_chain(story: Story) -> None:
    go_on(story, AmendEntry(4, FIRST[3].entry.commitment, passes.step(FIRST[3].value(0))))


@fraud("entry 14: entry 1 was withdrawn or removed before")
def a_change_of_a_withdrawn_signature(story: Story) -> None:
    go_on(story, AmendEntry(1, bytes(32), FIRST[0].value(1)))


@fraud("entry 15: the passes of g1 changed without a signature")
def passes_that_change_between(story: Story) -> None:
    go_on(
        story,
        AmendEntry(4, FIRST[3].entry.commitment, FIRST[3].value(0)),
        issued={"g1": {"work_email": 7, "invitation": 1}},
    )


@fraud("entry 15: passes were issued to an unknown group")
def passes_of_a_group_that_is_none(story: Story) -> None:
    unknown = AmendEntry(4, FIRST[3].entry.commitment, FIRST[3].value(0))
    go_on(story, unknown, issued=QUIET | {"g2": {}})


@fraud(
    *(f"entry {index}: there is no group g2" for index in (10, 11, 12)),
    "entry 13: minted: 3 signatures, but only 0 passes were issued",
    "entry 13: the passes of g1 changed without a signature",
)
def signatures_of_a_group_that_is_none(story: Story) -> None:
    lines = [replace(one.entry, group="g2").line() for one in SECOND]
    story.lines[10:13] = sorted(lines, key=merkle.leaf_hash)
    story.bodies = story.bodies[:1]


TOO_FEW = "holds fewer than 3 signatures of g1, and is not its last before a close"


@fraud(f"log.jsonl: epoch 2 {TOO_FEW}")
def a_small_epoch_without_a_close(story: Story) -> None:
    put_second(story, *SECOND[:2])
    story.lines[12:] = [EpochEntry(2, DAYS[2], QUIET).line()]


@fraud(f"entry 16: epoch 2 {TOO_FEW}")
def a_small_epoch_before_another_one(story: Story) -> None:
    put_second(story, *SECOND[:2])
    story.lines[12:] = [EpochEntry(2, DAYS[2], QUIET).line()]
    third = in_order(SECOND[2], SPARE, sign(Body(Visibility.ANONYMOUS)))
    story.lines += [
        *(one.entry.line() for one in third),
        EpochEntry(3, DAYS[3], {"g1": {"work_email": 9, "invitation": 1}}).line(),
    ]


@fraud()
def a_small_last_epoch_and_one_of_withdrawals_before_the_close_are_no_fraud(story: Story) -> None:
    put_second(story, *SECOND[:2])
    story.lines[12:] = [
        EpochEntry(2, DAYS[2], QUIET).line(),
        WithdrawEntry(4, FIRST[3].value(0)).line(),
        EpochEntry(3, DAYS[3], QUIET).line(),
        CloseEntry(DAYS[3]).line(),
    ]
    story.bodies = []


@fraud("entry 9: there is no signature 5 before it")
def a_removal_of_something_else(story: Story) -> None:
    story.lines[9] = RemoveEntry(5, Removal.FRAUD).line()


@fraud("entry 9: there is no signature 12 before it")
def a_removal_of_what_comes_later(story: Story) -> None:
    story.lines[9] = RemoveEntry(12, Removal.FRAUD).line()


@fraud("entry 6: the letter has this language already", "letter.de.md: is missing, or not the letter that was signed")
def a_letter_replaced_by_a_translation(story: Story) -> None:
    story.lines[6] = TranslationEntry("en", bytes(32)).line()


@fraud(
    "entry 6: entry 0, and no other, opens the campaign", "letter.de.md: is missing, or not the letter that was signed"
)
def a_second_opening(story: Story) -> None:
    story.lines[6] = story.lines[0]


@fraud("entry 12: signs demands unknown or out of order")
def a_demand_the_campaign_does_not_have(story: Story) -> None:
    story.lines[12] = resigned(story.lines[12], story.lines[11], ("d3",))


@fraud()
def one_known_demand_is_no_fraud(story: Story) -> None:
    story.lines[12] = resigned(story.lines[12], story.lines[11], ("d2",))


def resigned(line: bytes, before: bytes, demands: tuple[str, ...]) -> bytes:
    """The same pass with other demands, with a commitment that puts it after the line before."""
    entry = parse(line)
    assert isinstance(entry, SignEntry)
    tries = (replace(entry, demands=demands, commitment=bytes([n]) * 32).line() for n in range(256))
    highest = max(tries, key=merkle.leaf_hash)
    assert merkle.leaf_hash(highest) > merkle.leaf_hash(before)
    return highest


def respelled(change: Callable[[bytes], bytes], at: int = 13) -> Fraud:
    def fraud(story: Story) -> None:
        story.lines[at] = change(story.lines[at])
        story.lines[at + 1 :] = [HONEST.lines[at]] if at == 13 else story.lines[at + 1 :]

    return fraud


for name, change in {
    "spaces": lambda line: line.replace(b":", b": "),
    "a key twice": lambda line: line.replace(b'"n":2', b'"n":1,"n":2'),
    "another order of keys": lambda line: json.dumps(dict(reversed(json.loads(line).items()))).encode(),
    "needless escapes": lambda line: line.replace(b'"t"', rb'"\u0074"'),
    "a key too many": lambda line: line.replace(b'"n":2', b'"n":2,"note":""'),
    "a number with a point": lambda line: line.replace(b'"n":2', b'"n":2.0'),
    "a comma too many": lambda line: line.replace(b'},"n"', b',},"n"'),
    "methods out of order": lambda line: line.replace(
        b'"invitation":1,"work_email":6', b'"work_email":6,"invitation":1'
    ),
    "another version": lambda line: line.replace(b'"v":2', b'"v":1'),
    "another type": lambda line: line.replace(b'"epoch"', b'"era"'),
    "no type": lambda line: line.replace(b'"t":"epoch",', b""),
    "a body": lambda line: HONEST.bodies[0].line(),
    "no JSON": lambda line: b"[" * 60_000,
    "nothing": lambda line: b"",
    "no UTF-8": lambda line: line + b"\xff",
    "a carriage return": lambda line: line + b"\r",
}.items():
    FRAUDS[f"a line with {name}"] = (respelled(change), ["entry 13: " + MALFORMED])


@fraud("body of entry 11: is not the one that was signed")
def an_edited_body(story: Story) -> None:
    story.bodies[2] = replace(story.bodies[2], body=Body(Visibility.NAME, "Mallory Example"))


@fraud("body of entry 11: is not the one that was signed")
def a_body_with_another_salt(story: Story) -> None:
    story.bodies[2] = replace(story.bodies[2], salt=bytes(32))


@fraud("body of entry 12: is not the one that was signed")
def a_body_at_another_signature(story: Story) -> None:
    story.bodies[2] = replace(story.bodies[2], index=12)


@fraud("body of entry 10: out of order or given twice")
def bodies_out_of_order(story: Story) -> None:
    story.bodies[1:] = story.bodies[:0:-1]


@fraud("body of entry 1: is public although the signature was withdrawn or removed")
def a_body_of_a_withdrawn_signature(story: Story) -> None:
    story.bodies[:0] = publish(1, FIRST)[:1]


@fraud("letter.fr.md: is missing, or not the letter that was signed")
def an_edited_letter(story: Story) -> None:
    story.letters["fr"] += b" "


@fraud("letter.en.md: is missing, or not the letter that was signed")
def a_letter_left_out(story: Story) -> None:
    del story.letters["en"]


@fraud("letter.es.md: is missing, or not the letter that was signed")
def a_letter_nobody_signed(story: Story) -> None:
    story.letters["es"] = b"Querida"


@fraud("log.jsonl: has no entries", "checkpoint: is of another origin than entry 0", *(
    f"letter.{lang}.md: is missing, or not the letter that was signed" for lang in ("de", "en", "fr")
))  # fmt: skip
def an_empty_log(story: Story) -> None:
    story.lines, story.bodies = [], []


@fraud("entry 0: malformed: the issuer's key is not RSA-2048 with exponent 65537")
def an_issuer_with_a_weak_exponent(story: Story) -> None:
    weak = replace(CAMPAIGN.groups[0], issuer=CAMPAIGN.groups[0].issuer[:-1] + b"\3")
    story.lines[0] = replace(CAMPAIGN, groups=(weak,)).line()


@pytest.mark.parametrize("name", FRAUDS)
def test_a_fraud_by_the_ledger_itself_is_named(name: str, tmp_path: Path) -> None:
    """P26, P41: among them batches under k."""
    change, faults = FRAUDS[name]
    story = HONEST.copy()
    change(story)
    status, lines = recount(tmp_path, story.signed().contents(), "--key", VKEY)
    found = sorted(lines) if faults else []
    assert (status, found) == (1 if faults else 0, sorted(faults))


def heads_fault(story: Story, tmp_path: Path, *arguments: str) -> list[str]:
    status, lines = recount(tmp_path, story.contents(), *arguments)
    assert status == 1
    return [line for line in lines if line.startswith(("checkpoint", "vkey"))]


OTHER_ROOT = "has another root: the first 15 entries are not the ones it was signed for"


def test_an_entry_edited_after_the_head_was_signed_is_named(tmp_path: Path) -> None:
    story = HONEST.copy()
    story.lines[14] = CloseEntry(date(2031, 3, 9)).line()
    assert heads_fault(story, tmp_path, "--key", VKEY) == ["checkpoint: " + OTHER_ROOT]


def test_an_entry_dropped_after_the_head_was_signed_is_named(tmp_path: Path) -> None:
    story = HONEST.copy()
    del story.lines[14]
    assert heads_fault(story, tmp_path, "--key", VKEY) == ["checkpoint: covers 15 entries, the log has 14"]


def test_an_entry_added_after_the_head_was_signed_is_named(tmp_path: Path) -> None:
    story = HONEST.copy()
    story.lines[14:14] = [EpochEntry(3, DAYS[3], {"g1": {"work_email": 6, "invitation": 1}}).line()]
    assert heads_fault(story, tmp_path, "--key", VKEY) == [
        "checkpoint: covers 15 entries, the log has 16",
        "checkpoint: " + OTHER_ROOT,
    ]


def test_a_log_dropped_and_signed_anew_is_named_by_whoever_kept_a_head(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(HONEST.head)
    story = HONEST.copy()
    del story.lines[14]
    assert heads_fault(story.signed(), tmp_path, "--key", VKEY, "--old", str(kept)) == [
        f"checkpoint {kept}: covers 15 entries, the log has 14"
    ]


def test_a_split_view_is_named_by_whoever_kept_the_other_head(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(HONEST.head)
    story = HONEST.copy()
    story.lines[14] = CloseEntry(date(2031, 3, 9)).line()
    assert heads_fault(story.signed(), tmp_path, "--key", VKEY, "--old", str(kept)) == [
        f"checkpoint {kept}: " + OTHER_ROOT
    ]


def test_older_heads_of_the_same_ledger_agree(tmp_path: Path) -> None:
    older = HONEST.copy()
    del older.lines[6:]
    (tmp_path / "older").write_text(older.signed().head)
    (tmp_path / "same").write_text(HONEST.head)
    status, lines = recount(
        tmp_path, HONEST.contents(), "--key", VKEY, "--old", str(tmp_path / "older"), "--old", str(tmp_path / "same")
    )
    assert (status, figure(lines, "counted")) == (0, "4")


def test_a_head_of_another_origin_is_named(tmp_path: Path) -> None:
    other = "undersigned.example/c/another"
    story = HONEST.copy().signed(origin=other)
    story.vkey = checkpoint.vkey(other, checkpoint.public_bytes(LEDGER_KEY))
    assert heads_fault(story, tmp_path) == ["checkpoint: is of another origin than entry 0"]
    story.vkey = VKEY
    assert heads_fault(story, tmp_path, "--key", VKEY) == [
        "checkpoint: is not a checkpoint, or its origin is not the name of the vkey"
    ]


def test_a_head_signed_by_another_key_is_named(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    story = HONEST.copy().signed(other)
    assert heads_fault(story, tmp_path, "--key", VKEY) == ["checkpoint: was not signed by the ledger's key"]
    story.vkey = checkpoint.vkey(ORIGIN, checkpoint.public_bytes(other))
    assert heads_fault(story, tmp_path, "--key", VKEY) == ["vkey: the bundle carries another key than the one you gave"]


@pytest.mark.parametrize("head", ["", "hello\n", HONEST.head[:-1], HONEST.head.replace("\n15\n", "\n015\n")])
def test_a_head_that_is_none_is_named(head: str, tmp_path: Path) -> None:
    story = HONEST.copy()
    story.head = head
    assert heads_fault(story, tmp_path, "--key", VKEY) == [
        "checkpoint: is not a checkpoint, or its origin is not the name of the vkey"
    ]


@pytest.mark.parametrize("vkey", ["", "key", VKEY[:-4], VKEY.replace("+", "+0", 1), VKEY.replace("open", "0pen")])
def test_a_key_that_is_none_is_named(vkey: str, tmp_path: Path) -> None:
    story = HONEST.copy()
    story.vkey = vkey
    assert heads_fault(story, tmp_path) == ["checkpoint: the vkey is not an Ed25519 key in C2SP's form"]


def test_many_faults_are_cut_after_twenty(tmp_path: Path) -> None:
    story = HONEST.copy()
    story.lines += [b"{}"] * 30
    status, lines = recount(tmp_path, story.signed().contents(), "--key", VKEY)
    assert (status, len(lines), lines[-1]) == (1, 21, "and 10 more")


def test_a_file_that_cannot_be_read_is_one_line_and_exit_2(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    bundle.write(good, HONEST.contents())
    whole = good.read_bytes()
    damaged = bytearray(whole)
    damaged[60:70] = bytes(10)
    wrong = [b"", b"hello", whole[: len(whole) // 2], bytes(damaged)]
    for content in wrong:
        bad.write_bytes(content)
        status, lines = run(str(bad))
        assert (status, len(lines)) == (2, 1)
    assert run(str(tmp_path / "none.zip"))[0] == 2
    for option in ("--old", "--receipt"):
        assert run(str(good), option, str(tmp_path / "none"))[0] == 2
        for content in (b"", b"\xff", b"[]", b"{}", b'{"by_epoch": -1}', b'{"by_epoch": "1"}', b"[" * 100_000):
            bad.write_bytes(content)
            status, lines = run(str(good), option, str(bad))
            assert (status, len(lines)) in {(2, 1), (1, 1)}
    assert run()[0] == 2
    assert run("--help")[0] == 0


def receipt(signed: Signed, by_epoch: int, key: Ed25519PrivateKey = LEDGER_KEY) -> str:
    """What a signer keeps."""
    promise = checkpoint.sign_promise(key, CID, signed.leaf, by_epoch)
    told = {"entry": signed.entry.line().decode(), "promise": b64u(promise), "by_epoch": by_epoch}
    return json.dumps({"campaign": CID.hex(), "origin": ORIGIN, "w0": b64u(signed.w0)} | told)


def test_a_receipt_is_found_with_what_became_of_it(tmp_path: Path) -> None:
    kept = tmp_path / "receipt.json"
    for signed, entry, state in ((FIRST[3], 4, "counted"), (FIRST[0], 1, "withdrawn"), (FIRST[2], 3, "fraud")):
        kept.write_text(receipt(signed, 1))
        status, lines = recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept))
        assert (status, lines[-1]) == (0, f"receipt {kept}: entry {entry}, {state}")


def test_a_receipt_whose_batch_is_still_to_come_is_no_fault_and_an_overdue_one_is(tmp_path: Path) -> None:
    kept = tmp_path / "receipt.json"
    kept.write_text(receipt(SPARE, 3))
    status, lines = recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept))
    assert (status, lines[-1]) == (0, f"receipt {kept}: is promised for batch 3; the log ends with batch 2")
    kept.write_text(receipt(SPARE, 2))
    assert recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept)) == (
        1,
        [f"receipt {kept}: was promised for batch 2, and is not in the log"],
    )


def test_a_promise_for_the_next_batch_is_open_until_the_close_whoever_rounded_its_number(tmp_path: Path) -> None:
    kept, still_open = tmp_path / "receipt.json", HONEST.copy()
    still_open.lines = HONEST.lines[:-1]
    text = receipt(SPARE, checkpoint.NEXT_BATCH)
    rounded = text.replace("18446744073709551615", "18446744073709552000")
    assert rounded != text
    for written in (text, rounded):
        kept.write_text(written)
        status, lines = recount(tmp_path, still_open.signed().contents(), "--key", VKEY, "--receipt", str(kept))
        waits = "is promised for the next batch with enough signatures; the log ends with batch 2"
        assert (status, lines[-1]) == (0, f"receipt {kept}: {waits}")
        assert recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept)) == (
            1,
            [f"receipt {kept}: was promised for the next batch with enough signatures, and is not in the log"],
        )


def test_a_receipt_whose_promise_is_not_the_ledgers_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "receipt.json"
    kept.write_text(receipt(FIRST[3], 1, Ed25519PrivateKey.generate()))
    assert recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept)) == (
        1,
        [f"receipt {kept}: its promise was not signed by the ledger's key"],
    )


def test_a_receipt_whose_entry_is_of_another_secret_is_named(tmp_path: Path) -> None:
    kept, text = tmp_path / "receipt.json", receipt(FIRST[3], 1)
    for w0 in (SPARE.w0, FIRST[3].value(8)[:31], b""):
        kept.write_text(json.dumps({**json.loads(text), "w0": b64u(w0)}))
        status, lines = recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept))
        assert (status, lines) == (1, [f"receipt {kept}: its entry is not of its secret w0"])
    without = {name: value for name, value in json.loads(text).items() if name != "w0"}
    kept.write_text(json.dumps(without))
    assert recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept))[0] == 0


def test_a_receipt_of_something_that_is_no_signature_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "receipt.json"
    for line, fault in ((HONEST.lines[5], "its entry is not a signature"), (b"not an entry", MALFORMED)):
        promise = checkpoint.sign_promise(LEDGER_KEY, CID, merkle.leaf_hash(line), 9)
        kept.write_text(json.dumps({"entry": line.decode(), "promise": b64u(promise), "by_epoch": 9}))
        status, lines = recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept))
        assert (status, lines) == (1, [f"receipt {kept}: {fault}"])


def test_a_log_cut_in_the_middle_of_a_line_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log.jsonl", b"\n".join(HONEST.lines)[:-5])
        for name in ("bodies.jsonl", "checkpoint", "vkey"):
            archive.writestr(name, b"")
    assert run(str(path)) == (2, ["cannot read: log.jsonl has a line that is cut off or too long"])


def test_a_bundle_with_two_files_of_one_name_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    bundle.write(path, HONEST.contents())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("log.jsonl", b"")
    assert run(str(path)) == (
        2,
        ["cannot read: it holds two files of one name, or one that is packed in an unusual way"],
    )


def test_the_rules_read_a_ledger_that_is_in_no_file() -> None:
    bodies = [body.line() for body in HONEST.bodies]
    report = script.verify(script.Bundle(HONEST.lines, bodies, HONEST.head, VKEY, LETTERS), VKEY)
    assert (report.faults, report.counted, report.size) == ([], 4, 15)
    assert report.root() == merkle.root_of(map(merkle.leaf_hash, HONEST.lines))
    assert report.ended() == {"withdrawn": 1, "duplicate": 1, "fraud": 1}


def test_a_bundle_packed_in_an_unusual_way_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name in ("log.jsonl", "bodies.jsonl", "checkpoint", "vkey"):
            archive.writestr(name, b"")
    assert run(str(path))[0] == 2


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
resource.setrlimit(resource.RLIMIT_AS, (160 << 20, 160 << 20))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_limited(path: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run the script with ten seconds of processor time and 160 MB of addresses. An honest ledger of ten takes 0.3 s and 40 MB."""
    command = [sys.executable, "-I", "-S", "-c", LIMITED, str(SCRIPT), str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, (done.stdout + done.stderr).splitlines()


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """A bundle of the honest ledger with other members."""
    honest = {
        "log.jsonl": b"\n".join(HONEST.lines) + b"\n", "bodies.jsonl": b"", "checkpoint": HONEST.head.encode(),
        "vkey": VKEY.encode(), **{f"letter.{lang}.md": text for lang, text in LETTERS.items()},
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (honest | members).items():
            archive.writestr(name, content)
    return path


def quiet_epochs() -> bytes:
    entries = (EpochEntry(n, DAYS[2], {"g1": {"work_email": 6, "invitation": 1}}).line() for n in range(3, 60_000))
    return b"\n".join([*HONEST.lines[:-1], *entries, CloseEntry(DAYS[3]).line()]) + b"\n"


NOISE = {f"letter.{first}{second}.md": bytes(3_900_000) for first in "abcdefgh" for second in "abcdefgh"}
BOMBS: dict[str, tuple[dict[str, bytes], int, str]] = {
    "empty entries": ({"log.jsonl": b"\n" * 3_000_000}, 1, "and 980 more; reading stopped there"),
    "empty bodies": ({"bodies.jsonl": b"\n" * 3_000_000}, 1, "and 980 more; reading stopped there"),
    "the same entry": ({"log.jsonl": (HONEST.lines[4] + b"\n") * 100_000}, 2, "unusually tight"),
    "a hundred million empty entries": ({"log.jsonl": b"\n" * 100_000_000}, 2, "unusually tight"),
    "a hundred million empty bodies": ({"bodies.jsonl": b"\n" * 100_000_000}, 2, "unusually tight"),
    "long entries": ({"log.jsonl": (b"x" * 65_000 + b"\n") * 61}, 1, "malformed"),
    "an endless entry": ({"log.jsonl": b"x" * 3_900_000}, 2, "cut off or too long"),
    "deep entries": ({"log.jsonl": (b"[" * 65_000 + b"\n") * 61}, 1, "malformed"),
    "bodies that nearly match": ({"bodies.jsonl": (b'{"body":{"comment":"' + b'\\"' * 32_000 + b"\n") * 61}, 1, "malformed"),
    "entries that nearly match": ({"log.jsonl": (b'{"demands":[' + b'"a",' * 16_000 + b"\n") * 61}, 1, "malformed"),
    "many letters": (NOISE, 2, "too long"),
    "a long checkpoint": ({"checkpoint": b"\xe2\x80\x94 a a\n" * 400_000}, 2, "too long"),
    "a long key": ({"vkey": b"a" * 3_900_000}, 2, "too long"),
    "many files": ({f"more/{number}": b"" for number in range(20_000)}, 2, "files"),
    "epochs without a signature": ({"log.jsonl": quiet_epochs()}, 1, "checkpoint: covers 15 entries"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bundle_made_to_be_slow_or_large_takes_little_time_and_memory(bomb: str, tmp_path: Path) -> None:
    members, code, said = BOMBS[bomb]
    status, lines = run_limited(packed(tmp_path / "bundle.zip", members), "--key", VKEY)
    assert (status, any(said in line for line in lines), len(lines) <= 21) == (code, True, True), lines


def test_an_honest_bundle_of_long_texts_is_not_taken_for_one(tmp_path: Path) -> None:
    story = HONEST.copy()
    letters = {lang: (f"# {lang}\n" + "The same line again.\n" * 150_000).encode() for lang in LETTERS}
    story.letters = letters
    opening = replace(CAMPAIGN, letter={lang: sha256(letters[lang]).digest() for lang in ("en", "fr")})
    story.lines[0] = opening.line()
    story.lines[6] = TranslationEntry("de", sha256(letters["de"]).digest()).line()
    assert recount(tmp_path, story.signed().contents(), "--key", VKEY)[0] == 0


def test_nothing_of_a_bundle_or_receipt_controls_the_terminal(tmp_path: Path) -> None:
    kept = tmp_path / "receipt\x1b]0;owned\x07.json"
    kept.write_text(receipt(SPARE, 2))
    status, lines = recount(tmp_path, HONEST.contents(), "--key", VKEY, "--receipt", str(kept))
    assert (status, "\\x1b]0;owned\\x07" in lines[0], "\x1b" in lines[0]) == (1, True, False)
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\x1b]0;owned\x07", b"")
    assert run(str(path)) == (2, ["cannot read: \"There is no item named 'checkpoint' in the archive\""])
    assert script.plain("a\x1b\x9b\u202e\ud800\u00a0é") == "a\\x1b\\x9b\\u202e\\ud800\u00a0é"


class Walked(dict[int, str]):
    """Counts how often it is gone through."""

    walks = 0

    def keys(self):  # type: ignore[no-untyped-def]
        self.walks += 1
        return super().keys()

    def __iter__(self):  # type: ignore[no-untyped-def]
        self.walks += 1
        return super().__iter__()


def test_a_ledger_is_gone_through_once_to_be_summed_up_and_not_once_for_each_signature() -> None:
    report = script.Recount()
    report.commitments = Walked.fromkeys(range(1, 1_001), "")
    report.shown = dict.fromkeys(range(1, 901), "name")
    report.gone = dict.fromkeys(range(500, 510), "withdrawn")
    assert report.visible() == {"name": 890, "role": 0, "anonymous": 0, "undisclosed": 100}
    assert report.commitments.walks == 1


def test_the_script_needs_python_3_9_and_its_standard_library_only() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 9))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert imported <= sys.stdlib_module_names


def test_its_ed25519_agrees_with_the_library() -> None:
    for n in range(8):
        key = Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)
        public, message = checkpoint.public_bytes(key), bytes(n)
        signature = key.sign(message)
        assert script.ed25519_fits(public, message, signature)
        assert not script.ed25519_fits(public, message + b".", signature)
        assert not script.ed25519_fits(public, message, signature[:-1] + bytes([signature[-1] ^ 1]))
        assert not script.ed25519_fits(public, message, bytes([signature[0] ^ 1]) + signature[1:])
        larger = int.from_bytes(signature[32:], "little") + script.L
        assert not script.ed25519_fits(public, message, signature[:32] + larger.to_bytes(32, "little"))
    assert not script.ed25519_fits(b"\xff" * 32, b"", bytes(64))
    assert not script.ed25519_fits(public, message, signature[:63])


def test_its_rsa_pss_agrees_with_the_library() -> None:
    prepared = SPARE.entry.prefix + passes.pass_message(CID, SPARE.entry.secret_hash)
    signature, modulus = SPARE.entry.signature, int(ISSUER.n)
    assert script.pss_fits(modulus, prepared, signature)
    assert not script.pss_fits(modulus, prepared + b".", signature)
    assert not script.pss_fits(int(STRANGER.n), prepared, signature)
    for at in range(0, 256, 15):
        changed = bytearray(signature)
        changed[at] ^= 1
        assert not script.pss_fits(modulus, prepared, bytes(changed))
    assert not script.pss_fits(
        modulus, prepared, (int.from_bytes(signature, "big") + modulus).to_bytes(257, "big")[-256:]
    )
