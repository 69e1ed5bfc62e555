"""Verification by a code to the work address: requests, their limits, and the challenge that waits for the code.

Every address of a listed domain gets the same response in the same time, known or not. At most three codes a day go to
one person, but the first mail of a day to each host that the domain lists is always sent: a host may reach somebody else
or nobody, so requests for one never use up the mails to another (decision 0080). All mails of an address and day (UTC) carry the same code, which is valid for any challenge for that
address, so that somebody who requests codes in a colleague's name uses up her mails but not her code (decision 0037).
Wrong codes are counted for the address and day, too. After fifty, only the long code is accepted, which each of these
mails holds as well, so that nobody can guess a code or lock somebody out by guessing (decision 0051). Addresses that are
not plainly one person's are rejected (`petition.privacy`). The address exists only in this call and, encrypted, in the
argument of the task that mails the code.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import (
    CTE,
    BindParameter,
    Date,
    LargeBinary,
    Select,
    SelectBase,
    bindparam,
    case,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from petition.campaigns import Campaign, OpenCampaign, require_open, switches
from petition.core import db, events
from petition.core.encoding import MalformedEncoding, b64u, unb64u
from petition.core.redis_store import CodeMacs, NewChallenge, RedisUnavailable, WrongCode
from petition.mail import Message, compose, random_message_id
from petition.privacy import (
    Recipient,
    WorkAddress,
    canonical_address,
    guesses_key,
    host_mails_key,
    identity_tag,
    long_code_of_day,
    mail_cap_key,
    seal_address,
)
from petition.verification.context import (
    AddressGuessed,
    AlreadyVerified,
    CodeWrong,
    LongCodeNeeded,
    NetworkExhausted,
    Proven,
    VerificationContext,
)
from petition.verification.tables import MailCap

NAME: Final = "work_email"
MAILS_A_DAY: Final = 3
KEY_BYTES: Final = 32
FILLERS: Final = 64
CODE_LIFE: Final = 900
AFTER_MIDNIGHT: Final = 2 * CODE_LIFE
"""A mail may take one code life to leave, and its recipient another one to type the code."""
CHALLENGE_BYTES: Final = 16
CODE_LABEL: Final = b"petition/code/v1\0"
SHORT: Final = 8
"""The digits of the code. The long code has twice as many and begins with it."""


def begin(
    session: db.Writing,
    context: VerificationContext,
    campaign: OpenCampaign,
    address: str,
    *,
    network: bytes,
    proven: bool,
    lang: str,
    now: datetime,
) -> str:
    """Send a code to a work address. Returns the challenge's id, 22 characters, whether or not a mail leaves.

    `network` is a keyed hash of the request's network; `proven` means that the request came with a proof of work.
    Raises AddressRefused, NetworkExhausted, CampaignNotOpen, CampaignClosed, SigningStopped, VerificationStopped,
    RedisUnavailable.
    """
    require_open(campaign)
    work = canonical_address(address, campaign.domains)
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    day, earlier_day = _days(now)
    today = long_code_of_day(context.pepper, day, work.canonical)
    earlier = today if earlier_day == day else long_code_of_day(context.pepper, earlier_day, work.canonical)
    wait = context.redis_store.keep_challenge(
        NewChallenge(
            _id_hash(campaign, challenge),
            _macs(context, challenge, today, earlier),
            identity_tag(context.pepper, campaign.id, work.canonical),
            work.domain.encode(),
            network,
            guesses_key(context.pepper, day, work.canonical),
            _seconds_left(now),
        ),
        proven=proven,
        seconds=CODE_LIFE,
    )
    if wait is not None:
        raise NetworkExhausted(wait)
    allowed = _within_cap(session, context, campaign, work, now)
    with suppress(RedisUnavailable):  # the mail is more than a figure about it
        context.redis_store.count_asked(day, campaign.id, work.domain, int(allowed))
    recipient = work.deliverable if allowed else None
    events.announce(session.info, events.CodeWanted(seal_address(context.vault, recipient, lang, now, code=today)))
    return b64u(challenge)


def prove(context: VerificationContext, campaign: OpenCampaign, challenge: str, code: str, blinded: bytes) -> Proven:
    """Check the answer to a challenge of this campaign: five attempts, then no more.

    Raises CodeWrong for every fault of the code. One kind of it is AddressGuessed, for the fiftieth wrong short code of
    an address and day; another is LongCodeNeeded, for every later one. Raises AlreadyVerified if the code came with
    another blinded value before.
    """
    try:
        raw = unb64u(challenge, CHALLENGE_BYTES)
    except MalformedEncoding:
        raise CodeWrong from None
    id_hash = _id_hash(campaign, raw)
    mac, digest = _mac(context, raw, code), hashlib.sha256(blinded).digest()
    found = context.redis_store.try_code(id_hash, mac, digest, is_long=len(code) > SHORT)
    if isinstance(found, WrongCode):
        raise _error_of(found)
    if not found.own:
        raise AlreadyVerified
    return Proven(NAME, found.tag, found.domain.decode())


def code_mail(recipient: Recipient, sender: str, now: datetime) -> Message:
    """Returns the mail that holds a code, short and long, and nothing about the letter (P29).

    The recipient must have an address.
    """
    assert recipient.address is not None
    return compose(
        "code",
        recipient.lang,
        {"code": recipient.code[:SHORT], "long_code": _grouped(recipient.code)},
        to=recipient.address,
        sender=sender,
        message_id=random_message_id(sender),
        now=now,
    )


def _days(now: datetime) -> tuple[date, date]:
    """Returns the day (UTC) whose code is mailed, and the one whose code is still accepted shortly after midnight."""
    now = now.astimezone(UTC)
    return now.date(), (now - timedelta(seconds=AFTER_MIDNIGHT)).date()


def _seconds_left(now: datetime) -> int:
    """Returns the seconds for which wrong codes of a challenge made now are counted: to the end of the day and a while.

    They end at the same moment for everybody, so that the time at which a count ends reveals nothing.
    """
    midnight = datetime.combine(_days(now)[0] + timedelta(days=1), time(), UTC)
    return int((midnight - now).total_seconds()) + AFTER_MIDNIGHT


def _error_of(wrong: WrongCode) -> CodeWrong:
    if wrong.long_needed:
        return LongCodeNeeded()
    return AddressGuessed() if wrong.was_last else CodeWrong()


def _macs(context: VerificationContext, challenge: bytes, today: str, earlier: str) -> CodeMacs:
    codes = (today[:SHORT], earlier[:SHORT], today, earlier)
    return CodeMacs(*(_mac(context, challenge, code) for code in codes))


def _grouped(code: str) -> str:
    """Returns a code in groups of four digits, which are easier to type."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def _id_hash(campaign: OpenCampaign, challenge: bytes) -> bytes:
    return hashlib.sha256(campaign.id + challenge).digest()


def _mac(context: VerificationContext, challenge: bytes, code: str) -> bytes:
    return hmac.digest(context.pepper, CODE_LABEL + challenge + code.encode(), "sha256")


def _within_cap(
    session: db.Writing, context: VerificationContext, campaign: OpenCampaign, work: WorkAddress, now: datetime
) -> bool:
    """Count a mail to this person, and to this host of theirs. Returns whether it may be sent.

    Raises SigningStopped, VerificationStopped: the same statement checks in the campaign's row whether codes are
    mailed.
    """
    filler, day = f"filler {secrets.randbelow(FILLERS)}", now.date()
    row: dict[str, object] = {"day": day, "campaign": campaign.id}
    for name, who, host in (("", work.canonical, work.deliverable.rpartition("@")[2]), ("filled ", filler, "")):
        row[f"{name}person"] = mail_cap_key(context.pepper, day, who)
        row[f"{name}host"] = host_mails_key(context.pepper, day, who, host)
    row |= {f"filling {each}": secrets.token_bytes(KEY_BYTES) for each in ("person", "host")}
    nth, nth_to_host = db.run(session, _COUNT_MAIL, row).one()
    if nth is None:
        switches.refuse_stopped(session, campaign.id, method=NAME, codes=True)
    return nth is not None and (nth <= MAILS_A_DAY or nth_to_host == 1)


def _counting() -> Select[int, int]:
    """Returns the statement that counts a mail of the day to a person and a host. Its results are null while codes are paused.

    The statement always inserts two rows of the caps and updates two others. Otherwise the response time would reveal
    which addresses were used before (P30). With a new person it updates a filler; with a known one it inserts a filler;
    and the same for the host. Every statement locks its rows in one order, so that none waits for another in a circle.
    """
    day, campaign = bindparam("day", type_=Date), bindparam("campaign", type_=LargeBinary)
    mailed = [switches.runs(each) for each in (switches.SIGNING, switches.CODES, switches.METHOD + NAME)]
    running = select(Campaign.id).where(Campaign.id == campaign, *mailed).cte("running")
    person = _counted("person", select(_key("person"), day, literal(1)).select_from(running))
    host = _counted("host", select(_key("host"), day, literal(1)).select_from(person))
    fillers = [
        select(case((mine.c.n == 1, _key(f"filled {mine.name}")), else_=_key(f"filling {mine.name}")), day, literal(1))
        for mine in (person, host)
    ]
    counts = (select(mine.c.n).scalar_subquery() for mine in (person, host))
    return select(*counts).add_cte(_one_more(union_all(*fillers)).cte("fillers"))


def _key(name: str) -> BindParameter[bytes]:
    return bindparam(name, type_=LargeBinary)


def _counted(name: str, row: Select[bytes, date, int]) -> CTE:
    return _one_more(row).returning(MailCap.__table__.c.n).cte(name)


def _one_more(rows: SelectBase) -> Insert:
    """Insert rows, or increase the count of those that exist."""
    adding = insert(MailCap).from_select(["key", "day", "n"], rows)
    return adding.on_conflict_do_update(index_elements=["key"], set_={"n": MailCap.n + 1})


_COUNT_MAIL: Final = _counting()
