"""The data map: every column of the database, its kind, its lifetime, and what a thief would learn from it.

This module prevents forgotten columns. A test fails on a column without a row here, and the page "what a seizure would
yield" is generated from these rows. A column that is named twice, or without its schema and table, is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from petition.core.i18n import marked as _

COLUMN = re.compile(r"[a-z_]+\.[a-z0-9_]+\.[a-z0-9_]+", re.ASCII)


class Kind(StrEnum):
    """What a value reveals to somebody who took the disk."""

    public = "public"
    keyed = "keyed"
    sealed = "sealed"
    personal = "personal"
    operational = "operational"


@dataclass(frozen=True, slots=True)
class Datum:
    """One column: its kind, how long a value lives, and what a seizure of it yields (two short sentences)."""

    kind: Kind
    life: str
    seizure: str


class DataMapWrong(ValueError):
    """A row of the data map names a column incompletely or a second time."""


Row = tuple[str, Datum]


FOR_GOOD = _("for good")
TO_EPOCH = _("until the next batch is written")
TO_BATCH = _("until a batch takes it, at the latest when the letter closes")
TO_CLOSE = _("until the letter closes")
TO_HIDE = _("until it is hidden, withdrawn or removed by a batch, or six months after the letter closed")
A_DAY = _("a day")
TO_NEXT_DAY = _("a day, until the next figures replace them")
TWO_DAYS = _("two days")
TWELVE_HOURS = _("twelve hours")
THREE_DAYS = _("three days")
A_WEEK = _("a week")
TEN_DAYS = _("ten days")
TWO_MONTHS = _("two months")
NINETY_DAYS = _("ninety days after the time for deciding it ended")
INVITED = _("That an invitation is open. It cannot be used without its link.")
CHECKED = _("Which part of the site was in order on the last day, in a word. It names no host and nobody.")
NEWEST_STAYS = _("two months; the newest of each kind as long as the letter")
A_YEAR = _("a year")
TO_UNSUBSCRIBE = _("until it is unsubscribed, or six months after the letter closed")
AS_LETTER = _("as long as the letter")
MINUTES = _("until the work is done")


def _columns(table: str, names: str, kind: Kind, life: str, seizure: str) -> tuple[Row, ...]:
    """Returns rows for columns of one table that have the same description."""
    return tuple((f"{table}.{name}", Datum(kind, life, seizure)) for name in names.split())


LETTER = _("The letter and its settings, as published.")
LEDGER = _("The ledger, as published.")
WAITING = _("A signature as it will be published. It does not say whose it is.")
PENDING_COLUMNS = "campaign_id hw leaf line salt show publish_at sealed_until state ticket used"
ACT_COLUMNS = "campaign_id hw kind revealed commitment salt show publish_at sealed_until"
ACT = _("That a signature is being withdrawn or changed, as a later batch will say. It does not say whose it is.")
REMOVAL = _("That organisers are removing a signature, as a later batch will say.")
COUNTED = _("How many asked for mail and how much was sent, in whole tens. It points to nobody.")
TIDIED = _("When the servers last cleaned up.")
OPENING = _("When the letter opened. The fixed moments of its batches are counted from there.")
HEAD = _("When the last batch was written, and which times for batches and for changes were looked at last.")
UNREAD = _("What mail servers reported and nobody could read, encrypted. It may name people who asked for mail.")
BODY = _("What a signer chose to show, as published; a sealed name before its time.")

# The rows have the order of the page. Their sentences are marked for translation.
ROWS: tuple[Row, ...] = (
    *_columns(
        "verification.tag",
        "campaign_id tag reply",
        Kind.keyed,
        TO_CLOSE,
        _("That this many people were verified. Finding out who takes a key that is kept elsewhere."),
    ),
    *_columns(
        "verification.mail_cap",
        "key day n",
        Kind.keyed,
        A_DAY,
        _("That this many codes were asked for today. Finding the addresses takes a key that is kept elsewhere."),
    ),
    *_columns(
        "verification.code_day",
        "campaign_id domain day asked used share",
        Kind.operational,
        TEN_DAYS,
        _("How many codes were asked for and used on past days with ten codes or more, but not by whom."),
    ),
    *_columns("verification.issuer", "campaign_id sealed_key", Kind.sealed, TO_CLOSE, _("A key, encrypted.")),
    *_columns("verification.issued", "campaign_id method n", Kind.public, FOR_GOOD, LEDGER),
    *_columns("public.pending", "name role team comment", Kind.personal, TO_BATCH, BODY),
    *_columns("public.pending", PENDING_COLUMNS, Kind.public, TO_BATCH, WAITING),
    *_columns("public.signature", "name role team comment folded_name folded_comment", Kind.personal, TO_HIDE, BODY),
    *_columns(
        "public.signature",
        "campaign_id index hw leaf epoch state salt show publish_at sealed_until public ticket used why",
        Kind.public,
        FOR_GOOD,
        LEDGER,
    ),
    *_columns("public.spent", "campaign_id hw", Kind.public, FOR_GOOD, _("Which passes were used, but not by whom.")),
    *_columns("public.waiting_act", "name role team comment", Kind.personal, TO_BATCH, BODY),
    *_columns("public.waiting_act", ACT_COLUMNS, Kind.public, TO_BATCH, ACT),
    *_columns("public.waiting_removal", "campaign_id index why wave public reached", Kind.public, TO_BATCH, REMOVAL),
    *_columns("public.entry", "campaign_id index leaf line", Kind.public, FOR_GOOD, LEDGER),
    *_columns("public.tile", "campaign_id level index hashes", Kind.public, FOR_GOOD, LEDGER),
    *_columns(
        "public.head",
        "campaign_id size epoch day root checkpoint counted withdrawn removed issued public",
        Kind.public,
        FOR_GOOD,
        LEDGER,
    ),
    *_columns("public.head", "sealed_key", Kind.sealed, FOR_GOOD, _("A key, encrypted.")),
    *_columns("public.head", "opened_at", Kind.public, FOR_GOOD, OPENING),
    *_columns("public.head", "epoch_at slot acts_week", Kind.operational, TO_EPOCH, HEAD),
    *_columns(
        "public.campaign",
        "id slug origin state languages addressee addressee_role organisation organisers notice methods domains readings roles "
        "teams workforce workforce_source batch_min interval public_min mailing legal opens_at closes_at opened closed "
        "issuer",
        Kind.public,
        AS_LETTER,
        LETTER,
    ),
    *_columns("public.campaign", "stale", Kind.operational, MINUTES, _("That the public pages are about to change.")),
    *_columns("public.campaign", "stopped", Kind.operational, AS_LETTER, _("What organisers paused.")),
    *_columns("public.campaign", "opening_approved", Kind.operational, AS_LETTER, _("A digest of an approved draft.")),
    *_columns("public.letter", "campaign_id lang title markdown sha256", Kind.public, AS_LETTER, LETTER),
    *_columns("public.demand", "campaign_id number text state since source", Kind.public, AS_LETTER, LETTER),
    *_columns("public.demand_step", "campaign_id number step state day source", Kind.public, AS_LETTER, LETTER),
    *_columns("public.handover", "campaign_id day how note", Kind.public, AS_LETTER, LETTER),
    *_columns("public.answer", "campaign_id day text", Kind.public, AS_LETTER, LETTER),
    *_columns(
        "public.update_draft",
        "id campaign_id text mailed due approved number",
        Kind.operational,
        AS_LETTER,
        _("Updates that organisers are writing and have not published."),
    ),
    *_columns("public.update", "campaign_id number day text mailed", Kind.public, AS_LETTER, LETTER),
    *_columns("public.news", "campaign_id number kind value day", Kind.public, AS_LETTER, LETTER),
    *_columns(
        "public.goal", "campaign_id kind value mail_readers mail_organisers open_names", Kind.public, AS_LETTER, LETTER
    ),
    *_columns("public.milestone", "campaign_id kind value epoch day", Kind.public, AS_LETTER, LETTER),
    *_columns("public.publication", "campaign_id slug version data", Kind.public, AS_LETTER, LETTER),
    *_columns(
        "public.subscriber",
        "sealed",
        Kind.sealed,
        TO_UNSUBSCRIBE,
        _("The address of somebody who asked for mail, encrypted. Asking for mail does not mean having signed."),
    ),
    *_columns(
        "public.subscriber",
        "campaign_id tag lane",
        Kind.keyed,
        TO_UNSUBSCRIBE,
        _("That this many people asked for mail. Finding out who takes the pepper, or the key to the addresses."),
    ),
    *_columns(
        "public.subscriber",
        "id audience lang rhythm state since asked bounced",
        Kind.operational,
        TO_UNSUBSCRIBE,
        _("How often somebody wants mail, in which language, and since which day. It does not say who."),
    ),
    *_columns(
        "public.contact", "campaign_id public_key sealed_key", Kind.sealed, TO_UNSUBSCRIBE, _("A key, encrypted.")
    ),
    *_columns("public.unread_report", "id day sealed", Kind.sealed, A_WEEK, UNREAD),
    *_columns("public.suppression", "tag day", Kind.keyed, FOR_GOOD, _("How many reported a mail as spam.")),
    *_columns(
        "public.delivery",
        "kind recipient period campaign_id lane state due planned_at tries unanswered fault",
        Kind.operational,
        TWO_MONTHS,
        _("Which mail went to which row of the list, and whether it arrived. It does not say to which address."),
    ),
    *_columns(
        "public.edition", "campaign_id kind period since until after upto facts", Kind.public, NEWEST_STAYS, LETTER
    ),
    *_columns(
        "public.lane",
        "lane name open_at failures sent bounced complained",
        Kind.operational,
        FOR_GOOD,
        _("How many mails went to which large mail provider. Smaller providers are not named here."),
    ),
    *_columns("public.halt", "what since words", Kind.operational, MINUTES, _("Whether mail is paused, and why.")),
    *_columns("public.refusal", "kind recipient period", Kind.operational, MINUTES, _("Which mails were refused.")),
    *_columns(
        "public.sender", "one identity", Kind.operational, FOR_GOOD, _("Which copy of the database may send mail.")
    ),
    *_columns(
        "public.owed",
        "id kind campaign_id number since leased_until tries given_up",
        Kind.operational,
        MINUTES,
        _("Which files are still to be written for which batch."),
    ),
    *_columns(
        "public.epoch",
        "campaign_id number day at signed withdrawn removed counted issued size checkpoint",
        Kind.public,
        FOR_GOOD,
        _("What each batch brought, and when it was written, as anybody could see on the page."),
    ),
    *_columns(
        "public.wave",
        "id campaign_id why criteria found done state by at",
        Kind.operational,
        AS_LETTER,
        _("That organisers removed this many signatures at once, and why. It does not say whose."),
    ),
    *_columns(
        "public.organiser",
        "id name known_as lang disabled since",
        Kind.personal,
        AS_LETTER,
        _("The names that organisers chose. They may be made up; no mail address is kept with them."),
    ),
    *_columns(
        "public.membership",
        "campaign_id organiser_id role since",
        Kind.personal,
        AS_LETTER,
        _("Which organiser has which role in which campaign."),
    ),
    *_columns(
        "public.passkey",
        "id organiser_id name public_key sign_count since used",
        Kind.operational,
        AS_LETTER,
        _("Public keys, with which nobody can sign in."),
    ),
    *_columns(
        "public.recovery_code",
        "organiser_id number hash",
        Kind.keyed,
        AS_LETTER,
        _("Hashes of codes. Nobody can sign in with them."),
    ),
    *_columns(
        "public.visit",
        "id organiser_id began seen confirmed",
        Kind.keyed,
        TWELVE_HOURS,
        _("That an organiser is signed in, and since when, but not from where. It gives nobody access."),
    ),
    *_columns("public.invitation", "id organiser_id campaign_id role by until", Kind.keyed, THREE_DAYS, INVITED),
    *_columns(
        "public.journal",
        "number campaign_id at by deed about",
        Kind.personal,
        A_YEAR,
        _("What organisers did, and when. It names no signer."),
    ),
    *_columns(
        "public.key_request",
        "id campaign_id act about asked_by asked_at until state decided_by announced",
        Kind.personal,
        NINETY_DAYS,
        _(
            "What organisers asked one another to approve. It names no signer; a removal or a hide gives ledger entries."
        ),
    ),
    *_columns(
        "public.export",
        "id campaign_id kind state done total tries by at until",
        Kind.operational,
        A_DAY,
        _("That an organiser asked for a file. The file contains public data, and the audit log."),
    ),
    *_columns("public.job_slot", "job slot", Kind.operational, FOR_GOOD, TIDIED),
    *_columns("public.scrub_run", "at rewritten wal_switched checkpointed", Kind.operational, FOR_GOOD, TIDIED),
    *_columns("public.daily_figures", "scope day figures", Kind.operational, TO_NEXT_DAY, COUNTED),
    *_columns("public.heartbeat", "worker at", Kind.operational, FOR_GOOD, _("When each worker last worked.")),
    *_columns("public.backup_run", "at", Kind.operational, FOR_GOOD, _("When the newest backup was written.")),
    *_columns("public.check_result", "name verdict at", Kind.operational, FOR_GOOD, CHECKED),
    *_columns(
        "public.clock_look", "name at jumped", Kind.operational, FOR_GOOD, _("When a worker last looked at the clock.")
    ),
)


def data_map(rows: Iterable[Row]) -> Mapping[str, Datum]:
    """Index rows by column and keep their order. Raises DataMapWrong."""
    found: dict[str, Datum] = {}
    for column, datum in rows:
        if COLUMN.fullmatch(column) is None:
            msg = f"write {column!r} as schema.table.column"
            raise DataMapWrong(msg)
        if column in found:
            msg = f"{column} stands in the data map twice"
            raise DataMapWrong(msg)
        found[column] = datum
    return MappingProxyType(found)


DATA_MAP: Mapping[str, Datum] = data_map(ROWS)
