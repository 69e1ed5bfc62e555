"""Figures that organisers and monitors see once a day: how many subscribe, how much mail was sent, whether many wait.

A figure that is counted when somebody looks moves when one person acts, and whoever polls it beside a mail log learns
when. These figures are therefore counted when a day (UTC) is over, by the clock and never because somebody acted, and
rounded down to whole tens before they are stored: 0 means fewer than ten. Between two counts nothing here moves
(docs/figures.md, decision 0054). `petition.usecases.daily_figures` counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from cattrs.preconf.json import make_converter
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId

WRONG: Final = timedelta(days=2)
"""A day so far ahead was counted while the clock was wrong."""
TEN: Final = 10
"""A smaller number is shown as "fewer than 10", because it could identify a person."""
SITE: Final = b""
"""The scope of the figures of the whole site."""

Shape = TypeVar("Shape")
_converter = make_converter()


@dataclass(frozen=True, slots=True)
class Provider:
    """The mail of one large provider, or of all other domains together (with an empty name), in whole tens.

    `troubled` means that it returned mails to several addresses within thirty days, or that several mails were reported as
    spam.
    """

    name: str
    sent: int
    bounced: int
    complained: int
    troubled: bool


@dataclass(frozen=True, slots=True)
class SiteDay:
    """The figures of the whole site when `day` was over, in whole tens.

    `many_wait` means that ten signatures or more waited in at least one campaign. `subscribers` is by state. `unread`
    counts the delivery reports of the last seven days that could not be read.
    """

    day: date
    many_wait: bool = False
    sent: int = 0
    bounced: int = 0
    complained: int = 0
    spam: int = 0
    unread: int = 0
    providers: tuple[Provider, ...] = ()
    subscribers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """The figures of one campaign when `day` was over, in whole tens.

    `many_wait` means that ten signatures or more waited. `active`, `unconfirmed`, `paused` and `suppressed` count
    subscribers; `frequencies`, `languages` and `audience` (languages of each frequency) the active ones. `retriable`
    means that mails were given up that can be tried again.
    """

    day: date
    many_wait: bool = False
    active: int = 0
    unconfirmed: int = 0
    paused: int = 0
    suppressed: int = 0
    frequencies: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    audience: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    retriable: bool = False

    def of_frequency(self, frequency: str) -> int:
        """Returns the active subscribers of one frequency."""
        return self.frequencies.get(frequency, 0)


class DailyFigures(Base):
    """The figures when the last day (UTC) was over, of a campaign or of the site (an empty scope). All are in tens."""

    __tablename__ = "daily_figures"

    scope: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]
    figures: Mapped[dict[str, Any]]


def tens(n: int) -> int:
    """Returns a number rounded down to whole tens. 0 stands for fewer than ten."""
    return n // TEN * TEN


def last_day(now: datetime) -> date:
    """Returns the last day (UTC) that is over."""
    return now.astimezone(UTC).date() - timedelta(days=1)


def are_due(session: Session, now: datetime) -> bool:
    """Returns whether a day is over whose figures were not counted.

    Figures of a day that is far ahead are those of a clock that was wrong. They are counted again.
    """
    newest = session.scalar(select(DailyFigures.day).where(DailyFigures.scope == SITE))
    return newest is None or newest < last_day(now) or newest > last_day(now) + WRONG


def write(session: Session, scope: bytes, figures: SiteDay | CampaignDay) -> None:
    """Write the figures of a day over those of the day before."""
    row = {"day": figures.day, "figures": _converter.unstructure(figures)}
    writing = insert(DailyFigures).values(scope=scope, **row)
    session.execute(writing.on_conflict_do_update(index_elements=["scope"], set_=row))


def of_site(session: Session) -> SiteDay | None:
    """Returns the figures of the site, or None before the first count."""
    return _read(session, SITE, SiteDay)


def of_campaign(session: Session, campaign_id: CampaignId) -> CampaignDay | None:
    """Returns the figures of a campaign, or None before the first count."""
    return _read(session, campaign_id, CampaignDay)


def with_undelivered_mail(session: Session, campaigns: list[CampaignId]) -> set[bytes]:
    """Returns those campaigns which had undelivered mail that can be tried again, with one query."""
    query = select(DailyFigures.scope).where(DailyFigures.scope.in_(campaigns))
    return set(session.scalars(query.where(DailyFigures.figures["retriable"].as_boolean())))


def mark_retried(session: Session, campaign_id: CampaignId) -> None:
    """Record that organisers had the undelivered mail tried again, so that it waits for them no more."""
    mine = update(DailyFigures).where(DailyFigures.scope == campaign_id)
    session.execute(mine.values(figures=DailyFigures.figures.op("||")({"retriable": False})))


def _read(session: Session, scope: bytes, shape: type[Shape]) -> Shape | None:
    found = session.scalar(select(DailyFigures.figures).where(DailyFigures.scope == scope))
    return None if found is None else _converter.structure(found, shape)
