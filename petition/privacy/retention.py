"""The retention table: what is kept, whom it is about, for how long and why, in words for signers.

The table and the data map cannot disagree. Each line names what it covers, and the lifetime is looked up in the map,
the only place where it is written. The module rejects a line that covers things with different lifetimes, things that
no line or two lines cover, and names that the map does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from petition.core.i18n import marked as _
from petition.privacy.data_elsewhere import FILES, KEYS
from petition.privacy.data_map import DATA_MAP, DataMapWrong


class Whose(StrEnum):
    """The group of people that kept data is about."""

    SIGNERS = "signers"
    SUBSCRIBERS = "readers"
    VISITORS = "visitors"
    ORGANISERS = "organisers"
    LETTER = "letter"
    SERVERS = "servers"


TITLES: Final[Mapping[Whose, str]] = {
    Whose.SIGNERS: _("About people who sign"),
    Whose.SUBSCRIBERS: _("About people who ask for mail"),
    Whose.VISITORS: _("About everybody who visits"),
    Whose.ORGANISERS: _("About organisers"),
    Whose.LETTER: _("About nobody: the letter and its ledger"),
    Whose.SERVERS: _("About nobody: the work of the servers"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `covers` names columns, whole tables (their remaining columns), keys and files as in the data map."""

    whose: Whose
    what: str
    why: str
    covers: str


@dataclass(frozen=True, slots=True)
class Retained:
    """A line with its lifetime from the data map."""

    what: str
    why: str
    life: str


UNREAD: Final = Line(Whose.SUBSCRIBERS, _("A report about a mail to you that nobody could read, encrypted"), _("to find out why mail does not arrive"), "public.unread_report")  # fmt: skip
CHECKED: Final = Line(Whose.SERVERS, _("When the newest backup was written, and which parts of the site were in order when they were last checked"), _("to notice what is broken"), "public.backup_run public.check_result")  # fmt: skip

LINES: Final[tuple[Line, ...]] = (
    Line(
        Whose.SIGNERS,
        _("Your work address, encrypted, while the mail with the code is on its way"),
        _("to send you the code"),
        "codes mail unacked",
    ),
    Line(
        Whose.SIGNERS,
        _("Scrambled marks of the code and of the address it went to"),
        _("to check the code that you type, five times at most"),
        "challenge:*",
    ),
    Line(
        Whose.SIGNERS,
        _("A scrambled mark of an address for which a wrong code was typed, and how often that day"),
        _("so that nobody can guess a code"),
        "guesses:*",
    ),
    Line(
        Whose.SIGNERS,
        _("A random key to the step of signing that your tab keeps, encrypted, on your own device"),
        _("so that a reload does not lose your pass or receipt"),
        "tab-key:*",
    ),
    Line(
        Whose.SIGNERS,
        _("A scrambled mark of the address, with how often a code was asked for there that day"),
        _("so that nobody’s mailbox is flooded with codes"),
        "verification.mail_cap",
    ),
    Line(
        Whose.SIGNERS,
        _("Scrambled marks of your address and of the stamp on your pass, which do not say whether you signed"),
        _("so that each person gets one pass, and a reply that got lost can be asked for again"),
        "verification.tag",
    ),
    Line(
        Whose.SIGNERS,
        _("Your name, role, team and comment, as far as you gave them, while your signature or a change of it waits"),
        _("to publish them with the next batch"),
        "public.pending.name public.pending.role public.pending.team public.pending.comment "
        "public.waiting_act.name public.waiting_act.role public.waiting_act.team public.waiting_act.comment",
    ),
    Line(
        Whose.SIGNERS,
        _("Your name, role, team and comment, as far as you gave them, once your signature is in the ledger"),
        _("so that everybody can read what you chose to show"),
        "public.signature.name public.signature.role public.signature.team public.signature.comment "
        "public.signature.folded_name public.signature.folded_comment",
    ),
    Line(
        Whose.SIGNERS,
        _("That a signature waits, is being withdrawn, changed or removed; without a name"),
        _("to write it into the ledger"),
        "public.pending public.waiting_act public.waiting_removal",
    ),
    Line(
        Whose.SIGNERS,
        _("The line of your signature in the ledger, without a name, and that its pass was used"),
        _("so that anybody can recount, and no pass signs twice"),
        "public.signature public.spent",
    ),
    Line(
        Whose.SUBSCRIBERS,
        _("Your personal address and the key to it, both encrypted; how often you want mail, and in which language"),
        _("to send you the mail that you asked for"),
        "public.subscriber public.contact",
    ),
    Line(
        Whose.SUBSCRIBERS,
        _("Which mail was due to which row of the list, and whether it arrived"),
        _("so that no mail is lost or sent twice"),
        "public.delivery",
    ),
    UNREAD,
    Line(
        Whose.SUBSCRIBERS,
        _("A scrambled mark of an address whose owner called a mail spam"),
        _("so that nothing more is sent there"),
        "public.suppression",
    ),
    Line(
        Whose.VISITORS,
        _("If you sign or ask for mail: a scrambled mark of your network, and the key it was scrambled with"),
        _("to limit how much one network asks for"),
        "mails:* asks:* tabs:* network-key",
    ),
    Line(
        Whose.VISITORS,
        _("Scrambled marks of random values that were used. They lead to no person"),
        _("so that a puzzle, a sign-in or a report about mail counts once"),
        "seen:*",
    ),
    Line(
        Whose.ORGANISERS,
        _("The name an organiser goes by, the roles, the public halves of passkeys, scrambled recovery codes"),
        _("so that organisers can sign in and do what their role allows"),
        "public.organiser public.membership public.passkey public.recovery_code",
    ),
    Line(Whose.ORGANISERS, _("That an organiser is signed in"), _("to stay signed in"), "public.visit"),
    Line(
        Whose.ORGANISERS,
        _("That an invitation is open, and who invited to which role"),
        _("so that an organiser can join"),
        "public.invitation",
    ),
    Line(
        Whose.ORGANISERS,
        _("Scrambled marks of a name that somebody tried to sign in with, and of the network"),
        _("to limit how often a name is tried, and how often a network tries"),
        "sign-ins:* network-sign-ins:*",
    ),
    Line(
        Whose.ORGANISERS,
        _("The audit log: what each organiser did, and when. It names no signer"),
        _("so that organisers are accountable"),
        "public.journal",
    ),
    Line(
        Whose.ORGANISERS,
        _("What one organiser asked another to approve, and the decision"),
        _("so that two organisers decide what needs two"),
        "public.key_request",
    ),
    Line(
        Whose.ORGANISERS,
        _("Drafts of updates, what was paused, and which bulk removals there were"),
        _("to work on the letter, and to take a removal back"),
        "public.update_draft public.campaign.stopped public.wave",
    ),
    Line(
        Whose.ORGANISERS,
        _("Files that an organiser asked for: public data, or the audit log"),
        _("to download them"),
        "public.export exports/*",
    ),
    Line(
        Whose.LETTER,
        _("The letter, its demands, its news, its milestones and the answer to it"),
        _("to show it"),
        "public.campaign public.letter public.demand public.demand_step public.handover public.answer public.update "
        "public.news public.goal public.milestone public.publication",
    ),
    Line(
        Whose.LETTER,
        _("The ledger, its checkpoints, what each batch brought, how many passes were issued, and the ledger’s key"),
        _("so that anybody can recount"),
        "public.entry public.tile public.head public.epoch verification.issued",
    ),
    Line(
        Whose.LETTER, _("What was public when an upgrade ended a ledger"), _("so that it stays provable"), "records/*"
    ),
    Line(
        Whose.LETTER, _("The ledger as one file to download"), _("so that anybody can recount"), "public/*/bundle.zip"
    ),
    Line(
        Whose.LETTER,
        _("When the last batch was written, and which times for batches and for changes were looked at last"),
        _("to know when the next one is due"),
        "public.head.epoch_at public.head.slot public.head.acts_week",
    ),
    Line(Whose.LETTER, _("The key that stamps passes, encrypted"), _("to issue passes"), "verification.issuer"),
    Line(
        Whose.LETTER,
        _("How many codes were asked for and used on days with ten codes or more. It does not say by whom."),
        _("to notice that an employer blocks the mails"),
        "verification.code_day",
    ),
    Line(
        Whose.LETTER,
        _("How many codes were asked for and used today, in memory only. It does not say by whom."),
        _("to notice that an employer blocks the mails"),
        "code-day:*",
    ),
    Line(
        Whose.LETTER,
        _("The content of each digest"),
        _("so that everybody gets the same news once"),
        "public.edition",
    ),
    Line(Whose.SERVERS, _("Figures of mail, in whole tens"), _("to show no single act"), "public.daily_figures"),
    Line(
        Whose.SERVERS,
        _("Numbers of pending work, whether mail is paused, and what the mail server refused"),
        _("so that nothing is forgotten when a server stops"),
        "public.owed public.halt public.refusal public.campaign.stale ledger upkeep unacked_index unacked_mutex",
    ),
    Line(
        Whose.SERVERS,
        _("Which processes run and which queues there are"),
        _("so that the servers find one another"),
        "run/* _kombu.binding*",
    ),
    Line(Whose.SERVERS, _("How often something was refused on a day, not to whom"), _("to notice attacks"), "events:*"),
    Line(Whose.SERVERS, _("Logs of faults, without an address, a name or a session"), _("to find faults"), "log/*.log"),
    Line(
        Whose.SERVERS,
        _(
            "How much mail each large provider accepted, which copy may send mail, and when the servers last worked "
            "and cleaned up"
        ),
        _("to send mail once and at a pace that is accepted"),
        "public.lane public.sender public.job_slot public.scrub_run public.heartbeat public.clock_look",
    ),
    CHECKED,
    Line(
        Whose.SERVERS,
        _("The files of the database and its own log of changes: the data above, as far as it is stored"),
        _("to store it"),
        "postgres/*",
    ),
    Line(
        Whose.SERVERS,
        _("The public half of the key to backups; and, only where the program is tried out, keys and every mail"),
        _("to make backups; to try the program out"),
        "backup.pub secrets/* inbox/*",
    ),
)


def retention(lines: Iterable[Line], lives: Mapping[str, str]) -> Mapping[Whose, tuple[Retained, ...]]:
    """Returns the table by subject. `lives` holds the lifetime of each column, key and file. Raises DataMapWrong."""
    lines = tuple(lines)
    owners = _owners(lines)
    covered: dict[str, set[str]] = {line.what: set() for line in lines}
    used = set()
    for name, life in lives.items():
        owner = name if name in owners else name.rpartition(".")[0]
        if owner not in owners:
            msg = f"no line of the retention table covers {name}"
            raise DataMapWrong(msg)
        covered[owners[owner].what].add(life)
        used.add(owner)
    if unknown := owners.keys() - used:
        msg = f"the data map does not know {', '.join(sorted(unknown))}"
        raise DataMapWrong(msg)
    for what, found in covered.items():
        if len(found) != 1:
            msg = f"“{what}” has {len(found)} life spans instead of one"
            raise DataMapWrong(msg)
    return {
        whose: tuple(Retained(line.what, line.why, *covered[line.what]) for line in lines if line.whose is whose)
        for whose in Whose
    }


def _owners(lines: Iterable[Line]) -> dict[str, Line]:
    owners: dict[str, Line] = {}
    for line in lines:
        for name in line.covers.split():
            if name in owners:
                msg = f"two lines of the retention table cover {name}"
                raise DataMapWrong(msg)
            owners[name] = line
    return owners


LIVES: Final[Mapping[str, str]] = {column: datum.life for column, datum in DATA_MAP.items()} | {
    row.names: row.datum.life for row in (*KEYS, *FILES)
}
RETENTION: Final = retention(LINES, LIVES)
