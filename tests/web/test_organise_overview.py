"""The first screen, the chart, the subscribers and the exports, as an organiser sees them."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from petition import organisers
from petition.campaigns import Campaign, draft, find_any
from petition.campaigns.milestones import MilestoneKind, PlannedMilestone, ReachedMilestone
from petition.campaigns.tables import UpdateDraft
from petition.config import Config
from petition.core import clock, db, heartbeats
from petition.core.ids import CampaignId
from petition.core.redis_store import CodeCount
from petition.epochs.history import Epoch
from petition.ledger import log
from petition.mailing import subscribers
from petition.mailing.queue import Delivery, DeliveryState, Throttle
from petition.mailing.subscribers.tables import Audience, Frequency, Subscriber, SubscriberState, Suppression
from petition.organisers import Role, approvals
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind
from petition.organisers.audit_log import Action, AuditEntry
from petition.privacy.daily_figures import DailyFigures
from petition.usecases import daily_figures as counting
from petition.usecases import exports, files
from petition.usecases.tables import Export, ExportKind
from petition.verification import canary
from petition.verification.tables import CodeDay
from petition.web.dashboard.panels import PANELS
from tests import make
from tests.support.many import signed
from tests.support.omar import Omar, signed_in
from tests.support.work import counted_queries
from workers.loops.exports import make_export

PAGES = ("/organise", "~", "~/chart", "~/chart?range=7", "~/subscribers", "~/exports")


def the(slug: str) -> CampaignId:
    with db.session() as session:
        found = find_any(session, slug)
        assert found
        return found.id


def busy(slug: str, n: int) -> None:
    """`n` rows of everything that a panel or a page lists."""
    now, cid = clock.now(), the(slug)
    with db.transaction() as session:
        campaign = session.get_one(Campaign, cid)
        suzie = organisers.enrol(session, f"Suzie {secrets.token_hex(4)}", "en", now).id
        organisers.join(session, campaign.id, suzie, Role.OWNER, now)
        for i in range(n):
            approvals.ask(session, cid, ApprovalKind.CLOSE, {"n": i}, Actor(suzie, now))
            session.add(UpdateDraft(id=secrets.token_bytes(8), campaign_id=cid, text={}, mailed=False, approved=False))
            session.add(
                Throttle(domain_tag=bytes([i]), name=f"p{i}.example", failures=0, sent=9, bounced=3, complained=3)
            )
            yesterday = now.date() - timedelta(days=1)
            session.add(CodeDay(campaign_id=cid, domain=f"d{i}.example", day=yesterday, asked=20, used=0, share=0))
            session.add(PlannedMilestone(campaign_id=cid, kind=MilestoneKind.COUNT, value=1 + i))
            session.add(PlannedMilestone(campaign_id=cid, kind=MilestoneKind.COUNT, value=1000 + i))
            day = now.date() - timedelta(days=n - i)
            session.add(ReachedMilestone(campaign_id=cid, kind=MilestoneKind.COUNT, value=1 + i, epoch=i, day=day))
            at = now - timedelta(days=n - i)
            figures = {"signed": 1, "withdrawn": 0, "removed": 0, "counted": i + 1, "issued": i + 2}
            session.add(Epoch(campaign_id=cid, number=i + 1, day=day, at=at, size=i + 1, checkpoint="", **figures))
            reader = secrets.token_bytes(8)
            session.add(
                Delivery(
                    kind=("milestone", "signer_weekly", "signer_daily")[i], recipient=reader, period="p", campaign_id=cid,
                    domain_tag=b"", state=DeliveryState.DEAD, due=now, planned_at=now, tries=6, unanswered=0, fault="421",
                )
            )  # fmt: skip
            session.add(
                Subscriber(
                    id=reader, campaign_id=cid, audience=Audience.SUBSCRIBER, tag=secrets.token_bytes(8),
                    sealed=b"", domain_tag=b"", lang="en", frequency=list(Frequency)[i], state=SubscriberState.ACTIVE,
                    since=now.date(), asked=0,
                )
            )  # fmt: skip
            session.add(Suppression(tag=bytes([i]), day=now.date()))
            session.add(
                Export(
                    id=secrets.token_bytes(16), campaign_id=cid, kind=ExportKind.AUDIT_LOG, state=exports.UNFINISHED[0],
                    done=0, total=0, tries=0, by=b"", at=now, until=now + timedelta(hours=1),
                )
            )  # fmt: skip
            make.signature(session, campaign)
        heartbeats.beat(session, "prompt", now)
        log.head_of(session, cid).counted = n
    count_day(now)


def count_day(now: datetime) -> None:
    """A day is over: its figures are counted, as if none had been before."""
    with db.transaction() as session:
        session.query(DailyFigures).delete()
        counting.record(session, now)


@pytest.mark.parametrize("path", PAGES)
def test_three_rows_of_everything_take_as_many_queries_as_one(app: Flask, path: str) -> None:
    found = []
    for n in (1, 3):
        with db.transaction() as session:
            slug = make.campaign(session).slug
            session.query(Throttle).delete()
            session.query(Suppression).delete()
        busy(slug, n)
        someone = signed_in(app, slug, name=f"Omar {n}")
        for _ in range(n - 1):
            with db.transaction() as session:
                other = make.campaign(session)
                organisers.join(session, other.id, someone.organiser_id, Role.OWNER, clock.now())
        someone.sees(path)
        with counted_queries() as asked:
            assert someone.sees(path).status_code == 200
        found.append(len(asked))
    assert found[0] == found[1]


def test_the_first_screen_shows_every_panel_with_the_work_queue_on_top(omar: Omar) -> None:
    busy(omar.slug, 3)
    text = omar.sees("~").text
    places = [text.find(f'id="panel-{panel.name}"') for panel in PANELS]
    assert -1 not in places
    assert places == sorted(places)
    for said in (
        "3 requests wait for a second organiser", "Mails were given up and can be tried again",
        "3 mail providers return mails",
        "3 updates are written and not published", "Few codes to d0.example are used", "Try undelivered mail again",
        "no heartbeat yet", "997 more to go", "At midnight (UTC) fewer than 10 signatures waited",
    ):  # fmt: skip
        assert said in text, said


def test_a_calm_campaign_says_so_and_what_to_do_next(omar: Omar) -> None:
    text = omar.sees("~").text
    for said in (
        "Nothing waits for you.", "Whether 10 signatures wait for the next batch is shown after midnight (UTC)",
        "No milestone is set.", "No mail was given up.", "The figures of a day appear here after it is over",
        "Figures of mail appear here after midnight (UTC)", "The figures of subscribers appear here after midnight",
    ):  # fmt: skip
        assert said in text, said


def test_a_draft_shows_what_is_missing_and_no_figures(app: Flask) -> None:
    with db.transaction() as session:
        made = draft(session, make.a_draft())
        made.addressee, made.domains = "", {}
        slug = made.slug
    text = signed_in(app, slug).sees("~").text
    assert "3 parts are missing before this campaign can open" in text, "an addressee, domains and a second owner"
    assert "panel-count" not in text
    assert "The chart begins with the first batch." in signed_in(app, slug).sees("~/chart").text


def test_unused_passes_are_those_of_the_last_batch_and_reveal_none_issued_since(omar: Omar) -> None:
    """P43."""
    with db.transaction() as session:
        head = log.head_of(session, the(omar.slug))
        head.counted, head.withdrawn, head.removed, head.issued = 10, 2, {"fraud": 1}, {"work_email": 20}
    told = '<p class="number">7</p>\n<p>passes are not used yet, of 20 issued</p>'
    assert told in omar.sees("~").text
    with db.transaction() as session:
        make.signature(session, session.get_one(Campaign, the(omar.slug)))
        make.a_pass(session, session.get_one(Campaign, the(omar.slug)))
    assert told in omar.sees("~").text


def the_overview(omar: Omar) -> str:
    """The first screen for somebody who has just come in, without what is drawn anew for each visit."""
    fresh = signed_in(omar.client.application, omar.slug, name=f"Omar {secrets.token_hex(4)}").sees("~").text
    return fresh[fresh.index('id="panel-codes"') : fresh.index('id="panel-bounces"')]


def test_a_day_of_codes_is_shown_after_it_has_ended(omar: Omar) -> None:
    """P43."""
    with time_machine.travel(make.NOW, tick=False) as watch:
        with db.transaction() as session:
            day = make.NOW.date()
            session.add(
                CodeDay(campaign_id=the(omar.slug), domain="corp.example", day=day, asked=27, used=11, share=25)
            )
        for hours in (0, 11):
            watch.move_to(make.NOW + timedelta(hours=hours, minutes=59))
            told = the_overview(omar)
            assert "Nobody" not in told
            assert "The figures of a day appear here after it is over" in told
            assert "corp.example" not in told
        watch.move_to(make.NOW + timedelta(hours=12))
        told = the_overview(omar)
        for said in ("corp.example", "27", "11"):
            assert said in told


def test_the_panels_do_not_distinguish_none_from_one_or_one_from_nine(omar: Omar) -> None:
    """P43: neither the codes of a day that is over, nor how many signatures wait, to any organiser."""
    looks = []
    for asked, used in ((0, 0), (1, 0), (1, 1), (9, 9)):
        with db.transaction() as session:
            session.query(CodeDay).delete()
            day = clock.now().date() - timedelta(days=1)
            canary.write_day(session, day, [CodeCount(the(omar.slug), "corp.example", asked, used)])
            make.signature(session, session.get_one(Campaign, the(omar.slug)))
        text = omar.sees("~").text
        looks.append((text[text.index('id="panel-codes"') : text.index('id="panel-bounces"')],
                      text[text.index('id="panel-count"') : text.index('id="panel-milestone"')]))  # fmt: skip
    codes, counts = zip(*looks, strict=True)
    assert "10 codes or more" in codes[0]
    assert len(set(codes)) == 1
    assert len({re.sub("The next time is in [^.]*[.]", "", each) for each in counts}) == 1


def test_undelivered_mails_are_tried_again_once_and_the_audit_log_records_it(omar: Omar) -> None:
    busy(omar.slug, 3)
    for _ in range(2):
        assert omar.does("~/dead-letters").status_code == 303
    with db.session() as session:
        states = list(session.scalars(select(Delivery.state)))
        lines = [each.about for each in session.scalars(select(AuditEntry)) if each.action is Action.MAILS_RETRIED]
    assert states == [DeliveryState.PLANNED] * 3
    assert lines == [{"mails": 0}]
    assert "Tried undelivered mail again: fewer than 10 mails" in omar.sees("~/journal").text
    assert "Mails were given up" not in omar.sees("~").text


def test_an_observer_is_not_offered_to_try_mails_again(app: Flask, slug: str) -> None:
    busy(slug, 1)
    assert "Try undelivered mail again" not in signed_in(app, slug, Role.OBSERVER).sees("~").text


def test_the_list_shows_state_count_role_and_what_waits(app: Flask, slug: str) -> None:
    busy(slug, 2)
    text = signed_in(app, slug, Role.EDITOR).sees("/organise").text
    for said in (slug, "Open for signatures", "2 signatures", "Editor", "5 things wait for you"):
        assert said in text


@pytest.mark.parametrize("chosen", ["7", "30", "all", "", "9999999999999", "x"])
def test_the_chart_is_a_picture_with_words_and_a_table_in_every_range(omar: Omar, chosen: str) -> None:
    busy(omar.slug, 3)
    page = omar.sees(f"~/chart?range={chosen}")
    assert page.status_code == 200
    assert 'aria-labelledby="chart-title chart-desc"' in page.text
    assert "the count went from 1 to 3" in page.text
    assert page.text.count('<th scope="row">') == 3
    assert "style=" not in page.text


def test_an_address_never_occurs_on_any_page_of_the_dashboard(app: Flask, omar: Omar, config: Config) -> None:
    asked = app.test_client().post(
        f"/c/{omar.slug}/subscribe", data={"address": "planted-suzie@gmail.com", "rhythm": "daily", "lang": "en"}
    )
    assert asked.status_code == 200
    with db.transaction() as session:
        assert [each.state for each in session.scalars(select(Subscriber))] == [SubscriberState.UNCONFIRMED]
    paths = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/organise")]
    pages = [path.replace("<slug>", omar.slug) for path in paths if "<" not in path.replace("<slug>", "")]
    assert len(pages) >= 6
    assert [path for path in pages if "planted-suzie" in omar.sees(path).text] == []
    count_day(clock.now())
    assert "<dt>Not confirmed yet</dt><dd>fewer than 10</dd>" in omar.sees("~/subscribers").text


def finish(slug: str, home: Path) -> None:
    """What the worker does."""
    with db.session() as session:
        waiting = exports.unfinished(session)
    for each in waiting:
        make_export(bytes.fromhex(each), home, clock.now())


def test_a_file_is_asked_for_made_and_taken_under_its_date(omar: Omar, config: Config) -> None:
    assert omar.does("~/exports", kind="journal").status_code == 303
    waiting = omar.sees("~/exports")
    assert waiting.headers["Refresh"] == "2"
    assert "Waiting for a worker" in waiting.text
    finish(omar.slug, config.home)
    ready = omar.sees("~/exports")
    assert "Refresh" not in ready.headers
    name = f"{omar.slug}-journal-{clock.now():%Y-%m-%d}.csv"
    assert name in ready.text
    with db.session() as session:
        export_id = session.scalars(select(Export.id)).one().hex()
    taken = omar.sees(f"~/exports/{export_id}")
    assert taken.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert taken.headers["Cache-Control"] == "no-store"
    assert taken.data.startswith(b'\xef\xbb\xbf"number","at","by","action","about"\r\n')


def test_names_wait_for_a_second_organiser_and_nothing_is_made_before(omar: Omar, config: Config) -> None:
    assert omar.does("~/exports", kind="signers").status_code == 400
    assert omar.does("~/exports/names").status_code == 409
    with db.transaction() as session:
        signed(session, session.get_one(Campaign, the(omar.slug)), 2)
    assert "Ask to export 2 public names" in omar.sees("~/exports").text
    answer = omar.does("~/exports/names")
    assert (
        "Requested. The file is made after a second organiser approves it."
        in omar.sees(answer.headers["Location"]).text
    )
    finish(omar.slug, config.home)
    assert files.every(config.home) == []


@pytest.mark.parametrize("token", ["00" * 16, "x", "..%2f..%2fpepper"])
def test_a_file_that_is_not_there_is_not_found(omar: Omar, token: str) -> None:
    assert omar.sees(f"~/exports/{token}").status_code == 404


def test_a_file_of_another_campaign_is_not_found(app: Flask, omar: Omar, config: Config) -> None:
    with db.transaction() as session:
        other = make.campaign(session)
        export = exports.ask(session, other, ExportKind.AUDIT_LOG, Actor(b"", clock.now()))
    finish(other.slug, config.home)
    assert omar.sees(f"~/exports/{export.id.hex()}").status_code == 404
    assert signed_in(app, other.slug).sees(f"~/exports/{export.id.hex()}").status_code == 200


@pytest.mark.parametrize(
    ("language", "sentence", "title", "figure"),
    [
        (
            "en",
            "Reports that could not be read, in seven days: at least 20.",
            "Reports that could not be read",
            "at least 20",
        ),
        ("fr", "Rapports illisibles, en sept jours\u202f: au moins 20.", "Rapports illisibles", "au moins 20"),
    ],
)
def test_reports_that_could_not_be_read_are_shown_where_mail_is(
    omar: Omar, language: str, sentence: str, title: str, figure: str
) -> None:
    """P54: on the overview and on the page of subscribers, as of the last day."""
    with db.transaction() as session:
        for _ in range(25):
            subscribers.unread.keep(session, b"A report.", [], "no-reply@accounts.example", clock.now().date())
    count_day(clock.now())
    assert sentence in omar.sees(f"~?lang={language}").text
    page = omar.sees(f"~/subscribers?lang={language}").text
    assert title in page
    assert figure in page[page.index('id="unread"') :]
