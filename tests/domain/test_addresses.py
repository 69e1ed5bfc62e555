"""Mallory types an address. Whatever it is, the mail stays inside and one person stays one person."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.privacy import (
    AddressFault,
    AddressRefused,
    DomainPolicy,
    WorkAddress,
    canonical_address,
    canonical_domain,
)

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "data" / "addresses.toml").read_text("utf-8"))
POLICIES = [DomainPolicy(**row) for row in TABLE["policy"]]
LISTED = tuple(policy.domain for policy in POLICIES)
HOSTILE = [(text, AddressFault(group["fault"])) for group in TABLE["hostile"] for text in group["texts"]]
LEGAL = [
    (text, WorkAddress(row["canonical"], deliverable, row["domain"]))
    for row in TABLE["legal"]
    for text, deliverable in row["spellings"]
]
HOST = "salesforce.example"


def test_table_is_as_long_as_promised() -> None:
    """P22."""
    assert (len({text for text, _ in HOSTILE}) >= 120, len({text for text, _ in LEGAL}) >= 40) == (True, True)


@pytest.mark.parametrize(("text", "fault"), HOSTILE, ids=ascii)
def test_hostile_address_is_refused_with_its_reason(text: str, fault: AddressFault) -> None:
    """P22."""
    with pytest.raises(AddressRefused) as refusal:
        canonical_address(text, POLICIES)
    assert refusal.value.reason == fault


@pytest.mark.parametrize(("text", "address"), LEGAL, ids=ascii)
def test_legal_spelling_gives_the_one_person(text: str, address: WorkAddress) -> None:
    """P22."""
    assert canonical_address(text, POLICIES) == address


@pytest.mark.parametrize(
    "text",
    [
        f"{'a' * 65}@{HOST}",
        f"{'a' * 300}@{HOST}",
        f"suzie+{'x' * 70}@{HOST}",
        f"suzie@{'a.' * 120}corp.example",
        f"suzie@{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.corp.example",
        f"{' ' * 10}{'a' * 250}@{HOST}",
    ],
)
def test_overlong_address_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        canonical_address(text, POLICIES)
    assert refusal.value.reason == AddressFault.too_long


def test_overlong_label_is_refused() -> None:
    with pytest.raises(AddressRefused) as refusal:
        canonical_address(f"suzie@{'a' * 64}.corp.example", POLICIES)
    assert refusal.value.reason == AddressFault.malformed


def test_refusal_speaks_a_sentence_and_never_the_address() -> None:
    with pytest.raises(AddressRefused) as refusal:
        canonical_address("mallory@evil.example", POLICIES)
    assert str(refusal.value) == "This is not an address of the organisation. Use your work address."


def test_subdomain_listed_for_itself_is_not_folded_into_its_parent() -> None:
    policies = [DomainPolicy("corp.example", subdomains=True), DomainPolicy("labs.corp.example")]
    assert canonical_address("suzie@labs.corp.example", policies).canonical == "suzie@labs.corp.example"


def test_subdomain_belongs_to_the_nearest_listed_domain() -> None:
    policies = [
        DomainPolicy("corp.example", subdomains=True),
        DomainPolicy("eu.corp.example", subdomains=True),
    ]
    assert canonical_address("suzie@paris.eu.corp.example", policies).domain == "eu.corp.example"


def test_no_address_is_accepted_without_a_list() -> None:
    with pytest.raises(AddressRefused) as refusal:
        canonical_address(f"suzie@{HOST}", [])
    assert refusal.value.reason == AddressFault.foreign_domain


def test_domain_is_read_into_the_form_that_the_list_holds() -> None:
    assert canonical_domain("MÜNCHEN.Example") == "xn--mnchen-3ya.example"


WICKED = st.text(alphabet=st.sampled_from("suzie@.+-_'\"(),;:<>[]\\%!=?/ \t\r\n\0é\u200b\u202eｓ。а"), max_size=40)
HOSTS = st.sampled_from(["@salesforce.example", "@eu.corp.example", "@exact.example", "@münchen.example", ""])


@given(st.one_of(st.text(max_size=300), st.builds(str.__add__, WICKED, HOSTS), st.emails()))
def test_any_text_is_refused_or_gives_one_plain_address_at_a_listed_domain(text: str) -> None:
    try:
        address = canonical_address(text, POLICIES)
    except AddressRefused:
        return
    _assert_plain_and_listed(address.deliverable)
    _assert_plain_and_listed(address.canonical)
    assert canonical_address(address.deliverable, POLICIES) == address


def _assert_plain_and_listed(address: str) -> None:
    host = address.rpartition("@")[2]
    inside = host in LISTED or host.endswith(".corp.example")
    forbidden = set('"(),;:<>[]\\%!|`= \t\r\n')
    assert (inside, address.count("@"), address.isascii(), address.isprintable()) == (True, 1, True, True)
    assert set(address) & forbidden == set()
