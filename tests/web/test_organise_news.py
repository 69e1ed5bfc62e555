"""The pages where organisers report what happened: updates, demands, milestones, delivery and answer."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import func, select

from petition import epochs
from petition.campaigns import DemandStep, UpdateDraft, find
from petition.campaigns.milestones import MilestoneKind
from petition.core import clock, db, events
from petition.core.events import Event, TrialWanted
from petition.organisers import Role, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind
from petition.organisers.audit_log import Action
from petition.privacy import unseal_address
from petition.usecases import updates
from petition.web.dashboard import approval_requests
from petition.web.forms.validators import is_link
from petition.web.services import Services
from tests import make
from tests.support.omar import Omar, approved, signed_in
from tests.support.work import counted_queries

TEXT = {"text-en": "We **met** them.", "text-fr": "Nous les avons **rencontrés**."}


def kept(omar: Omar) -> str:
    """A draft, by the path of its page."""
    answer = omar.does("~/updates/new", do="save", **TEXT)
    assert answer.status_code == 303
    return answer.headers["Location"]


def letter(omar: Omar) -> str:
    """The public page after the workers' next look."""
    with db.transaction() as session:
        epochs.refresh_stale(session, clock.now())
    return omar.client.get(f"/c/{omar.slug}").text


def close(omar: Omar) -> None:
    with db.transaction() as session:
        epochs.close_campaign(session, find(session, omar.slug), clock.now())


def test_a_text_that_lacks_a_language_comes_back_with_a_sentence_and_nothing_is_kept(omar: Omar) -> None:
    answer = omar.does("~/updates/new", do="save", **{"text-en": "We **met** & more."})
    assert answer.status_code == 422
    assert "We **met** &amp; more.</textarea>" in answer.text
    assert 'href="#text-fr">Fill in this field.' in answer.text
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(UpdateDraft)) == 0


def test_a_preview_shows_markdown_without_what_could_run_and_keeps_nothing(omar: Omar) -> None:
    hostile = {"text-en": "**Bold** <script>alert(1)</script> [x](javascript:alert(1))"}
    answer = omar.does("~/updates/new", do="preview", **hostile)
    assert answer.status_code == 200
    assert "<strong>Bold</strong>" in answer.text
    assert "<script>alert" not in answer.text
    assert 'href="javascript' not in answer.text
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(UpdateDraft)) == 0


def test_an_update_is_published_on_the_page_in_each_language(omar: Omar) -> None:
    at = kept(omar)
    assert omar.does(f"{at}/publish", due="").status_code == 303
    assert "We <strong>met</strong> them." in letter(omar)
    assert "<strong>rencontrés</strong>" in omar.client.get(f"/c/{omar.slug}?lang=fr").text
    again = omar.does(f"{at}/publish", due="")
    assert again.status_code == 409
    assert "This update is planned, published, or waits for a second organiser." in again.text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("2020-01-01T10:00", "This time has passed."), ("tomorrow", "Enter a date and a time, such as 2026-11-24T18:30.")],
)
def test_a_time_that_is_no_time_to_come_has_a_sentence(omar: Omar, typed: str, sentence: str) -> None:
    answer = omar.does(f"{kept(omar)}/publish", due=typed)
    assert (answer.status_code, sentence in answer.text, f'value="{typed}"' in answer.text) == (422, True, True)


def test_a_planned_update_is_cancelled_and_a_draft_thrown_away(omar: Omar) -> None:
    at = kept(omar)
    omar.does(f"{at}/publish", due="2099-01-01T10:00")
    assert "Planned for" in omar.sees(at).text
    assert omar.does(f"{at}/discard").status_code == 409
    omar.does(f"{at}/cancel")
    assert omar.does(f"{at}/discard").headers["Location"].endswith("/updates")
    assert omar.sees(at).status_code == 404


def test_what_is_not_planned_any_more_cannot_be_cancelled_and_its_page_is_whole(omar: Omar) -> None:
    at = kept(omar)
    omar.does(f"{at}/publish")
    page = omar.does(f"{at}/cancel")
    assert page.status_code == 409
    assert "This update is planned, published, or waits for a second organiser." in page.text
    assert "We <strong>met</strong> them." in page.text


def test_what_was_typed_beside_a_draft_stays_when_it_is_kept(omar: Omar) -> None:
    at = kept(omar)
    typed = TEXT | {"text-en": "Better.", "due": "soon", "mail_due": "2099-01-01T10:00", "do": "save"}
    page = omar.sees(omar.does(at, **typed).headers["Location"])
    for text in ("Better.</textarea>", 'value="soon"', 'value="2099-01-01T10:00"'):
        assert text in page.text
    assert "To mend:" not in page.text
    mail = omar.does(at, **(typed | {"do": "mail"}))
    assert mail.headers["Location"] == f"{at}/mail"


def test_mail_is_asked_for_and_nothing_goes_out_before_the_second_key(omar: Omar) -> None:
    at = kept(omar)
    assert omar.does(f"{at}/mail").status_code == 303
    page = omar.sees(at).text
    assert "Waits for a second organiser" in page
    assert "<strong>met</strong>" not in letter(omar)
    assert omar.does(at, do="save", **(TEXT | {"text-en": "Changed."})).status_code == 409


def test_the_mail_is_shown_under_a_policy_of_its_own(omar: Omar) -> None:
    at = kept(omar)
    page = omar.sees(f"{at}/mail")
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    frames = re.findall(r'<iframe[^>]* src="([^"]+)"', page.text)
    assert len(frames) == 2
    assert page.text.count('sandbox="allow-popups allow-popups-to-escape-sandbox"') == 2
    mail = omar.sees(frames[1])
    policy = mail.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert "<strong>rencontrés</strong>" in mail.text
    assert omar.sees(frames[1].replace("/fr/", "/xx/")).status_code == 404


def test_a_trial_leaves_sealed_for_the_address_that_was_typed_and_it_stands_nowhere(
    omar: Omar, parts: Services
) -> None:
    announced: list[Event] = []
    at = kept(omar)
    events.connect(announced.append)
    refused = omar.does(f"{at}/trial", address="omar@corp.example", lang="fr")
    answer = omar.does(f"{at}/trial", address="omar@post.example", lang="fr")
    events.connect(lambda event: None)
    assert (refused.status_code, answer.status_code) == (422, 303)
    assert "This is a work address" in refused.text
    (wanted,) = announced
    assert isinstance(wanted, TrialWanted)
    assert unseal_address(parts.vault, wanted.sealed, clock.now()).address == "omar@post.example"
    assert "post.example" not in answer.headers["Location"]
    assert "The test mail is on its way." in omar.sees(answer.headers["Location"]).text
    with db.session() as session:
        campaign = find(session, omar.slug)
        lines = [(each.action, each.about) for each in session.scalars(audit_log.lines(campaign.id))]
    assert lines[0] == (Action.TRIAL_SENT, {})


def test_one_campaigns_draft_is_unknown_to_another_ones_organiser(app: Flask, omar: Omar) -> None:
    with db.transaction() as session:
        other = make.campaign(session).slug
    suzie = signed_in(app, other, Role.OWNER, "Suzie")
    path = kept(omar).replace(f"/c/{omar.slug}/", f"/c/{other}/")
    for answer in (
        suzie.sees(path),
        suzie.sees(f"{path}/mail"),
        suzie.sees(f"{path}/en/mail.html"),
        suzie.does(f"{path}/publish"),
    ):
        assert (answer.status_code, "There is no such update" in answer.text) == (404, True)


def queries(omar: Omar, path: str) -> int:
    """How many statements a page takes."""
    with counted_queries() as counted:
        assert omar.sees(path).status_code == 200
    return len(counted)


def test_lists_take_as_many_queries_with_three_rows_as_with_one(omar: Omar) -> None:
    paths = ("~/updates", "~/milestones", "~/demands")

    def more(step: int) -> None:
        for publish in (True, False):
            at = kept(omar)
            if publish:
                omar.does(f"{at}/publish")
        omar.does("~/milestones", kind="count", value=str(10 + step))
        omar.does("~/demands/1", **{"state-1": "met", "day-1": "2026-11-20", "source-1": ""})

    more(1)
    first = {path: queries(omar, path) for path in paths}
    more(2)
    more(3)
    assert {path: queries(omar, path) for path in paths} == first


def test_a_demands_steps_stand_on_the_letters_page(omar: Omar) -> None:
    for state, day in (("partly_met", "2026-11-20"), ("broken", "2026-11-21")):
        given = {"state-1": state, "day-1": day, "source-1": f"https://press.example/{state}"}
        assert omar.does("~/demands/1", **given).status_code == 303
    page = letter(omar)
    assert page.count('href="https://press.example/partly_met"') == 1
    assert page.count('href="https://press.example/broken"') == 2
    assert page.index("Demand 1: promised, then broken.") < page.index("Demand 1: partly met.")
    demand = omar.client.get(f"/api/campaigns/{omar.slug}").json["demands"][0]  # type: ignore[index]
    assert demand == {"id": "d1", "text": "Answer us.", "state": "broken"}


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("source-1", "javascript:alert(1)", "Enter the address of a page, starting with https://."),
        ("source-1", "https://omar:secret@press.example", "Enter the address of a page, starting with https://."),
        ("day-1", "2099-01-01", "This day is in the future."),
        ("day-1", "yesterday", "Enter a date, such as 2026-11-24."),
        ("state-1", "won", "Choose one from the list."),
    ],
)
def test_an_error_of_a_demand_is_shown_at_its_field(omar: Omar, field: str, typed: str, sentence: str) -> None:
    given = {"state-1": "met", "day-1": "2026-11-20", "source-1": "https://press.example"} | {field: typed}
    answer = omar.does("~/demands/1", **given)
    assert answer.status_code == 422
    assert f'href="#{field}">{sentence}' in answer.text
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(DemandStep)) == 0


def test_what_was_typed_about_a_demand_comes_back_in_its_open_section(omar: Omar) -> None:
    given = {"state-1": "broken", "day-1": "2099-01-01", "source-1": "press.example"}
    page = omar.does("~/demands/1", **given).text
    assert "<details open>" in page
    assert '<option value="broken" selected>' in page
    assert 'value="2099-01-01"' in page
    assert 'value="press.example"' in page
    assert "<details open>" not in omar.sees("~/demands").text


@pytest.mark.parametrize(
    "text",
    ["ftp://press.example", "//press.example", "https://", "https://press", "https://a b.example", "https://[", ""],
)
def test_what_is_no_address_of_a_page(text: str) -> None:
    assert not is_link(text)


def test_milestones_are_added_changed_and_removed(app: Flask, omar: Omar) -> None:
    assert omar.does("~/milestones", kind="share", value="10", mail_readers="yes").status_code == 303
    assert "10% of the workforce (100 signatures)" in omar.sees("~/milestones").text
    assert omar.does("~/milestones", kind="share", value="10").status_code == 409
    assert omar.does("~/milestones", kind="share", value="101").status_code == 422
    omar.does("~/milestones/share/10", open_names="yes")
    assert "opens the names" in omar.sees("~/milestones").text
    assert "no name is public before 100 signatures" in omar.client.get(f"/c/{omar.slug}/sign?have=pass").text
    page = omar.sees("~/milestones/share/10").text
    assert "Those names stay sealed until then, even if you untick or remove this" in page
    assert "Removing it reveals no name that was signed under it." in page
    assert omar.does("~/milestones/share/10/remove").headers["Location"].endswith("/keys")
    assert omar.sees("~/milestones/share/10").status_code == 200, "names would open sooner"
    asked = omar.sees("~/keys").text
    assert "Names of people who sign from now on do not wait for 100 signatures any more." in asked
    assert approved(app, omar).status_code == 303
    assert omar.sees("~/milestones/share/10").status_code == 404


@pytest.mark.parametrize(
    ("kind", "value", "most"),
    [("share", "101", 100), ("share", "many", 100), ("count", "10000001", 10_000_000), ("won", "0", 10_000_000)],
)
def test_the_limit_of_a_milestone_is_that_of_its_kind(omar: Omar, kind: str, value: str, most: int) -> None:
    page = omar.does("~/milestones", kind=kind, value=value, open_names="yes")
    assert page.status_code == 422
    assert f'href="#value">Enter a whole number from 1 to {most}.' in page.text
    assert f'value="{value}"' in page.text
    assert re.findall(r'name="(\w+)" value="yes" checked', page.text) == ["open_names"]


def test_a_milestone_that_was_reached_has_a_day_and_no_button(omar: Omar) -> None:
    omar.does("~/milestones", kind="count", value="1")
    with db.transaction() as session:
        campaign = find(session, omar.slug)
        make.signature(session, campaign)
        epochs.close_epoch(session, campaign, clock.now())
    page = omar.sees(f"~/milestones/{MilestoneKind.COUNT}/1").text
    assert ("Reached on" in page, "Remove the milestone" in page) == (True, False)
    assert omar.does("~/milestones/count/1/remove").status_code == 409


def test_delivery_and_answer_follow_the_close_in_their_order_and_reach_the_page(omar: Omar) -> None:
    delivery = {
        "delivered": "2026-11-20",
        "how-en": "By hand",
        "how-fr": "En main propre",
        "note-en": "To her *office*.",
    }
    answer = {"answered": "2026-11-21", "text-en": "We **shall** act.", "do": "save"}
    assert omar.does("~/answer/delivery", **delivery).status_code == 409
    close(omar)
    early = omar.does("~/answer", **answer)
    assert (early.status_code, "A letter is opened, closed, delivered and answered, in this order." in early.text) == (
        409,
        True,
    )
    assert omar.does("~/answer/delivery", **(delivery | {"how-fr": ""})).status_code == 422
    assert omar.does("~/answer/delivery", **delivery).status_code == 303
    assert omar.does("~/answer", **(answer | {"text-en": ""})).status_code == 422
    assert omar.does("~/answer", **answer).status_code == 303
    assert omar.does("~/answer", **(answer | {"text-en": "We **will** act."})).status_code == 303
    page = letter(omar)
    assert "We <strong>will</strong> act." in page
    assert "By hand" in page
    assert "To her <em>office</em>." in page
    assert '<div class="text" lang="en"><p>We <strong>will</strong>' in omar.client.get(f"/c/{omar.slug}?lang=fr").text
    assert omar.client.get(f"/api/campaigns/{omar.slug}").json["state"] == "answered"  # type: ignore[index]
    with db.session() as session:
        campaign = find(session, omar.slug)
        told = [(each.action, each.about.get("corrected")) for each in session.scalars(audit_log.lines(campaign.id))]
    assert told == [(Action.ANSWERED, True), (Action.ANSWERED, False), (Action.DELIVERED, False), (Action.JOINED, None)]


def test_what_was_typed_about_the_end_comes_back_beside_what_is_kept_of_the_other_form(omar: Omar) -> None:
    close(omar)
    delivery = {"delivered": "2026-11-20", "how-en": "By hand", "how-fr": "En main propre"}
    assert omar.does("~/answer/delivery", **delivery).status_code == 303
    page = omar.does("~/answer", answered="2099-01-01", do="save", **{"text-fr": "Nous agirons."})
    assert (page.status_code, "This day is in the future." in page.text) == (422, True)
    for kept in ('value="2026-11-20"', 'value="By hand"', 'value="2099-01-01"', "Nous agirons.</textarea>"):
        assert kept in page.text
    page = omar.does("~/answer/delivery", **(delivery | {"how-fr": "", "note-en": "Late."}))
    assert (page.status_code, 'href="#how-fr">Fill in this field.' in page.text, "Late.</textarea>" in page.text) == (
        422,
        True,
        True,
    )
    page = omar.does("~/answer", answered="soon", do="preview", **{"text-fr": "Nous **agirons**."})
    assert (page.status_code, "<strong>agirons</strong>" in page.text, 'value="soon"' in page.text) == (200, True, True)


def test_a_full_week_of_mail_has_a_sentence_and_keeps_the_draft(omar: Omar) -> None:
    with db.transaction() as session:
        campaign = find(session, omar.slug)
        for _ in range(3):
            one = updates.write(session, campaign, {"en": "a", "fr": "b"}, Actor(omar.organiser_id, clock.now()))
            session.flush()
            asked = updates.ask_to_mail(session, campaign, one, None, Actor(omar.organiser_id, clock.now()))
            updates.mail_approved(session, campaign, asked, clock.now())
    at = kept(omar)
    answer = omar.does(f"{at}/mail")
    assert answer.status_code == 409
    assert "Three updates were mailed this week." in answer.text
    assert "We **met** them.</textarea>" in answer.text


def test_a_second_organiser_reads_how_many_are_mailed_and_when(app: Flask) -> None:
    with app.test_request_context("/?lang=fr"):
        sentence, button = approval_requests.SENTENCES[ApprovalKind.MAIL](
            {"readers": 1234, "due": "2026-11-28T01:52:00+00:00"}
        )
    assert button == "Écrire à au moins 1\u202f230 abonnés"
    assert "envoyée à au moins 1\u202f230 abonnés. Elle part le 28 novembre 2026 à 01:52 (UTC)." in sentence
    with app.test_request_context("/"):
        button = approval_requests.SENTENCES[ApprovalKind.MAIL]({"readers": 1, "due": ""})[1]
    assert button == "Mail fewer than 10 subscribers"


def test_the_longest_update_in_two_languages_is_kept_whatever_its_letters_weigh(omar: Omar) -> None:
    longest = "é€" * 10_000
    answer = omar.does("~/updates/new", **{"text-en": longest, "text-fr": longest})
    assert answer.status_code == 303
    page = omar.sees(answer.headers["Location"]).text
    assert page.count(longest) >= 2
