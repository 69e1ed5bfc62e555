"""What may be seen: names under seal until there are enough, roles only in cells of ten, names in ledger order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select, tuple_, update
from sqlalchemy.orm import Session

from petition.ledger.bundle import PublicBody
from petition.ledger.entries import Body, Show
from petition.signatures.tables import Signature

LEAST_CELL = 10
NAMES_A_PAGE = 100
READ_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class NamedSigner:
    """A signer who chose to be named."""

    name: str
    role: str
    team: str
    comment: str


@dataclass(frozen=True, slots=True)
class NamedPage:
    """One page of named signers, how many pages there are, and how many names were found."""

    names: tuple[NamedSigner, ...]
    pages: int
    found: int


@dataclass(frozen=True, slots=True)
class Cells:
    """How many signatures are shown by name and by role; the rest is anonymous to the public."""

    named: int
    roles: int


def most_public(wishes: Counter[int]) -> int:
    """How many names can be public when each asks for at least so many (the wish) to be public with it.

    The greatest fixed point: the largest number k of names whose wishes are all at most k. With 100 people who each
    ask for 100, all open together.
    """
    total = sum(wishes.values())
    for wish in sorted(wishes, reverse=True):
        if wish <= total:
            return total
        total -= wishes[wish]
    return 0


def unveil(session: Session, campaign_id: bytes) -> None:
    """Open the sealed names whose wish is met, and the roles whose cell holds ten; close cells that fell below."""
    _open_names(session, campaign_id)
    _open_roles(session, campaign_id)


def _open_names(session: Session, campaign_id: bytes) -> None:
    named = (Signature.campaign_id == campaign_id) & (Signature.show == Show.NAME)
    wishes: Counter[int] = Counter()
    for public, wish, n in session.execute(
        select(Signature.public, Signature.publish_at, func.count()).where(named).group_by(Signature.public, Signature.publish_at)
    ):  # fmt: skip
        wishes[0 if public else wish] += n
    reached = most_public(wishes)
    session.execute(
        update(Signature).where(named, Signature.public.is_(False), Signature.publish_at <= reached).values(public=True)
    )


def _open_roles(session: Session, campaign_id: bytes) -> None:
    by_role = (Signature.campaign_id == campaign_id) & (Signature.show == Show.ROLE)
    cell = (Signature.role, Signature.team)
    large = select(*cell).where(by_role).group_by(*cell).having(func.count() >= LEAST_CELL)
    for public, belongs in ((True, tuple_(*cell).in_(large)), (False, tuple_(*cell).not_in(large))):
        session.execute(
            update(Signature).where(by_role, Signature.public.is_not(public), belongs).values(public=public)
        )


def count_cells(session: Session, campaign_id: bytes) -> Cells:
    """Signatures shown by name and by role, from the rows themselves."""
    query = (
        select(Signature.show, func.count())
        .where(Signature.campaign_id == campaign_id, Signature.public, Signature.show.in_([Show.NAME, Show.ROLE]))
        .group_by(Signature.show)
    )
    found = {show: n for show, n in session.execute(query)}
    return Cells(found.get(Show.NAME, 0), found.get(Show.ROLE, 0))


def role_counts(session: Session, campaign_id: bytes) -> list[tuple[str, int]]:
    """Roles of those who show only that, most frequent first; only from cells of at least ten."""
    many = func.count()
    query = (
        select(Signature.role, many)
        .where(Signature.campaign_id == campaign_id, Signature.show == Show.ROLE, Signature.public)
        .group_by(Signature.role)
        .order_by(many.desc(), Signature.role)
    )
    return [(role, n) for role, n in session.execute(query)]


def named(session: Session, campaign_id: bytes, *, page: int = 1, q: str = "") -> NamedPage:
    """A page of named signers in ledger order, 100 a page; `q` is looked for in name, role and team."""
    wanted = _named(campaign_id, q)
    found = int(session.scalar(select(func.count()).select_from(Signature).where(*wanted)) or 0)
    query = _names().where(*wanted).order_by(Signature.index).offset((page - 1) * NAMES_A_PAGE).limit(NAMES_A_PAGE)
    names = tuple(NamedSigner(row.name, row.role, row.team, row.comment) for row in session.execute(query))
    return NamedPage(names, max(1, -(-found // NAMES_A_PAGE)), found)


def _names() -> Select[str, str, str, str]:
    return select(Signature.name, Signature.role, Signature.team, Signature.comment)


def _named(campaign_id: bytes, q: str) -> list[ColumnElement[bool]]:
    wanted = [Signature.campaign_id == campaign_id, Signature.show == Show.NAME, Signature.public.is_(True)]
    if q:
        fields = (Signature.name, Signature.role, Signature.team)
        hits = [func.strpos(func.lower(column), q.lower()) > 0 for column in fields]
        wanted.append(hits[0] | hits[1] | hits[2])
    return wanted


def bodies(session: Session, campaign_id: bytes, size: int) -> Iterator[PublicBody]:
    """What may be shown of the first `size` entries, with the salts that open the ledger's commitments."""
    query = (
        select(Signature)
        .where(
            Signature.campaign_id == campaign_id, Signature.index < size, Signature.public, Signature.salt.is_not(None)
        )
        .order_by(Signature.index)
    )
    for row in session.scalars(query.execution_options(yield_per=READ_AT_ONCE)):
        body = Body(Show(row.show or Show.ANONYMOUS), row.name, row.role, row.team, row.comment)
        yield PublicBody(row.index, row.salt or b"", body)
