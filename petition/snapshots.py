"""What the public may see of a campaign, written once per change and read with one query.

Guards the public pages: everything the letter, the signers' first page, the count and the figures show stands in one
row, made in the same transaction as the epoch or the change it tells of. A page view therefore counts nothing and
joins nothing. Refuses to hold anything that is not public: no pending signature, no sealed name, no cell below ten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cattrs.preconf.json import make_converter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition import milestones, signatures
from petition.campaigns import Campaign, CampaignState, DemandState, Update
from petition.db import Base
from petition.encoding import b64u
from petition.ledger import log
from petition.milestones import MilestoneKind
from petition.signatures import NamedSigner


@dataclass(frozen=True, slots=True)
class LetterView:
    """One language of the letter; `markdown` is byte for byte what the ledger's hash covers."""

    lang: str
    title: str
    markdown: str
    sha256: str


@dataclass(frozen=True, slots=True)
class DemandView:
    """A numbered demand (`id` is "d1", "d2", …), its texts by language, its state and where that is reported."""

    number: int
    id: str
    text: dict[str, str]
    state: DemandState
    since: date | None
    source: str | None


@dataclass(frozen=True, slots=True)
class MilestoneView:
    """A milestone; `value` is signatures (count) or percent of the workforce (share); `needs` is signatures."""

    kind: MilestoneKind
    value: int
    needs: int
    reached: date | None
    epoch: int | None


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One line of the timeline, newest first: kind is opened, milestone, update, demand, closed, delivered, answered."""

    day: date
    kind: str
    value: int
    text: dict[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """A role or team of the organisers' lists: the value that is signed, and labels by language (may be empty)."""

    value: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class RoleCount:
    """Signers who show only a role; cells below ten are not here but among the anonymous."""

    role: str
    n: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The integrity report: what the ledger's entries add up to. `anonymous` includes undisclosed and small cells."""

    named: int
    roles: int
    anonymous: int
    withdrawn: int
    removed: dict[str, int]
    issued: dict[str, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """When an epoch closes: least signatures, interval and longest wait in seconds."""

    min: int
    interval: int
    max_wait: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything public about one campaign at one version. `count` is None below `public_min` signatures."""

    id: str
    slug: str
    origin: str
    version: int
    state: CampaignState
    languages: tuple[str, ...]
    letters: dict[str, LetterView]
    addressee: str
    addressee_role: dict[str, str]
    organisation: str
    organisers: dict[str, str]
    notice: dict[str, str]
    methods: tuple[str, ...]
    domains: tuple[str, ...]
    roles: tuple[Choice, ...]
    teams: tuple[Choice, ...]
    demands: tuple[DemandView, ...]
    milestones: tuple[MilestoneView, ...]
    timeline: tuple[TimelineItem, ...]
    issuer: str
    ledger_key: str
    opened: date | None
    closes: date | None
    workforce: int | None
    workforce_source: dict[str, str]
    batch: Batch
    public_min: int
    count: int | None
    epoch: int
    day: date | None
    size: int
    root: str
    checkpoint: str
    tally: Tally
    role_counts: tuple[RoleCount, ...]
    first_names: tuple[NamedSigner, ...]

    def next_milestone(self) -> MilestoneView | None:
        """The unreached milestone that needs the fewest signatures."""
        waiting = [milestone for milestone in self.milestones if milestone.reached is None]
        return min(waiting, key=lambda milestone: milestone.needs, default=None)

    def title(self, lang: str) -> str:
        """Title in a language, or in the campaign's first."""
        return self.letters.get(lang, self.letters[self.languages[0]]).title

    def letter(self, lang: str) -> LetterView:
        """The letter in a language, or in the campaign's first."""
        return self.letters.get(lang, self.letters[self.languages[0]])


@dataclass(frozen=True, slots=True)
class Listed:
    """A campaign in the list of all public ones."""

    slug: str
    title: dict[str, str]
    state: CampaignState
    count: int | None
    languages: tuple[str, ...]
    version: int


class Publication(Base):
    """The snapshot's row; `version` grows with every change and is the whole of the pages' cache key."""

    __tablename__ = "publication"

    campaign_id: Mapped[bytes] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int]
    data: Mapped[dict[str, Any]]


_converter = make_converter()


def load(session: Session, slug: str, known: int = -1) -> Snapshot | None:
    """The snapshot if there is one newer than `known`; one query."""
    query = select(Publication.data).where(Publication.slug == slug, Publication.version > known)
    data = session.scalar(query)
    return None if data is None else _converter.structure(data, Snapshot)


def listed(session: Session) -> list[Listed]:
    """Every public campaign, by name; one query."""
    rows = session.scalars(select(Publication.data).order_by(Publication.slug))
    return [_listed(data) for data in rows]


def _listed(data: dict[str, Any]) -> Listed:
    titles = {lang: letter["title"] for lang, letter in data["letters"].items()}
    state, languages = CampaignState(data["state"]), tuple(data["languages"])
    return Listed(data["slug"], titles, state, data["count"], languages, data["version"])


def refresh(session: Session, campaign: Campaign) -> Snapshot:
    """Write down what the public may see now; the version is one more than before."""
    known = session.scalar(select(Publication.version).where(Publication.campaign_id == campaign.id).with_for_update())
    snapshot = _draw(session, campaign, (known or 0) + 1)
    data = _converter.unstructure(snapshot)
    row = {"slug": snapshot.slug, "version": snapshot.version, "data": data}
    writing = insert(Publication).values(campaign_id=campaign.id, **row)
    session.execute(writing.on_conflict_do_update(index_elements=["campaign_id"], set_=row))
    campaign.stale = False
    return snapshot


def _draw(session: Session, campaign: Campaign, version: int) -> Snapshot:
    head = log.head_of(session, campaign.id)
    public = head.counted >= campaign.public_min or campaign.state is not CampaignState.OPEN
    standings = _standings(session, campaign, public=public)
    return Snapshot(
        id=campaign.id.hex(),
        slug=campaign.slug,
        origin=campaign.origin,
        version=version,
        state=campaign.state,
        languages=tuple(campaign.languages),
        letters={each.lang: LetterView(each.lang, each.title, each.markdown, each.digest().hex()) for each in campaign.letters},
        addressee=campaign.addressee,
        addressee_role=campaign.addressee_role,
        organisation=campaign.organisation,
        organisers=campaign.organisers,
        notice=campaign.notice,
        methods=tuple(campaign.methods),
        domains=tuple(sorted(campaign.domains)),
        roles=tuple(Choice(value, labels) for value, labels in campaign.roles.items()),
        teams=tuple(Choice(value, labels) for value, labels in campaign.teams.items()),
        demands=tuple(DemandView(each.number, f"d{each.number}", each.text, each.state, each.since, each.source) for each in campaign.demands),
        milestones=tuple(MilestoneView(each.kind, each.value, each.needs, each.day, each.epoch) for each in standings),
        timeline=tuple(_timeline(session, campaign, standings)),
        issuer=b64u(campaign.issuer or b""),
        ledger_key=log.pen(head, campaign.origin).vkey(),
        opened=campaign.opened,
        closes=campaign.closes_at.date() if campaign.closes_at else campaign.closed,
        workforce=campaign.workforce,
        workforce_source=campaign.workforce_source,
        batch=Batch(campaign.batch_min, campaign.interval, campaign.max_wait),
        public_min=campaign.public_min,
        count=head.counted if public else None,
        epoch=head.epoch,
        day=head.day,
        size=head.size if public else 0,
        root=head.root.hex() if public else "",
        checkpoint=head.checkpoint if public else "",
        tally=_tally(session, head, public=public),
        role_counts=tuple(RoleCount(*each) for each in signatures.role_counts(session, campaign.id)) if public else (),
        first_names=signatures.named(session, campaign.id).names if public else (),
    )  # fmt: skip


def _standings(session: Session, campaign: Campaign, *, public: bool) -> list[milestones.Standing]:
    """Goals as the public may see them: below the least number nothing was reached yet."""
    found = milestones.standings(session, campaign.id, campaign.workforce)
    return found if public else [replace(each, day=None, epoch=None) for each in found]


def _tally(session: Session, head: log.Head, *, public: bool) -> Tally:
    if not public:
        return Tally(0, 0, 0, 0, {}, {})
    cells = signatures.count_cells(session, head.campaign_id)
    rest = head.counted - cells.named - cells.roles
    return Tally(cells.named, cells.roles, rest, head.withdrawn, head.removed, head.issued)


def _timeline(session: Session, campaign: Campaign, standings: list[milestones.Standing]) -> list[TimelineItem]:
    items = [TimelineItem(each.day, "milestone", each.needs, {}) for each in standings if each.day]
    items += [TimelineItem(each.day, "update", each.number, each.text) for each in _updates(session, campaign.id)]
    items += [TimelineItem(each.since, "demand", each.number, {}) for each in campaign.demands if each.since]
    steps = (("opened", campaign.opened), ("closed", campaign.closed))
    items += [TimelineItem(day, kind, 0, {}) for kind, day in steps if day]
    return sorted(items, key=lambda item: (item.day, item.kind != "opened", item.value), reverse=True)


def _updates(session: Session, campaign_id: bytes) -> list[Update]:
    query = select(Update).where(Update.campaign_id == campaign_id).order_by(Update.number.desc()).limit(100)
    return list(session.scalars(query))
