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
POLICIES = [DomainPolicy.read(row["domain"], row) for row in TABLE["policy"]]
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


PEOPLE = """
    list.friedrich friedrich.list anna.mueller-list anna.smith-staff alle.jansen tous.maria maria.tous staff.frank
    frank.staff allan alla.petrova allison allen.ginsberg hr.mueller dl.smith d.l.smith rh.jones pr.smith pr-smith i.t
    h-r itamar italo.rossi teamaria theodora.press mary.all dotty.list jean-luc.liste liste.braun stafford staffan.berg
    marc.legall legall service.j board.j p.r office.k market contactini hruska helpman info.j dladla grouper
    groupama.s dept deptford allyson.alley tea.m workersson userski allard-jean equipement.j verteilerin svca
""".split()


@pytest.mark.parametrize("local", PEOPLE)
def test_people_whose_names_look_like_lists_get_their_code(local: str) -> None:
    """P22: a rule that refuses a person takes their signature from them."""
    assert canonical_address(f"{local}@{HOST}", POLICIES).deliverable == f"{local}@{HOST}"


def test_the_people_are_forty_and_more() -> None:
    """P22."""
    assert len(set(PEOPLE)) >= 40


def test_a_shared_mailbox_is_the_organisers_only_where_they_listed_it() -> None:
    policies = [DomainPolicy("corp.example", shared=("night-shift", "shop-*")), DomainPolicy("exact.example")]
    for text in ("night-shift@corp.example", "shop-paris@corp.example"):
        with pytest.raises(AddressRefused) as refusal:
            canonical_address(text, policies)
        assert refusal.value.reason == AddressFault.role_box
    for text in ("night-shifts@corp.example", "shopper@corp.example", "night-shift@exact.example"):
        assert canonical_address(text, policies).deliverable == text


def test_only_the_hosts_that_are_listed_by_name_belong_to_a_domain() -> None:
    """P22: whoever holds one forgotten host below the domain is not the chief executive."""
    policies = [DomainPolicy("corp.example", hosts=("eu.corp.example",))]
    assert canonical_address("ceo@eu.corp.example", policies).canonical == "ceo@corp.example"
    for host in ("dyn.corp.example", "x.eu.corp.example", "eu.corp.example.evil.example"):
        with pytest.raises(AddressRefused) as refusal:
            canonical_address(f"ceo@{host}", policies)
        assert refusal.value.reason == AddressFault.foreign_domain


def test_a_policy_is_read_from_what_the_database_holds() -> None:
    assert DomainPolicy.read("corp.example", {}) == DomainPolicy("corp.example")
    rule = {"plus": False, "dots": True, "hosts": ["eu.corp.example"], "shared": ["shop-*"]}
    read = DomainPolicy("corp.example", plus=False, dots=True, hosts=("eu.corp.example",), shared=("shop-*",))
    assert DomainPolicy.read("corp.example", rule) == read


def test_subdomain_listed_for_itself_is_not_folded_into_its_parent() -> None:
    policies = [DomainPolicy("corp.example", hosts=("labs.corp.example",)), DomainPolicy("labs.corp.example")]
    assert canonical_address("suzie@labs.corp.example", policies).canonical == "suzie@labs.corp.example"


def test_subdomain_belongs_to_the_nearest_listed_domain() -> None:
    policies = [
        DomainPolicy("corp.example", hosts=("paris.eu.corp.example",)),
        DomainPolicy("eu.corp.example", hosts=("paris.eu.corp.example",)),
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
