"""What a digest is: a name, whom it is for, how often it is made, and what it says."""

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
    """Each edition goes to whoever wants the digest."""
    return frozenset(Audience)


@dataclass(frozen=True, slots=True)
class Digest:
    """One kind of mail. `kind` is also the folder of its three templates.

    `cycle` None: it is mailed as `news` of that kind happens. `rhythm`: which readers get it, None: none.
    `facts` gives a frozen dataclass of the type `shape`, or None when there is nothing to say. `goes_to`: who of those
    who want it gets one edition.
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
        """Whether somebody of that audience and rhythm gets it."""
        return audience in self.others or (audience is Audience.READER and frequency is self.frequency)
