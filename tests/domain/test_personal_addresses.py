"""Personal addresses, work domains and shared mailboxes: what each rule takes, and what it takes for the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.privacy import AddressFault, AddressRefused, DomainPolicy, canonical_domain, personal_address
from petition.privacy.addresses import ROLE_BOXES, is_role_box, is_work_domain

POLICIES = (
    DomainPolicy("corp.example"),
    DomainPolicy("labs.corp.example", hosts=("b.labs.corp.example",)),
    DomainPolicy("x.example"),
)
pieces = st.sampled_from([*"abz09._'-+@ \t\r\n,;:<>()[]\"\\%!/é\0\u3000", "a@b.org", "xn--", "..", "..example", "ﬁ"])


def refusal(text: str) -> AddressFault:
    with pytest.raises(AddressRefused) as refused:
        personal_address(text)
    return refused.value.reason


@given(st.lists(pieces, max_size=12).map("".join))
def test_any_text_is_refused_or_is_one_plain_mailbox(text: str) -> None:
    try:
        mailbox = personal_address(text)
    except AddressRefused:
        return
    assert mailbox.deliverable.isascii()
    assert mailbox.deliverable.count("@") == 1
    assert not set(mailbox.deliverable) & set(' \t\r\n,;:<>()[]"\\%!/\0')
    assert personal_address(mailbox.deliverable) == mailbox


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("  Suzie@Post.Example ", "suzie@post.example"),
        ("suzie+letters@post.example", "suzie+letters@post.example"),
        ("su.zie@post.example", "su.zie@post.example"),
        ("o'neill@post.example", "o'neill@post.example"),
        ("suzie@été.example", "suzie@xn--t-9fab.example"),
        ("suzie@XN--T-9FAB.example", "suzie@xn--t-9fab.example"),
        ("info@post.example", "info@post.example"),
    ],
)
def test_a_personal_address_keeps_its_tags_and_dots(typed: str, address: str) -> None:
    assert (personal_address(typed).canonical, personal_address(typed).deliverable) == (address, address)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", AddressFault.malformed),
        ("suzie", AddressFault.malformed),
        ("@post.example", AddressFault.malformed),
        ("suzie@", AddressFault.malformed),
        ("suzie@post", AddressFault.malformed),
        ("suzie@[10.0.0.1]", AddressFault.malformed),
        ("suzie@10.0.0.1", AddressFault.malformed),
        ("suzie@post.example\nBcc: a@b.org", AddressFault.malformed),
        ("suzie@post.example,sam@post.example", AddressFault.malformed),
        ("suzié@post.example", AddressFault.not_plain),
        ("suzie@ｐost.example", AddressFault.not_plain),
        ("s" * 65 + "@post.example", AddressFault.too_long),
        ("s@" + "a." * 124 + "example", AddressFault.too_long),
    ],
)
def test_what_is_no_personal_address_is_refused_with_its_reason(typed: str, reason: AddressFault) -> None:
    assert refusal(typed) is reason


@pytest.mark.parametrize(
    ("host", "work"),
    [
        ("corp.example", True),
        ("eu.corp.example", True),
        ("a.b.labs.corp.example", True),
        ("x.example", True),
        ("notcorp.example", False),
        ("corp.example.org", False),
        ("example", False),
        ("", False),
    ],
)
def test_a_host_below_a_listed_domain_belongs_to_the_organisation_and_one_beside_it_does_not(
    host: str, work: bool
) -> None:
    assert is_work_domain(host, POLICIES) is work


def test_without_a_list_no_host_belongs_to_the_organisation() -> None:
    assert not is_work_domain("corp.example", ())


@given(st.sampled_from(sorted(ROLE_BOXES)), st.sampled_from("._'-"), st.integers(1, 12))
def test_a_long_role_name_is_found_with_separators_anywhere_in_it(name: str, separator: str, at: int) -> None:
    spelled = name[:at] + separator + name[at:] if at < len(name) else name
    assert is_role_box(spelled) or len(name) < 5


@pytest.mark.parametrize("local", ["p.r", "h-r", "i.t", "pr-smith", "info2", "helena", "rootes", "list-", "adminette"])
def test_initials_and_names_that_contain_a_role_are_people(local: str) -> None:
    assert not is_role_box(local)


@pytest.mark.parametrize(
    "local", ["owner-news", "news-request", "news-bounces", "news-owner", "news-unsubscribe", "x-admin"]
)
def test_the_boxes_of_a_mailing_list_are_nobodys(local: str) -> None:
    assert is_role_box(local)


@given(st.text(max_size=300))
def test_a_domain_is_refused_or_is_in_the_form_that_is_read_again_alike(text: str) -> None:
    try:
        domain = canonical_domain(text)
    except AddressRefused:
        return
    assert (canonical_domain(domain), domain.isascii(), domain.lower()) == (domain, True, domain)
    assert len(domain) <= 253
