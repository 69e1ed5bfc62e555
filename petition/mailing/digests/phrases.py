"""What facts are called in a language: the sentences that several mails share, plain, escaped where they are shown.

Guards that a template has nothing to decide, and that the text and the HTML of a mail say the same. Texts that come
in several languages (demands, updates) are said in the reader's, else in the interface's, else in the one there is.
"""

from __future__ import annotations

from dataclasses import dataclass

from petition.campaigns import CampaignState, DemandState
from petition.campaigns.labels import DEMAND_STATES
from petition.campaigns.milestones import MilestoneKind
from petition.core.i18n import date_long, date_span, gettext_for, ngettext_for, number, percent
from petition.core.markdown import typeset
from petition.mailing.digests.facts import Happened, NextStep, ReachedFact
from petition.mailing.digests.organiser_daily import BouncesFact, CodesFact

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Said:
    """A text in the language it is written in."""

    text: str
    lang: str


@dataclass(frozen=True, slots=True)
class Phrases:
    """Sentences in `lang`, a language of the interface; `read_in`: the language the reader has the letter in."""

    lang: str
    read_in: str

    def _(self, sentence: str, **values: str) -> str:
        return gettext_for(self.lang)(sentence) % values

    def ngettext(self, one: str, many: str, n: int, **values: str) -> str:
        """A sentence with a number in it, written as its language does."""
        return ngettext_for(self.lang)(one, many, n) % ({"n": number(n, self.lang)} | values)

    def said(self, texts: dict[str, str]) -> Said:
        """A text in the best language there is."""
        known = [lang for lang in (self.read_in, self.lang, *texts) if texts.get(lang)]
        return Said(typeset(texts[known[0]], known[0]), known[0]) if known else Said("", self.lang)

    def signatures(self, n: int) -> str:
        """What is counted, without the number."""
        return self.ngettext("verified signature", "verified signatures", n)

    def counted(self, n: int) -> str:
        """What is counted, with the number."""
        return self.ngettext("%(n)s verified signature", "%(n)s verified signatures", n)

    def change(self, change: int) -> str:
        """How the count moved since the mail of this kind before."""
        if change > 0:
            return self.ngettext("%(n)s more than last time", "%(n)s more than last time", change)
        if change < 0:
            return self.ngettext(
                "%(n)s fewer than last time; whoever signed can take it back",
                "%(n)s fewer than last time; whoever signed can take it back",
                -change,
            )
        return self._("As many as last time")

    def goal(self, fact: ReachedFact | NextStep) -> str:
        """A milestone's own number, the largest thing in its mail: 1,000, or 10%."""
        if fact.kind is MilestoneKind.SHARE:
            return percent(fact.value / 100, self.lang)
        return number(fact.value, self.lang)

    def goal_of_what(self, fact: ReachedFact) -> str:
        """What a milestone's number counts."""
        if fact.kind is MilestoneKind.SHARE:
            return self._("of the workforce has signed")
        return self.signatures(fact.value)

    def reached(self, fact: ReachedFact) -> str:
        """A milestone with its day, in a line."""
        day = date_long(fact.day, self.lang)
        if fact.kind is MilestoneKind.SHARE:
            return self.ngettext(
                "%(share)s of the workforce, %(n)s signature, on %(day)s",
                "%(share)s of the workforce, %(n)s signatures, on %(day)s",
                fact.needs,
                share=self.goal(fact),
                day=day,
            )
        return self.ngettext("%(n)s signature, on %(day)s", "%(n)s signatures, on %(day)s", fact.value, day=day)

    def next_step(self, news: Happened) -> str:
        """The one thing a reader can do now."""
        if news.next is not None:
            return self.missing(news.next) + " " + self._("Pass the letter on.")
        if news.state is CampaignState.OPEN:
            return self._("Pass the letter on.")
        return self._("Read the letter, and what became of it.")

    def missing(self, step: NextStep) -> str:
        """How far it is to the next milestone."""
        if step.kind is MilestoneKind.SHARE:
            return self.ngettext(
                "%(n)s more signature until %(goal)s of the workforce.",
                "%(n)s more signatures until %(goal)s of the workforce.",
                step.missing,
                goal=self.goal(step),
            )
        return self.ngettext(
            "%(n)s more signature until %(goal)s.",
            "%(n)s more signatures until %(goal)s.",
            step.missing,
            goal=self.goal(step),
        )

    def step(self, kind: str, addressee: str) -> str:
        """A step of the campaign, as the letter's own page says it."""
        sentences = {
            "closed": self._("The letter closed; no more signatures are taken."),
            "delivered": self._("The letter was delivered to %(addressee)s.", addressee=addressee),
            "answered": self._("%(addressee)s answered.", addressee=addressee),
        }
        return sentences[kind]

    def demand_state(self, state: str) -> str:
        """A demand's state, as the letter's own page says it."""
        return self._(DEMAND_STATES[DemandState(state)])

    def days(self, news: Happened) -> str:
        """The day or the days that a mail covers."""
        if news.since >= news.until:
            return date_long(news.until, self.lang)
        return date_span(news.since, news.until, self.lang)

    def overdue(self, seconds: int) -> str:
        """How long the batch of signatures that should have been written has been waiting."""
        if seconds >= DAY:
            return self._stalled(self.ngettext("%(n)s day", "%(n)s days", seconds // DAY))
        if seconds >= HOUR:
            return self._stalled(self.ngettext("%(n)s hour", "%(n)s hours", seconds // HOUR))
        return self._stalled(self.ngettext("%(n)s minute", "%(n)s minutes", max(1, seconds // MINUTE)))

    def _stalled(self, how_long: str) -> str:
        return self._(
            "A batch of signatures should have been written %(how_long)s ago and still waits: see whether the workers run.",
            how_long=how_long,
        )

    def label(self, words: str) -> str:
        """Words before something, with the colon of their language."""
        return self._("%(words)s:", words=words)

    def codes(self, fact: CodesFact) -> str:
        """Codes of one domain on one day, in a line."""
        return self._(
            "%(domain)s, %(day)s: %(asked)s asked for, %(used)s used",
            domain=fact.domain,
            day=date_long(fact.day, self.lang),
            asked=self.coarse(fact.asked),
            used=self.coarse(fact.used),
        )

    def coarse(self, figure: int) -> str:
        """A figure that is told from ten on; 0 is any that is smaller."""
        return number(figure, self.lang) if figure else self._("fewer than 10")

    def bounces(self, fact: BouncesFact) -> str:
        """What a provider did with our mail, in a line."""
        return self._(
            "%(provider)s: %(sent)s sent, %(refused)s refused, complaints: %(complaints)s",
            provider=fact.name or self._("all others"),
            sent=number(fact.sent, self.lang),
            refused=number(fact.bounced, self.lang),
            complaints=number(fact.complained, self.lang),
        )

    @staticmethod
    def is_link(source: str) -> bool:
        """Whether a source is an address that a mail may link to."""
        return source.startswith(("https://", "http://"))
