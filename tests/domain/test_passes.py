"""A pass belongs to one campaign, is written in one way, and cannot be made or changed by hand."""

from __future__ import annotations

import hashlib
import random
import string

import pytest

from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import KeptPass, Pass, PassMalformed
from petition.blindsign.rsabssa import PrivateKey, StampInvalid
from tests.support.figures import Write

CID = bytes(range(16))
ALPHABET = string.ascii_letters + string.digits + "-_"


@pytest.fixture(scope="module")
def issuer() -> PrivateKey:
    return rsabssa.generate_key()


@pytest.fixture(scope="module")
def suzies(issuer: PrivateKey) -> Pass:
    return new_pass(issuer).held


def new_pass(issuer: PrivateKey) -> KeptPass:
    blinding = passes.begin(issuer.public, CID)
    return passes.complete(blinding, rsabssa.blind_sign(issuer, blinding.blinded))


def test_labels_are_those_of_the_protocol() -> None:
    w, hw = b"\x01" * 32, b"\x02" * 32
    assert passes.step(w) == hashlib.sha256(b"petition/step/v2\x00" + w).digest()
    assert passes.last_hash(w) == hashlib.sha256(b"petition/withdraw/v1\x00" + w).digest()
    assert passes.pass_message(CID, hw) == b"petition/pass/v2\x00" + CID + hw


def test_pass_of_this_campaign_is_accepted(issuer: PrivateKey, suzies: Pass) -> None:
    assert passes.check(issuer.public, CID, suzies)


def test_a_chain_has_nine_values_and_each_leads_to_the_hash_of_the_pass(issuer: PrivateKey) -> None:
    kept = new_pass(issuer)
    values = [passes.reveal(kept.w0, number) for number in range(passes.ACTS)]
    assert len(set(values)) == 9
    assert values[-1] == kept.w0
    assert [passes.hashes_of(value).index(kept.held.hw) for value in values] == list(range(9))
    assert kept.held.hw not in passes.hashes_of(passes.step(values[0]))
    for number in (-1, 9):
        with pytest.raises(ValueError, match="9 values"):
            passes.reveal(kept.w0, number)


def test_what_a_signer_keeps_is_474_characters_and_comes_back(issuer: PrivateKey) -> None:
    kept, other = new_pass(issuer), new_pass(issuer)
    text = kept.encode()
    assert len(text) == 474
    assert text.startswith(kept.held.encode() + ".")
    assert KeptPass.decode(f" \n\t{text}\r\n") == kept
    foreign = f"{kept.held.encode()}.{other.encode()[-43:]}"
    for wrong in ("", ".", kept.held.encode(), text[:-1], text + "A", text.replace(".", "", 1), foreign, text[::-1]):
        with pytest.raises(PassMalformed):
            KeptPass.decode(wrong)


def test_pass_of_another_campaign_or_issuer_is_not(issuer: PrivateKey, suzies: Pass) -> None:
    assert not passes.check(issuer.public, bytes(16), suzies)
    assert not passes.check(rsabssa.generate_key().public, CID, suzies)


def test_parts_of_two_passes_make_no_third(issuer: PrivateKey, suzies: Pass) -> None:
    other = new_pass(issuer).held
    mixed = [
        Pass(hw, r, sig) for hw in (suzies.hw, other.hw) for r in (suzies.r, other.r) for sig in (suzies.sig, other.sig)
    ]
    assert [held for held in mixed if passes.check(issuer.public, CID, held)] == [suzies, other]


def test_pass_is_430_characters_and_comes_back(suzies: Pass) -> None:
    text = suzies.encode()
    assert len(text) == passes.TEXT_LENGTH == 430
    assert text.startswith("P2.")
    assert Pass.decode(text) == suzies
    assert Pass.decode(f" \n\t{text}\r\n") == suzies


def test_pass_has_one_spelling(suzies: Pass) -> None:
    text = suzies.encode()
    last = ALPHABET.replace(text[-1], "")
    others = [text[:-1] + char for char in last if held_by(text[:-1] + char) == suzies]
    assert others == []
    spellings = [
        "",
        "P2.",
        text[3:],
        "p2." + text[3:],
        "P1." + text[3:],
        text[:-1],
        text + "A",
        text + "=",
        text + text,
    ]
    spellings += [text[:99] + "\n" + text[99:], text[:99] + " " + text[100:], text[:99] + "\0" + text[100:]]
    spellings += [
        text.replace("P2.", "P2. "),
        "\ufeff" + text,
        text[:99] + "+" + text[100:],
        text[:99] + "\u0410" + text[100:],
    ]
    assert [spelling for spelling in spellings if held_by(spelling)] == []


def held_by(text: str) -> Pass | None:
    try:
        return Pass.decode(text)
    except PassMalformed:
        return None


def test_mutated_passes_are_refused(issuer: PrivateKey, suzies: Pass, long: bool, figure: Write) -> None:
    """P21: guessed and mixed-up passes."""
    draw, times = random.Random(2000), 10_000 if long else 2_000
    mutations: set[str] = set()
    while len(mutations) < times:
        mutations |= {mutated(suzies.encode(), draw)} - {suzies.encode()}
    held = [held_by(text) for text in mutations]
    accepted = [one for one in held if one and passes.check(issuer.public, CID, one)]
    figure(f"P21: accepted of {len(mutations):,} mutated passes", len(accepted), "0")
    assert accepted == []


def mutated(text: str, draw: random.Random) -> str:
    at, other = sorted((draw.randrange(len(text)), draw.randrange(len(text))))
    match draw.randrange(6):
        case 0 | 1:
            return text[:at] + draw.choice(ALPHABET) + text[at + 1 :]
        case 2:
            return text[:at] + text[other] + text[at + 1 : other] + text[at] + text[other + 1 :]
        case 3:
            return text[:at] + text[other:]
        case 4:
            return text[:at] + text[at:].swapcase()
        case _:
            return text[:at] + chr(draw.randrange(1, 0x3000)) + text[at + draw.randrange(2) :]


def test_stamp_of_another_issuer_makes_no_pass(issuer: PrivateKey) -> None:
    blinding = passes.begin(issuer.public, CID)
    smaller = (1).to_bytes(256)
    for stamp in (rsabssa.blind_sign(rsabssa.generate_key(), smaller), b"", bytes(256)):
        with pytest.raises(StampInvalid):
            passes.complete(blinding, stamp)


def test_secrets_do_not_show_in_what_is_printed(issuer: PrivateKey, suzies: Pass) -> None:
    assert repr(suzies) == "Pass()"
    blinding = passes.begin(issuer.public, CID)
    assert str(blinding.inverse) not in repr(blinding)
    assert repr(blinding.w0) not in repr(blinding)


def test_parts_of_the_wrong_length_are_refused(suzies: Pass) -> None:
    for hw, r, sig in (
        (b"", suzies.r, suzies.sig),
        (suzies.hw, suzies.r + b"x", suzies.sig),
        (suzies.hw, suzies.r, b"x"),
    ):
        with pytest.raises(PassMalformed):
            Pass(hw, r, sig)
    for cid, hw in ((b"", bytes(32)), (CID, bytes(31))):
        with pytest.raises(ValueError, match="16 bytes"):
            passes.pass_message(cid, hw)
