"""Turns a pass into a signature that waits for the next epoch (docs/protocol.md §4.1)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn

from sqlalchemy import (
    CTE,
    BindParameter,
    Boolean,
    ColumnElement,
    Select,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import KeyedColumnElement

from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import Pass
from petition.campaigns import Campaign, CampaignClosed, CampaignState, OpenCampaign, milestones, require_open, switches
from petition.core import db
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.ledger import checkpoint, log, merkle
from petition.ledger.entries import Body, SignEntry, Visibility, commitment
from petition.signatures.tables import Pending, SignatureState, Spent

LARGEST_PUBLISH_AT = 100_000
TICKET_LENGTH = 16


class PassForeign(ExpectedError, ValueError):
    """The pass was not stamped for this campaign."""

    status = 403


class PassSpent(ExpectedError):
    """The pass was redeemed before."""

    status = 409


class DisplayFault(StrEnum):
    """The reasons for which a display choice is rejected."""

    NAME_MISSING = "name_missing"
    ROLE_MISSING = "role_missing"
    NOT_NEEDED = "not_needed"
    NOT_LISTED = "not_listed"
    OUT_OF_RANGE = "out_of_range"


class DisplayRefused(ExpectedError, ValueError):
    """One field of a display choice is invalid. `field` is its name in forms and in the API."""

    status = 422

    def __init__(self, field: str, reason: DisplayFault) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DisplayChoice:
    """What a signer wants to show. `publish_at`: show the name only when so many names are public; 0 means at once.

    `sealed_until` is the number of signatures that the page promised before any name is public; 0 means none. If the
    letter promises more by now, the larger number applies.
    """

    show: Visibility
    name: str = ""
    role: str = ""
    team: str = ""
    comment: str = ""
    publish_at: int = 0
    sealed_until: int = 0

    def body(self) -> Body:
        """Returns the part that the ledger commits to."""
        return Body(self.show, self.name, self.role, self.team, self.comment)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a signer gets: the entry, its opening, a ticket to ask for the status (16 bytes), and a signed promise.

    The signer keeps it together with the secret of the pass, which the server does not have.
    """

    entry: str
    salt: bytes
    body: Body
    ticket: bytes = field(repr=False)
    promise: bytes
    by_epoch: int
    leaf: bytes


def ticket_hash(ticket: bytes) -> bytes:
    """Returns what the database keeps of a receipt's ticket: its SHA-256."""
    return hashlib.sha256(ticket).digest()


def redeem(session: db.Writing, campaign: OpenCampaign, held: Pass, choice: DisplayChoice) -> Receipt:
    """Redeem a pass for one signature, with one statement that writes two rows and no time.

    Raises PassForeign, PassSpent, DisplayRefused, CampaignNotOpen, CampaignClosed, SigningStopped.
    """
    require_open(campaign)
    if not passes.check(_issuer(campaign.issuer), campaign.id, held):
        raise PassForeign
    refuse_faults(campaign, choice)
    body, salt, ticket = choice.body(), secrets.token_bytes(32), secrets.token_bytes(TICKET_LENGTH)
    line = SignEntry(commitment(salt, body), held.hw, held.r, held.sig).line()
    leaf = merkle.leaf_hash(line)
    row: dict[str, object] = {"campaign": campaign.id, "hw": held.hw, "leaf": leaf, "line": line.decode(), "salt": salt}
    row |= body.fields() | {"show": choice.show, "named": choice.show is Visibility.NAME}
    row |= {"publish_at": choice.publish_at, "sealed_until": choice.sealed_until}
    row |= {"ticket": ticket_hash(ticket), "used": 0}
    sealed = _insert(session, campaign.id, row)
    promise = checkpoint.sign_promise(log.private_key(sealed), campaign.id, leaf, checkpoint.NEXT_BATCH)
    return Receipt(line.decode(), salt, body, ticket, promise, checkpoint.NEXT_BATCH, leaf)


def refuse_faults(campaign: OpenCampaign, choice: DisplayChoice) -> None:
    """Raise DisplayRefused if a needed field is missing, or one is not needed or not on the organisers' lists."""
    if choice.show is Visibility.NAME and not choice.name:
        raise DisplayRefused("name", DisplayFault.NAME_MISSING)
    if choice.show is Visibility.ROLE and not choice.role:
        raise DisplayRefused("role", DisplayFault.ROLE_MISSING)
    for name in _NOT_NEEDED[choice.show]:
        if getattr(choice, name):
            raise DisplayRefused(name, DisplayFault.NOT_NEEDED)
    for name, listed in (("role", campaign.roles), ("team", campaign.teams)):
        value = getattr(choice, name)
        if value and value not in listed:
            raise DisplayRefused(name, DisplayFault.NOT_LISTED)
    if not 0 <= choice.publish_at <= LARGEST_PUBLISH_AT:
        raise DisplayRefused("publish_at", DisplayFault.OUT_OF_RANGE)


_NOT_NEEDED = {
    Visibility.NAME: (),
    Visibility.ROLE: ("name", "comment", "publish_at"),
    Visibility.ANONYMOUS: ("name", "role", "team", "comment", "publish_at"),
}


@lru_cache(maxsize=256)
def _issuer(spki: bytes) -> rsabssa.PublicKey:
    return rsabssa.load_spki(spki)


def _insert(session: db.Writing, campaign_id: CampaignId, row: dict[str, object]) -> bytes:
    try:
        found = db.run(session, _INSERT, row).one_or_none()
    except IntegrityError as error:
        _name_the_fault(error)
    if found is None:
        switches.refuse_stopped(session, campaign_id)
        raise CampaignClosed
    sealed: bytes = found.sealed_key
    return sealed


def _name_the_fault(error: IntegrityError) -> NoReturn:
    if db.constraint_of(error) in {"pk_spent", "pk_pending"}:
        raise PassSpent from None
    raise error


def _value(column: KeyedColumnElement[Any], open_now: CTE) -> ColumnElement[Any]:
    """Returns the value of a column: the value that was sent, or for the seal of a name the larger current seal."""
    sent = bindparam(column.name, type_=column.type)
    if column.name != "sealed_until":
        return sent
    return case((bindparam("named", type_=Boolean), func.greatest(sent, open_now.c.seal)), else_=0)


def _statement() -> Select[bytes]:
    """Returns the INSERT into spent and pending, if the campaign is open. Its result is the ledger's encrypted key.

    It takes one round trip. It takes a shared lock on the campaign's row; closing and pausing take an exclusive one.
    They wait for signatures under way, and later signatures find the campaign closed or paused. Nothing therefore
    arrives after the last epoch, or while signing is paused. The same statement reads the milestones that names wait
    for: the current promise stays binding, whatever happens to the milestones.
    """
    table = Pending.__table__
    cid: BindParameter[bytes] = bindparam("campaign")
    open_now = (
        select(log.Head.sealed_key, milestones.seal(cid, Campaign.workforce).label("seal"))
        .join(Campaign, Campaign.id == log.Head.campaign_id)
        .where(Campaign.id == cid, Campaign.state == CampaignState.OPEN, switches.runs(switches.SIGNING))
        .with_for_update(read=True, key_share=True, of=Campaign.__table__)
        .cte("open_now")
    )
    spent = insert(Spent).from_select(["campaign_id", "hw"], select(cid, bindparam("hw")).select_from(open_now))
    columns = [column for column in table.columns if column.name not in {"campaign_id", "state"}]
    values = [_value(column, open_now) for column in columns]
    pending = insert(Pending).from_select(
        ["campaign_id", "state", *(column.name for column in columns)],
        select(cid, literal(SignatureState.PENDING, table.c.state.type), *values).select_from(open_now),
    )
    return select(open_now).add_cte(spent.cte("now_spent"), pending.cte("now_pending"))


_INSERT = _statement()
