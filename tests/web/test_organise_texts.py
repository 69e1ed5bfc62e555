"""What organisers typed is never lost: going on saves, publishing publishes what is on the screen, a draft's steps lead by posts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from petition.campaigns import Campaign, UpdateDraft, find_any
from petition.core import db
from petition.organisers.approvals import ApprovalRequest
from petition.organisers.audit_log import Action, AuditEntry
from petition.usecases import drafting
from tests.support.crawl import Page
from tests.support.omar import Omar, signed_in
from tests.support.suzie import fields, text

FIRST = {"text-en": "First version.", "text-fr": "Première version."}
SECOND = {"text-en": "Second, corrected version.", "text-fr": "Deuxième version."}
LEAVING = ("who", "teams", "workforce", "visible", "batches", "mail", "dates", "legal", "roles")


def kept(omar: Omar) -> str:
    """A draft of an update with the first words, by the path of its page."""
    return omar.does("~/updates/new", do="save", **FIRST).headers["Location"]


def written() -> UpdateDraft:
    with db.session() as session:
        return session.scalars(select(UpdateDraft)).one()


def presses(omar: Omar, at: str, words: str, **typed: str) -> object:
    """The button of a page that says so, with what its form holds and what is typed into it."""
    page = omar.sees(at)
    button = re.search(rf"<button([^>]*)>\s*{words}", page.text)
    assert button, words
    given = dict(re.findall(r'(\w+)="([^"]*)"', button[1]))
    pressed = {given["name"]: given["value"]} if "name" in given else {}
    form = {name: value for name, value in fields(page).items() if name and name != "token"}
    return omar.does(given.get("formaction", at), **(form | typed | pressed))


def test_publishing_publishes_what_is_on_the_screen(omar: Omar) -> None:
    answer = presses(omar, kept(omar), "Publish on the page", **SECOND)
    assert answer.status_code == 303  # type: ignore[attr-defined]
    found = written()
    assert found.number == 1
    assert found.text == {"en": SECOND["text-en"], "fr": SECOND["text-fr"]}
    with db.session() as session:
        deeds = session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)).all()
    assert deeds[-2:] == [Action.UPDATE_WRITTEN, Action.UPDATE_PUBLISHED]


def test_a_second_organiser_is_asked_for_what_is_on_the_screen(omar: Omar) -> None:
    presses(omar, kept(omar), "Ask a second organiser to mail", **SECOND)
    assert written().text["en"] == SECOND["text-en"]
    with db.session() as session:
        assert session.scalars(select(ApprovalRequest)).one().about["draft"] == written().id.hex()


def test_the_mail_that_is_shown_and_the_trial_hold_what_is_on_the_screen(omar: Omar) -> None:
    at = kept(omar)
    shown = presses(omar, at, "Check the mail in each language", **SECOND)
    assert shown.headers["Location"] == f"{at}/mail"  # type: ignore[attr-defined]
    assert "Second, corrected version." in omar.sees(f"{at}/mail").text
    third = {"text-en": "Third.", "text-fr": "Troisième."}
    sent = presses(omar, at, "Send 1 test mail", address="omar@post.example", lang="fr", **third)
    assert sent.status_code == 303  # type: ignore[attr-defined]
    assert written().text["en"] == "Third."


@pytest.mark.parametrize(
    "typed",
    [{"text-fr": ""}, {"due": "tomorrow", "mail_due": "tomorrow", "address": "omar@corp.example", "lang": "fr"}],
)
@pytest.mark.parametrize("words", ["Publish on the page", "Ask a second organiser to mail", "Send 1 test mail"])
def test_what_cannot_be_done_keeps_nothing_and_loses_nothing(omar: Omar, words: str, typed: dict[str, str]) -> None:
    at = kept(omar)
    answer = presses(omar, at, words, **(SECOND | typed))
    assert answer.status_code == 422  # type: ignore[attr-defined]
    screen = fields(answer)  # type: ignore[arg-type]
    assert {name: screen[name] for name in SECOND | typed} == SECOND | typed
    assert (written().text["en"], written().number) == ("First version.", None)


def test_a_time_that_was_typed_stays_when_a_draft_is_kept(omar: Omar) -> None:
    at = kept(omar)
    answer = presses(omar, at, "Keep as a draft", due="2099-01-01T10:00", mail_due="2099-01-02T10:00", **SECOND)
    screen = fields(omar.sees(answer.headers["Location"]))  # type: ignore[attr-defined]
    assert (screen["due"], screen["mail_due"]) == ("2099-01-01T10:00", "2099-01-02T10:00")


def test_words_typed_while_somebody_else_planned_the_update_are_shown(omar: Omar) -> None:
    at = kept(omar)
    omar.does(f"{at}/publish", due="2099-01-01T10:00")
    answer = omar.does(f"{at}/publish", **SECOND)
    assert answer.status_code == 409
    assert fields(answer)["text-en"] == SECOND["text-en"]
    assert written().text["en"] == "First version."


# -- the steps of a draft --


@pytest.fixture
def draft(app: Flask, slug: str) -> Omar:
    someone = signed_in(app, slug, None)
    someone.does("/organise/new", title="A letter", slug="our-letter", language="en", second="fr")
    someone.slug = "our-letter"
    return someone


def campaign() -> Campaign:
    with db.session() as session:
        found = find_any(session, "our-letter")
        assert found
        session.refresh(found, ["letters", "demands"])
        return found


def changed(omar: Omar) -> int:
    """How many changes the audit log holds."""
    with db.session() as session:
        found = select(AuditEntry).where(AuditEntry.action == Action.CAMPAIGN_CHANGED)
        return len(session.scalars(found).all())


TYPED = {
    "who": {"addressee": "Chief Executive"},
    "teams": {"value_0": "Platform"},
    "workforce": {"workforce": "1200"},
    "visible": {"notice_en": "Soon."},
    "batches": {"batch_min": "12"},
    "mail": {"hour": "11"},
    "dates": {"closes_at": "2099-01-01T09:00"},
    "legal": {"imprint_en": "Us."},
    "roles": {"value_0": "Engineer", "label_0_fr": "Ingénieure"},
}


def test_every_way_out_of_a_step_is_a_button_of_its_form(draft: Omar) -> None:
    for step in (*LEAVING, "demands", "domains", "milestones", "letter/en"):
        page = draft.sees(f"~/draft/{step}").text
        course = re.search(r'<nav class="course".*?</nav>', page, re.DOTALL)
        assert course
        assert [link for link in Page(course[0]).links if "draft" in link] == [], step
        assert len(re.findall(r'form="draft" name="go"', course[0])) == 13, step
        assert page.count('id="draft"') == 1, step
        assert re.search(r'<button [^>]*name="go"[^>]*>(Next: |To the checklist)', page), step


@pytest.mark.parametrize("step", LEAVING)
@pytest.mark.parametrize("to", ["demands", "checklist"])
def test_going_on_saves_what_was_typed(draft: Omar, step: str, to: str) -> None:
    shown = {name: value for name, value in fields(draft.sees(f"~/draft/{step}")).items() if name != "token"}
    if step == "legal":
        shown = dict.fromkeys(shown, "") | {"drawn": shown["drawn"]}
    answer = draft.does(f"~/draft/{step}", **(shown | TYPED[step] | {"go": to}))
    where = "/organise/c/our-letter/draft" + ("" if to == "checklist" else f"/{to}")
    assert (answer.status_code, answer.headers["Location"]) == (303, where)
    screen = fields(draft.sees(f"~/draft/{step}"))
    assert {name: screen[name] for name in TYPED[step]} == TYPED[step]


@pytest.mark.parametrize("step", LEAVING)
def test_passing_through_changes_nothing(draft: Omar, step: str) -> None:
    before, page = changed(draft), draft.sees(f"~/draft/{step}")
    areas = re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)
    boxes = re.findall(r'<input type="checkbox" id="(\w+)"[^>]*value="yes"(?! checked)', page.text)
    shown = fields(page) | {name: unescape(text).replace("\n", "\r\n") for name, text in areas}
    sent = {name: value for name, value in shown.items() if name not in {"token", "next", *boxes}}
    answer = draft.does(f"~/draft/{step}", **(sent | {"go": "who"}))
    assert answer.status_code == 303
    assert changed(draft) == before
    assert campaign().legal == {}


def test_continuing_with_an_error_stays_on_the_page_and_keeps_the_text(draft: Omar) -> None:
    answer = draft.does("~/draft/who", addressee="x" * 201, organisation="Example", go="domains")
    assert (answer.status_code, fields(answer)["organisation"]) == (422, "Example")
    assert campaign().organisation == ""


@pytest.mark.parametrize("to", ["https://mallory.example", "//mallory.example", "nothing", "letter-xx", ""])
def test_nobody_is_led_elsewhere_by_going_on(draft: Omar, to: str) -> None:
    answer = draft.does("~/draft/who", addressee="Chief Executive", go=to)
    assert answer.headers["Location"] == "/organise/c/our-letter/draft/who?saved=yes"


def test_the_letter_is_saved_on_the_way_to_another_language_or_step(draft: Omar) -> None:
    page = draft.sees("~/draft/letter/en").text
    assert re.search(r'<button [^>]*form="draft"[^>]*name="go" value="letter-fr"', page)
    answer = draft.does("~/draft/letter/en", title="A letter", markdown="Dear all,", go="letter-fr")
    assert answer.headers["Location"] == "/organise/c/our-letter/draft/letter/fr"
    answer = draft.does("~/draft/letter/fr", title="Une lettre", markdown="Bonjour,", go="demands")
    assert answer.headers["Location"] == "/organise/c/our-letter/draft/demands"
    assert {each.lang: each.markdown for each in campaign().letters} == {"en": "Dear all,", "fr": "Bonjour,"}


def test_a_language_is_added_without_losing_the_letter(draft: Omar) -> None:
    typed = {"title": "A letter", "markdown": "Dear all,", "letter_lang": "en"}
    answer = draft.does("~/draft/languages", language="de", **typed)
    assert answer.headers["Location"] == "/organise/c/our-letter/draft/letter/de"
    assert campaign().languages == ["en", "fr", "de"]
    assert next(each for each in campaign().letters if each.lang == "en").markdown == "Dear all,"
    refused = draft.does("~/draft/languages", language="it", **(typed | {"markdown": "é" * 60_001}))
    assert (refused.status_code, fields(refused)["markdown"]) == (422, "é" * 60_001)
    assert campaign().languages == ["en", "fr", "de"]


def demands() -> list[dict[str, str]]:
    return [each.text for each in campaign().demands]


def test_every_demand_on_the_screen_is_saved_whatever_was_pressed(draft: Omar) -> None:
    draft.does("~/draft/demands", text_en="One")
    draft.does("~/draft/demands", text_en="Two")
    screen = {name: value for name, value in fields(draft.sees("~/draft/demands")).items() if name != "token"}
    typed = screen | {"text_en_1": "One, better", "text_fr_2": "Deux", "text_en": "Three"}
    answer = draft.does("~/draft/demands/2", act="up", **typed)
    assert answer.headers["Location"].endswith("#demand-1")
    assert demands() == [{"en": "Two", "fr": "Deux"}, {"en": "One, better"}, {"en": "Three"}]
    screen = {name: value for name, value in fields(draft.sees("~/draft/demands")).items() if name != "token"}
    answer = draft.does("~/draft/demands", go="who", **(screen | {"text_en_1": "Two!", "text_fr": "Quatre"}))
    assert answer.headers["Location"] == "/organise/c/our-letter/draft/who"
    assert demands() == [{"en": "Two!", "fr": "Deux"}, {"en": "One, better"}, {"en": "Three"}, {"fr": "Quatre"}]


def test_demands_that_somebody_else_changed_meanwhile_are_not_overwritten(draft: Omar) -> None:
    draft.does("~/draft/demands", text_en="One")
    draft.does("~/draft/demands", text_en="Two")
    screen = {name: value for name, value in fields(draft.sees("~/draft/demands")).items() if name != "token"}
    draft.does("~/draft/demands/1", act="remove")
    answer = draft.does("~/draft/demands", **(screen | {"text_en_2": "Two, mine", "text_en": "Three, mine"}))
    assert answer.status_code == 409
    assert "Somebody else changed this meanwhile" in text(answer)
    assert "Two, mine" in answer.text
    assert "Three, mine" in answer.text
    assert demands() == [{"en": "Two"}]


def test_a_domain_and_a_milestone_that_were_typed_are_added_on_the_way(draft: Omar) -> None:
    assert draft.does("~/draft/domains", domain="", plus="yes", go="who").headers["Location"].endswith("/draft/who")
    draft.does("~/draft/domains", domain="corp.example", plus="yes", go="who")
    assert list(campaign().domains) == ["corp.example"]
    refused = draft.does("~/draft/domains", domain="not a domain", go="who")
    assert (refused.status_code, fields(refused)["domain"]) == (422, "not a domain")
    assert draft.does("~/draft/milestones", kind="count", value="", go="mail").headers["Location"].endswith("/mail")
    draft.does("~/draft/milestones", kind="count", value="50", go="mail")
    with db.session() as session:
        assert [each.value for each in drafting.planned_milestones(session, campaign())] == [50]


def test_templates_fill_the_empty_legal_texts_and_leave_what_was_typed(draft: Omar) -> None:
    draft.does("~/draft/legal", imprint_en="Us.")
    answer = draft.does("~/draft/legal", privacy_en="We keep nothing.", imprint_en="Us, here.", templates="yes")
    screen = fields(answer)
    assert (answer.status_code, screen["privacy_en"], screen["imprint_en"]) == (200, "We keep nothing.", "Us, here.")
    assert "[!" in screen["privacy_fr"]
    assert campaign().legal["imprint"] == {"en": "Us."}


def test_a_field_of_any_name_beside_the_templates_is_ignored(draft: Omar) -> None:
    answer = draft.does("~/draft/legal", privacy_en="Ours.", templates="yes", campaign="x", kept="y")
    assert (answer.status_code, fields(answer)["privacy_en"]) == (200, "Ours.")
