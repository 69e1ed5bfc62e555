"""What the dashboard says of requests, of the audit log and of removals, in both languages of the interface."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.campaigns import Campaign
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action
from petition.web.dashboard.approval_requests import describe_request
from petition.web.dashboard.audit_messages import describe_action
from petition.web.dashboard.criteria import label_in_lists, options
from petition.web.dashboard.removal_rows import describe_criteria, reasons, requested
from tests.support.languages import in_language

NARROW = "\u202f"


def described(lang: str, act: ApprovalKind, **about: Any) -> tuple[str, str]:
    """The sentence and the button of a request."""
    with in_language(lang):
        return describe_request(ApprovalRequest(act=act, about=about, asked_at=datetime(2026, 11, 24, tzinfo=UTC)))


def logged(lang: str, action: Action, **about: Any) -> str:
    """A line of the audit log."""
    with in_language(lang):
        return describe_action(action, about)


@pytest.mark.parametrize(
    ("lang", "n", "button"),
    [
        ("en", 0, "Remove 0 signatures"),
        ("en", 1, "Remove 1 signature"),
        ("en", 1200, "Remove 1,200 signatures"),
        ("fr", 0, "Supprimer 0 signature"),
        ("fr", 1, "Supprimer 1 signature"),
        ("fr", 1200, f"Supprimer 1{NARROW}200 signatures"),
    ],
)
def test_the_button_of_a_removal_has_its_number_in_the_form_of_the_language(lang: str, n: int, button: str) -> None:
    assert described(lang, ApprovalKind.REMOVE, n=n, why="fraud")[1] == button


@pytest.mark.parametrize(
    ("lang", "start"),
    [
        ("en", "3 signatures are taken out of the count, for a legal reason; the ledger says so."),
        ("fr", "3 signatures sortent du décompte, pour un motif juridique ; le registre le dit."),
    ],
)
def test_a_removal_gives_its_reason_within_the_sentence(lang: str, start: str) -> None:
    sentence = described(lang, ApprovalKind.REMOVE, n=3, why="legal")[0]
    assert sentence.replace(NARROW, " ").startswith(start)


@pytest.mark.parametrize(
    ("lang", "what", "start", "button"),
    [
        ("en", "name", "This name, with role, team and comment, is deleted", "Hide the name of entry 1,200"),
        ("en", "comment", "This comment is deleted for good.", "Hide the comment of entry 1,200"),
        ("fr", "name", "Ce nom, avec la", f"Masquer le nom de l’entrée 1{NARROW}200"),
        ("fr", "comment", "Ce commentaire est supprimé", f"Masquer le commentaire de l’entrée 1{NARROW}200"),
    ],
)
def test_a_hide_says_what_is_deleted_and_of_which_entry(lang: str, what: str, start: str, button: str) -> None:
    sentence, words = described(lang, ApprovalKind.HIDE, what=what, signer={"entry": 1200})
    assert (sentence.startswith(start), words) == (True, button)


@pytest.mark.parametrize(
    ("lang", "due", "when"),
    [
        ("en", "", "It is sent as soon as it is approved."),
        ("fr", "", "Elle part dès qu’elle est approuvée."),
        ("en", "2026-12-01T08:05:00+00:00", "It is sent on 1 December 2026 at 08:05 (UTC)."),
        ("fr", "2026-12-01T08:05:00+00:00", "Elle part le 1 décembre 2026 à 08:05 (UTC)."),
    ],
)
def test_a_mail_to_subscribers_says_when_it_is_sent(lang: str, due: str, when: str) -> None:
    assert when in described(lang, ApprovalKind.MAIL, readers=2, due=due)[0]


@pytest.mark.parametrize(
    ("n", "button"),
    [
        (0, "Mail fewer than 10 subscribers"),
        (1, "Mail fewer than 10 subscribers"),
        (2009, "Mail at least 2,000 subscribers"),
    ],
)
def test_a_mail_counts_its_subscribers_in_whole_tens_in_sentence_and_button(n: int, button: str) -> None:
    sentence, label = described("en", ApprovalKind.MAIL, readers=n, due="")
    assert (label, f"mailed to {button.removeprefix('Mail ')}. " in sentence) == (button, True)


@pytest.mark.parametrize(
    ("lang", "waiting", "said"),
    [
        ("en", 10, "10 signatures or more waited for the last batch."),
        ("en", 0, "fewer than 10 signatures waited for the last batch."),
        ("fr", 10, "10 signatures ou plus attendaient le dernier lot."),
        ("fr", 0, "moins de 10 signatures attendaient le dernier lot."),
    ],
)
def test_closing_never_says_how_many_signatures_wait(lang: str, waiting: int, said: str) -> None:
    assert said in described(lang, ApprovalKind.CLOSE, signatures=1, waiting=waiting)[0]


def test_a_closing_that_was_asked_without_figures_is_described_from_zero() -> None:
    sentence, button = described("en", ApprovalKind.CLOSE)
    assert "it ends with 0 signatures. On the day before this was asked, fewer than 10 signatures waited" in sentence
    assert button == "Close the campaign"


def test_a_change_of_domains_lists_them_in_order_with_what_changed() -> None:
    domains = {"zoo.example": {}, "alpha.example": {}}
    sentence = described("en", ApprovalKind.DOMAINS, domains=domains, added=1, removed=1000, changed=0)[0]
    assert "may sign: @alpha.example, @zoo.example. 1 added, 1,000 removed, 0 changed." in sentence


def test_a_change_of_domains_says_what_changes_at_which_domain() -> None:
    corp = {"hosts": ["eu.corp.example"], "shared": ["info-desk"]}
    before = {"corp.example": corp, "b.example": {}}
    changed = {"hosts": ["us.corp.example"], "shared": ["night"]}
    after = {"corp.example": changed, "labs.corp.example": {"dots": True}}
    said = described("en", ApprovalKind.DOMAINS, before=before, domains=after, added=1, removed=1, changed=1)[0]
    for sentence in (
        "b.example is removed.",
        "labs.corp.example is added: tags dropped, dots dropped.",
        "labs.corp.example lies below corp.example: somebody with an address at both can sign twice.",
        "Added to the hosts of corp.example: us.corp.example.",
        "Removed from the hosts of corp.example: eu.corp.example.",
        "Refused from now on: night@corp.example.",
        "No longer refused: info-desk@corp.example.",
    ):
        assert sentence in said


def test_a_change_of_domains_names_the_hosts_that_may_sign_and_the_mailboxes_that_may_not() -> None:
    policy = {"plus": True, "hosts": ["eu.alpha.example"], "shared": ["night-shift", "shop-*"]}
    sentence = described("en", ApprovalKind.DOMAINS, domains={"alpha.example": policy}, added=0, removed=0, changed=1)[
        0
    ]
    assert "may sign: @alpha.example, @eu.alpha.example. 0 added" in sentence
    assert sentence.endswith("Refused as shared mailboxes: night-shift@alpha.example, shop-*@alpha.example.")


@pytest.mark.parametrize(
    ("lang", "n", "button"),
    [
        ("en", 1, "Export 1 name"),
        ("en", 2, "Export 2 names"),
        ("fr", 0, "Exporter 0 nom"),
        ("fr", 2, "Exporter 2 noms"),
    ],
)
def test_an_export_of_names_says_how_many(lang: str, n: int, button: str) -> None:
    assert described(lang, ApprovalKind.EXPORT_NAMES, names=n)[1] == button


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_an_owner_who_stays_and_one_who_leaves_have_different_buttons(lang: str) -> None:
    stays = described(lang, ApprovalKind.REMOVE_OWNER, name="Omar", to="editor")
    leaves = described(lang, ApprovalKind.REMOVE_OWNER, name="Omar", to=None)
    assert {"en": "Editor", "fr": "Rédaction"}[lang] in stays[0]
    assert len({*stays, *leaves}) == 4


@given(name=st.text(min_size=1), lang=st.sampled_from(["en", "fr"]), to=st.sampled_from([None, "editor"]))
def test_any_name_of_an_owner_stands_in_the_request_as_it_is(name: str, lang: str, to: str | None) -> None:
    assert name in described(lang, ApprovalKind.REMOVE_OWNER, name=name, to=to)[0]


@given(detail=st.text(min_size=1), lang=st.sampled_from(["en", "fr"]))
def test_any_text_of_an_action_stands_in_the_audit_log_as_it_is(detail: str, lang: str) -> None:
    assert logged(lang, Action.CAMPAIGN_CHANGED, domain=detail).endswith(detail)


@pytest.mark.parametrize(
    ("lang", "about", "details"),
    [
        ("en", {"signatures": 1}, "1 signature"),
        ("en", {"signatures": 1200}, "1,200 signatures"),
        ("fr", {"signatures": 0}, "0 signature"),
        ("en", {"readers": 2}, "fewer than 10 subscribers"),
        ("fr", {"readers": 47}, "au moins 40 abonnés"),
        ("en", {"left": 1}, "1 code left"),
        ("fr", {"left": 9}, "9 codes restants"),
        ("en", {"waiting": 9}, "fewer than 10 waited"),
        ("en", {"waiting": 10}, "10 or more waited"),
        ("fr", {"waiting": 10}, "10 ou plus attendaient"),
        ("en", {"anything": 12345}, "12,345"),
        ("fr", {"anything": 12345}, f"12{NARROW}345"),
        ("fr", {"day": "2026-12-24"}, "24 décembre 2026"),
        ("en", {"role": "owner"}, "Owner"),
        ("en", {"why": "fraud"}, "as fraud"),
        ("en", {"act": "close"}, "Close the campaign"),
        ("fr", {"what": "name"}, "Nom"),
        ("fr", {"what": "mail"}, "Courriels aux abonnés et aux organisateurs"),
        ("en", {"step": "translation"}, "Add a translation"),
        ("en", {"b": ["x", "y"], "a": "first"}, "first, x, y"),
    ],
)
def test_a_detail_of_the_audit_log_has_its_noun_in_the_language(lang: str, about: dict[str, Any], details: str) -> None:
    separator = f"{NARROW}: " if lang == "fr" else ": "
    assert logged(lang, Action.EXPORTED, **about) == logged(lang, Action.EXPORTED) + separator + details


@pytest.mark.parametrize("nothing", [{}, {"mailed": True}, {"to": None}, {"text": ""}, {"list": ["", None]}])
def test_what_says_nothing_is_left_out_of_the_audit_log(nothing: dict[str, Any]) -> None:
    assert logged("en", Action.JOINED, **nothing) == "Joined the team"


@pytest.mark.parametrize(("lang", "first"), [("en", "Choose a reason"), ("fr", "Choisissez un motif")])
def test_no_reason_for_a_removal_is_chosen_beforehand(lang: str, first: str) -> None:
    with in_language(lang):
        assert reasons()[0] == ("", first)
        assert [value for value, _ in reasons()[1:]] == ["fraud", "duplicate", "legal", "request"]


def test_a_requested_removal_says_what_was_asked() -> None:
    asked_at = datetime(2026, 11, 24, tzinfo=UTC)
    about = {"n": 3, "why": "duplicate", "criteria": {"first": 0, "last": 0}}
    with in_language("en"):
        found = requested(ApprovalRequest(act=ApprovalKind.REMOVE, about=about, asked_at=asked_at), Campaign())
    assert (found.found, found.reason, found.criteria, found.asked_at) == (3, "as a duplicate", "batch 0", asked_at)


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({"entry": 7}, "entrée 7 du registre"),
        ({"first": 3}, "à partir du lot 3"),
        ({"first": 3, "last": 5}, "à partir du lot 3 · jusqu’au lot 5"),
    ],
)
def test_criteria_are_described_in_french(criteria: dict[str, Any], said: str) -> None:
    with in_language("fr"):
        assert describe_criteria(criteria, Campaign(roles={}, teams={})) == said


@pytest.mark.parametrize("labels", [{}, {"fr": ""}, {"en": "Engineer"}])
def test_a_role_without_a_label_in_the_language_is_shown_by_its_value(labels: dict[str, str]) -> None:
    with in_language("fr"):
        assert label_in_lists({"eng": labels}, "eng") == "eng"


def test_a_role_that_is_no_longer_in_the_list_is_shown_by_its_value() -> None:
    with in_language("en"):
        assert label_in_lists({}, "gone") == "gone"


def test_the_lists_to_choose_from_begin_with_any() -> None:
    with in_language("en"):
        found = options(Campaign(roles={"eng": {"en": "Engineer"}}, teams={}))
        assert [str(label) for _, label in (*found.roles, *found.teams)] == ["Any role", "Engineer", "Any team"]
