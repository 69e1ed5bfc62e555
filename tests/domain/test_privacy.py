"""Tags and seals: what is left of an address, and who can open it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from petition.privacy import (
    Recipient,
    SealBroken,
    Vault,
    code_of_day,
    guesses_key,
    host_mails_key,
    identity_tag,
    long_code_of_day,
    mail_cap_key,
    seal_address,
    unseal_address,
)
from petition.privacy.data_map import DATA_MAP, ROWS, DataMapWrong, Datum, Kind, data_map

PEPPER = bytes(range(32))
CID = bytes(16)
DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD_KEY, NEW_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
VAULT = Vault([NEW_KEY])


def test_identity_tag_is_the_protocols_hmac() -> None:
    message = b"petition/identity/v1\0" + CID + b"suzie@salesforce.example"
    expected = hmac.new(PEPPER, message, hashlib.sha256).digest()
    assert identity_tag(PEPPER, CID, "suzie@salesforce.example") == expected


def test_identity_tag_changes_with_pepper_campaign_and_person() -> None:
    tags = {
        identity_tag(PEPPER, CID, "suzie@salesforce.example"),
        identity_tag(PEPPER[::-1], CID, "suzie@salesforce.example"),
        identity_tag(PEPPER, b"\1" * 16, "suzie@salesforce.example"),
        identity_tag(PEPPER, CID, "mallory@salesforce.example"),
    }
    assert len(tags) == 4


@pytest.mark.parametrize(("pepper", "cid"), [(b"short", CID), (b"", CID), (PEPPER, b"x"), (PEPPER, b"x" * 17)])
def test_identity_tag_refuses_weak_keys_and_odd_campaigns(pepper: bytes, cid: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes"):
        identity_tag(pepper, cid, "suzie@salesforce.example")


def test_the_code_of_a_day_is_made_of_the_address_the_day_and_the_pepper_and_of_nothing_else() -> None:
    message = b"petition/code-of-day/v1\0" + b"2026-11-24" + b"\0" + b"suzie@salesforce.example" + b"\0\0"
    words = hmac.new(PEPPER, message, hashlib.sha256).digest()
    fair = [n for n in (int.from_bytes(words[at : at + 4]) for at in range(0, 32, 4)) if n < 42 * 10**8]
    assert code_of_day(PEPPER, DAY, "suzie@salesforce.example") == f"{fair[0] % 10**8:08d}"
    others = {
        code_of_day(PEPPER[::-1], DAY, "suzie@salesforce.example"),
        code_of_day(PEPPER, DAY + timedelta(days=1), "suzie@salesforce.example"),
        code_of_day(PEPPER, DAY, "mallory@salesforce.example"),
        code_of_day(PEPPER, DAY, "suzie@salesforce.example"),
    }
    assert len(others) == 4
    with pytest.raises(ValueError, match="bytes"):
        code_of_day(b"short", DAY, "suzie@salesforce.example")


def test_the_long_code_begins_with_the_code_and_goes_on_with_digits_of_another_label() -> None:
    who = "suzie@salesforce.example"
    short, long = code_of_day(PEPPER, DAY, who), long_code_of_day(PEPPER, DAY, who)
    message = b"petition/long-code-of-day/v1\0" + b"2026-11-24" + b"\0" + who.encode() + b"\0\0"
    words = hmac.new(PEPPER, message, hashlib.sha256).digest()
    fair = [n for n in (int.from_bytes(words[at : at + 4]) for at in range(0, 32, 4)) if n < 42 * 10**8]
    assert long == short + f"{fair[0] % 10**8:08d}"


def test_wrong_codes_are_counted_under_a_key_of_the_day_that_is_no_other_key_of_the_address() -> None:
    who = "suzie@salesforce.example"
    keys = {guesses_key(PEPPER, DAY, who), guesses_key(PEPPER, DAY + timedelta(days=1), who)}
    keys |= {mail_cap_key(PEPPER, DAY, who), identity_tag(PEPPER, CID, who)}
    assert (len(keys), {len(key) for key in keys}) == (4, {32})


def test_mails_to_a_host_are_counted_under_a_key_of_the_day_and_host_that_is_no_other_key_of_the_address() -> None:
    who, host = "suzie@salesforce.example", "eu.salesforce.example"
    message = b"petition/mailcap-host/v1\0" + b"2026-11-24" + b"\0" + who.encode() + b"\0" + host.encode()
    key = host_mails_key(PEPPER, DAY, who, host)
    assert key == hmac.new(PEPPER, message, hashlib.sha256).digest()
    others = {host_mails_key(PEPPER, DAY + timedelta(days=1), who, host), mail_cap_key(PEPPER, DAY, who)}
    assert len({key, *others, host_mails_key(PEPPER, DAY, who, "salesforce.example")}) == 4


def test_every_digit_of_the_codes_is_as_frequent_as_the_others() -> None:
    """Chi squared with nine degrees of freedom over 20,000 fixed codes: no luck is needed."""
    codes = [code_of_day(PEPPER, DAY, f"person{n}@corp.example") for n in range(20_000)]
    for place in range(8):
        seen = [sum(code[place] == str(digit) for code in codes) for digit in range(10)]
        assert sum((n - 2000) ** 2 / 2000 for n in seen) < 30


def test_mail_cap_key_lasts_one_day_and_differs_from_the_tag() -> None:
    message = b"petition/mailcap/v1\0" + b"2026-11-24" + b"\0" + b"suzie@salesforce.example"
    today = mail_cap_key(PEPPER, DAY, "suzie@salesforce.example")
    tomorrow = mail_cap_key(PEPPER, DAY + timedelta(days=1), "suzie@salesforce.example")
    assert today == hmac.new(PEPPER, message, hashlib.sha256).digest()
    assert len({today, tomorrow, identity_tag(PEPPER, CID, "suzie@salesforce.example")}) == 3


@given(st.binary(max_size=500))
def test_vault_opens_what_it_sealed(secret: bytes) -> None:
    assert VAULT.unseal(VAULT.seal(secret)) == secret


def test_sealed_for_keeping_tells_no_time() -> None:
    token = VAULT.seal(b"name")
    assert Fernet(NEW_KEY).extract_timestamp(token) == 0


@pytest.mark.parametrize(
    "token",
    [b"", b"gAAAAA", b"\xff" * 40, VAULT.seal(b"x")[:-5], VAULT.seal(b"x")[::-1]],
    ids=["empty", "short", "not base64", "cut", "backwards"],
)
def test_broken_token_is_refused(token: bytes) -> None:
    with pytest.raises(SealBroken):
        VAULT.unseal(token)


def test_foreign_key_is_refused() -> None:
    with pytest.raises(SealBroken):
        VAULT.unseal(Vault([OLD_KEY]).seal(b"x"))


def test_rotation_moves_a_secret_from_the_old_key_to_the_new_one() -> None:
    """P37."""
    token = Vault([OLD_KEY]).seal(b"secret")
    both = Vault([NEW_KEY, OLD_KEY])
    rotated = both.rotate(token)
    assert (both.unseal(token), VAULT.unseal(rotated)) == (b"secret", b"secret")
    with pytest.raises(SealBroken):
        VAULT.rotate(token)


@pytest.mark.parametrize("keys", [[], ["short"], ["x" * 44]])
def test_vault_needs_a_sound_key(keys: list[str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Vault(keys)


@pytest.mark.parametrize(
    "recipient",
    [
        Recipient(None, "en"),
        Recipient("s@corp.example", "en", "12345678"),
        Recipient("a" * 242 + "@corp.example", "fr", "12345678"),
        Recipient("o'neil@corp.example", "fr"),
    ],
)
def test_every_sealed_recipient_looks_like_every_other(recipient: Recipient) -> None:
    token = seal_address(VAULT, recipient.address, recipient.lang, NOW, code=recipient.code)
    assert unseal_address(VAULT, token, NOW) == recipient
    assert len(token) == len(seal_address(VAULT, None, "en", NOW))


def test_sealed_address_expires_with_its_code() -> None:
    token = seal_address(VAULT, "suzie@corp.example", "en", NOW)
    assert unseal_address(VAULT, token, NOW + timedelta(minutes=15)).address == "suzie@corp.example"
    with pytest.raises(SealBroken):
        unseal_address(VAULT, token, NOW + timedelta(minutes=15, seconds=1))


def test_sealed_address_that_cannot_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="fit into"):
        seal_address(VAULT, "a" * 400, "en", NOW)


def test_secret_from_the_vault_never_shows_in_its_error() -> None:
    with pytest.raises(SealBroken) as broken:
        VAULT.unseal(b"marked-token")
    assert ("marked" in str(broken.value), broken.value.__cause__) == (False, None)


def test_data_map_keeps_rows_in_order() -> None:
    datum = Datum(Kind.keyed, "until close", "Nothing without the pepper.")
    assert list(data_map([("public.b.x", datum), ("public.a.x", datum)])) == ["public.b.x", "public.a.x"]
    assert list(DATA_MAP) == [column for column, _ in ROWS]


@pytest.mark.parametrize("columns", [["public.a.x", "public.a.x"], ["a.x"], ["public.A.x"], [""]])
def test_data_map_refuses_loose_or_double_columns(columns: list[str]) -> None:
    datum = Datum(Kind.public, "", "")
    with pytest.raises(DataMapWrong):
        data_map([(column, datum) for column in columns])
