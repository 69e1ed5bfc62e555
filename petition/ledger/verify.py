#!/usr/bin/env python3
"""Recount a campaign's signatures from its bundle: offline, with Python 3.9 or later and nothing else.

    python3 verify.py bundle.zip [--key VKEY] [--old CHECKPOINT ...] [--receipt RECEIPT ...]

The key is the ledger's as you got it elsewhere: from another person, in print, in an earlier bundle. An old checkpoint
is a head of the same ledger that somebody kept; the log must begin with the entries that it covers. A receipt is a
signer's. Its signature must be in the log unless its promised batch is still to come: the next batch that has enough
signatures, and at the latest the last one, before the close.

The program prints the figures and exits with 0, or prints the faults and exits with 1. It exits with 2 when it cannot
read a file.

This program protects the count. It trusts two keys only: the issuer's, which stamped one pass, blindly, for each
verified person (RSA-PSS, RFC 9474), and the ledger's, which signed its head (Ed25519). It shares no code with the site.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bundle:
    """What is verified: lines without newlines, the signed head, the ledger's key, letters by language."""

    lines: Iterable[bytes]
    bodies: Iterable[bytes]
    checkpoint: str
    vkey: str
    letters: Mapping[str, bytes]


def verify(
    bundle: Bundle,
    vkey: str | None = None,
    old: Mapping[str, str] | None = None,
    receipts: Mapping[str, str] | None = None,
) -> Recount:
    """Check every rule.

    Key, old checkpoints and receipts (by name) come from elsewhere. No faults means all rules hold.
    """
    recount = Recount()
    held = {name: read_receipt(text) for name, text in (receipts or {}).items()}
    recount.vkey = bundle.vkey
    recount.sought = {leaf_of(receipt): -1 for receipt in held.values()}
    try:
        recount.compare(bundle, vkey, old or {}, held)
    except TooManyFaults:
        recount.stopped = True
    return recount


# --- Formats: every value has one valid encoding -------------------------------------------------------------------

HEX32, INT, DAY = '"[0-9a-f]{64}"', "(0|[1-9][0-9]{0,14})", '"[0-9]{4}-[0-9]{2}-[0-9]{2}"'
B32, B256 = '"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"', '"[A-Za-z0-9_-]{341}[AQgw]"'  # base64url whose spare bits are zero
LANG, METHOD, TEXT = '"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"', '"[a-z][a-z0-9_]{0,31}"', r'"[^"\\]*(\\.[^"\\]*)*"'
GROUP = '"g[1-9][0-9]{0,2}"'
DEMANDS, ISSUED = r'("[A-Za-z0-9_-]{1,64}",?)*', f'"issued":{{({GROUP}:{{({METHOD}:{INT},?)*}},?)*}}'
LETTERS, ISSUER = f'"letter":{{({LANG}:{HEX32},?)+}}', '"issuer":"[A-Za-z0-9_-]{392}"'
GROUPS = rf'"groups":\[({{"id":{GROUP},{ISSUER},"name":{{({LANG}:{TEXT},?)+}}}},?)+\]'
OPENED = rf'"opened":{DAY},"origin":"[!#-*,-\[\]-~]+"'
ENTRIES = (
    rf'"demands":\[{DEMANDS}\],{GROUPS},"id":"[0-9a-f]{{32}}","k":{INT},{LETTERS},{OPENED},"t":"campaign","v":2',
    rf'"c":{B32},"d":\[("\*"|{DEMANDS})\],"g":{GROUP},"r":{B32},"s":{B256},"t":"sign","v":2,"w":{B32}',
    rf'"i":{INT},"p":{B32},"t":"withdraw","v":2',
    rf'"c":{B32},"i":{INT},"p":{B32},"t":"amend","v":2',
    rf'"i":{INT},"t":"remove","v":2,"why":"(duplicate|fraud|legal|request)"',
    rf'"lang":{LANG},"letter":{HEX32},"t":"translation","v":2',
    rf'"day":{DAY},{ISSUED},"n":{INT},"t":"epoch","v":2',
    rf'"day":{DAY},"t":"close","v":2',
)
ENTRY = re.compile("{(" + "|".join(ENTRIES) + ")}")
SHOWN = f'"comment":{TEXT},"name":{TEXT},"role":{TEXT},"show":"(name|role|anonymous)","team":{TEXT}'
BODY = re.compile(f'{{"body":{{{SHOWN}}},"i":{INT},"salt":{B32}}}')
VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")
CHECKPOINT = re.compile(
    "(?P<text>(?P<origin>[^ \n]+)\n(?P<size>0|[1-9][0-9]{0,14})\n(?P<root>[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\n)"
    "\n(?P<signatures>(\u2014 [^ \n]+ [A-Za-z0-9+/]+=*\n)+)"
)
CHAIN = 9  # values of a signer's secret chain: the last one is revealed first
NEXT_BATCH = 2**64 - 1  # by_epoch of a promise for the next batch with enough signatures, at the latest at the close
MOST_FAULTS = 1000
LONGEST_HEAD = 65_536  # bytes of a checkpoint, and of a key
Receipts = Mapping[str, Mapping[str, Any]]
ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def parse(line: bytes, form: re.Pattern[str]) -> dict[str, Any]:
    """Returns the object in a line of this form, with sorted unique keys and without needless spaces or escapes."""
    try:
        text = line.decode()
        value: dict[str, Any] = json.loads(text) if form.fullmatch(text) else {}
        if value and ENCODE(value) == text:
            return value
    except ValueError:  # not UTF-8, or not JSON
        pass
    raise ValueError("malformed: not what the format allows, in its one legal spelling")


def read_checkpoint(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Returns origin, size and root of a head that the ledger's key signed (C2SP tlog-checkpoint, signed-note)."""
    name, key_hash, key = read_vkey(vkey)
    head = CHECKPOINT.fullmatch(note)
    if not head or head["origin"] != name:
        raise ValueError("is not a checkpoint, or its origin is not the name of the vkey")
    lines = [line.split(" ") for line in head["signatures"].splitlines()]
    raw = [base64.b64decode(signature + "==") for _, signer, signature in lines if signer == name]
    ours = [signature[4:] for signature in raw if signature[:4] == key_hash]
    if len(ours) != 1 or not ed25519_fits(key, head["text"].encode(), ours[0]):
        raise ValueError("was not signed by the ledger's key")
    return head["origin"], int(head["size"]), base64.b64decode(head["root"])


def read_vkey(vkey: str) -> tuple[str, bytes, bytes]:
    """Returns name, key hash and raw key of C2SP's `name+hex8+base64`."""
    parts = VKEY.fullmatch(vkey)
    name, key_hash, key = parts.groups() if parts else ("", "", "")
    typed = base64.b64decode(key)
    if typed[:1] != b"\1" or sha256(name.encode() + b"\n" + typed).hex()[:8] != key_hash:
        raise ValueError("the vkey is not an Ed25519 key in C2SP's form")
    return name, bytes.fromhex(key_hash), typed[1:]


def read_receipt(text: str) -> dict[str, Any]:
    """Parse a receipt as the site or sign.py writes it. `w0`, the signer's secret, may be missing."""
    receipt = json.loads(text)
    if not isinstance(receipt, dict) or not isinstance(receipt.get("by_epoch"), int) or receipt["by_epoch"] < 0:
        raise ValueError("a file given as a receipt is none")
    due = min(receipt["by_epoch"], NEXT_BATCH)  # programs that store numbers as floating point round it up
    texts = {name: str(receipt[name]) for name in ("entry", "promise", "w0") if name != "w0" or "w0" in receipt}
    return {**texts, "by_epoch": due}


def secret_fits(receipt: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether the entry of a receipt is of the receipt's own secret, where it has one."""
    value = b64u(receipt["w0"]) if "w0" in receipt else None
    for _ in range(CHAIN - 1):
        value = value and sha256(b"petition/step/v2\0" + value)
    return value is None or sha256(b"petition/withdraw/v1\0" + value) == b64u(entry["w"])


def fingerprint(cid: str, vkey: str, issuers: Sequence[str]) -> str:
    """Returns what sign.py prints of the keys that it sees: 40 hexadecimal digits of a hash."""
    hashed = sha256(b"petition/keys/v1\0" + bytes.fromhex(cid) + "\n".join([vkey, *issuers]).encode()).hex()
    return " ".join(hashed[at : at + 4] for at in range(0, 40, 4))


def leaf_of(receipt: Mapping[str, Any]) -> bytes:
    return sha256(b"\0" + receipt["entry"].encode())


def b64u(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# --- Rules: the log is read from its first entry to its last -------------------------------------------------------


class TooManyFaults(Exception):
    """So many faults were found that reading on would tell nobody more."""


class Recount:
    """The state of the rules from one entry to the next; at the end, the figures and a sentence for every fault."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.stopped = False  # after so many faults
        self.where, self.size, self.leaf = "", 0, b""
        self.vkey, self.keys = "", ""  # the ledger's key; the fingerprint of it and the issuers'
        self.peaks: list[bytes] = []  # of the Merkle tree, RFC 9162 section 2.1
        self.roots: dict[int, bytes] = {}  # at the sizes that checkpoints cover
        self.heads: dict[str, tuple[str, int, bytes]] = {}
        self.cid, self.origin, self.k, self.demands = b"", "", 1, set[str]()
        self.letters: dict[str, str] = {}
        self.epoch, self.day, self.closed = 0, "", False
        self.issuers: dict[str, int] = {}  # group: modulus of the key that stamps its passes
        self.issued: dict[str, dict[str, int]] = {}  # group: method: passes
        self.signed: Counter[str] = Counter()  # group: signatures
        self.new: Counter[str] = Counter()  # group: signatures of the open epoch
        self.small: dict[str, int] = {}  # group: the epoch that held fewer than k, which must be its last one
        self.place: tuple[Any, ...] = ()  # (part, rank) of the last entry in the open epoch
        self.commitments: dict[int, str] = {}  # index: commitment to the body, as amended last
        self.secrets: dict[int, tuple[str, int]] = {}  # index: hash of the chain, values revealed so far
        self.spent: dict[str, int] = {}  # hash of the chain: index
        self.gone: dict[int, str] = {}  # index: "withdrawn", or why it was removed
        self.shown: dict[int, str] = {}  # index: name, role or anonymous
        self.sought: dict[bytes, int] = {}  # leaf hash of a receipt's entry: index, or -1 until it is found
        self.found: list[str] = []  # the status of the receipts

    def check(self, fine: bool, otherwise: str, where: str = "") -> None:
        if not fine:
            self.faults.append(f"{where or self.where}: {otherwise}")
            if len(self.faults) >= MOST_FAULTS:
                raise TooManyFaults

    def compare(self, bundle: Bundle, vkey: str | None, old: Mapping[str, str], held: Receipts) -> None:
        """Read a bundle from its first line to its last. Raises TooManyFaults."""
        self.check(vkey in (None, bundle.vkey), "the bundle carries another key than the one you gave", "vkey")
        self.read_head("checkpoint", bundle.checkpoint, bundle.vkey)
        for name, note in old.items():
            self.read_head(name, note, bundle.vkey)
        self.read_log(bundle.lines)
        self.read_bodies(bundle.bodies)
        self.compare_letters(bundle.letters)
        self.compare_heads()
        for name, receipt in held.items():
            self.find_receipt(name, receipt, bundle.vkey)

    def read_log(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.where, self.leaf = f"entry {self.size}", sha256(b"\0" + line)
            if self.leaf in self.sought:
                self.sought[self.leaf] = self.size
            try:
                self.read(parse(line, ENTRY))
            except ValueError as error:
                self.check(False, str(error))
            self.grow()
        self.check(self.size > 0, "has no entries", "log.jsonl")
        self.check(not self.place, "the last entries stand in no epoch", "log.jsonl")
        for group, epoch in self.small.items():
            self.check(self.closed, self.too_few(group, epoch), "log.jsonl")

    def read(self, entry: dict[str, Any]) -> None:
        self.check(not self.closed, "stands after the close")
        self.check((entry["t"] == "campaign") == (self.size == 0), "entry 0, and no other, opens the campaign")
        getattr(self, "on_" + entry["t"])(entry)

    def on_campaign(self, entry: dict[str, Any]) -> None:
        if self.size == 0:
            self.cid, self.origin = bytes.fromhex(entry["id"]), entry["origin"]
            self.letters, self.demands = dict(entry["letter"]), set(entry["demands"])
            self.k = entry["k"]
            self.check(len(self.demands) == len(entry["demands"]), "two demands have the same id")
            self.check(self.k > 0, "the least number of a batch is 0")
            self.no_earlier(entry["opened"])
            self.keys = fingerprint(entry["id"], self.vkey, [group["issuer"] for group in entry["groups"]])
            for group in entry["groups"]:
                self.check(group["id"] not in self.issuers, f"two groups are called {group['id']}")
                self.check(all(text.strip() for text in group["name"].values()), f"group {group['id']} has no name")
                modulus = read_issuer(b64u(group["issuer"]))
                self.check(modulus not in self.issuers.values(), "two groups have the same key")
                self.issuers[group["id"]] = modulus

    def on_sign(self, entry: dict[str, Any]) -> None:
        group = entry["g"]
        self.in_order(1, self.leaf, "signatures rise by leaf hash, after what happened to earlier ones")
        known = sorted({*entry["d"]} & self.demands)
        self.check(entry["d"] == ["*"] or entry["d"] == known != [], "signs demands unknown or out of order")
        self.check(not self.issuers or group in self.issuers, f"there is no group {group}")
        message = b64u(entry["r"]) + b"petition/pass/v2\0" + self.cid + b64u(entry["w"])
        stamped = group not in self.issuers or pss_fits(self.issuers[group], message, b64u(entry["s"]))
        self.check(stamped, "no pass: the issuer did not stamp this")
        first = self.spent.setdefault(entry["w"], self.size)
        self.check(first == self.size, f"replayed: entry {first} spent this pass")
        self.commitments[self.size], self.secrets[self.size] = entry["c"], (entry["w"], 0)
        self.new[group] += 1

    def on_withdraw(self, entry: dict[str, Any]) -> None:
        self.end(entry["i"], "withdrawn")
        self.reveal(entry["i"], b64u(entry["p"]))

    def on_amend(self, entry: dict[str, Any]) -> None:
        self.act(entry["i"])
        self.reveal(entry["i"], b64u(entry["p"]))
        if entry["i"] in self.commitments:
            self.commitments[entry["i"]] = entry["c"]

    def on_remove(self, entry: dict[str, Any]) -> None:
        self.end(entry["i"], entry["why"])

    def on_translation(self, entry: dict[str, Any]) -> None:
        self.check(not self.place, "a translation stands inside an epoch")
        self.check(entry["lang"] not in self.letters, "the letter has this language already")
        self.letters.setdefault(entry["lang"], entry["letter"])

    def on_epoch(self, entry: dict[str, Any]) -> None:
        self.check(entry["n"] == self.epoch + 1, f"epoch {entry['n']} follows epoch {self.epoch}")
        self.no_earlier(entry["day"])
        self.check(not self.issuers or {*entry["issued"]} <= {*self.issuers}, "passes were issued to an unknown group")
        for group in sorted({*entry["issued"], *self.issued, *self.new}):
            self.close_group(group, entry["n"], entry["issued"].get(group, {}))
        self.epoch, self.issued, self.place = entry["n"], entry["issued"], ()
        self.new.clear()

    def close_group(self, group: str, epoch: int, issued: dict[str, int]) -> None:
        """Check one group's figures at the end of an epoch."""
        before, new = self.issued.get(group, {}), self.new[group]
        self.signed[group] += new
        signed, passes = self.signed[group], sum(issued.values())
        self.check(all(issued.get(m, 0) >= n for m, n in before.items()), "fewer passes issued than before")
        self.check(new > 0 or issued == before, f"the passes of {group} changed without a signature")
        self.check(signed <= passes, f"minted: {signed} signatures, but only {passes} passes were issued")
        if new:
            self.check(group not in self.small, self.too_few(group, self.small.get(group, 0)))
            self.small.pop(group, None)
        if 0 < new < self.k:
            self.small[group] = epoch

    def too_few(self, group: str, epoch: int) -> str:
        return f"epoch {epoch} holds fewer than {self.k} signatures of {group}, and is not its last before a close"

    def on_close(self, entry: dict[str, Any]) -> None:
        self.check(not self.place, "the close stands inside an epoch")
        self.no_earlier(entry["day"])
        self.closed = True

    def end(self, index: int, how: str) -> None:
        self.act(index)
        if index in self.commitments:
            self.gone.setdefault(index, how)

    def act(self, index: int) -> None:
        """Check that an entry about signature `index` may stand here."""
        self.in_order(0, index, "withdrawals, changes and removals rise by index, before signatures")
        self.check(index in self.commitments, f"there is no signature {index} before it")
        self.check(index not in self.gone, f"entry {index} was withdrawn or removed before")

    def reveal(self, index: int, value: bytes) -> None:
        """Check that a value of the secret chain belongs to signature `index` and lies deeper than earlier ones."""
        hashed, used = self.secrets.get(index, ("", 0))
        for number in range(CHAIN):
            if sha256(b"petition/withdraw/v1\0" + value) == b64u(hashed):
                self.check(number >= used, f"its value was used for entry {index} before")
                self.secrets[index] = hashed, max(used, number + 1)
                return
            value = sha256(b"petition/step/v2\0" + value)
        self.check(False, f"its value is not of entry {index}")

    def in_order(self, part: int, rank: int | bytes, rule: str) -> None:
        self.check(self.place < (part, rank), f"out of order: in an epoch {rule}")
        self.place = (part, rank)

    def no_earlier(self, day: str) -> None:
        date.fromisoformat(day)
        self.check(self.day <= day, f"its day {day} is before {self.day}")
        self.day = max(self.day, day)

    def read_bodies(self, lines: Iterable[bytes]) -> None:
        for row, line in enumerate(lines, 1):
            self.where = f"bodies.jsonl line {row}"
            try:
                self.read_body(**parse(line, BODY))
            except ValueError as error:
                self.check(False, str(error))

    def read_body(self, i: int, salt: str, body: dict[str, str]) -> None:
        self.where = f"body of entry {i}"
        self.check(i > next(reversed(self.shown), 0), "out of order or given twice")
        hashed = sha256(b"petition/body/v2\0" + b64u(salt) + ENCODE(body).encode())
        self.check(hashed == b64u(self.commitments.get(i, "")), "is not the one that was signed")
        self.check(i not in self.gone, "is public although the signature was withdrawn or removed")
        self.shown[i] = body["show"]

    def compare_letters(self, letters: Mapping[str, bytes]) -> None:
        for lang in sorted({*letters, *self.letters}):
            same = lang in letters and sha256(letters[lang]).hex() == self.letters.get(lang)
            self.check(same, "is missing, or not the letter that was signed", f"letter.{lang}.md")

    def read_head(self, where: str, note: str, vkey: str) -> None:
        try:
            self.heads[where] = read_checkpoint(note, vkey)
            self.roots[self.heads[where][1]] = self.root()
        except ValueError as error:
            self.check(False, str(error), where)

    def compare_heads(self) -> None:
        for where, (origin, size, root) in self.heads.items():
            reached = size == self.size if where == "checkpoint" else size <= self.size
            self.check(origin == self.origin, "is of another origin than entry 0", where)
            self.check(reached, f"covers {size} entries, the log has {self.size}", where)
            same = root == self.roots[size] or size > self.size
            self.check(same, f"has another root: the first {size} entries are not the ones it was signed for", where)

    def find_receipt(self, name: str, receipt: Mapping[str, Any], vkey: str) -> None:
        leaf, due = leaf_of(receipt), receipt["by_epoch"]
        promise = b"petition/promise/v2\0" + self.cid + leaf + due.to_bytes(8, "big")
        signed = ed25519_fits(read_vkey(vkey)[2], promise, b64u(receipt["promise"]))
        self.check(signed, "its promise was not signed by the ledger's key", name)
        try:
            entry = parse(receipt["entry"].encode(), ENTRY)
            self.check(entry["t"] == "sign", "its entry is not a signature", name)
            self.check(entry["t"] != "sign" or secret_fits(receipt, entry), "its entry is not of its secret w0", name)
        except ValueError as error:
            self.check(False, str(error), name)
        index = self.sought[leaf]
        batch = "the next batch with enough signatures" if due == NEXT_BATCH else f"batch {due}"
        missed = self.closed if due == NEXT_BATCH else due <= self.epoch
        self.check(index >= 0 or not missed, f"was promised for {batch}, and is not in the log", name)
        later = f"is promised for {batch}; the log ends with batch {self.epoch}"
        state = self.gone.get(index, "counted")
        self.found.append(f"{name}: {later if index < 0 else f'entry {index}, {state}'}")

    def grow(self) -> None:
        node, height = self.leaf, self.size
        while height & 1:
            node, height = sha256(b"\1" + self.peaks.pop() + node), height >> 1
        self.peaks.append(node)
        self.size += 1
        if self.size in self.roots:
            self.roots[self.size] = self.root()

    def root(self) -> bytes:
        node = self.peaks[-1] if self.peaks else sha256(b"")
        for peak in self.peaks[-2::-1]:
            node = sha256(b"\1" + peak + node)
        return node

    @property
    def counted(self) -> int:
        return len(self.commitments) - len(self.gone)

    def visible(self) -> dict[str, int]:
        """Returns the counted signatures by what they show. Those without a public body are undisclosed."""
        counted = self.commitments.keys() - self.gone
        shown = Counter(show for index, show in self.shown.items() if index in counted)
        names = {show: shown[show] for show in ("name", "role", "anonymous")}
        return {**names, "undisclosed": self.counted - sum(names.values())}

    def ended(self) -> dict[str, int]:
        """Returns the signatures that no longer count, by "withdrawn" or the reason of their removal."""
        return dict(Counter(self.gone.values()))


# --- Signatures: RSA-PSS (RFC 8017) and Ed25519 (RFC 8032) -----------------------------------------------------------

SPKI = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")  # an RSA key of 2048 bits
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202, 4 * pow(5, -1, P) % P)


def read_issuer(spki: bytes) -> int:
    """Returns the modulus. The exponent must be 65537."""
    modulus = int.from_bytes(spki[33:289], "big")
    if spki[:33] + spki[289:] != SPKI + bytes.fromhex("0203010001") or modulus.bit_length() != 2048:
        raise ValueError("malformed: the issuer's key is not RSA-2048 with exponent 65537")
    return modulus


def pss_fits(modulus: int, message: bytes, signature: bytes) -> bool:
    """RSASSA-PSS-VERIFY with SHA-384, MGF1-SHA-384 and 48 bytes of salt (sections 8.1.2, 9.1.2, B.2.1)."""
    number = int.from_bytes(signature, "big")
    if not number < modulus:
        return False
    encoded = pow(number, 65537, modulus).to_bytes(256, "big")
    hashed = encoded[207:255]
    mask = b"".join(hashlib.sha384(hashed + bytes((0, 0, 0, i))).digest() for i in range(5))[:207]
    block = int.from_bytes(encoded[:207], "big") ^ int.from_bytes(mask, "big")
    block &= (1 << 8 * 207 - 1) - 1
    salt = (block & (1 << 8 * 48) - 1).to_bytes(48, "big")
    again = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    return encoded[0] < 128 and encoded[255] == 0xBC and block >> 8 * 48 == 1 and again == hashed


def ed25519_fits(key: bytes, message: bytes, signature: bytes) -> bool:
    """Verify (section 5.1.7, without the cofactor): S·B - k·A, encoded, is R."""
    number, point = int.from_bytes(signature[32:], "little"), decode_point(key)
    if len(signature) != 64 or number >= L or point is None:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    x, y = add(times(number, BASE), times(challenge, (-point[0], point[1])))
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def decode_point(data: bytes) -> tuple[int, int] | None:
    """Returns the point with this y and this parity of x (section 5.1.3)."""
    y, odd = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    x = root if root * root % P == square else root * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and odd):
        return None
    return (x if x & 1 == odd else P - x), y


def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
    t = D * p[0] * q[0] * p[1] * q[1]
    x, y = p[0] * q[1] + p[1] * q[0], p[1] * q[1] + p[0] * q[0]
    return x * pow(1 + t, -1, P) % P, y * pow(1 - t, -1, P) % P


def times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    while number:
        total = add(total, point) if number & 1 else total
        point, number = add(point, point), number >> 1
    return total


# --- The file -----------------------------------------------------------------------------------------------------


def open_bundle(archive: zipfile.ZipFile) -> Bundle:
    names = archive.namelist()
    if len(set(names)) < len(names) or any(info.compress_type not in (0, 8) for info in archive.infolist()):
        raise ValueError("it holds two files of one name, or one that is packed in an unusual way")
    found = [name for name in names if re.fullmatch(r"letter\.[A-Za-z0-9-]+\.md", name)]
    require_size(archive, found)
    letters = {name[7:-3]: small(archive, name, 4_000_000) for name in found}
    checkpoint, vkey = (small(archive, name, LONGEST_HEAD).decode() for name in ("checkpoint", "vkey"))
    lines, bodies = (lines_of(archive, name) for name in ("log.jsonl", "bodies.jsonl"))
    return Bundle(lines, bodies, checkpoint, vkey.rstrip("\n"), letters)


def require_size(archive: zipfile.ZipFile, letters: Sequence[str]) -> None:
    """Refuse what is made to fill the reader's memory. Entries are mostly random: they shrink by a quarter or a third."""
    if len(archive.namelist()) > 1000:
        raise ValueError("it holds more than 1000 files")
    for info in archive.infolist():
        if info.file_size > 4_000_000 + 50 * info.compress_size:
            raise ValueError(f"{info.filename} is packed unusually tight")
    if sum(archive.getinfo(name).file_size for name in letters) > 32_000_000:
        raise ValueError("its letters are too long")


def small(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    if archive.getinfo(name).file_size > most:
        raise ValueError(f"{name} is too long")
    return archive.read(name)


def plain(text: str) -> str:
    """Returns a text as it may reach the terminal: what is not printed is written as an escape."""
    shown = (
        c if c.isprintable() or unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode() for c in text
    )
    return "".join(shown)


def lines_of(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as file:
        while line := file.readline(65_537):
            if not line.endswith(b"\n"):
                raise ValueError(f"{name} has a line that is cut off or too long")
            yield line[:-1]


def figures(recount: Recount) -> Iterator[str]:
    """Yields the printed lines: one figure per line, with its parts indented."""
    ended, visible = recount.ended(), recount.visible()
    withdrawn = ended.pop("withdrawn", 0)
    issued: Counter[str] = Counter()
    for methods in recount.issued.values():
        issued.update(methods)
    for name, parts in (("counted", visible), ("removed", ended), ("passes issued", issued)):
        yield f"{name:<16}{sum(parts.values()):>9}"
        yield from (f"  {part:<14}{number:>9}" for part, number in sorted(parts.items()))
    yield f"{'withdrawn':<16}{withdrawn:>9}"
    yield f"{'entries':<16}{recount.size:>9}"
    yield f"{'root':<16}{base64.b64encode(recount.root()).decode()}"
    yield f"{'ledger':<16}{recount.origin}"
    yield f"{'keys':<16}{recount.keys}"


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify.py", description="Recount a campaign's signatures from its bundle.")
    parser.add_argument("bundle", help="bundle.zip as the site serves it")
    parser.add_argument("--key", metavar="VKEY", help="the ledger's key, as you got it elsewhere")
    parser.add_argument("--old", metavar="CHECKPOINT", action="append", default=[], help="a checkpoint that was kept")
    parser.add_argument("--receipt", metavar="RECEIPT", action="append", default=[], help="a signer's receipt")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    given = read_arguments(arguments)
    try:
        old = {f"checkpoint {name}": Path(name).read_bytes().decode() for name in given.old}
        receipts = {f"receipt {name}": Path(name).read_bytes().decode() for name in given.receipt}
        with zipfile.ZipFile(given.bundle) as archive:
            recount = verify(open_bundle(archive), given.key, old, receipts)
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        RecursionError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        print(plain(f"cannot read: {error}"), file=sys.stderr)
        return 2
    faults = recount.faults
    end = "; reading stopped there" if recount.stopped else ""
    more = [f"and {len(faults) - 20} more{end}"] if len(faults) > 20 else []
    for line in [*faults[:20], *more] or [*figures(recount), *recount.found]:
        print(plain(line))
    if not faults and given.key is None:
        print("The key came with the bundle: compare its vkey with one from elsewhere.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
