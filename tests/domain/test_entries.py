"""Entries of the ledger: one line each, spelled in one way only."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.core.encoding import b64u
from petition.ledger.entries import (
    AmendEntry,
    Body,
    CampaignEntry,
    CloseEntry,
    Entry,
    EntryMalformed,
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

DAY = date(2031, 2, 28)
CAMPAIGN = CampaignEntry(
    bytes(16), "undersigned.example/c/letter", {"en": bytes(32), "fr": b"\1" * 32}, ("d1", "d2"),
    (Group("g1", {"en": "Example", "fr": "Exemple"}, bytes(294)),), 10, DAY,
)  # fmt: skip
SIGN = SignEntry(b"c" * 32, b"w" * 32, b"r" * 32, b"s" * 256)

EXAMPLES: list[tuple[Entry, str]] = [
    (
        CAMPAIGN,
        '{"demands":["d1","d2"],"groups":[{"id":"g1","issuer":"' + "A" * 392
        + '","name":{"en":"Example","fr":"Exemple"}}],"id":"' + "0" * 32 + '","k":10,"letter":{"en":"' + "0" * 64
        + '","fr":"' + "01" * 32 + '"},"opened":"2031-02-28","origin":"undersigned.example/c/letter",'
        + '"t":"campaign","v":2}',
    ),
    (
        SIGN,
        '{"c":"C","d":["*"],"g":"g1","r":"R","s":"S","t":"sign","v":2,"w":"W"}'.replace("C", b64u(b"c" * 32))
        .replace("R", b64u(b"r" * 32)).replace("S", b64u(b"s" * 256)).replace("W", b64u(b"w" * 32)),
    ),
    (WithdrawEntry(7, bytes(32)), '{"i":7,"p":"' + "A" * 43 + '","t":"withdraw","v":2}'),
    (
        AmendEntry(7, bytes(32), b"p" * 32),
        '{"c":"' + "A" * 43 + '","i":7,"p":"' + b64u(b"p" * 32) + '","t":"amend","v":2}',
    ),
    (RemoveEntry(7, Removal.FRAUD), '{"i":7,"t":"remove","v":2,"why":"fraud"}'),
    (TranslationEntry("de", bytes(32)), '{"lang":"de","letter":"' + "0" * 64 + '","t":"translation","v":2}'),
    (
        EpochEntry(3, DAY, {"g1": {"work_email": 12, "invitation": 0}}),
        '{"day":"2031-02-28","issued":{"g1":{"invitation":0,"work_email":12}},"n":3,"t":"epoch","v":2}',
    ),
    (CloseEntry(DAY), '{"day":"2031-02-28","t":"close","v":2}'),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "line"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_entry_is_its_line_and_the_line_is_the_entry(entry: Entry, line: str) -> None:
    assert entry.line() == line.encode()
    assert parse(line.encode()) == entry


@pytest.mark.parametrize(("entry", "line"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_every_other_spelling_of_a_line_is_refused(entry: Entry, line: str) -> None:
    fields = json.loads(line)
    reversed_keys = dict(sorted(fields.items(), reverse=True))
    spellings = [
        json.dumps(fields),
        json.dumps(reversed_keys, separators=(",", ":")),
        line + "\n",
        " " + line,
        "\ufeff" + line,
        line.replace('"v":2', '"v":2.0'),
        line.replace('"v":2', '"v":true'),
        line.replace('"v":2', '"v":1'),
        line.replace('"v":2', '"v":2,"v":2'),
        line.replace('"v":2', '"v":2,"x":""'),
        line.replace('"t"', r'"\u0074"'),
        line.replace('"v":2,', "").replace(',"v":2', ""),
        line[:-1],
        f"[{line}]",
    ]
    for spelling in spellings:
        with pytest.raises(EntryMalformed):
            parse(spelling.encode())
    with pytest.raises(EntryMalformed):
        parse(line.encode("utf-16"))


OUT_OF_RANGE = [
    b"",
    b"null",
    b"\xff",
    b"[" * 60_000,
    b'{"t":' * 10_000,
    b'{"t":"vote","v":2}',
    b'{"t":["sign"],"v":2}',
    b'{"t":"close","v":2}',
    b'{"day":"2031-02-30","t":"close","v":2}',
    b'{"day":"20310228","t":"close","v":2}',
    b'{"day":"2031-W09-5","t":"close","v":2}',
    b'{"day":20310228,"t":"close","v":2}',
    b'{"i":0,"t":"remove","v":2,"why":"fraud"}',
    b'{"i":-1,"t":"remove","v":2,"why":"fraud"}',
    b'{"i":1e3,"t":"remove","v":2,"why":"fraud"}',
    b'{"i":true,"t":"remove","v":2,"why":"fraud"}',
    b'{"i":9007199254740992,"t":"remove","v":2,"why":"fraud"}',
    b'{"i":' + b"9" * 5000 + b',"t":"remove","v":2,"why":"fraud"}',
    b'{"i":1,"t":"remove","v":2,"why":"dislike"}',
    b'{"i":1,"p":"' + b"A" * 42 + b'B","t":"withdraw","v":2}',
    b'{"i":1,"p":"' + b"A" * 42 + b'","t":"withdraw","v":2}',
    b'{"i":1,"p":"' + b"A" * 43 + b'=","t":"withdraw","v":2}',
    b'{"c":"' + b"A" * 43 + b'","i":0,"p":"' + b"A" * 43 + b'","t":"amend","v":2}',
    b'{"c":"' + b"A" * 42 + b'","i":1,"p":"' + b"A" * 43 + b'","t":"amend","v":2}',
    b'{"lang":"DE","letter":"' + b"0" * 64 + b'","t":"translation","v":2}',
    b'{"lang":"de","letter":"' + b"A" * 64 + b'","t":"translation","v":2}',
    b'{"lang":"de","letter":"' + b"0" * 62 + b'","t":"translation","v":2}',
    b'{"day":"2031-02-28","issued":{"g1":{"work_email":-1}},"n":3,"t":"epoch","v":2}',
    b'{"day":"2031-02-28","issued":{"g1":{"Work":1}},"n":3,"t":"epoch","v":2}',
    b'{"day":"2031-02-28","issued":{"work_email":1},"n":3,"t":"epoch","v":2}',
    b'{"day":"2031-02-28","issued":{"g0":{}},"n":3,"t":"epoch","v":2}',
    b'{"day":"2031-02-28","issued":[],"n":3,"t":"epoch","v":2}',
    b'{"day":"2031-02-28","issued":{},"n":0,"t":"epoch","v":2}',
    SIGN.line().replace(b'["*"]', b"[]"),
    SIGN.line().replace(b'["*"]', b'"*"'),
    SIGN.line().replace(b'["*"]', b'["*","d1"]'),
    SIGN.line().replace(b'["*"]', b'["d2","d1"]'),
    SIGN.line().replace(b'["*"]', b'["d1","d1"]'),
    SIGN.line().replace(b'["*"]', b"[1]"),
    CAMPAIGN.line().replace(b"undersigned.example/c/letter", b"a+b"),
    CAMPAIGN.line().replace(b"undersigned.example/c/letter", b"a b"),
    CAMPAIGN.line().replace(b"undersigned.example/c/letter", "é".encode()),
    CAMPAIGN.line().replace(b'["d1","d2"]', b'["d1","d1"]'),
    CAMPAIGN.line().replace(b'["d1","d2"]', b'["*"]'),
    CAMPAIGN.line().replace(b'"k":10', b'"k":0'),
    CAMPAIGN.line().replace(b'"k":10', b'"k":"10"'),
    CAMPAIGN.line().replace(b'"id":"g1"', b'"id":"G1"'),
    CAMPAIGN.line().replace(b'"en":"Example"', b'"en":" "'),
    CAMPAIGN.line().replace(b'"en":"Example"', b'"en":1'),
    CAMPAIGN.line().replace(b'"en":"Example","fr":"Exemple"', b""),
    re.sub(rb'"groups":\[(.*)\],"id"', rb'"groups":[],"id"', CAMPAIGN.line()),
    re.sub(rb'"groups":\[(.*)\],"id"', rb'"groups":[\1,\1],"id"', CAMPAIGN.line()),
    SIGN.line().replace(b'"g1"', b'"g0"'),
]


@pytest.mark.parametrize("line", OUT_OF_RANGE, ids=map(str, range(len(OUT_OF_RANGE))))
def test_a_line_out_of_range_is_refused(line: bytes) -> None:
    with pytest.raises(EntryMalformed):
        parse(line)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=2))
def test_a_line_changed_anywhere_is_refused_or_another_entry(at: int, change: bytes) -> None:
    line = SIGN.line()
    at %= len(line)
    changed = line[:at] + change + line[at + len(change) :]
    try:
        assert parse(changed).line() == changed
    except EntryMalformed:
        assert changed != line


def test_what_may_not_be_a_line_cannot_be_an_entry() -> None:
    for wrong in (
        lambda: WithdrawEntry(0, bytes(32)),
        lambda: AmendEntry(0, bytes(32), bytes(32)),
        lambda: AmendEntry(1, bytes(32), bytes(31)),
        lambda: Group("g1", {"en": ""}, bytes(294)),
        lambda: Group("g1", {"en": "Example"}, bytes(293)),
        lambda: WithdrawEntry(1, bytes(31)),
        lambda: SignEntry(bytes(32), bytes(32), bytes(32), bytes(255)),
        lambda: SignEntry(bytes(32), bytes(32), bytes(32), bytes(256), ()),
        lambda: TranslationEntry("english", bytes(32)),
        lambda: EpochEntry(1, DAY, {"g1": {"work email": 1}}),
        lambda: CampaignEntry(bytes(16), "host/c/slug", {}, (), CAMPAIGN.groups, 10, DAY),
    ):
        with pytest.raises(EntryMalformed):
            wrong()


def test_a_commitment_covers_salt_and_every_field() -> None:
    body = Body(Visibility.NAME, "Suzie Example", "Engineer", "Search", "« Enfin ! »")
    spelled = (
        '{"comment":"« Enfin ! »","name":"Suzie Example","role":"Engineer","show":"name","team":"Search"}'
    ).encode()
    assert body.canonical() == spelled
    assert commitment(b"s" * 32, body) == hashlib.sha256(b"petition/body/v2\0" + b"s" * 32 + spelled).digest()
    others = [Body(Visibility.NAME, "Suzie Example", "Engineer", "Search"), Body(Visibility.ANONYMOUS), body]
    assert len({commitment(b"s" * 32, other) for other in others} | {commitment(b"t" * 32, body)}) == 4
