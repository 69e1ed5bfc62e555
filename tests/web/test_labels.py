"""States, reasons and kinds: every member of an enum has a sentence, in each language; criteria and progress in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

import pytest
from flask import Flask

from petition import verification
from petition.campaigns import Campaign, CampaignState, DemandState
from petition.core.i18n import LANGUAGES, SOURCE_LANGUAGE, gettext_for
from petition.core.markdown import Unshown
from petition.ledger.entries import Removal
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.subscribers import Frequency
from petition.organisers import Role
from petition.organisers.approvals import ApprovalKind
from petition.organisers.audit_log import Action
from petition.organisers.labels import APPROVAL_TITLES
from petition.privacy import AddressFault, addresses
from petition.privacy.data_map import Kind
from petition.signatures import DisplayFault, SignatureState
from petition.signatures.selection import Shown, WithComment
from petition.signatures.tables import BulkRemoval, BulkRemovalState
from petition.usecases.forecast import Forecast, Outlook
from petition.usecases.removals import Line
from petition.usecases.tables import ExportKind
from petition.usecases.updates import UpdateState
from petition.web import field_messages, labels
from petition.web.dashboard import audit_messages, exports, removal_rows
from petition.web.dashboard.criteria import CriteriaForm, options
from petition.web.dashboard.panels import queue
from petition.web.dashboard.panels.milestone import describe_forecast
from petition.web.dashboard.removal_rows import describe_criteria

TABLES: Final[dict[str, tuple[type[StrEnum], Mapping[Any, str]]]] = {
    "campaign states": (CampaignState, labels.CAMPAIGN_STATES),
    "demand states": (DemandState, labels.DEMAND_STATES),
    "removal reasons": (Removal, labels.REMOVAL_REASONS),
    "removal choices": (Removal, labels.REMOVAL_CHOICES),
    "bulk removals": (BulkRemovalState, labels.BULK_REMOVALS),
    "visibilities": (Shown, labels.VISIBILITIES),
    "comments": (WithComment, labels.COMMENTS),
    "frequencies": (Frequency, labels.FREQUENCIES),
    "frequency sentences": (Frequency, labels.FREQUENCY_SENTENCES),
    "frequencies of updates": (Frequency, labels.FREQUENCIES_OF_UPDATES),
    "update states": (UpdateState, labels.UPDATE_STATES),
    "outlooks": (Outlook, labels.OUTLOOKS),
    "data kinds": (Kind, labels.DATA_KINDS),
    "roles": (Role, labels.TEAM_ROLES),
    "duties": (Role, labels.TEAM_ROLE_DUTIES),
    "approvals": (ApprovalKind, APPROVAL_TITLES),
    "unshown": (Unshown, labels.UNSHOWN),
    "actions": (Action, audit_messages.SENTENCES),
    "exports": (ExportKind, exports.KINDS),
    "display faults": (DisplayFault, field_messages.DISPLAY_MESSAGES),
    "address faults": (AddressFault, addresses.SENTENCES),
}
PARTIAL: Final[dict[str, Mapping[Any, str]]] = {
    "comment criteria": {key: said for key, said in labels.COMMENT_CRITERIA.items() if key},
    "visibility criteria": {key: said for key, said in labels.VISIBILITY_CRITERIA.items() if key},
    "methods": labels.METHODS,
    "mails": labels.MAIL_KINDS,
    "signature statuses": labels.SIGNATURE_STATUSES,
    "titles of changes": {state: title for state, (title, _) in labels.CHANGES.items()},
    "changes": {state: sentence for state, (_, sentence) in labels.CHANGES.items()},
}
"""Tables whose keys are not an enum, or not all of one."""
EVERY: Final = {name: table for name, (_, table) in TABLES.items()} | PARTIAL


@pytest.mark.parametrize("name", TABLES)
def test_every_member_has_a_label(name: str) -> None:
    members, table = TABLES[name]
    assert set(table) == set(members)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", EVERY)
def test_every_label_is_said_in_each_language(name: str, lang: str) -> None:
    said = {sentence: gettext_for(lang)(sentence) for sentence in EVERY[name].values()}
    assert all(text.strip() for text in said.values())
    if lang != SOURCE_LANGUAGE:
        assert [text for sentence, text in said.items() if len(sentence) > 15 and text == sentence] == []


def test_tables_with_other_keys_have_all_of_them() -> None:
    assert set(labels.METHODS) == set(verification.METHODS)
    assert set(labels.MAIL_KINDS) == {*DIGESTS, "confirm", "known", "reminder"}
    assert set(labels.CHANGES) == set(SignatureState) - {SignatureState.PENDING, SignatureState.LOGGED}
    removed = {f"removed-{why}" for why in Removal}
    states = set(SignatureState) - {SignatureState.HIDDEN} | {"removing", labels.UNNUMBERED}
    assert set(labels.SIGNATURE_STATUSES) == states | removed
    assert set(labels.COMMENT_CRITERIA) == set(WithComment)
    assert set(labels.VISIBILITY_CRITERIA) == set(Shown)


def test_signing_that_is_paused_is_said_of_an_open_campaign_alone() -> None:
    assert labels.campaign_state(CampaignState.OPEN, paused=True) == "Signing is paused"
    assert labels.campaign_state(CampaignState.OPEN, paused=False) == "Open for signatures"
    assert labels.campaign_state(CampaignState.CLOSED, paused=True) == "Closed for signatures"


@pytest.fixture
def campaign() -> Campaign:
    roles = {"Engineer": {"en": "Engineer", "fr": "Ingénierie"}, "Cook": {}}
    return Campaign(roles=roles, teams={"North": {"en": "The north"}})


@pytest.fixture
def french(app: Flask) -> Iterator[None]:
    with app.test_request_context("/organise?lang=fr"):
        yield


@pytest.fixture
def english(app: Flask) -> Iterator[None]:
    with app.test_request_context("/organise?lang=en"):
        yield


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({}, ""),
        ({"entry": 7}, "entry 7 of the ledger"),
        ({"first": 3, "last": 3}, "batch 3"),
        ({"first": 3, "last": 5}, "from batch 3 · up to batch 5"),
        ({"last": 0}, "up to batch 0"),
        ({"role": "Engineer", "team": "North"}, "Engineer · The north"),
        ({"role": "Cook", "comment": "with", "text": True}, "Cook · with a comment · with a certain text in name or comment"),
        ({"comment": "without", "shown": "name", "repeated": True}, "without a comment · shown by name · names that several show"),
        ({"shown": "role"}, "shown by role"),
        ({"shown": "anonymous"}, "anonymous"),
    ],
)  # fmt: skip
def test_criteria_are_described(campaign: Campaign, criteria: dict[str, object], said: str) -> None:
    assert describe_criteria(criteria, campaign) == said


@pytest.mark.usefixtures("french")
def test_criteria_and_lists_speak_the_language_of_the_page(campaign: Campaign) -> None:
    assert describe_criteria({"role": "Engineer", "team": "North"}, campaign) == "Ingénierie · North"
    form = CriteriaForm()
    assert options(campaign).roles[1:] == [("Engineer", "Ingénierie"), ("Cook", "Cook")]
    assert [value for value, _ in (*form.comment.pairs(), *form.shown.pairs())] == [*WithComment, *Shown]
    assert form.shown.pairs()[0] == ("", "Toutes")


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("state", "done", "reversible", "said"),
    [
        (BulkRemovalState.RUNNING, 1200, True, "Being removed: 1,200 of 3,000"),
        (BulkRemovalState.DONE, 3000, True, "Hidden; a later batch takes them out of the count"),
        (BulkRemovalState.DONE, 3000, False, "In the ledger"),
        (BulkRemovalState.DONE, 0, False, "Nothing was left to remove"),
        (BulkRemovalState.CANCELLED, 10, False, "Cancelled: everything is as it was"),
        (BulkRemovalState.UNDONE, 10, False, "Undone: everything is as it was"),
    ],
)
def test_progress_of_a_removal_is_described(
    campaign: Campaign, state: BulkRemovalState, done: int, reversible: bool, said: str
) -> None:
    removal = BulkRemoval(
        id=b"i" * 16, why=Removal.FRAUD, criteria={}, found=3000, done=done, state=state, at=datetime(2026, 11, 1, tzinfo=UTC)
    )  # fmt: skip
    row = removal_rows.row(Line(removal, reversible), campaign)
    assert (row.progress, row.reason) == (said, "as fraud")
    assert row.gone == (3000 - done if state is BulkRemovalState.DONE else 0)


@pytest.mark.usefixtures("english")
def test_a_forecast_is_described() -> None:
    first, last = date(2026, 12, 1), date(2026, 12, 9)
    found = {
        Forecast(Outlook.TOO_EARLY): "It is too early for a forecast: it needs three whole days.",
        Forecast(Outlook.STALLED): "Not at the pace of the last days: no signature was added.",
        Forecast(Outlook.FAR): "Not within a year at the pace of the last days.",
        Forecast(Outlook.SPAN, first, None): "1 December 2026 at the earliest, or not within a year. The pace of the last days does not allow a closer estimate.",
        Forecast(Outlook.SPAN, first, first): "Around 1 December 2026 at the pace of the last days.",
        Forecast(Outlook.SPAN, first, last): "Between 1 December 2026 and 9 December 2026 at the pace of the last days.",
    }  # fmt: skip
    assert {each: describe_forecast(each) for each in found} == found


@pytest.mark.usefixtures("english")
def test_what_waits_is_shown_with_its_number_unless_it_is_mail() -> None:
    said = {what: sentence(1) for what, sentence in queue.SENTENCES.items()}
    assert said["approvals"] == "1 request waits for a second organiser"
    assert said["undelivered"] == "Mails were given up and can be tried again"
    assert queue.SENTENCES["stalled"](7200) == "No worker has looked for batches for 2\u00a0hours"
    assert all(said.values())
