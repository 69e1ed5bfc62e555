"""Kill switches hold at once, whatever a process remembers; what cannot be taken back needs a second organiser."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Thread

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from petition import epochs
from petition.blindsign.passes import Pass
from petition.campaigns import CampaignState, OpenCampaign, find_any
from petition.core import clock, db
from petition.mailing.queue import current_pauses
from petition.organisers import Role, approvals
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind
from petition.organisers.audit_log import Action, AuditEntry
from petition.signatures.tables import Pending
from petition.usecases.acts import ACTS
from tests import make
from tests.support.drafts import opened
from tests.support.omar import Omar, approved, signed_in
from tests.support.suzie import Suzie, text

PAUSED = "The organisers paused signing."


def organiser_of(suzie: Suzie) -> Omar:
    return signed_in(suzie.client.application, suzie.slug)


def pending() -> int:
    with db.session() as session:
        return len(session.scalars(select(Pending.hw)).all())


def test_a_stopped_campaign_takes_no_signature_though_the_process_remembers_it_running(suzie: Suzie) -> None:
    held = suzie.gets_a_pass()
    bare = ".".join(held.split(".")[:2])  # a program sends the pass without what it keeps
    assert suzie.get("sign").status_code == 200  # remembered from here on, for a second
    with time_machine.travel(clock.now(), tick=False):
        organiser_of(suzie).does("~/settings/stop", what="signing")
        page = suzie.post("sign", **{"pass": held, "show": "anonymous"})
        call = suzie.client.post(f"/api/campaigns/{suzie.slug}/sign", json={"pass": bare, "show": "anonymous"})
        code = suzie.client.post(f"/api/campaigns/{suzie.slug}/verify", json={"address": "b@corp.example"})
    assert (page.status_code, call.status_code, code.status_code) == (409, 409, 409)
    assert PAUSED in text(page)
    assert held in page.text
    assert call.mimetype == "application/problem+json"
    assert (call.json or {})["type"] == "urn:undersigned:problem:signing-stopped"
    assert (pending(), len(suzie.codes)) == (0, 1)
    organiser_of(suzie).does("~/settings/resume", what="signing")
    assert suzie.post("sign", **{"pass": held, "show": "anonymous"}).status_code == 200
    assert pending() == 1


@pytest.mark.parametrize("what", ["codes", "method:work_email"])
def test_stopped_codes_are_not_mailed_and_a_stopped_method_gives_no_pass(suzie: Suzie, what: str) -> None:
    asked = suzie.asks_for_a_code()
    organiser_of(suzie).does("~/settings/stop", what=what)
    refused = suzie.post("verify", address="bob@corp.example")
    assert (refused.status_code, len(suzie.codes)) == (409, 1)
    given = suzie.post("pass", **(asked | {"code": suzie.codes[-1]}))
    assert given.status_code == (200 if what == "codes" else 409)
    organiser_of(suzie).does("~/settings/resume", what=what)
    assert suzie.post("verify", address="bob@corp.example").status_code == 200
    assert len(suzie.codes) == 2


def test_the_pages_say_calmly_that_signing_is_paused(app: Flask, slug: str) -> None:
    omar = signed_in(app, slug)
    omar.does("~/settings/stop", what="signing")
    client = app.test_client()
    for path in ("", "/sign"):
        page = client.get(f"/c/{slug}{path}")
        assert page.status_code == 200
        assert PAUSED in text(page)
    assert "Sign the letter" not in client.get(f"/c/{slug}").text
    french = text(client.get(f"/c/{slug}?lang=fr"))
    assert "Les organisateurs ont suspendu la signature." in french


def test_stops_are_in_the_audit_log_once_and_mail_is_paused_for_this_campaign_alone(app: Flask, omar: Omar) -> None:
    for what in ("mail", "mail", "codes"):
        assert omar.does("~/settings/stop", what=what).status_code == 303
    with db.session() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        assert f"campaign:{campaign.id.hex()}" in current_pauses(session, "http://localhost")
    for what in ("mail", "codes", "codes"):
        omar.does("~/settings/resume", what=what)
    for what in ("", "everything", "method:evidence"):
        assert omar.does("~/settings/stop", what=what).status_code == 422
    with db.session() as session:
        lines = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
        assert [(line.action, line.about["what"]) for line in lines if "what" in line.about] == [
            (Action.STOPPED, "mail"), (Action.STOPPED, "codes"), (Action.RESUMED, "mail"), (Action.RESUMED, "codes"),
        ]  # fmt: skip
        assert not [each for each in current_pauses(session, "http://localhost") if each.startswith("campaign:")]


def test_a_stop_waits_for_signatures_under_way_and_none_comes_after_it(suzie: Suzie) -> None:
    from petition import signatures
    from petition.campaigns import SigningStopped, switches

    with db.transaction() as session:
        campaign = find_any(session, suzie.slug)
        assert campaign
        held = [make.a_pass(session, campaign).held for _ in range(8)]
    taken: list[bool] = []

    def sign(pass_: Pass) -> None:
        try:
            with db.autocommit() as session:
                signatures.redeem(session, OpenCampaign.of(campaign), pass_, make.ANONYMOUS)
            taken.append(True)
        except SigningStopped:
            taken.append(False)

    with db.transaction() as session:
        stopping = find_any(session, suzie.slug)
        assert stopping
        switches.stop(session, stopping, switches.SIGNING)
        session.flush()
        threads = [Thread(target=sign, args=[each]) for each in held]
        for thread in threads:
            thread.start()
        threads[0].join(0.5)
        assert taken == []
    for thread in threads:
        thread.join()
    assert (taken, pending()) == ([False] * 8, 0)


def test_the_closing_date_is_moved_and_never_into_the_past(app: Flask, omar: Omar) -> None:
    assert omar.does("~/settings/closing", closes_at="2027-05-01T12:00").status_code == 303
    for typed in ("2020-01-01T12:00", "soon"):
        refused = omar.does("~/settings/closing", closes_at=typed)
        assert refused.status_code == 422
        assert f'value="{typed}"' in refused.text
    with db.session() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        assert campaign.closes_at
        assert campaign.closes_at.isoformat() == "2027-05-01T12:00:00+00:00"


def test_closing_now_is_asked_of_a_second_organiser_with_the_count(app: Flask, omar: Omar) -> None:
    omar.does("~/settings/close")
    assert "Somebody asked to close." in text(omar.sees("~/settings"))
    with db.session() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        asked = session.scalars(approvals.waiting(campaign.id, clock.now())).one()
        assert (asked.act, asked.about, campaign.state) == (
            ApprovalKind.CLOSE,
            {"signatures": 0, "waiting": 0},
            CampaignState.OPEN,
        )


def test_domains_of_an_open_letter_change_only_with_a_second_key(app: Flask, omar: Omar) -> None:
    assert omar.does("~/settings/domains", domain="corp.example", remove="yes").status_code == 422
    assert omar.does("~/settings/domains", domain="nowhere", plus="yes").status_code == 422
    assert omar.does("~/settings/domains", domain="other.example", plus="yes").status_code == 303
    bob = signed_in(app, omar.slug, Role.OWNER, "Bob Example")
    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        assert list(campaign.domains) == ["corp.example"]
        asked = session.scalars(approvals.waiting(campaign.id, clock.now())).one()
        request = approvals.approve(session, campaign.id, asked.id, Actor(bob.organiser_id, clock.now()))
        ACTS[request.act](session, campaign, request, clock.now())
    with db.session() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        assert sorted(campaign.domains) == ["corp.example", "other.example"]
        line = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.DOMAINS_CHANGED)).one()
        assert (line.by, line.about) == (bob.organiser_id, {"added": 1, "removed": 0, "changed": 0})


def test_a_domain_of_an_open_letter_is_changed_from_what_it_is(omar: Omar) -> None:
    page = omar.sees("~/settings")
    assert "also at eu.corp.example" in text(page)
    (link,) = re.findall(r'href="([^"]*settings\?domain=[^"]*)"', page.text)
    filled = omar.client.get(link).text
    assert re.search(r'id="domain" name="domain"[^>]* value="corp.example"', filled)
    assert re.search(r'<textarea id="hosts"[^>]*>\s*eu.corp.example</textarea>', filled)


def test_the_form_of_a_listed_domain_shows_how_names_are_read_and_cannot_change_it(omar: Omar) -> None:
    (link,) = re.findall(r'href="([^"]*settings\?domain=[^"]*)"', omar.sees("~/settings").text)
    page = omar.client.get(link)
    assert "is fixed since the opening, or one person could sign twice: tags dropped, dots dropped." in text(page)
    assert not re.findall(r'type="checkbox"[^>]*name="(?:plus|dots)"', page.text)
    kept = dict.fromkeys(re.findall(r'<input type="hidden" name="(plus|dots)" value="yes">', page.text), "yes")
    assert kept == {"plus": "yes", "dots": "yes"}
    for otherwise in ({"plus": "yes"}, {"dots": "yes"}, {}):
        answer = omar.does("~/settings/domains", domain="CORP.example", hosts="eu.corp.example", **otherwise)
        assert (answer.status_code, "one person could sign twice" in answer.text) == (422, True)
    assert omar.does("~/settings/domains", domain="eu.corp.example", plus="yes").status_code == 422
    more = "eu.corp.example\nus.corp.example"
    assert omar.does("~/settings/domains", domain="corp.example", hosts=more, **kept).status_code == 303


def test_a_refused_domain_comes_back_with_its_boxes_as_they_were_left(omar: Omar) -> None:
    page = omar.does("~/settings/domains", domain="nowhere", dots="yes")
    assert (page.status_code, 'href="#domain">Enter a domain, such as company.example.' in page.text) == (422, True)
    assert re.findall(r'name="(\w+)" value="yes" checked', page.text) == ["dots"]
    assert re.findall(r'name="(\w+)" value="yes" checked', omar.sees("~/settings").text) == ["plus"]


def test_the_forms_of_the_settings_do_not_disturb_each_other(omar: Omar) -> None:
    omar.does("~/settings/closing", closes_at="2027-05-01T12:00")
    page = omar.does("~/settings/translation", language="de", title="Ein Brief", markdown="")
    assert (page.status_code, 'href="#markdown">Fill in this field.' in page.text) == (422, True)
    for kept in ('value="2027-05-01T12:00"', 'value="Ein Brief"', '<option value="de" selected>'):
        assert kept in page.text


def test_a_translation_is_added_once_by_two_and_the_ledger_agrees(app: Flask, omar: Omar) -> None:
    """P46."""
    given = {"language": "de", "title": "Ein Brief", "markdown": "Sehr geehrte Damen und Herren,"}
    assert omar.does("~/settings/translation", **(given | {"markdown": ""})).status_code == 422
    assert omar.does("~/settings/translation", **given).headers["Location"].endswith("/keys")
    with db.session() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        assert campaign.languages == ["en", "fr"]
    assert "Sehr geehrte Damen und Herren," in omar.sees("~/keys").text
    assert approved(app, omar).status_code == 303
    again = omar.does("~/settings/translation", **given)
    assert (again.status_code, "The letter already exists in this language." in again.text) == (422, True)
    with db.session() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        assert campaign.languages == ["en", "fr", "de"]
        assert epochs.audit(session, campaign).faults == []


def test_the_calendar_opens_what_is_whole_and_leaves_what_is_not_with_a_reason(app: Flask, slug: str) -> None:
    """P46."""
    omar = signed_in(app, slug, None)
    omar.does("/organise/new", title="A letter", slug="not-yet", language="en", second="")
    omar.slug = "not-yet"
    soon = clock.now() + timedelta(minutes=5)
    omar.does("~/draft/dates", opens_at=f"{soon:%Y-%m-%dT%H:%M}", closes_at="")
    later = soon + timedelta(minutes=2)
    with db.transaction() as session:
        assert epochs.keep_calendar(session, later) == []
    with time_machine.travel(later):
        then = signed_in(app, slug, None)  # his own session would be one of a clock that was wrong, once time is back
        assert "was due to open on" in text(then.client.get("/organise/c/not-yet/draft"))
    omar.does("~/draft/letter/en", title="A letter", markdown="Dear chief executive,")
    omar.does("~/draft/demands", text_en="Answer us.")
    omar.does("~/draft/who", addressee="Chief Executive", organisation="Example")
    omar.does("~/draft/domains", domain="corp.example", plus="yes")
    assert "There is only one owner." in text(omar.sees("~/draft"))
    with db.transaction() as session:
        assert epochs.keep_calendar(session, later) == [], "nobody else approved it"
    assert opened(app, omar).status_code == 303
    assert "as a second owner approved it" in text(omar.sees("~/draft"))
    omar.does("~/draft/demands", text_en="And pay us more.")
    assert "if a second owner has approved it by then" in text(omar.sees("~/draft"))
    with db.transaction() as session:
        assert epochs.keep_calendar(session, later) == [], "it is another draft than the one that was approved"
    assert opened(app, omar).status_code == 303
    with db.transaction() as session:
        assert epochs.keep_calendar(session, later) == ["not-yet"]
    with db.session() as session:
        line = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.CAMPAIGN_OPENED)).one()
        assert line.by is None
