"""Sentences for facts in a language, shared by several mails. They are plain text and are escaped when shown.

Templates therefore decide nothing, and the text and the HTML of a mail have the same content. Texts that exist in
several languages (demands, updates) appear in the subscriber's language, else in the interface's, else in any available
one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from petition.campaigns import CampaignState, DemandState
from petition.campaigns.labels import DEMAND_STATES
from petition.campaigns.milestones import MilestoneKind
from petition.core.i18n import at_least, date_long, date_span, gettext_for, ngettext_for, number, percent
from petition.core.markdown import typeset
from petition.mailing.digests.codes_stopped import SilenceFact
from petition.mailing.digests.facts import Happened, NextStep, ReachedFact
from petition.mailing.digests.organiser_approvals import PendingFact
from petition.mailing.digests.organiser_daily import BouncesFact, CodesFact
from petition.organisers.approvals import ApprovalKind
from petition.organisers.labels import APPROVAL_TITLES
from petition.privacy.daily_figures import tens

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class LocalText:
    """A text and the language that it is written in."""

    text: str
    lang: str


@dataclass(frozen=True, slots=True)
class Phrases:
    """Sentences in `lang`, a language of the interface. `read_in` is the subscriber's language for the letter."""

    lang: str
    read_in: str

    def _(self, sentence: str, **values: str) -> str:
        return gettext_for(self.lang)(sentence) % values

    def ngettext(self, one: str, many: str, n: int, **values: str) -> str:
        """Returns a translated sentence with a formatted number in it."""
        return ngettext_for(self.lang)(one, many, n) % ({"n": number(n, self.lang)} | values)

    def text_of(self, texts: dict[str, str]) -> LocalText:
        """Returns a text in the best available language."""
        known = [lang for lang in (self.read_in, self.lang, *texts) if texts.get(lang)]
        return LocalText(typeset(texts[known[0]], known[0]), known[0]) if known else LocalText("", self.lang)

    def signatures(self, n: int) -> str:
        """Returns the noun for counted signatures, without the number."""
        return self.ngettext("verified signature", "verified signatures", n)

    def counted(self, n: int) -> str:
        """Returns the counted signatures, with the number."""
        return self.ngettext("%(n)s verified signature", "%(n)s verified signatures", n)

    def change(self, change: int) -> str:
        """Returns how the count changed since the previous mail of this kind."""
        if change > 0:
            return self.ngettext("%(n)s more than last time", "%(n)s more than last time", change)
        if change < 0:
            return self.ngettext(
                "%(n)s fewer than last time; signers can withdraw",
                "%(n)s fewer than last time; signers can withdraw",
                -change,
            )
        return self._("As many as last time")

    def milestone_number(self, fact: ReachedFact | NextStep) -> str:
        """Returns a milestone's number, the largest text in its mail: 1,000, or 10%."""
        if fact.kind is MilestoneKind.SHARE:
            return percent(fact.value / 100, self.lang)
        return number(fact.value, self.lang)

    def milestone_unit(self, fact: ReachedFact) -> str:
        """Returns what a milestone's number counts."""
        if fact.kind is MilestoneKind.SHARE:
            return self._("of the workforce has signed")
        return self.signatures(fact.value)

    def reached(self, fact: ReachedFact) -> str:
        """Returns a milestone with its day, in one line."""
        day = date_long(fact.day, self.lang)
        if fact.kind is MilestoneKind.SHARE:
            return self.ngettext(
                "%(share)s of the workforce, %(n)s signature, on %(day)s",
                "%(share)s of the workforce, %(n)s signatures, on %(day)s",
                fact.needs,
                share=self.milestone_number(fact),
                day=day,
            )
        return self.ngettext("%(n)s signature, on %(day)s", "%(n)s signatures, on %(day)s", fact.value, day=day)

    def next_step(self, news: Happened) -> str:
        """Returns what a subscriber can do now."""
        if news.next is not None:
            return self.missing(news.next) + " " + self._("Share the letter.")
        if news.state is CampaignState.OPEN:
            return self._("Share the letter.")
        return self._("Read the letter and what happened since.")

    def missing(self, step: NextStep) -> str:
        """Returns the distance to the next milestone."""
        if step.kind is MilestoneKind.SHARE:
            return self.ngettext(
                "%(n)s more signature until %(goal)s of the workforce.",
                "%(n)s more signatures until %(goal)s of the workforce.",
                step.missing,
                goal=self.milestone_number(step),
            )
        return self.ngettext(
            "%(n)s more signature until %(goal)s.",
            "%(n)s more signatures until %(goal)s.",
            step.missing,
            goal=self.milestone_number(step),
        )

    def step(self, kind: str, addressee: str) -> str:
        """Returns the sentence for a step of the campaign, as on the letter's own page."""
        sentences = {
            "closed": self._("The letter closed; no more signatures are taken."),
            "delivered": self._("The letter was delivered to %(addressee)s.", addressee=addressee),
            "answered": self._("%(addressee)s answered.", addressee=addressee),
        }
        return sentences[kind]

    def demand_state(self, state: str) -> str:
        """Returns a demand's state, as on the letter's own page."""
        return self._(DEMAND_STATES[DemandState(state)])

    def days(self, news: Happened) -> str:
        """Returns the day or the days that a mail covers."""
        if news.since >= news.until:
            return date_long(news.until, self.lang)
        return date_span(news.since, news.until, self.lang)

    def overdue(self, seconds: int) -> str:
        """Returns how long ago the first slot was that no worker looked at."""
        if seconds >= DAY:
            return self._stalled(self.ngettext("%(n)s day", "%(n)s days", seconds // DAY))
        if seconds >= HOUR:
            return self._stalled(self.ngettext("%(n)s hour", "%(n)s hours", seconds // HOUR))
        return self._stalled(self.ngettext("%(n)s minute", "%(n)s minutes", max(1, seconds // MINUTE)))

    def _stalled(self, how_long: str) -> str:
        return self._(
            "The time for a batch of signatures passed %(how_long)s ago, and no worker looked whether one is due. Check "
            "that the workers run.",
            how_long=how_long,
        )

    def waiting_request(self, fact: PendingFact) -> str:
        """Returns an act that waits for a second organiser, in one line."""
        return self._(
            "%(act)s: it can be approved until %(day)s, %(time)s (UTC)",
            act=self._(APPROVAL_TITLES[fact.act]),
            **self._moment(fact.until),
        )

    def approved_request(self, act: ApprovalKind) -> str:
        """Returns an act that was asked and approved since the last mail, in one line."""
        return self._("%(act)s: asked for, and approved by a second organiser", act=self._(APPROVAL_TITLES[act]))

    def closing(self, at: datetime) -> str:
        """Returns when a letter closes, and that an owner can prevent it."""
        return self._(
            "The letter closes by itself on %(day)s at %(time)s (UTC). Until then any owner can keep it open.",
            **self._moment(at),
        )

    def _moment(self, at: datetime) -> dict[str, str]:
        moment = at.astimezone(UTC)
        return {"day": date_long(moment.date(), self.lang), "time": f"{moment:%H:%M}"}

    def label(self, words: str) -> str:
        """Returns a label with the colon of its language."""
        return self._("%(words)s:", words=words)

    def codes(self, fact: CodesFact) -> str:
        """Returns the codes of one domain on one day, in one line."""
        return self._(
            "%(domain)s, %(day)s: %(asked)s asked for, %(used)s used",
            domain=fact.domain,
            day=date_long(fact.day, self.lang),
            asked=self.coarse(fact.asked),
            used=self.coarse(fact.used),
        )

    def coarse(self, figure: int) -> str:
        """Returns a figure from ten on. 0 stands for any smaller one."""
        return number(figure, self.lang) if figure else self._("fewer than 10")

    def at_least(self, n: int) -> str:
        """Returns a figure in whole tens as a bound: fewer than 10, at least 40."""
        return at_least(tens(n), self.lang)

    def bounces(self, fact: BouncesFact) -> str:
        """Returns what happened to our mail at a provider, in one line."""
        return self._(
            "%(provider)s: %(sent)s sent, %(refused)s refused, complaints: %(complaints)s",
            provider=fact.name or self._("all others"),
            sent=self.at_least(fact.sent),
            refused=self.at_least(fact.bounced),
            complaints=self.at_least(fact.complained),
        )

    def silence(self, fact: SilenceFact) -> str:
        """Returns that the codes of one domain are hardly used any more, with the shares."""
        share = self._share(fact.most)
        now = self.ngettext(
            "%(domain)s: of %(n)s code asked for on the last two days, %(share)s at most was used.",
            "%(domain)s: of %(n)s codes asked for on the last two days, %(share)s at most were used.",
            fact.asked,
            domain=fact.domain,
            share=share,
        )
        if fact.usual is None:
            return now
        return now + " " + self._("In the week before it was %(share)s or more.", share=self._share(fact.usual))

    def _share(self, per_cent: int) -> str:
        return percent(per_cent / 100, self.lang)
