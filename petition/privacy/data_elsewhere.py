"""The data map beyond the tables: every Redis key and every file of the home folder, its subject, lifetime and purpose.

This module prevents forgotten keys and files. A test inspects a running installation and fails on a key or a file that
no row describes, and on a key that lives longer than its row states. A name that two rows describe is rejected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from petition.core.i18n import marked as _
from petition.privacy.data_map import A_DAY, MINUTES, TWO_DAYS, DataMapWrong, Datum, Kind

HOUR: Final = 3600
LOG_DAYS: Final = 7

QUARTER: Final = _("a quarter of an hour")
AN_HOUR: Final = _("an hour")
HALF_AN_HOUR: Final = _("half an hour")
THE_DAY: Final = _("until half an hour after the day (UTC)")
A_WEEK: Final = _("seven days")
TO_NEXT_BATCH: Final = _("until the next batch replaces it")
AS_RUNNING: Final = _("as long as the servers run")
AS_TABLES: Final = _("as long as the rows in it; traces of deleted rows until PostgreSQL writes over them")
AS_INSTALLED: Final = _("as long as the installation")
UNTIL_DELETED: Final = _("until the operator deletes it")

OF_ASKERS: Final = _("the person who asked for a code")
OF_NETWORKS: Final = _("a network, for everybody behind it")
OF_ORGANISERS: Final = _("organisers")
OF_ANYBODY: Final = _("nobody")
OF_ALL: Final = _("everybody in the tables")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of keys or files: its name pattern (`*` matches anything), longest lifetime in seconds, subject, purpose.

    If `seconds` is None, the kind has no fixed lifetime; `datum.life` states what ends it.
    """

    names: str
    seconds: int | None
    whose: str
    why: str
    datum: Datum

    def describes(self, name: str) -> bool:
        """Returns whether a name is of this kind."""
        return fnmatchcase(name, self.names)


A_QUEUE: Final = Datum(
    Kind.sealed,
    MINUTES,
    _("That a mail with a code is on its way, and numbers of pending work. The address is encrypted."),
)
A_NUDGE: Final = Datum(Kind.operational, MINUTES, _("Numbers of pending work. They name nobody."))
TO_HAND_OUT: Final = _("to hand work to the workers")

KEYS: Final[tuple[Kept, ...]] = (
    Kept(
        "challenge:*",
        900,
        OF_ASKERS,
        _("to compare the code, five times at most"),
        Datum(
            Kind.keyed,
            QUARTER,
            _("That somebody asked for a code recently. Finding the address takes a key that is kept elsewhere."),
        ),
    ),
    Kept(
        "guesses:*",
        24 * HOUR + HOUR // 2,
        OF_ASKERS,
        _("to compare no more than fifty wrong codes for one address in a day"),
        Datum(
            Kind.keyed,
            THE_DAY,
            _("That a wrong code was typed for some address today. Finding the address takes a key that is kept elsewhere."),
        ),
    ),
    Kept(
        "mails:*",
        HOUR,
        OF_NETWORKS,
        _("to limit how many codes one network asks for"),
        Datum(Kind.keyed, AN_HOUR, _("That some network asked for codes. Its address cannot be computed after the hour.")),
    ),
    Kept(
        "asks:*",
        HOUR,
        OF_NETWORKS,
        _("to limit how much mail one network asks for"),
        Datum(Kind.keyed, AN_HOUR, _("That some network asked for mail. Its address cannot be computed after the hour.")),
    ),
    Kept(
        "tab-key:*",
        HOUR // 2,
        OF_ASKERS,
        _("so that a reload does not lose the step of signing; deleted once the receipt is saved, or on leaving at once"),
        Datum(
            Kind.sealed,
            HALF_AN_HOUR,
            _("A random key. What it decrypts is kept in one tab of a browser and never here."),
        ),
    ),
    Kept(
        "tabs:*",
        HOUR,
        OF_NETWORKS,
        _("to limit how many such keys one network keeps"),
        Datum(Kind.keyed, AN_HOUR, _("That some network opened signing pages. Its address cannot be computed after the hour.")),
    ),
    Kept(
        "network-key",
        HOUR,
        OF_ANYBODY,
        _("to hash networks with; a new one each hour, in memory only"),
        Datum(
            Kind.sealed,
            AN_HOUR,
            _("Somebody who reads the memory of the running server can test which networks were here within the hour."),
        ),
    ),
    Kept(
        "sign-ins:*",
        900,
        OF_ORGANISERS,
        _("to limit how often a name is tried"),
        Datum(Kind.keyed, QUARTER, _("That somebody tried to sign in as an organiser. The name is scrambled with a key.")),
    ),
    Kept(
        "network-sign-ins:*",
        900,
        OF_NETWORKS,
        _("to limit how often one network tries to sign in"),
        Datum(
            Kind.keyed,
            QUARTER,
            _("That somebody on some network tried to sign in as an organiser. Its address cannot be computed after the hour."),
        ),
    ),
    Kept(
        "seen:*",
        24 * HOUR,
        OF_ANYBODY,
        _("so that a puzzle, a sign-in or a report about mail counts once"),
        Datum(Kind.keyed, A_DAY, _("Hashes of random values and of reports that arrived. They lead to no person.")),
    ),
    Kept(
        "events:*",
        48 * HOUR,
        OF_ANYBODY,
        _("to notice attacks"),
        Datum(
            Kind.operational,
            TWO_DAYS,
            _("How often something was refused on a day: sign-ins, codes, reports, limits. It does not say to whom."),
        ),
    ),
    Kept(
        "code-day:*",
        48 * HOUR,
        OF_ANYBODY,
        _("to notice that an employer blocks the mails"),
        Datum(
            Kind.operational,
            TWO_DAYS,
            _("How many codes were asked for and used today at each work domain, but not by whom."),
        ),
    ),
    Kept("codes", None, OF_ASKERS, TO_HAND_OUT, A_QUEUE),
    Kept("ledger", None, OF_ANYBODY, TO_HAND_OUT, A_NUDGE),
    Kept("mail", None, OF_ANYBODY, TO_HAND_OUT, A_QUEUE),
    Kept("upkeep", None, OF_ANYBODY, TO_HAND_OUT, A_NUDGE),
    Kept("unacked", None, OF_ASKERS, _("to give work to another worker when one dies"), A_QUEUE),
    Kept("unacked_index", None, OF_ANYBODY, _("to give work to another worker when one dies"), A_NUDGE),
    Kept("unacked_mutex", 300, OF_ANYBODY, _("to give work to another worker when one dies"), A_NUDGE),
    Kept(
        "_kombu.binding*",
        None,
        OF_ANYBODY,
        TO_HAND_OUT,
        Datum(Kind.operational, AS_RUNNING, _("Which queues there are.")),
    ),
)  # fmt: skip

FILES: Final[tuple[Kept, ...]] = (
    Kept(
        "postgres/*",
        None,
        OF_ALL,
        _("the tables themselves, and PostgreSQL’s own log of changes"),
        Datum(
            Kind.keyed,
            AS_TABLES,
            _("The data of the tables above. Once an hour they are rewritten, so that the order in which people "
              "came is lost."),
        ),
    ),
    Kept(
        "log/*.log",
        LOG_DAYS * 24 * HOUR,
        OF_ANYBODY,
        _("to find faults"),
        Datum(Kind.operational, A_WEEK, _("When the servers started and what failed. No address, no name, no session.")),
    ),
    Kept(
        "public/*/bundle.zip",
        None,
        OF_ANYBODY,
        _("so that anybody can recount"),
        Datum(Kind.public, TO_NEXT_BATCH, _("The ledger, as published.")),
    ),
    Kept(
        "records/*",
        None,
        OF_ANYBODY,
        _("so that signatures of a version that cannot be continued stay provable"),
        Datum(
            Kind.public,
            UNTIL_DELETED,
            _("What was public of letters when an upgrade ended their ledgers, names included."),
        ),
    ),
    Kept(
        "exports/*",
        24 * HOUR,
        OF_ORGANISERS,
        _("for organisers to download"),
        Datum(Kind.operational, A_DAY, _("Public data, or the audit log; names only where they are public.")),
    ),
    Kept(
        "run/*",
        None,
        OF_ANYBODY,
        _("so that the servers find one another"),
        Datum(Kind.operational, AS_RUNNING, _("Which processes run, and when the next clean-up is due.")),
    ),
    Kept(
        "backup.pub",
        None,
        OF_ANYBODY,
        _("so that backups can be made without naming a key"),
        Datum(Kind.public, AS_INSTALLED, _("The public half of the key to backups. It decrypts nothing.")),
    ),
    Kept(
        "secrets/*",
        None,
        OF_ANYBODY,
        _("to try the program out"),
        Datum(
            Kind.sealed,
            AS_INSTALLED,
            _("The keys that make the rest readable. They are here in development only; in production they are kept "
              "elsewhere."),
        ),
    ),
    Kept(
        "inbox/*",
        None,
        OF_ASKERS,
        _("to try the program out"),
        Datum(
            Kind.personal,
            AS_INSTALLED,
            _("Every mail. This exists in development only, where no mail is really sent. Production has none."),
        ),
    ),
)  # fmt: skip


def row_of(rows: Iterable[Kept], name: str) -> Kept | None:
    """Returns the row that describes a key or a file, or None. Raises DataMapWrong if two rows do."""
    found = [row for row in rows if row.describes(name)]
    if len(found) > 1:
        msg = f"{name} is described by {found[0].names} and {found[1].names}"
        raise DataMapWrong(msg)
    return found[0] if found else None
