"""A letter in the making: each step saves what it can, loses nothing, and takes nothing that is not well-formed."""

from __future__ import annotations

import re
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select

from petition import organisers, publication
from petition.campaigns import CampaignState, add_demand, find_any
from petition.core import clock, db
from petition.organisers import Role, approvals
from petition.organisers.audit_log import Action, AuditEntry
from petition.usecases import drafting
from tests.support.drafts import completed, draft, opened
from tests.support.omar import Omar, approved, signed_in
from tests.support.suzie import fields, mistakes, text
from tests.support.work import counted_queries

SIMPLE = ("who", "roles", "teams", "workforce", "visible", "batches", "mail", "dates", "legal")
HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)> [y](data:text/html,x) ![p](https://a.example/p.png)"


def test_a_new_letter_is_a_draft_owned_by_the_organiser_who_began_it(app: Flask, drafter: Omar) -> None:
    begun = draft()
    assert (begun.state, begun.languages, begun.origin) == (CampaignState.DRAFT, ["en", "fr"], "localhost/c/our-letter")
    with db.session() as session:
        assert organisers.role_of(session, drafter.organiser_id, begun.id) is Role.OWNER
        deeds = session.scalars(select(AuditEntry.action).where(AuditEntry.campaign_id == begun.id)).all()
    assert deeds == [Action.JOINED, Action.CAMPAIGN_DRAFTED]
    assert app.test_client().get("/c/our-letter").status_code == 404


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\u202eb"}, "title"),
        ({"slug": "Our Letter"}, "slug"),
        ({"slug": "x" * 81}, "slug"),
        ({"slug": "our-letter"}, "slug"),
        ({"language": "xx"}, "language"),
        ({"second": "klingon"}, "second"),
    ],
)
def test_a_letter_cannot_begin_with_what_cannot_be_used_and_the_text_is_kept(
    drafter: Omar, typed: dict[str, str], field: str
) -> None:
    given = {"title": "Another", "slug": "another", "language": "en", "second": ""} | typed
    answer = drafter.does("/organise/new", **given)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert {name: fields(answer)[name] for name in ("title", "slug")} == {
        name: given[name] for name in ("title", "slug")
    }


@pytest.mark.parametrize("step", SIMPLE)
def test_each_step_saves_what_it_shows_and_shows_what_it_saved(drafter: Omar, step: str) -> None:
    shown = drafter.sees(f"~/draft/{step}")
    assert shown.status_code == 200
    saved = drafter.does(f"~/draft/{step}", **{name: value for name, value in fields(shown).items() if name != "token"})
    assert (saved.status_code, saved.headers["Location"]) == (303, f"/organise/c/our-letter/draft/{step}?saved=yes")
    assert ("Saved." in shown.text, "Saved." in drafter.sees(saved.headers["Location"]).text) == (False, True)


@pytest.mark.parametrize(
    ("step", "typed"),
    [
        ("who", {"addressee": "Chief Executive", "addressee_role_fr": "PDG", "organisers_en": "Some of us.\nWrite."}),
        ("workforce", {"workforce": "1200"}),
        ("visible", {"public_min": "50", "notice_fr": "Bientôt."}),
        ("batches", {"batch_min": "12", "interval": "3600"}),
        ("mail", {"time_zone": "Europe/Paris", "hour": "9", "quiet_from": "22", "quiet_to": "6", "neutral": "yes"}),
        ("dates", {"opens_at": "2027-01-01T09:00", "closes_at": ""}),
        ("legal", {"privacy_en": "We keep nothing."}),
        ("roles", {"value_0": "Engineer", "label_0_fr": "Ingénieure", "value_3": "Project lead"}),
        ("teams", {"value_0": "Platform"}),
    ],
)
def test_a_step_is_saved_though_it_is_incomplete(drafter: Omar, step: str, typed: dict[str, str]) -> None:
    assert drafter.does(f"~/draft/{step}", **typed).status_code == 303
    kept = fields(drafter.sees(f"~/draft/{step}"))
    moved = {"value_3": "value_1"} if step == "roles" else {}
    assert {name: kept.get(moved.get(name, name)) for name in typed} == typed


@pytest.mark.parametrize(
    ("step", "typed", "field"),
    [
        ("who", {"addressee": "x" * 201}, "addressee"),
        ("who", {"organisers_en": "a\x00b"}, "organisers_en"),
        ("who", {"organisation": "a\u200bb"}, "organisation"),
        ("workforce", {"workforce": "many"}, "workforce"),
        ("workforce", {"workforce": "0"}, "workforce"),
        ("workforce", {"workforce": "9" * 40}, "workforce"),
        ("visible", {"public_min": "-1"}, "public_min"),
        ("visible", {"public_min": "٥"}, "public_min"),
        ("batches", {"batch_min": "4", "interval": "3600"}, "batch_min"),
        ("batches", {"batch_min": "0", "interval": "3600"}, "batch_min"),
        ("batches", {"batch_min": "10", "interval": ""}, "interval"),
        ("mail", {"time_zone": "../../etc/passwd", "hour": "9", "quiet_from": "22", "quiet_to": "6"}, "time_zone"),
        ("mail", {"time_zone": "UTC", "hour": "24", "quiet_from": "22", "quiet_to": "6"}, "hour"),
        ("dates", {"opens_at": "tomorrow", "closes_at": ""}, "opens_at"),
        ("dates", {"opens_at": "9999-12-31T23:59", "closes_at": ""}, "opens_at"),
        ("dates", {"opens_at": "2027-02-01T09:00", "closes_at": "2027-01-01T09:00"}, "closes_at"),
        ("legal", {"imprint_fr": "x" * 20_001}, "imprint_fr"),
        ("roles", {"value_0": "Engineer", "value_1": "Engineer"}, "value_1"),
        ("teams", {"value_0": "x" * 121}, "value_0"),
    ],
)
def test_malformed_input_has_an_error_at_its_field_and_nothing_is_lost_or_saved(
    drafter: Omar, step: str, typed: dict[str, str], field: str
) -> None:
    before = fields(drafter.sees(f"~/draft/{step}"))
    answer = drafter.does(f"~/draft/{step}", **typed)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    if step != "mail":  # what is not on a list cannot be chosen again
        assert {name: fields(answer)[name] for name in typed} == typed
    assert fields(drafter.sees(f"~/draft/{step}")) == before


def test_dates_are_those_of_the_campaigns_time_zone(drafter: Omar) -> None:
    drafter.does("~/draft/mail", time_zone="Asia/Tokyo", hour="8", quiet_from="21", quiet_to="7")
    drafter.does("~/draft/dates", opens_at="2027-01-01T09:00", closes_at="2027-02-01T09:00")
    opens = draft().opens_at
    assert opens
    assert opens.isoformat() == "2027-01-01T00:00:00+00:00"


def test_a_letter_is_saved_previewed_and_too_long_a_one_is_kept_on_the_page(drafter: Omar) -> None:
    saved = drafter.does("~/draft/letter/fr", title="", markdown="## Bonjour\n\nQuoi ?", preview="yes")
    assert saved.headers["Location"] == "/organise/c/our-letter/draft/letter/fr?saved=yes#preview"
    page = drafter.sees("~/draft/letter/fr")
    assert "<h3>Bonjour</h3>" in page.text
    assert fields(page)["markdown"] == "## Bonjour\n\nQuoi ?"
    long = "é" * 60_001
    refused = drafter.does("~/draft/letter/fr", title="Une lettre", markdown=long)
    assert (refused.status_code, fields(refused)["markdown"], fields(refused)["title"]) == (422, long, "Une lettre")
    assert drafter.does("~/draft/letter/de", title="x", markdown="x").status_code == 404


def test_the_page_of_the_letter_says_what_pages_do_not_show(drafter: Omar) -> None:
    drafter.does(
        "~/draft/letter/en", title="A letter", markdown="| a |\n|---|\n| b |\n\n![Us](https://a.example/us.png)"
    )
    page = drafter.sees("~/draft/letter/en").text
    assert "<td>b</td>" in page
    assert page.count("Pages show no pictures.") == 1
    assert "HTML is shown as it is typed" not in page


def test_nothing_hostile_comes_through_a_preview(drafter: Omar) -> None:
    made = drafter.does("~/preview", lang="en", markdown=HOSTILE)
    assert made.status_code == 200
    drafter.does("~/draft/letter/en", title=HOSTILE[:150], markdown=HOSTILE)
    drafter.does("~/draft/demands", text_en=HOSTILE, text_fr=HOSTILE)
    drafter.does("~/draft/legal", privacy_en=HOSTILE)
    pages = [made, *(drafter.sees(f"~/draft{path}") for path in ("/letter/en", "/preview", "/demands", "/legal"))]
    for page in pages:
        assert page.status_code == 200
        shown = re.sub(r"<textarea.*?</textarea>|<input [^>]*type=\"text\"[^<]*>", "", page.text, flags=re.DOTALL)
        assert not re.search(
            r"<script>|<script(?! type=\"module\" src=\"/static)|<img|href=\"(javascript|data):", shown
        )
        assert not re.search(r"<[^>]+ onerror", re.sub(r"\"[^\"<>]*\"", "", shown))  # without the values of attributes


def test_a_language_is_added_once_and_must_be_one(drafter: Omar) -> None:
    assert drafter.does("~/draft/languages", language="de").status_code == 303
    assert drafter.does("~/draft/languages", language="de").status_code == 422
    assert drafter.does("~/draft/languages", language="tlh").status_code == 422
    assert draft().languages == ["en", "fr", "de"]


def test_a_language_goes_with_its_texts(drafter: Omar) -> None:
    drafter.does("~/draft/demands", text_en="Answer us.", text_fr="Répondez-nous.")
    drafter.does("~/draft/languages", language="de")
    drafter.does("~/draft/languages/fr/remove")
    drafter.does("~/draft/languages/de/remove")
    assert (draft().languages, [each.text for each in draft().demands]) == (["en"], [{"en": "Answer us."}])


def test_the_last_language_stays(drafter: Omar) -> None:
    drafter.does("~/draft/languages/fr/remove")
    assert drafter.does("~/draft/languages/en/remove").status_code == 422
    assert draft().languages == ["en"]


def test_demands_are_added_changed_moved_and_taken_out_by_buttons(drafter: Omar) -> None:
    for words in ("One", "Two", "Three"):
        drafter.does("~/draft/demands", text_en=words, text_fr="")
    drafter.does("~/draft/demands", text_en="", text_fr="")
    moved = drafter.does("~/draft/demands/3", act="up", text_en_3="Three, better", text_fr_3="Trois")
    assert moved.headers["Location"].endswith("#demand-2")
    drafter.does("~/draft/demands/1", act="up")
    drafter.does("~/draft/demands/1", act="down")
    assert [each.text["en"] for each in draft().demands] == ["Three, better", "One", "Two"]
    drafter.does("~/draft/demands/2", act="remove")
    assert [(each.number, each.text["en"]) for each in draft().demands] == [(1, "Three, better"), (2, "Two")]
    refused = drafter.does("~/draft/demands/2", act="save", text_en_2="x" * 1_001)
    assert (refused.status_code, draft().demands[1].text["en"]) == (422, "Two")
    assert "x" * 1_001 in refused.text
    assert drafter.does("~/draft/demands/9", act="remove").status_code == 422


def test_a_thousand_demands_are_not_taken(drafter: Omar) -> None:
    with db.transaction() as session:
        campaign = find_any(session, "our-letter")
        assert campaign
        for number in range(50):
            add_demand(campaign, {"en": f"Demand {number}"})
    answer = drafter.does("~/draft/demands", text_en="One more")
    assert (answer.status_code, mistakes(answer)) == (422, ["A letter may have 50 demands at most."])
    assert "One more" in answer.text
    assert len(draft().demands) == 50


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("alice@corp.example", "This address would be accepted. It counts as one person"),
        ("Alice+letters@corp.example", "This address would be accepted. It is read as alice@corp.example"),
        ("info@corp.example", "This address would not be accepted. This looks like a shared mailbox or a list"),
        ("alice@eu.corp.example", "This address would not be accepted. This is not an address of the organisation."),
        ("alice", "This address would not be accepted. This is not a complete e-mail address."),
        ("", "This address would not be accepted."),
        ("x" * 5_000, "This address would not be accepted."),
        ("<b>@corp.example", "This address would not be accepted."),
    ],
)
def test_an_address_is_tried_in_words_and_forgotten(
    drafter: Omar, address: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    drafter.does("~/draft/domains", domain="corp.example", plus="yes")
    answer = drafter.does("~/draft/domains/try", address=address)
    assert answer.status_code == 200
    assert words in text(answer)
    assert address == "" or address not in "".join(capfd.readouterr())


def test_domains_are_kept_in_their_plain_spelling_with_their_policy_and_taken_off(drafter: Omar) -> None:
    drafter.does("~/draft/domains", domain="@Corp.Example", dots="yes")
    assert draft().domains == {"corp.example": {"plus": False, "dots": True, "hosts": [], "shared": []}}
    refused = drafter.does("~/draft/domains", domain="not a domain", dots="yes")
    assert (refused.status_code, fields(refused)["domain"]) == (422, "not a domain")
    drafter.does("~/draft/domains/corp.example/remove")
    assert draft().domains == {}


def test_a_domain_is_changed_from_what_it_is_so_that_no_list_is_lost(drafter: Omar) -> None:
    given = {"hosts": "eu.corp.example\nuk.corp.example", "shared": "night-shift\nshop-*"}
    drafter.does("~/draft/domains", domain="corp.example", dots="yes", **given)
    page = drafter.sees("~/draft/domains")
    assert "also at eu.corp.example, uk.corp.example" in text(page)
    assert "refused: night-shift, shop-*" in text(page)
    assert fields(page)["domain"] == ""
    (link,) = re.findall(r'href="([^"]*domains\?domain=[^"]*)"', page.text)
    form = fields(drafter.client.get(link))
    assert {name: form[name] for name in ("domain", "hosts", "shared")} == {"domain": "corp.example"} | given
    ticked = re.findall(r'name="(\w+)" value="yes" checked', drafter.client.get(link).text)
    assert ticked == ["dots"]
    drafter.does("~/draft/domains", domain="corp.example", plus="yes", hosts=form["hosts"], shared=form["shared"])
    policy = {"plus": True, "dots": False, "hosts": given["hosts"].split(), "shared": given["shared"].split()}
    assert draft().domains == {"corp.example": policy}
    assert fields(drafter.sees("~/draft/domains?domain=other.example"))["domain"] == ""


def test_milestones_are_set_once_and_taken_back(drafter: Omar) -> None:
    for kind, value in (("count", "100"), ("share", "10"), ("count", "100")):
        assert drafter.does("~/draft/milestones", kind=kind, value=value).status_code == 303
    for kind, value in (("share", "101"), ("count", "0"), ("people", "5"), ("count", "1e3")):
        assert drafter.does("~/draft/milestones", kind=kind, value=value).status_code == 422
    drafter.does("~/draft/milestones/remove", kind="count", value="100")
    with db.session() as session:
        assert [(each.kind, each.value) for each in drafting.planned_milestones(session, draft())] == [("share", 10)]


def test_the_checklist_lists_what_is_missing_until_nothing_is(app: Flask, drafter: Omar) -> None:
    """P46: with one owner a letter cannot be opened."""
    begun = text(drafter.sees("~/draft"))
    assert "8 things are missing" in begun
    assert "There is no demand." in begun
    assert "There is only one owner." in begun
    refused = drafter.does("~/open")
    assert refused.status_code == 409
    assert "cannot be opened yet" in text(refused)
    completed(drafter)
    assert "1 thing is missing" in text(drafter.sees("~/draft"))
    assert drafter.does("~/open").status_code == 409
    signed_in(app, "our-letter", Role.OWNER, "Rita")
    assert "Nothing is missing" in text(drafter.sees("~/draft"))


def test_the_preview_is_the_public_page_and_not_public(app: Flask, drafter: Omar) -> None:
    completed(drafter)
    page = drafter.sees("~/draft/preview?lang=fr")
    assert page.headers["Cache-Control"] == "no-store"
    assert "Répondez-nous." in page.text
    assert "Une lettre" in page.text
    assert app.test_client().get("/organise/c/our-letter/draft/preview").status_code == 303


def test_an_opening_freezes_the_letter_and_is_in_the_audit_log(app: Flask, drafter: Omar) -> None:
    completed(drafter)
    rita = signed_in(app, "our-letter", Role.OWNER, "Rita")
    warned = text(drafter.sees("~/open"))
    assert "You cannot undo this." in warned
    assert "corp.example" in warned
    assert opened(app, drafter).status_code == 303
    assert draft().state is CampaignState.OPEN
    for path, typed in (
        ("~/draft/letter/en", {"title": "Other", "markdown": "Other"}),
        ("~/draft/demands/1", {"act": "save", "text_en_1": "Other"}),
        ("~/draft/demands", {"text_en": "Other"}),
        ("~/draft/who", {"addressee": "Other"}),
        ("~/draft/domains", {"domain": "other.example"}),
        ("~/draft/milestones", {"kind": "count", "value": "5"}),
        ("~/draft/languages", {"language": "de"}),
        ("~/open", {}),
    ):
        assert drafter.does(path, **typed).status_code == 409, path
    drafter.does("~/draft/legal", imprint_en="Us.")
    assert draft().legal == {}
    assert approved(app, drafter).status_code == 303
    with db.transaction() as session:
        publication.refresh(session, draft())
    legal = app.test_client().get("/c/our-letter/legal")
    assert "Us." in text(legal)
    with db.session() as session:
        line = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.CAMPAIGN_OPENED)).one()
    assert line.by == rita.organiser_id


def test_of_two_approvals_at_once_one_opens(app: Flask, drafter: Omar) -> None:
    completed(drafter)
    rita = signed_in(app, "our-letter", Role.OWNER, "Rita")
    drafter.does("~/open")
    with db.session() as session:
        asked = session.scalars(approvals.waiting(draft().id, clock.now())).one().id.hex()
    token, gate = rita.token(), Barrier(2)
    answers: list[int] = []

    def opens() -> None:
        client = app.test_client()
        client.set_cookie("__Host-undersigned", cookie)
        gate.wait()
        answers.append(
            client.post("/organise/c/our-letter/keys/approve", data={"token": token, "id": asked}).status_code
        )

    cookie = rita.client.get_cookie("__Host-undersigned").value  # type: ignore[union-attr]
    threads = [Thread(target=opens) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 404]


def test_a_duplicate_has_all_but_signatures_dates_keys_and_team(app: Flask, slug: str) -> None:
    drafter = signed_in(app, slug)
    assert drafter.does("~/duplicate", slug=slug).status_code == 422
    made = drafter.does("~/duplicate", slug="again")
    assert made.headers["Location"] == "/organise/c/again/draft"
    source, copy = draft(slug), draft("again")
    assert (copy.state, copy.issuer, copy.opened, copy.opens_at, copy.closes_at) == (
        CampaignState.DRAFT,
        None,
        None,
        None,
        None,
    )
    assert [(each.lang, each.markdown, each.sha256) for each in copy.letters] == [
        (each.lang, each.markdown, None) for each in source.letters
    ]
    assert [each.text for each in copy.demands] == [each.text for each in source.demands]
    assert (copy.domains, copy.roles, copy.workforce) == (source.domains, source.roles, source.workforce)
    drafter.slug = "again"
    assert "1 thing is missing" in text(drafter.sees("~/draft")), "a second owner"
    signed_in(app, "again", Role.OWNER, "Rita")
    assert "Nothing is missing" in text(drafter.sees("~/draft"))


@pytest.mark.parametrize("n", [1, 3])
def test_lists_of_one_and_three_take_the_same_number_of_queries(drafter: Omar, n: int) -> None:

    for number in range(n):
        drafter.does("~/draft/demands", text_en=f"Demand {number}")
        drafter.does("~/draft/domains", domain=f"corp{number}.example")
        drafter.does("~/draft/milestones", kind="count", value=str(number + 1))
    counts = {}
    for step in ("demands", "domains", "milestones"):
        with counted_queries() as seen:
            assert drafter.sees(f"~/draft/{step}").status_code == 200
        counts[step] = len(seen)
    assert counts == QUERIES


QUERIES = {"demands": 11, "domains": 11, "milestones": 12}


def test_an_editor_writes_but_does_not_choose_whose_addresses_count(app: Flask, drafter: Omar) -> None:
    editor = signed_in(app, "our-letter", Role.EDITOR, "Alice Example")
    assert editor.does("~/draft/letter/en", title="Better", markdown="Text").status_code == 303
    assert editor.sees("~/draft/domains").status_code == 403
    assert editor.sees("~/open").status_code == 403
    assert drafter.sees("~/draft/domains").status_code == 200


def test_what_a_step_shows_again_is_what_was_posted_with_room_for_more(drafter: Omar) -> None:
    typed = {"value_0": "Engineer", "label_0_fr": "Ingénieure", "value_2": "Engineer", "label_2_en": "Engineer, too"}
    answer = drafter.does("~/draft/roles", **typed)
    assert (answer.status_code, mistakes(answer)) == (422, ["This is already in the list."])
    shown = fields(answer)
    assert {name: text for name, text in shown.items() if text and name.startswith(("value_", "label_"))} == typed
    assert [name for name in shown if name.startswith("value_")] == [f"value_{row}" for row in range(7)]
    assert [name for name in shown if name.startswith("label_6")] == ["label_6_en", "label_6_fr"]


def test_a_list_has_a_hundred_and_twenty_entries_at_most(drafter: Omar) -> None:
    drafter.does("~/draft/teams", **{f"value_{row}": f"Team {row}" for row in range(0, 130, 2)})
    assert list(draft().teams) == [f"Team {row}" for row in range(0, 120, 2)]
    assert "value_119" not in fields(drafter.sees("~/draft/teams"))


def test_every_mistake_of_a_milestone_has_an_error_and_what_was_typed_is_kept(drafter: Omar) -> None:
    answer = drafter.does("~/draft/milestones", kind="share", value="101")
    assert mistakes(answer) == ["A share is at most 100 per cent."]
    assert {name: fields(answer)[name] for name in ("kind", "value")} == {"kind": "share", "value": "101"}
    assert mistakes(drafter.does("~/draft/milestones", kind="count", value="a lot")) == [
        "Enter a whole number from 1 to 10000000."
    ]


def test_a_language_that_is_none_costs_nobody_the_letter(drafter: Omar) -> None:
    typed = {"title": "Une lettre", "markdown": "Madame, Monsieur,", "letter_lang": "fr"}
    answer = drafter.does("~/draft/languages", language="tlh", **typed)
    assert (answer.status_code, mistakes(answer)) == (422, ["Choose one from the list."])
    assert {name: fields(answer)[name] for name in typed} == typed
    assert next(each for each in draft().letters if each.lang == "fr").title == ""


def test_a_demand_that_goes_may_hold_anything_and_a_refused_one_stays_on_the_page(drafter: Omar) -> None:
    for words in ("One", "Two"):
        drafter.does("~/draft/demands", text_en=words)
    typed = {"text_en_1": "x" * 1_001, "text_en_2": "y" * 5_000}
    refused = drafter.does("~/draft/demands/2", act="remove", **typed)
    assert (refused.status_code, mistakes(refused)) == (422, ["Use 1000 characters or fewer."])
    assert {name: fields(refused)[name] for name in typed} == typed
    assert drafter.does("~/draft/demands/1", act="remove", text_en_1="x" * 5_000).status_code == 303
    assert [each.text for each in draft().demands] == [{"en": "Two"}]


def test_a_demand_that_somebody_else_changed_is_shown_beside_what_was_typed(drafter: Omar) -> None:
    drafter.does("~/draft/demands", text_en="One")
    screen = {name: value for name, value in fields(drafter.sees("~/draft/demands")).items() if name != "token"}
    drafter.does("~/draft/demands/1", act="save", text_en_1="One, theirs")
    answer = drafter.does(
        "~/draft/demands/1", act="save", **(screen | {"text_en_1": "One, mine", "text_en": "z" * 2_000})
    )
    assert answer.status_code == 409
    assert "Your version One, mine Saved by somebody else One, theirs" in text(answer)
    again = {name: value for name, value in fields(answer).items() if name != "token"}
    assert again["text_en"] == "z" * 2_000
    assert drafter.does("~/draft/demands/1", **again).status_code == 422
    assert drafter.does("~/draft/demands/1", **(again | {"text_en": ""})).status_code == 303
    assert [each.text for each in draft().demands] == [{"en": "One, mine"}]


def test_to_try_an_address_leaves_the_policy_of_a_new_domain_as_it_is_proposed(drafter: Omar) -> None:
    box = '<input type="checkbox" id="plus" name="plus" value="yes" checked'
    assert box in drafter.sees("~/draft/domains").text
    assert box in drafter.does("~/draft/domains/try", address="alice@corp.example").text
    assert box not in drafter.does("~/draft/domains", domain="not a domain").text


@pytest.mark.parametrize(("path", "name"), [("who", "addressee"), ("letter/en", "title")])
def test_going_on_with_too_many_marks_on_a_letter_is_refused_at_its_field(drafter: Omar, path: str, name: str) -> None:
    answer = drafter.does(f"~/draft/{path}", go="demands", **{name: "a" + "\u0315\u0300" * 20})
    assert answer.status_code == 422
    assert f'href="#{name}"' in answer.text
