"""Selects signatures by criteria, for the list that organisers browse and for bulk removals.

This module protects people who are not shown. Criteria about names, roles or comments apply to public bodies only, so
that no figure reveals a sealed name, a role in a cell below ten, something hidden, or anybody before the public sees
the first name (`enough`). Of other signatures only the epoch is known, which the ledger shows to everybody. So
a selection ends with a whole epoch, never in the middle of one. It is a set of indices that is frozen when it is made: a
removal removes what was reviewed, minus what the ledger shows as gone by then. A selection of everything is rejected.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Select, Subquery, case, func, or_, select
from sqlalchemy.orm import Session

from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.ledger.entries import Visibility
from petition.signatures.tables import Signature, SignatureState, WaitingAct, WaitingRemoval
from petition.signatures.visibility import enough, folded_contains

PAGE: Final = 100
SAMPLE: Final = 10
LOOKED_AT: Final = 5_000
"""Repeated names are searched among this many of the latest in the ledger, so that a long list costs no more."""
COUNTED: Final = (SignatureState.LOGGED, SignatureState.HIDDEN)
DIGEST_LENGTH: Final = 32


class CriteriaEmpty(ExpectedError):
    """No criterion was given, which would select every signature."""

    status = 422


class WithComment(StrEnum):
    """Whether a named signer wrote a comment."""

    ANY = ""
    WITH = "with"
    WITHOUT = "without"


class Shown(StrEnum):
    """What a signature shows. Everything that is not shown counts as anonymous here."""

    ANY = ""
    NAME = "name"
    ROLE = "role"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Criteria:
    """The criteria. `q` is searched in name and comment; epochs go from `first` to `last`, both included."""

    first: int | None = None
    last: int | None = None
    role: str = ""
    team: str = ""
    comment: WithComment = WithComment.ANY
    shown: Shown = Shown.ANY
    q: str = field(default="", repr=False)
    repeated: bool = False

    def as_json(self) -> dict[str, Any]:
        """Returns the criteria that are set, in the form in which they are stored and sent."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "") and value is not False}

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """Returns the criteria of a stored document."""
        made = cls(**document)
        return cls(**document | {"comment": WithComment(made.comment), "shown": Shown(made.shown)})

    def conditions(self, campaign_id: CampaignId) -> list[ColumnElement[bool]]:
        """Returns the conditions that every selected signature meets."""
        of_epochs = [*_epochs(self.first, self.last)]
        return [Signature.campaign_id == campaign_id, *of_epochs, *self._of_bodies(campaign_id)]

    def _of_bodies(self, campaign_id: CampaignId) -> list[ColumnElement[bool]]:
        asked = [getattr(Signature, name) == getattr(self, name) for name in ("role", "team") if getattr(self, name)]
        if self.q:
            texts = (Signature.folded_name, Signature.folded_comment)
            asked.append(or_(*(folded_contains(text, self.q) for text in texts)))
        if self.comment:
            asked += [_named(campaign_id), (Signature.comment != "") == (self.comment is WithComment.WITH)]
        if self.repeated:
            asked += [_named(campaign_id), Signature.folded_name.in_(_repeated(campaign_id))]
        visible = _visible(campaign_id)
        if self.shown is Shown.ANONYMOUS:
            return [*asked, *([visible] if asked else []), func.coalesce(visible, False).is_(False)]
        if self.shown:
            asked.append(_named(campaign_id) if self.shown is Shown.NAME else Signature.show == Visibility.ROLE)
        return [*asked, visible] if asked else []


def _named(campaign_id: CampaignId) -> ColumnElement[bool]:
    return Signature.public & (Signature.show == Visibility.NAME) & enough(campaign_id)


def _visible(campaign_id: CampaignId) -> ColumnElement[bool]:
    return Signature.public & Signature.show.in_([Visibility.NAME, Visibility.ROLE]) & enough(campaign_id)


def _epochs(first: int | None, last: int | None) -> Iterable[ColumnElement[bool]]:
    if first is not None:
        yield Signature.epoch >= first
    if last is not None:
        yield Signature.epoch <= last


def _repeated(campaign_id: CampaignId) -> Select[str | None]:
    name = Signature.folded_name
    return (
        select(name)
        .where(Signature.campaign_id == campaign_id, _named(campaign_id))
        .group_by(name)
        .having(func.count() > 1)
    )


@dataclass(frozen=True, slots=True)
class Signer:
    """A signer who is shown, with the index of the ledger's entry. If only the role is shown, the name is empty."""

    index: int
    epoch: int
    name: str
    role: str
    team: str
    comment: str


@dataclass(frozen=True, slots=True)
class SignerPage:
    """A page of named signers in ledger order, the total number, and the indices before and after the page."""

    signers: tuple[Signer, ...]
    found: int
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Selection:
    """The indices of selected signatures, and what may be shown of them: figures, and a sample of the visible ones.

    `epoch` is the last epoch among whose signatures they were selected.
    """

    members: tuple[int, ...] = field(repr=False)
    epoch: int
    by_epoch: tuple[tuple[int, int], ...]
    unseen: int
    sample: tuple[Signer, ...]

    @property
    def figure(self) -> int:
        """Returns the number of selected signatures."""
        return len(self.members)

    def digest(self) -> str:
        """Returns a digest that identifies exactly these signatures."""
        return digest(self.members)


def digest(members: Sequence[int]) -> str:
    """Returns a digest that identifies exactly these indices."""
    return hashlib.sha256(b" ".join(b"%d" % each for each in members)).hexdigest()[:DIGEST_LENGTH]


def packed(members: Sequence[int]) -> str:
    """Encode ascending indices as text: a compressed bitmap of at most 170 kB for a million entries."""
    bits = bytearray(members[-1] // 8 + 1 if members else 0)
    for each in members:
        bits[each // 8] |= 1 << each % 8
    return b64encode(zlib.compress(bytes(bits), 9)).decode()


def unpacked(text: str) -> list[int]:
    """Decode the indices, ascending."""
    bits = zlib.decompress(b64decode(text))
    return [at * 8 + bit for at, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1]


def removable() -> ColumnElement[bool]:
    """Returns the condition for signatures that the ledger counts and that no removal has, whatever their signers do.

    A withdrawal that waits changes nothing here, so that no figure moves before a batch.
    """
    same = (WaitingAct.campaign_id == Signature.campaign_id) & (WaitingAct.hw == Signature.hw)
    waits = (Signature.state == SignatureState.WITHDRAWN) & select(WaitingAct.hw).where(same).exists()
    removed = (WaitingRemoval.campaign_id == Signature.campaign_id) & (WaitingRemoval.index == Signature.index)
    return (Signature.state.in_(COUNTED) | waits) & ~select(WaitingRemoval.index).where(removed).exists()


def select_signatures(session: Session, campaign_id: CampaignId, criteria: Criteria, epoch: int) -> Selection:
    """Select among the signatures of all epochs up to one, with two queries. Raises CriteriaEmpty."""
    if not criteria.as_json():
        raise CriteriaEmpty
    wanted = [*criteria.conditions(campaign_id), removable(), Signature.epoch <= epoch]
    visible = _visible(campaign_id)
    seen = case((visible, 1), else_=0)
    members, epochs, unseen = [], Counter[int](), 0
    rows = session.execute(select(Signature.index, Signature.epoch, seen).where(*wanted).order_by(Signature.index))
    for index, of_epoch, shown in rows:
        members.append(index)
        epochs[of_epoch] += 1
        unseen += not shown
    sample = session.execute(_signers().where(*wanted, visible).order_by(Signature.index).limit(SAMPLE))
    by_epoch = tuple(sorted(epochs.items()))
    return Selection(tuple(members), epoch, by_epoch, unseen, tuple(Signer(*row) for row in sample))


def list_named(
    session: Session, campaign_id: CampaignId, criteria: Criteria, *, after: int = 0, before: int | None = None
) -> SignerPage:
    """Returns a page of named signers after an entry, or before one, with two queries for any page."""
    wanted = [*criteria.conditions(campaign_id), _named(campaign_id)]
    found = int(session.scalar(select(func.count()).select_from(Signature).where(*wanted)) or 0)
    index, backward = Signature.index, before is not None
    asked = _signers().where(*wanted, index < before if backward else index > after)
    asked = asked.order_by(index.desc() if backward else index).limit(PAGE + 1)
    rows = [Signer(*row) for row in session.execute(asked)]
    more, shown = len(rows) > PAGE, rows[:PAGE][:: -1 if backward else 1]
    earlier, later = (more, bool(shown)) if backward else (after > 0, more)
    return SignerPage(
        tuple(shown),
        found,
        shown[0].index if shown and earlier else None,
        shown[-1].index if shown and later else None,
    )


def named_signer(session: Session, campaign_id: CampaignId, index: int) -> Signer | None:
    """Returns the signer of an entry if the name is shown, or None."""
    wanted = (Signature.campaign_id == campaign_id, Signature.index == index, _named(campaign_id))
    row = session.execute(_signers().where(*wanted)).first()
    return Signer(*row) if row else None


def named_signers(session: Session, campaign_id: CampaignId, indices: Collection[int]) -> dict[int, Signer]:
    """Returns the signers of some entries whose names are shown, by index, with one query."""
    wanted = (Signature.campaign_id == campaign_id, Signature.index.in_(indices), _named(campaign_id))
    found = (Signer(*row) for row in session.execute(_signers().where(*wanted)))
    return {signer.index: signer for signer in found}


def _signers() -> Select[int, int, str, str, str, str]:
    body = (Signature.name, Signature.role, Signature.team, Signature.comment)
    return select(Signature.index, Signature.epoch, *body)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Names that look alike: their common part, and their number."""

    text: str
    n: int


def repeated_names(session: Session, campaign_id: CampaignId, most: int) -> list[Pattern]:
    """Returns names that several of the latest signers show, most frequent first, with one query."""
    names = _last_names(campaign_id)
    name, many = names.c.folded_name, func.count()
    query = select(func.min(names.c.name), many).group_by(name).having(many > 1).order_by(many.desc(), name).limit(most)
    return [Pattern(*row) for row in session.execute(query)]


def numbered_names(session: Session, campaign_id: CampaignId, least: int, most: int) -> list[Pattern]:
    """Returns the common stems of recent names that differ only in their number, most frequent first."""
    names = _last_names(campaign_id)
    stem, many = func.regexp_replace(names.c.folded_name, "[0-9]+.*$", ""), func.count()
    query = select(stem, many).where(names.c.folded_name.regexp_match("[0-9]")).group_by(stem)
    query = query.having(many >= least, func.length(stem) > 1).order_by(many.desc(), stem).limit(most)
    return [Pattern(*row) for row in session.execute(query)]


def _last_names(campaign_id: CampaignId) -> Subquery:
    named = select(Signature.name, Signature.folded_name).where(
        Signature.campaign_id == campaign_id, _named(campaign_id)
    )
    return named.order_by(Signature.index.desc()).limit(LOOKED_AT).subquery()
