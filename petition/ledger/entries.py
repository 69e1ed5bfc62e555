"""The entries of the ledger, one line each, and the bodies that they commit to (docs/protocol.md §5).

Every value has exactly one valid encoding, so that an entry, its line and its leaf hash determine one another. The
module raises `EntryMalformed` for unknown types and keys, values out of range and other encodings. Rules that concern
several entries (order, spent passes, issued counts) belong to the ledger and the verifier.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from petition.core.encoding import LARGEST_INTEGER, b64u, canonical_json, unb64u

VERSION = 2
LONGEST_LINE = 65_536
EVERY_DEMAND = ("*",)
ISSUER_LENGTH = 294  # the SubjectPublicKeyInfo of RSA-2048 with exponent 65537

_ORIGIN = re.compile(r"[!#-*,-\[\]-~]+")  # a C2SP key name in ASCII, without characters that JSON escapes
_DEMAND = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_METHOD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_GROUP = re.compile(r"g[1-9][0-9]{0,2}")
GROUP: Final = "g1"
"""The only group of people who may sign. A campaign has one."""


class EntryMalformed(ValueError):
    """A line, or the values for one, that the ledger's format does not allow."""


class Removal(StrEnum):
    """The reason for which organisers removed a signature. Each is counted separately in public."""

    DUPLICATE = "duplicate"
    FRAUD = "fraud"
    LEGAL = "legal"
    REQUEST = "request"


class Visibility(StrEnum):
    """What a signer lets the public see."""

    NAME = "name"
    ROLE = "role"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Body:
    """What a signature shows. The ledger holds only its salted hash, so a body can be deleted."""

    show: Visibility
    name: str = ""
    role: str = ""
    team: str = ""
    comment: str = ""

    def fields(self) -> dict[str, str]:
        """Returns the five strings in the form that bundles and receipts use."""
        return {**vars(self), "show": str(self.show)}

    def canonical(self) -> bytes:
        """Returns the bytes that the commitment covers."""
        return canonical_json(self.fields())


def commitment(salt: bytes, body: Body) -> bytes:
    """Returns the 32 bytes `c` of a sign entry, for a salt of 32 random bytes."""
    return hashlib.sha256(b"petition/body/v2\0" + salt + body.canonical()).digest()


@dataclass(frozen=True)
class Group:
    """People who may sign: the name by language, and the key (SPKI) that stamps their passes."""

    id: str
    name: Mapping[str, str]
    issuer: bytes

    def __post_init__(self) -> None:
        _matches("id", _GROUP, self.id)
        _require(bool(self.name), "The group has no name.")
        for lang, text in self.name.items():
            _matches("name", _LANG, lang)
            _require(isinstance(text, str) and bool(text.strip()), "The group has an empty name.")
        _length("issuer", self.issuer, ISSUER_LENGTH)

    def fields(self) -> dict[str, object]:
        """Returns the object in the line of the campaign."""
        return {"id": self.id, "issuer": b64u(self.issuer), "name": dict(self.name)}


@dataclass(frozen=True)
class CampaignEntry:
    """Entry 0: what is signed (SHA-256 of the letter by language, demand ids), who may sign, and the least batch `k`."""

    id: bytes
    origin: str
    letter: Mapping[str, bytes]
    demands: tuple[str, ...]
    groups: tuple[Group, ...]
    k: int
    opened: date

    def __post_init__(self) -> None:
        _length("id", self.id, 16)
        _matches("origin", _ORIGIN, self.origin)
        _letters(self.letter)
        _unlike("demands", self.demands)
        _within("k", self.k, 1)
        _require(bool(self.groups), "There is no group.")
        for what in ({group.id for group in self.groups}, {group.issuer for group in self.groups}):
            _require(len(what) == len(self.groups), "Two groups have the same id or the same key.")

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        letter = {lang: digest.hex() for lang, digest in self.letter.items()}
        return _line(
            "campaign",
            id=self.id.hex(),
            origin=self.origin,
            letter=letter,
            demands=list(self.demands),
            groups=[group.fields() for group in self.groups],
            k=self.k,
            opened=self.opened.isoformat(),
        )


@dataclass(frozen=True)
class SignEntry:
    """One signature: commitment to its body, demands signed (`*`: all), group, and the pass as (hw, r, signature)."""

    commitment: bytes
    secret_hash: bytes
    prefix: bytes
    signature: bytes
    demands: tuple[str, ...] = EVERY_DEMAND
    group: str = GROUP

    def __post_init__(self) -> None:
        _length("c", self.commitment, 32)
        _length("w", self.secret_hash, 32)
        _length("r", self.prefix, 32)
        _length("s", self.signature, 256)
        _matches("g", _GROUP, self.group)
        if self.demands != EVERY_DEMAND:
            _unlike("d", self.demands)
            _require(sorted(self.demands) == [*self.demands] != [], '"d" must name demands in order.')

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        c, w, r, s = map(b64u, (self.commitment, self.secret_hash, self.prefix, self.signature))
        return _line("sign", c=c, d=list(self.demands), g=self.group, w=w, r=r, s=s)


@dataclass(frozen=True)
class WithdrawEntry:
    """The signer withdrew the signature of entry `index`. `revealed` is the value of the secret chain that proves it."""

    index: int
    revealed: bytes

    def __post_init__(self) -> None:
        _within("i", self.index, 1)
        _length("p", self.revealed, 32)

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        return _line("withdraw", i=self.index, p=b64u(self.revealed))


@dataclass(frozen=True)
class AmendEntry:
    """The signer changed what the signature of entry `index` shows. `commitment` replaces the earlier one."""

    index: int
    commitment: bytes
    revealed: bytes

    def __post_init__(self) -> None:
        _within("i", self.index, 1)
        _length("c", self.commitment, 32)
        _length("p", self.revealed, 32)

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        return _line("amend", i=self.index, c=b64u(self.commitment), p=b64u(self.revealed))


@dataclass(frozen=True)
class RemoveEntry:
    """Organisers removed the signature of entry `index`."""

    index: int
    why: Removal

    def __post_init__(self) -> None:
        _within("i", self.index, 1)

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        return _line("remove", i=self.index, why=str(self.why))


@dataclass(frozen=True)
class TranslationEntry:
    """The letter in a further language, added after the opening."""

    lang: str
    letter: bytes

    def __post_init__(self) -> None:
        _letters({self.lang: self.letter})

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        return _line("translation", lang=self.lang, letter=self.letter.hex())


@dataclass(frozen=True)
class EpochEntry:
    """The end of epoch `number` (from 1), with the passes issued so far by group and method of verification."""

    number: int
    day: date
    issued: Mapping[str, Mapping[str, int]]

    def __post_init__(self) -> None:
        _within("n", self.number, 1)
        for group, methods in self.issued.items():
            _matches("issued", _GROUP, group)
            for method, passes in methods.items():
                _matches("issued", _METHOD, method)
                _within("issued", passes, 0)

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        return _line(
            "epoch",
            n=self.number,
            day=self.day.isoformat(),
            issued={group: dict(methods) for group, methods in self.issued.items()},
        )


@dataclass(frozen=True)
class CloseEntry:
    """The end of the campaign. No entry follows."""

    day: date

    def line(self) -> bytes:
        """Returns the canonical line, without its newline."""
        return _line("close", day=self.day.isoformat())


Act = WithdrawEntry | AmendEntry | RemoveEntry
"""An entry about a signature that stands before it."""
Entry = CampaignEntry | SignEntry | Act | TranslationEntry | EpochEntry | CloseEntry


def parse(line: bytes) -> Entry:
    """Parse one line without its newline. Raises `EntryMalformed` unless it is exactly what `line()` returns."""
    try:
        entry = _read(_object(line))
        same = entry.line() == line
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EntryMalformed(f"Not an entry: {error}") from error
    _require(same, "Not the canonical spelling of an entry.")
    return entry


def _object(line: bytes) -> dict[str, Any]:
    _require(len(line) <= LONGEST_LINE, "The line is too long.")
    fields = json.loads(line.decode())
    _require(isinstance(fields, dict), "The line is not an object.")
    return dict(fields)


def _read(fields: dict[str, Any]) -> Entry:
    """Convert the values by type only. The comparison in `parse` then rejects other keys and encodings."""
    kind = fields["t"]
    _require(isinstance(kind, str) and kind in _READERS, "The type is unknown.")
    return _READERS[kind](fields)


def _read_campaign(fields: dict[str, Any]) -> CampaignEntry:
    return CampaignEntry(
        id=bytes.fromhex(fields["id"]),
        origin=fields["origin"],
        letter={lang: bytes.fromhex(digest) for lang, digest in fields["letter"].items()},
        demands=tuple(fields["demands"]),
        groups=tuple(_read_group(each) for each in fields["groups"]),
        k=fields["k"],
        opened=date.fromisoformat(fields["opened"]),
    )


def _read_group(fields: dict[str, Any]) -> Group:
    return Group(fields["id"], dict(fields["name"]), unb64u(fields["issuer"], ISSUER_LENGTH))


def _read_sign(fields: dict[str, Any]) -> SignEntry:
    c, w, r = (unb64u(fields[key], 32) for key in "cwr")
    return SignEntry(c, w, r, unb64u(fields["s"], 256), tuple(fields["d"]), fields["g"])


def _read_epoch(fields: dict[str, Any]) -> EpochEntry:
    return EpochEntry(fields["n"], date.fromisoformat(fields["day"]), dict(fields["issued"]))


_READERS: dict[str, Callable[[dict[str, Any]], Entry]] = {
    "campaign": _read_campaign,
    "sign": _read_sign,
    "withdraw": lambda fields: WithdrawEntry(fields["i"], unb64u(fields["p"], 32)),
    "amend": lambda fields: AmendEntry(fields["i"], unb64u(fields["c"], 32), unb64u(fields["p"], 32)),
    "remove": lambda fields: RemoveEntry(fields["i"], Removal(fields["why"])),
    "translation": lambda fields: TranslationEntry(fields["lang"], bytes.fromhex(fields["letter"])),
    "epoch": _read_epoch,
    "close": lambda fields: CloseEntry(date.fromisoformat(fields["day"])),
}


def _line(kind: str, **fields: object) -> bytes:
    return canonical_json({"t": kind, "v": VERSION, **fields})


def _require(fine: bool, sentence: str) -> None:
    if not fine:
        raise EntryMalformed(sentence)


def _length(key: str, value: bytes, length: int) -> None:
    _require(len(value) == length, f'"{key}" must have {length} bytes.')


def _within(key: str, value: int, least: int) -> None:
    _require(type(value) is int and least <= value <= LARGEST_INTEGER, f'"{key}" must be an integer from {least} on.')


def _matches(key: str, pattern: re.Pattern[str], value: str) -> None:
    _require(isinstance(value, str) and bool(pattern.fullmatch(value)), f'"{key}" has an illegal value.')


def _unlike(key: str, demands: tuple[str, ...]) -> None:
    for demand in demands:
        _matches(key, _DEMAND, demand)
    _require(len(set(demands)) == len(demands), f'"{key}" names a demand twice.')


def _letters(letter: Mapping[str, bytes]) -> None:
    _require(bool(letter), "There is no letter.")
    for lang, digest in letter.items():
        _matches("letter", _LANG, lang)
        _length("letter", digest, 32)
