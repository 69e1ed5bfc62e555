"""docs/protocol.md says what the code does: its test vectors, its labels, its example lines, and the sections cited elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import Pass
from petition.campaigns import LEAST_BATCH
from petition.campaigns.drafts import Draft
from petition.config.addresses import PROJECT
from petition.core import redis_store
from petition.core.encoding import b64u, canonical_json, unb64u
from petition.epochs.slots import ACTS_EVERY
from petition.ledger import checkpoint, entries, merkle, verify
from petition.ledger.entries import Body, Visibility
from petition.privacy import code_of_day, identity_tag, long_code_of_day, tags
from petition.verification import work_email

DOCUMENT = (PROJECT / "docs/protocol.md").read_text()
LETTER = b"# Open letter\n\nWe ask for one thing.\n"
SIDES = ("blindsign", "ledger", "verification", "signatures", "epochs")
INTERNAL_TAGS = {"petition/subscriber/v1", "petition/suppression/v1"}
"""Labels beside those of the protocol in `petition/privacy/tags.py`: they belong to mail."""


def section(number: str) -> str:
    """The text of a section without its subsections' neighbours."""
    found = re.search(rf"^#+ {re.escape(number)}\.? .*?(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/protocol.md has no section {number}"
    return found[0]


def block(number: str, kind: str, nth: int = 0) -> str:
    """One fenced block of a section, as it is written."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", section(number), re.MULTILINE | re.DOTALL)[nth]


def vector(number: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(block(number, "json"))
    return values


def raw(value: str) -> bytes:
    return unb64u(value, len(value) * 3 // 4)


def lines() -> list[bytes]:
    return block("8.4", "jsonl").encode().splitlines()


def leaves() -> list[bytes]:
    return [merkle.leaf_hash(line) for line in lines()]


def issuer(held: dict[str, Any]) -> rsabssa.PrivateKey:
    """The key of 8.1, from its two primes."""
    p, q = (int.from_bytes(raw(held[name])) for name in ("issuer_p", "issuer_q"))
    d = rsa.rsa_recover_private_exponent(rsabssa.EXPONENT, p, q)
    parts = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsabssa.PrivateKey(*map(rsabssa.mpz, (p * q, rsabssa.EXPONENT, p, q, *parts)))


def ledger_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(raw(vector("8.4")["seed"]))


def test_a_pass_is_made_as_the_vector_says() -> None:
    held = vector("8.1")
    key, cid = issuer(held), bytes.fromhex(held["id"])
    drawn = iter([raw(held[name]) for name in ("w0", "r", "pss_salt", "factor")])
    blinding = passes.begin(key.public, cid, lambda _length: next(drawn))
    stamp = rsabssa.blind_sign(key, blinding.blinded)
    kept = passes.complete(blinding, stamp)
    made = kept.held
    assert (
        held
        | {
            "issuer": b64u(rsabssa.spki(key.public)),
            "w7": b64u(passes.reveal(kept.w0, 1)),
            "w8": b64u(passes.reveal(kept.w0, 0)),
            "hw": b64u(made.hw),
            "message": passes.pass_message(cid, made.hw).hex(),
            "blinded": b64u(blinding.blinded),
            "stamp": b64u(stamp),
            "signature": b64u(made.sig),
            "pass": made.encode(),
            "kept": kept.encode(),
        }
        == held
    )
    assert passes.check(key.public, cid, Pass.decode(held["pass"]))


def test_tag_and_code_are_made_as_the_vector_says() -> None:
    held = vector("8.2")
    pepper = raw(held["pepper"])
    assert b64u(identity_tag(pepper, bytes.fromhex(held["id"]), held["address"])) == held["tag"]
    assert code_of_day(pepper, date.fromisoformat(held["day"]), held["address"]) == held["code"]
    assert long_code_of_day(pepper, date.fromisoformat(held["day"]), held["address"]) == held["long_code"]


def test_body_and_entry_are_written_as_the_vector_says() -> None:
    held, made = vector("8.3"), Pass.decode(vector("8.1")["pass"])
    body = Body(**(held["body"] | {"show": Visibility(held["body"]["show"])}))
    c = entries.commitment(raw(held["salt"]), body)
    line = entries.SignEntry(c, made.hw, made.r, made.sig).line()
    assert (body.canonical().decode(), b64u(c), line.decode()) == (held["canonical"], held["c"], held["entry"])
    assert b64u(merkle.leaf_hash(line)) == held["leaf"]


def test_the_ledger_of_the_document_passes_every_rule_of_the_verifier() -> None:
    bodies = block("8.4", "jsonl", 1).encode().splitlines()
    note, vkey = block("8.4", "text"), vector("8.4")["vkey"]
    recount = verify.verify(verify.Bundle(lines(), bodies, note, vkey, {"en": LETTER}), vkey)
    assert recount.faults == []
    assert (recount.counted, recount.visible()["name"], recount.ended()) == (1, 1, {"withdrawn": 1})
    assert (recount.size, recount.issued) == (8, {"g1": {"work_email": 2}})
    assert [entries.parse(line).line() for line in lines()] == lines()
    assert f"`{recount.keys}`" in section("8.4")


def test_roots_checkpoint_and_key_are_those_of_the_vector() -> None:
    held, key = vector("8.4"), ledger_key()
    origin = held["vkey"].partition("+")[0]
    public = checkpoint.public_bytes(key)
    assert (b64u(public), checkpoint.vkey(origin, public)) == (held["public"], held["vkey"])
    assert [b64u(merkle.root_of(leaves()[:size])) for size in range(9)] == held["roots"]
    assert checkpoint.sign(origin, 8, merkle.root_of(leaves()), key) == block("8.4", "text")


def test_proofs_are_those_of_the_vector() -> None:
    held, tree = vector("8.5"), merkle.Tree(0, lambda _level, _index: b"")
    tree.append(leaves())
    assert [b64u(each) for each in tree.inclusion_proof(held["index"], held["size"])] == held["inclusion"]
    assert [b64u(each) for each in tree.consistency_proof(held["old"], held["new"])] == held["consistency"]


def test_the_promise_is_that_of_the_vector() -> None:
    held = vector("8.6")
    promise = checkpoint.sign_promise(ledger_key(), bytes.fromhex(held["id"]), raw(held["leaf"]), held["by_epoch"])
    assert (b64u(promise), held["by_epoch"]) == (held["promise"], checkpoint.NEXT_BATCH)
    assert held["leaf"] == vector("8.3")["leaf"]


def test_the_example_lines_are_the_entries_that_the_format_has() -> None:
    filled = block("5.2", "jsonl")
    for length in (32, 256, 294):
        filled = filled.replace(f"<b64u, {length} bytes>", b64u(bytes(length)))
    for length in (32, 64):
        filled = filled.replace(f"<{length} hex>", "0" * length)
    examples = filled.replace("<day>", "2026-03-02").encode().splitlines()
    kinds = [json.loads(line)["t"] for line in examples]
    assert [entries.parse(line).line() for line in examples] == examples
    assert [verify.parse(line, verify.ENTRY)["t"] for line in examples] == kinds
    assert sorted(kinds) == sorted(entries._READERS)


@pytest.mark.parametrize("character", [chr(n) for n in range(32)] + list('"\\/\x7fé\u2028'))
def test_strings_escape_what_the_document_says_and_nothing_else(character: str) -> None:
    short = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}
    expected = short.get(character) or (f"\\u{ord(character):04x}" if character < " " else character)
    assert canonical_json(character).decode() == f'"{expected}"'


def test_the_labels_of_the_document_are_the_labels_of_the_code() -> None:
    code = [path for side in SIDES for path in (PROJECT / "petition" / side).glob("*.py")]
    texts = [path.read_text() for path in (*code, PROJECT / "petition/privacy/tags.py")]
    used = {label for text in texts for label in re.findall(r'b"(petition/[a-z-]+/v[0-9]+)\\0"', text)}
    listed = re.findall(r"^\| `(petition/[a-z-]+/v[0-9]+)` \| .* \| §([0-9.]+) \|$", section("2.2"), re.MULTILINE)
    assert {label for label, _ in listed} == used - INTERNAL_TAGS
    assert [label for label, number in listed if f'"{label}\\0"' not in section(number)] == []


def test_the_letter_of_the_ledger_is_the_one_that_is_described() -> None:
    assert json.loads(lines()[0])["letter"] == {"en": hashlib.sha256(LETTER).hexdigest()}
    for line in LETTER.decode().split("\n\n"):
        assert f"`{line.strip()}`" in section("8.4")


def test_the_figures_of_the_document_are_the_codes() -> None:
    default = {field.name: field.default for field in fields(Draft)}
    sentences = [
        f"The first word below {tags.FAIR:,} counts",
        f"Redis keeps for {work_email.CODE_LIFE // 60} minutes",
        f"the code of {work_email.AFTER_MIDNIGHT // 60} minutes ago",
        f"At most {work_email.MAILS_A_DAY} mails an address and day",
        f"From {redis_store.SHORT_GUESSES} on, no code of eight digits is compared",
        f"At most {redis_store.MAILS_UNPROVEN} challenges a network and hour, or {redis_store.MAILS_PROVEN} if",
        f"({default['batch_min']} by default; outside production it may be 1, a letter opened in production has {LEAST_BATCH} at least)",
        f"`batch.interval` in seconds ({default['interval']:,} by default)",
        f"Below `public_min` signatures ({default['public_min']} by default)",
        f"A line has at most {entries.LONGEST_LINE:,} bytes",
        f"{passes.RAW_LENGTH} bytes, {passes.TEXT_LENGTH} characters",
        f"always {entries.ISSUER_LENGTH} bytes",
        f"are written once in {ACTS_EVERY.days} days",
    ]
    text = " ".join(DOCUMENT.split())
    assert [sentence for sentence in sentences if sentence not in text] == []


def cited_in(folder: str) -> dict[str, str]:
    """Every text of a folder that may cite a document, by its path."""
    kinds = {".py", ".js", ".html"}
    found = [
        path
        for path in (PROJECT / folder).rglob("*")
        if path.suffix in kinds and path.name != "test_protocol_document.py"
    ]
    return {str(path.relative_to(PROJECT)): path.read_text() for path in found}


def headings() -> set[str]:
    return set(re.findall(r"^#+ ([0-9]+(?:\.[0-9]+)?)\.? ", DOCUMENT, re.MULTILINE))


@pytest.mark.parametrize("folder", ["petition", "workers", "seeds", "tests", "templates"])
def test_code_cites_the_document_by_its_place_and_by_sections_that_it_has(folder: str) -> None:
    texts = cited_in(folder)
    bare = [path for path, text in texts.items() if re.search(r"(?<!docs/)\b(?:protocol|api|promises)\.md", text)]
    cited = {number for text in texts.values() for number in re.findall(r"docs/protocol\.md §([0-9.]*[0-9])", text)}
    assert (bare, cited - headings()) == ([], set())


def test_the_document_cites_sections_of_its_own_that_it_has() -> None:
    own = re.sub(r"RFC [0-9]+ §[0-9.]+|\(§2\.1\.[34]\)", "", DOCUMENT)
    assert set(re.findall(r"§([0-9.]*[0-9])", own)) - headings() == set()
