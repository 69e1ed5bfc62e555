"""Mail from a terminal: subscribers, digests, updates, pauses, bounces."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import TooManyUpdates
from petition.campaigns.mail_settings import Mailing
from petition.cli.common import YES, named, opened, refuse, require_yes
from petition.config import Config
from petition.core import clock, db
from petition.core.i18n import LANGUAGES
from petition.mail import MailDelayed, MailRefused, postbox_for
from petition.mailing import digests, queue, subscribers
from petition.mailing.digests import DIGESTS, NOTICES, Sender
from petition.mailing.queue.pauses import REFUSED
from petition.mailing.subscribers import Audience, WorkAddressRefused, dsn
from petition.organisers import audit_log
from petition.organisers.actor import Operator
from petition.organisers.audit_log import Action
from petition.privacy.addresses import SENTENCES, AddressRefused
from workers.loops.sending import send_round

KINDS = click.Choice(sorted([*DIGESTS, *NOTICES]))
LANG = click.option("--lang", type=click.Choice(list(LANGUAGES)), default="en", show_default=True)
ENTERED = click.Choice([Audience.ORGANISER.value, Audience.ADDRESSEE.value])


def sender(config: Config) -> Sender:
    """Returns the sender of mail from a terminal."""
    return Sender(
        postbox_for(config), config.base_url, config.secret_key, config.pepper, config.mail_from, config.mail_rate
    )


@click.group()
def digest() -> None:
    """Plan, preview and send digests, and list and retry mails that were given up."""


@digest.command()
@click.argument("slug", required=False)
def plan(slug: str | None) -> None:
    """Make the due editions of one campaign or of all."""
    with opened():
        with db.session() as session:
            found = [named(session, slug).id] if slug else campaigns.public_ids(session)
        promised = 0
        for campaign_id in found:
            with db.transaction() as session:
                promised += digests.plan_all(session, campaign_id, clock.now())
        click.echo(f"{promised} mails planned.")


@digest.command()
@click.argument("slug")
@click.argument("kind", type=KINDS)
@LANG
@click.option("--html", type=click.Path(path_type=Path), help="Write the HTML into this file, too.")
def preview(slug: str, kind: str, lang: str, html: Path | None) -> None:
    """Show what a mail would contain now. Nothing is sent or stored."""
    with opened() as config, db.session() as session:
        mail = digests.preview(session, named(session, slug), kind, lang, config.base_url, clock.now())
        if mail is None:
            refuse("There is nothing to say, so nothing would be sent.")
        click.echo(f"Subject: {mail.subject}\n\n{mail.text}")
        if html is not None:
            html.write_text(mail.html, encoding="utf-8")


@digest.command()
@click.argument("slug")
@click.argument("kind", type=KINDS)
@click.argument("address")
@LANG
def test(slug: str, kind: str, address: str, lang: str) -> None:
    """Send one mail, as it would be now, to one address. Its links lead to no settings."""
    with opened() as config, db.session() as session:
        mail = digests.preview(session, named(session, slug), kind, lang, config.base_url, clock.now())
        if mail is None:
            refuse("There is nothing to say, so nothing would be sent.")
        sending = sender(config)
        try:
            sending.postbox.send(digests.trial(sending, mail, address, clock.now()))
        except AddressRefused as refusal:
            refuse(SENTENCES[refusal.reason])
        except (MailRefused, MailDelayed) as fault:
            refuse(str(fault))
        click.echo("Sent.")


@digest.command()
def send() -> None:
    """Send what is due now, without waiting for a worker."""
    with opened() as config:
        claimed, sending = 0, sender(config)
        while sent := send_round(sending, clock.now):
            claimed += sent
        click.echo(f"{claimed} mails tried.")


@digest.command()
def dead() -> None:
    """List the mails that were given up: campaign, kind, period, fault."""
    with opened(), db.session() as session:
        for row in queue.dead(session):
            click.echo(f"{row.campaign_id.hex()[:8]} {row.kind:<18} {row.period:<14} {row.fault}")


@digest.command()
def retry() -> None:
    """Plan every given-up mail again that somebody still wants."""
    with opened(), db.transaction() as session:
        found = digests.retry(session, None, clock.now())
        click.echo(f"{found.again} mails planned again.")
        if found.suppressed:
            click.echo(f"{found.suppressed} cannot be: their addresses are suppressed (`subscriber lift`).")
        if found.unwanted:
            click.echo(f"{found.unwanted} were dropped: their subscribers left, paused or chose another frequency.")


@click.group()
def sending() -> None:
    """Pause and resume mail: everything, one campaign, one kind."""


def _what(session: Session, what: str) -> str:
    """Returns `all`, `kind:<kind>` or `campaign:<slug>`, the slug converted to what the rows hold."""
    kind, _, name = what.partition(":")
    if what == "all" or (kind == "kind" and name in {*DIGESTS, *NOTICES}):
        return what
    if kind != "campaign":
        refuse("Give `all`, `kind:` and a kind of mail, or `campaign:` and its short name.")
    return f"campaign:{named(session, name).id.hex()}"


@sending.command()
def status() -> None:
    """Show what is paused."""
    with opened() as config, db.transaction() as session:
        pauses = queue.current_pauses(session, config.base_url)
        click.echo("\n".join(f"not sent: {what}" for what in pauses) or "Everything is sent.")
        if (refused := queue.refused(session)) is not None:
            click.echo(f"The mail server refused three mails in a row and said: {refused.words}")


@sending.command()
@click.argument("what", default="all")
def pause(what: str) -> None:
    """Pause `all`, `kind:<kind>` or `campaign:<name>`."""
    with opened(), db.transaction() as session:
        queue.pause(session, _what(session, what), clock.now())


@sending.command()
@click.argument("what", default="all")
def resume(what: str) -> None:
    """Resume sending. `all` and `refused` also end a pause by refusals of the mail server.

    In a restored copy, `all` also drops what the original may have sent meanwhile.
    """
    with opened() as config, db.transaction() as session:
        known = what if what == REFUSED else _what(session, what)
        dropped = digests.resume(session, known, config.base_url, clock.now())
        click.echo(f"Going on; {dropped} planned mails were dropped.")


@click.group()
def update() -> None:
    """Publish updates by the organisers."""


@update.command()
@click.argument("slug")
@click.option("--text", "texts", multiple=True, required=True, metavar="LANG=FILE", help="A text, once a language.")
@click.option("--mail", is_flag=True, help="Mail it to those who asked for updates as they happen. Needs --yes.")
@YES
def publish(slug: str, texts: tuple[str, ...], *, mail: bool, yes: bool) -> None:
    """Publish an update on the page and, with --mail, by mail, at most three a week."""
    with opened(), db.transaction() as session:
        found, now = named(session, slug), clock.now()
        if mail:
            require_yes("the mail to subscribers", yes=yes)
        try:
            number = campaigns.publish_update(
                session, found, _read(texts), now, mailed_since=_week(found, now) if mail else None
            )
            audit_log.write(
                session, found.id, Operator(now), Action.UPDATE_PUBLISHED, {"update": number, "mailed": mail}
            )
        except TooManyUpdates:
            refuse("Three updates were mailed this week. Publish it without --mail, or next week.")


def _week(found: campaigns.Campaign, now: datetime) -> datetime:
    return digests.week_of(Mailing.read(found.mailing), now)


def _read(texts: tuple[str, ...]) -> dict[str, str]:
    read = {}
    for each in texts:
        lang, _, file = each.partition("=")
        try:
            read[lang] = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            refuse(f"{file!r} cannot be read: write --text en=news.en.md.")
        if "\0" in read[lang]:
            refuse(f"{file!r} holds a NUL character, which no text has.")
    return read


@click.group()
def subscriber() -> None:
    """Count subscribers, enter them by hand, lift suppressions. Addresses are never shown."""


@subscriber.command()
@click.argument("slug")
def numbers(slug: str) -> None:
    """Count the subscribers by frequency."""
    with opened(), db.session() as session:
        for name, n in sorted(subscribers.numbers(session, named(session, slug).id).items()):
            click.echo(f"{name:<12} {n}")


@subscriber.command()
@click.argument("slug")
@click.argument("audience", type=ENTERED)
@click.argument("address")
@LANG
def enter(slug: str, audience: str, address: str, lang: str) -> None:
    """Enter an organiser or the addressee, who get their digests without confirming."""
    with opened() as config, db.transaction() as session:
        found = named(session, slug)
        try:
            subscribers.enter(
                session, config.pepper, found.id, found.policies(), Audience(audience), address, lang, clock.now()
            )
        except AddressRefused as refusal:
            refuse(SENTENCES[refusal.reason])
        except WorkAddressRefused:
            refuse("This is a work address: the employer can read the mail that arrives there. Use a personal one.")


@subscriber.command()
def suppressed() -> None:
    """Count suppressed subscribers by day. A mail server reported that their addresses do not exist."""
    with opened(), db.session() as session:
        for day, n in subscribers.suppressed_by_day(session).items():
            click.echo(f"{day} {n}")
        click.echo(f"spam       {subscribers.complaints(session)}")


@subscriber.command()
@click.argument("address", required=False)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Everybody who was suppressed on this day (UTC).")
def lift(address: str | None, day: datetime | None) -> None:
    """Mail a suppressed address again, or all of a day. A complaint is lifted by its address only."""
    if (address is None) == (day is None):
        refuse("Give an address, or --day and a day.")
    with opened() as config, db.transaction() as session:
        today = clock.now().date()
        if day is not None:
            click.echo(f"{subscribers.lift_day(session, day.date(), today)} subscribers get mail again.")
        elif address is not None:
            click.echo(_lifted(session, config.pepper, address))


def _lifted(session: Session, pepper: bytes, address: str) -> str:
    try:
        n, complained = subscribers.lift(session, pepper, address, clock.now().date())
    except AddressRefused as refusal:
        refuse(SENTENCES[refusal.reason])
    sentence = f"Suppressed on {n} lists, which mail it again."
    return f"{sentence} A complaint is forgotten: the address can ask for mail." if complained else sentence


@click.group()
def bounces() -> None:
    """Process bounces that arrive as mails, and show those that could not be read."""


@bounces.command("read")
@click.argument("file", type=click.File("rb"), default="-")
def read_bounce(file: BinaryIO) -> None:
    """Read one delivery report (RFC 3464, or qmail's), as a mail server pipes it, and act on it."""
    raw = _beginning(file)
    reading = dsn.read(raw)
    with opened() as config, db.transaction() as session:
        today = clock.now().date()
        done = [subscribers.record(session, config.pepper, report, today) for report in reading.reports]
        click.echo(f"{len(done)} reports, {sum(done)} addresses suppressed.")
        if reading.unread:
            subscribers.unread.keep(session, raw, campaigns.work_domains(session), config.code_mail_from, today)
            click.echo("It could not be read, or not all of it: `bounces unread` shows it for a week.")


def _beginning(file: BinaryIO) -> bytes:
    """Returns as much of a mail as is read. The rest is consumed, so that the mail server sees no broken pipe."""
    beginning = file.read(dsn.LARGEST)
    while file.read(dsn.LARGEST):
        pass
    return beginning


@bounces.command("unread")
def show_unread() -> None:
    """Print the delivery reports of the last week that could not be read. They name people: keep them to yourself."""
    with opened(), db.session() as session:
        found = subscribers.unread.opened(session)
    for day, n in sorted(Counter(each.day for each in found).items()):
        click.echo(f"{day} {n}")
    for each in found:
        click.echo(f"\n--- {each.day}\n{_printable(each.text)}")


def _printable(text: bytes | None) -> str:
    """Returns a report for a terminal, in which no character of it can control the terminal."""
    if text is None:
        return (
            "The text was not kept: it names a work address or the sender of the codes, or too much was kept already."
        )
    lines = text.decode("utf-8", "replace").splitlines()
    return "\n".join(
        "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line.expandtabs())
        for line in lines
    )
