"""The definition of a digest: its name, its recipients, its frequency and its facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.campaigns.mail_settings import Mailing
from petition.campaigns.news import NewsKind
from petition.mailing.digests.facts import Window
from petition.mailing.digests.periods import Cycle
from petition.mailing.subscribers import Audience, Frequency


def always(_: Mailing) -> bool:
    """A digest that every campaign has."""
    return True


def everybody(_session: Session, _campaign: Campaign, _window: Window) -> frozenset[Audience]:
    """Every edition goes to all who want the digest."""
    return frozenset(Audience)


@dataclass(frozen=True, slots=True)
class Digest:
    """One kind of mail. `kind` is also the folder of its three templates.

    If `cycle` is None, it is mailed when `news` of that kind happens; if that is None as well, whenever an act of
    organisers plans it (`pending.announce_pending`). `frequency` is the one that its subscribers
    chose; None means no subscribers. `facts` returns a frozen dataclass of the type `shape`, or None when there is
    nothing to report. `goes_to` selects the audiences of one edition among those who want it.
    """

    kind: str
    shape: type
    facts: Callable[[Session, Campaign, Window], object | None]
    frequency: Frequency | None = None
    others: frozenset[Audience] = frozenset()
    cycle: Cycle | None = None
    news: NewsKind | None = None
    wanted: Callable[[Mailing], bool] = always
    goes_to: Callable[[Session, Campaign, Window], frozenset[Audience]] = everybody

    def is_for(self, audience: Audience, frequency: Frequency) -> bool:
        """Returns whether a subscriber with this audience and frequency gets the digest."""
        return audience in self.others or (audience is Audience.SUBSCRIBER and frequency is self.frequency)
