"""Mail from the terminal: an operator publishes, previews, sends, stops; bad input is one line and exit code 2."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from petition import epochs
from petition.campaigns import Update, find
from petition.campaigns.milestones import MilestoneKind
from petition.cli import cli
from petition.core import clock, db
from petition.mail import read_inbox
from petition.mailing import queue, subscribers
from petition.mailing.queue import Delivery, DeliveryState
from petition.mailing.subscribers import Audience, Frequency, Report, Subscriber, Trouble
from tests import make
from tests.support.terminal import run, told

OMAR = "omar@post.example"
Environ = dict[str, str]


@pytest.fixture
def slug(environ: Environ) -> str:
    """A campaign with one reader of milestones, one of days, and news to tell."""
    run(environ, "migrate")
    run(environ, "campaign", "list")
    with db.transaction() as session:
        made = make.campaign(session, goals=((MilestoneKind.COUNT, 1),), mailing={"quiet_from": 0, "quiet_to": 0})
        for address, rhythm in (("suzie@post.example", Frequency.MILESTONES), ("sam@post.example", Frequency.DAILY)):
            subscribers.ask(session, b"p" * 32, made.id, made.policies(), address, "en", rhythm, clock.now())
        for each in session.scalars(select(Subscriber)):
            subscribers.confirm(session, each.id, clock.now())
        for owed in session.scalars(select(Delivery)):
            owed.state = DeliveryState.SENT
        make.signature(session, made)
        epochs.close_epoch(session, made, clock.now() - timedelta(days=2))
        return made.slug


def inbox(environ: Environ) -> list[str]:
    return [mail.to for mail in read_inbox(Path(environ["PETITION_HOME"]) / "inbox")]


def news(folder: Path, **texts: str) -> list[str]:
    """Files with a text each, as options."""
    words: list[str] = []
    for lang, text in texts.items():
        file = folder / f"news.{lang}.md"
        file.write_text(text, encoding="utf-8")
        words += ["--text", f"{lang}={file}"]
    return words


def test_planning_and_sending_by_hand_tells_each_reader_once(environ: Environ, slug: str) -> None:
    assert run(environ, "digest", "plan", slug).output == "1 mails planned.\n"
    assert run(environ, "digest", "plan").output == "0 mails planned.\n"
    assert run(environ, "digest", "send").output == "1 mails tried.\n"
    assert inbox(environ) == ["sam@post.example"]


def test_three_updates_a_week_are_mailed_and_the_fourth_only_published(
    environ: Environ, slug: str, tmp_path: Path
) -> None:
    texts = news(tmp_path, en="They answered.", fr="Réponse reçue.")
    for _ in range(3):
        assert run(environ, "update", "publish", slug, *texts, "--mail", "--yes").exit_code == 0
    line = "Three updates were mailed this week. Publish it without --mail, or next week.\n"
    assert told(environ, "update", "publish", slug, *texts, "--mail", "--yes") == line
    assert run(environ, "update", "publish", slug, *texts).exit_code == 0
    with db.session() as session:
        assert session.scalars(select(Update.mailed).order_by(Update.number)).all() == [True, True, True, False]


def test_an_update_in_one_language_of_two_is_refused(environ: Environ, slug: str, tmp_path: Path) -> None:
    line = "An update needs a text in each language of a letter that is public.\n"
    assert told(environ, "update", "publish", slug, *news(tmp_path, en="They answered.")) == line
    missing = told(environ, "update", "publish", slug, "--text", f"en={tmp_path}/nothing.md")
    assert missing == f"'{tmp_path}/nothing.md' cannot be read: write --text en=news.en.md.\n"


def test_a_preview_shows_the_mail_and_sends_nothing(environ: Environ, slug: str, tmp_path: Path) -> None:
    shown = run(environ, "digest", "preview", slug, "signer_daily", "--html", str(tmp_path / "mail.html"))
    assert shown.output.startswith("Subject: ")
    assert "<html" in (tmp_path / "mail.html").read_text()
    assert inbox(environ) == []
    line = "There is nothing to say, so nothing would be sent.\n"
    assert told(environ, "digest", "preview", slug, "update") == line


def test_a_trial_goes_to_one_address_and_is_on_no_list(environ: Environ, slug: str) -> None:
    assert run(environ, "digest", "test", slug, "milestone", OMAR).output == "Sent.\n"
    assert inbox(environ) == [OMAR]
    refused = told(environ, "digest", "test", slug, "milestone", "nobody")
    assert refused == "This is not a complete e-mail address. Write it like name@company.example.\n"
    with db.session() as session:
        assert len(session.scalars(select(Subscriber)).all()) == 2


def test_a_halt_holds_back_and_says_so(environ: Environ, slug: str) -> None:
    run(environ, "digest", "plan")
    for what in ("all", "kind:signer_daily", f"campaign:{slug}"):
        assert run(environ, "sending", "pause", what).exit_code == 0
        assert run(environ, "sending", "status").output.startswith("not sent: ")
        assert run(environ, "digest", "send").output == "0 mails tried.\n"
        assert run(environ, "sending", "resume", what).output == "Going on; 0 planned mails were dropped.\n"
    assert run(environ, "sending", "status").output == "Everything is sent.\n"
    assert run(environ, "digest", "send").output == "1 mails tried.\n"
    for what in ("everything", "kind:gossip", "campaign:nothing"):
        told(environ, "sending", "pause", what)


def test_a_copy_under_another_address_sends_nothing_until_it_is_told_to(environ: Environ, slug: str) -> None:
    """P18: what was planned when the copy was made is dropped, and the day that is over is not told again."""
    run(environ, "sending", "status")
    run(environ, "digest", "plan")
    copy = environ | {"PETITION_BASE_URL": "http://copy.example"}
    assert run(copy, "digest", "send").output == "0 mails tried.\n"
    assert run(copy, "sending", "status").output == "not sent: restored copy\n"
    assert run(copy, "sending", "resume").output == "Going on; 1 planned mails were dropped.\n"
    assert run(copy, "digest", "plan").output == "0 mails planned.\n"
    assert run(copy, "digest", "send").output == "0 mails tried.\n"


def test_the_port_of_a_site_on_this_machine_makes_no_copy_of_it(environ: Environ, slug: str) -> None:
    for port in ("8000", "8001"):
        assert run(environ | {"PETITION_PORT": port}, "sending", "status").output == "Everything is sent.\n"


def test_organisers_are_entered_by_hand_and_get_their_day(environ: Environ, slug: str) -> None:
    assert run(environ, "subscriber", "enter", slug, "organiser", OMAR).exit_code == 0
    assert run(environ, "subscriber", "numbers", slug).output == "daily        1\nmilestones   1\n"
    assert run(environ, "digest", "plan").output == "2 mails planned.\n"
    run(environ, "digest", "send")
    assert sorted(inbox(environ)) == [OMAR, "sam@post.example"]
    with db.session() as session:
        campaign = find(session, slug)
        query = select(Subscriber.audience).where(Subscriber.campaign_id == campaign.id)
        assert sorted(session.scalars(query)) == [Audience.ORGANISER, Audience.SUBSCRIBER, Audience.SUBSCRIBER]


def test_given_up_mails_are_listed_and_tried_again(environ: Environ, slug: str) -> None:
    run(environ, "digest", "plan")
    with db.transaction() as session:
        for row in session.scalars(select(Delivery).where(Delivery.state == DeliveryState.PLANNED)):
            row.state, row.fault = DeliveryState.DEAD, "data 554 5.7.1"
    assert "signer_daily" in run(environ, "digest", "dead").output
    assert run(environ, "digest", "retry").output == "1 mails planned again.\n"
    assert run(environ, "digest", "dead").output == ""
    assert run(environ, "digest", "send").output == "1 mails tried.\n"


@pytest.fixture
def peppered(environ: Environ, slug: str, tmp_path: Path) -> Environ:
    """The installation whose pepper made the tags of the campaign's readers."""
    del slug
    pepper = tmp_path / "pepper"
    pepper.write_bytes(make.PEPPER)
    return environ | {"PETITION_PEPPER_FILE": str(pepper)}


def states() -> list[str]:
    with db.session() as session:
        return sorted(session.scalars(select(Subscriber.state)))


def test_an_operator_lifts_a_suppression_by_its_address_or_by_its_day(peppered: Environ, slug: str) -> None:
    """P53."""
    yesterday = clock.now().date() - timedelta(days=1)
    for by in (["sam@post.example"], ["--day", yesterday.isoformat()]):
        with db.transaction() as session:
            for trouble in (Trouble.HARD, Trouble.HARD):
                subscribers.record(session, make.PEPPER, Report(trouble, "sam@post.example"), yesterday)
        assert states() == ["active", "suppressed"]
        assert run(peppered, "subscriber", "numbers", slug).output == "milestones   1\nsuppressed   1\n"
        assert run(peppered, "subscriber", "suppressed").output == f"{yesterday} 1\nspam       0\n"
        assert run(peppered, "subscriber", "lift", "--day", "2020-01-01").output == "0 subscribers get mail again.\n"
        assert "1 " in run(peppered, "subscriber", "lift", *by).output
        assert states() == ["active", "active"]
    assert run(peppered, "digest", "plan").output == "1 mails planned.\n"


def test_a_complaint_is_lifted_by_its_address_alone(peppered: Environ) -> None:
    today = clock.now().date()
    with db.transaction() as session:
        subscribers.record(session, make.PEPPER, Report(Trouble.COMPLAINT, "sam@post.example"), today)
    assert run(peppered, "subscriber", "suppressed").output == "spam       1\n"
    run(peppered, "subscriber", "lift", "--day", today.isoformat())
    assert run(peppered, "subscriber", "suppressed").output == "spam       1\n"
    lifted = run(peppered, "subscriber", "lift", "sam@post.example").output
    assert lifted.endswith("A complaint is forgotten: the address can ask for mail.\n")
    assert run(peppered, "subscriber", "suppressed").output == "spam       0\n"


@pytest.mark.parametrize("words", [[], ["sam@post.example", "--day", "2026-11-25"]])
def test_lifting_wants_an_address_or_a_day(peppered: Environ, words: list[str]) -> None:
    assert told(peppered, "subscriber", "lift", *words) == "Give an address, or --day and a day.\n"


def test_the_terminal_says_what_the_mail_server_said_and_what_cannot_be_tried_again(peppered: Environ) -> None:
    run(peppered, "digest", "plan")
    with db.transaction() as session:
        queue.pause(session, "refused", clock.now(), "5.7.1 blocked")
        session.execute(update(Delivery).where(Delivery.kind == "signer_daily").values(state=DeliveryState.DEAD))
        subscribers.record(session, make.PEPPER, Report(Trouble.HARD, "sam@post.example"), clock.now().date())
    shown = "not sent: refused\nThe mail server refused three mails in a row and said: 5.7.1 blocked\n"
    assert run(peppered, "sending", "status").output == shown
    cannot = "0 mails planned again.\n1 cannot be: their addresses are suppressed (`subscriber lift`).\n"
    assert run(peppered, "digest", "retry").output == cannot
    run(peppered, "subscriber", "lift", "sam@post.example")
    assert run(peppered, "digest", "retry").output == "1 mails planned again.\n"
    assert run(peppered, "digest", "send").output == "0 mails tried.\n"
    assert run(peppered, "sending", "resume", "refused").output == "Going on; 0 planned mails were dropped.\n"
    assert run(peppered, "digest", "send").output == "1 mails tried.\n"


def report(folder: Path, address: str, text: str = "550 5.1.1 User unknown") -> str:
    """The path of a mail in which a mail server reports a failure in prose."""
    path = folder / "report.eml"
    head = "From: MAILER-DAEMON@mx.post.example\nSubject: Mail delivery failed\n\n"
    path.write_bytes(f"{head}<{address}>: {text}\n".encode())
    return str(path)


def test_a_report_that_cannot_be_read_is_kept_counted_and_shown(peppered: Environ, tmp_path: Path) -> None:
    """P54."""
    today, before = clock.now().date(), states()
    assert run(peppered, "bounces", "unread").output == ""
    said = "0 reports, 0 addresses suppressed.\nIt could not be read, or not all of it: `bounces unread` shows it for a week.\n"
    assert run(peppered, "bounces", "read", report(tmp_path, "sam@post.example", "\x1b[2J\a550\tgone")).output == said
    assert run(peppered, "bounces", "read", report(tmp_path, "sam@corp.example")).output == said
    assert states() == before
    shown = run(peppered, "bounces", "unread").output
    assert shown.startswith(f"{today} 2\n\n--- {today}\n")
    assert "<sam@post.example>: \ufffd[2J\ufffd550" in shown
    assert "The text was not kept: it names a work address" in shown
    assert "corp.example" not in shown


def test_what_is_no_report_is_not_kept(peppered: Environ, tmp_path: Path) -> None:
    """P52."""
    reply = tmp_path / "reply.eml"
    reply.write_text("From: sam@post.example\nSubject: Automatic reply: Undeliverable\n\nI am away.\n")
    assert run(peppered, "bounces", "read", str(reply)).output == "0 reports, 0 addresses suppressed.\n"
    assert run(peppered, "bounces", "unread").output == ""


def test_a_mail_without_end_is_read_to_its_end_and_a_report_at_its_beginning_counts(
    peppered: Environ, tmp_path: Path
) -> None:
    """A mail server whose pipe breaks would try again."""
    written = Path(__file__).parents[1] / "domain" / "data" / "reports" / "postfix.eml"
    raw = written.read_bytes().replace(b"postfix@reader.example", b"sam@post.example") + b"x\n" * 5_000_000
    result = CliRunner(env=peppered).invoke(cli, ["bounces", "read"], input=raw)
    assert result.output == "1 reports, 1 addresses suppressed.\n"
