"""Visibility: names stay sealed until there are enough, roles appear only in cells of ten, names in ledger order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    String,
    Subquery,
    case,
    cast,
    false,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session

from petition.campaigns import Campaign, CampaignState
from petition.core.folding import fold
from petition.core.ids import CampaignId
from petition.ledger.bundle import PublicBody
from petition.ledger.entries import Body, Visibility
from petition.ledger.log import Head
from petition.signatures.group_figures import LEAST
from petition.signatures.tables import Signature, SignatureState

NAMES_A_PAGE = 100
READ_AT_ONCE = 2_000
_IN_FORCE = Signature.state == SignatureState.LOGGED
"""This excludes signatures with a waiting removal: their body is kept for an undo, and opens nothing meanwhile."""


_SHOWN = (Signature.show == Visibility.NAME) & Signature.public


def enough(campaign_id: CampaignId) -> ColumnElement[bool]:
    """Returns a condition: the public sees count and names, because enough have signed or the campaign is over.

    It is the same for each row.
    """
    over = Campaign.state.not_in([CampaignState.DRAFT, CampaignState.OPEN])
    reached = (Campaign.state == CampaignState.OPEN) & (Head.counted >= Campaign.public_min)
    query = select(Campaign.id).join(Head, Head.campaign_id == Campaign.id)
    return query.where(Campaign.id == campaign_id, over | reached).exists()


@dataclass(frozen=True, slots=True)
class NamedSigner:
    """A signer who chose to be named."""

    name: str
    role: str
    team: str
    comment: str


@dataclass(frozen=True, slots=True)
class NamedPage:
    """One page of named signers, the number of pages, and the number of names found."""

    names: tuple[NamedSigner, ...]
    pages: int
    found: int


@dataclass(frozen=True, slots=True)
class Cells:
    """How many signatures are shown by name and by role. All others are anonymous to the public.

    `unproven` of the names are not in the bundle, because organisers hid the comment that the commitment covers.
    """

    named: int
    roles: int
    unproven: int


def most_public(choices: Counter[int]) -> int:
    """Returns how many names can be public when each signer chose a least number of public names.

    This is the greatest fixed point: the largest number k of names whose choices are all at most k. If 100 people
    choose 100 each, all names open together.
    """
    total = sum(choices.values())
    for choice in sorted(choices, reverse=True):
        if choice <= total:
            return total
        total -= choices[choice]
    return 0


def update_visibility(session: Session, campaign_id: CampaignId, counted: int, *, names_wait: bool = False) -> None:
    """Open sealed names whose promise and choice are met, and roles whose cell holds ten. Close smaller cells.

    A name opens when `counted` reaches the number that was promised when it was signed, whatever happened to the
    milestones since. With `names_wait` no name opens now, whatever was promised.
    """
    if not names_wait:
        _open_names(session, campaign_id, counted)
    _open_roles(session, campaign_id)
    fold_names(session, campaign_id)


def _open_names(session: Session, campaign_id: CampaignId, counted: int) -> None:
    named = (Signature.campaign_id == campaign_id) & (Signature.show == Visibility.NAME) & _IN_FORCE
    named &= Signature.public | (Signature.sealed_until <= counted)
    choices: Counter[int] = Counter()
    for public, choice, n in session.execute(
        select(Signature.public, Signature.publish_at, func.count()).where(named).group_by(Signature.public, Signature.publish_at)
    ):  # fmt: skip
        choices[0 if public else choice] += n
    reached = most_public(choices)
    session.execute(
        update(Signature).where(named, Signature.public.is_(False), Signature.publish_at <= reached).values(public=True)
    )


def fold_names(session: Session, campaign_id: CampaignId) -> None:
    """Fold the names and comments that became public, so that searches find them.

    A body that is not shown is never folded. A row that is hidden at the same moment is left alone.
    """
    new = (Signature.campaign_id == campaign_id, _SHOWN, Signature.folded_name.is_(None))
    query = select(Signature.index, Signature.name, Signature.comment).where(*new).order_by(Signature.index)
    found = session.execute(query).all()
    for at in range(0, len(found), READ_AT_ONCE):
        rows = _folded(found[at : at + READ_AT_ONCE])
        folding = update(Signature).where(*new, Signature.index == rows.c.index)
        folding = folding.values(folded_name=rows.c.name, folded_comment=rows.c.comment)
        session.execute(folding.execution_options(synchronize_session=False))


def _folded(found: Sequence[Row[int, str, str]]) -> Subquery:
    """Returns indices with folded names and comments as rows of a query."""
    columns = {
        "index": cast([index for index, _, _ in found], ARRAY(BigInteger)),
        "name": cast([fold(name) for _, name, _ in found], ARRAY(String)),
        "comment": cast([fold(comment) for _, _, comment in found], ARRAY(String)),
    }
    return select(*(func.unnest(values).label(name) for name, values in columns.items())).subquery()


def folded_contains(column: InstrumentedAttribute[str | None], q: str) -> ColumnElement[bool]:
    """Returns the condition that a folded column contains a text that somebody searches for.

    A text that folds to nothing, such as an accent alone, is contained in no column.
    """
    folded = fold(q)
    return func.strpos(column, folded) > 0 if folded else false()


def _open_roles(session: Session, campaign_id: CampaignId) -> None:
    by_role = (Signature.campaign_id == campaign_id) & (Signature.show == Visibility.ROLE) & _IN_FORCE
    cell = (Signature.role, Signature.team)
    large = select(*cell).where(by_role).group_by(*cell).having(func.count() >= LEAST)
    for public, belongs in ((True, tuple_(*cell).in_(large)), (False, tuple_(*cell).not_in(large))):
        session.execute(
            update(Signature).where(by_role, Signature.public.is_not(public), belongs).values(public=public)
        )


def count_cells(session: Session, campaign_id: CampaignId) -> Cells:
    """Count signatures shown by name and by role, from the rows themselves."""
    query = (
        select(Signature.show, func.count(), func.count().filter(Signature.salt.is_(None)))
        .where(
            Signature.campaign_id == campaign_id,
            Signature.public,
            Signature.show.in_([Visibility.NAME, Visibility.ROLE]),
        )
        .group_by(Signature.show)
    )
    found = {show: (n, unproven) for show, n, unproven in session.execute(query)}
    (named, unproven), (roles, _) = found.get(Visibility.NAME, (0, 0)), found.get(Visibility.ROLE, (0, 0))
    return Cells(named, roles, unproven)


def names_digest(session: Session, campaign_id: CampaignId) -> str:
    """Returns a digest of which names are public and which of them the bundle proves: 32 hexadecimal digits.

    Between two batches no public body changes, so another digest means that a page of names has other bytes. Figures do
    not say that: a name that is hidden while another one is restored leaves every figure as it was.
    """
    proven = case((Signature.salt.is_(None), "-"), else_="+")
    entry = aggregate_order_by(cast(Signature.index, String).concat(proven), Signature.index)
    entries = func.array_to_string(func.array_agg(entry), "")
    return str(session.scalar(select(func.md5(func.coalesce(entries, ""))).where(*_named(campaign_id))))


def role_counts(session: Session, campaign_id: CampaignId) -> dict[str, int]:
    """Count people who show only a role, by role, in cells of at least ten.

    The counts are exact; see `group_figures`.
    """
    return _counts(session, campaign_id, Signature.role)


def team_counts(session: Session, campaign_id: CampaignId) -> dict[str, int]:
    """Count the same people by team, if they give one."""
    return {team: n for team, n in _counts(session, campaign_id, Signature.team).items() if team}


def _counts(session: Session, campaign_id: CampaignId, by: InstrumentedAttribute[str]) -> dict[str, int]:
    query = (
        select(by, func.count())
        .where(Signature.campaign_id == campaign_id, Signature.show == Visibility.ROLE, Signature.public)
        .group_by(by)
    )
    return {value: n for value, n in session.execute(query)}


def named(session: Session, campaign_id: CampaignId, *, page: int = 1, q: str = "") -> NamedPage:
    """Returns a page of named signers in ledger order, 100 a page. `q` is searched in name, role and team."""
    wanted = [*_named(campaign_id), *([_contains(session, campaign_id, q)] if q else [])]
    found = int(session.scalar(select(func.count()).select_from(Signature).where(*wanted)) or 0)
    query = _names().where(*wanted).order_by(Signature.index).offset((page - 1) * NAMES_A_PAGE).limit(NAMES_A_PAGE)
    names = tuple(NamedSigner(row.name, row.role, row.team, row.comment) for row in session.execute(query))
    return NamedPage(names, max(1, -(-found // NAMES_A_PAGE)), found)


def every_name(session: Session, campaign_id: CampaignId) -> Iterator[NamedSigner]:
    """Yields every public name in ledger order, read in small portions."""
    query = _names().where(*_named(campaign_id)).order_by(Signature.index)
    for row in session.execute(query.execution_options(yield_per=READ_AT_ONCE)):
        yield NamedSigner(row.name, row.role, row.team, row.comment)


def _names() -> Select[str, str, str, str]:
    return select(Signature.name, Signature.role, Signature.team, Signature.comment)


def _named(campaign_id: CampaignId) -> list[ColumnElement[bool]]:
    return [Signature.campaign_id == campaign_id, _SHOWN]


def _contains(session: Session, campaign_id: CampaignId, q: str) -> ColumnElement[bool]:
    """Returns the condition that a name, or a role or team in any of its languages, contains a text."""
    roles, teams = session.execute(select(Campaign.roles, Campaign.teams).where(Campaign.id == campaign_id)).one()
    in_role, in_team = Signature.role.in_(_choices(roles, q)), Signature.team.in_(_choices(teams, q))
    return folded_contains(Signature.folded_name, q) | in_role | in_team


def _choices(choices: Mapping[str, Mapping[str, str]], q: str) -> list[str]:
    folded = fold(q)
    return [
        value
        for value, labels in choices.items()
        if folded and any(folded in fold(text) for text in (value, *labels.values()))
    ]


def bodies(session: Session, campaign_id: CampaignId, size: int) -> Iterator[PublicBody]:
    """Yields the public bodies among the first `size` entries, with the salts that open the ledger's commitments.

    Anonymous signatures are left out: if they were listed, the entries that remain would be the sealed names and the
    groups under ten.
    """
    query = (
        select(Signature)
        .where(
            Signature.campaign_id == campaign_id,
            Signature.index < size,
            Signature.public,
            Signature.show.in_([Visibility.NAME, Visibility.ROLE]),
            Signature.salt.is_not(None),
        )
        .order_by(Signature.index)
    )
    for row in session.scalars(query.execution_options(yield_per=READ_AT_ONCE)):
        body = Body(Visibility(row.show or Visibility.ANONYMOUS), row.name, row.role, row.team, row.comment)
        yield PublicBody(row.index, row.salt or b"", body)
