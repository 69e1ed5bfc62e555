"""The share card, which other sites show beside a link to the letter.

It has 1200 × 630 pixels and the style of a printed page. It changes only when there is news: its number is the last
milestone that was reached, not the current count, so a picture that another site keeps for weeks stays true. It is
rendered once for each milestone and language and cached by the process (about 30 ms; the first in a process about 150
ms, because of the fonts). Characters that its fonts lack are left out. A title of which too little would remain is left
out completely.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import Final

import typst

from petition.campaigns import CampaignState
from petition.campaigns.milestones import MilestoneKind
from petition.config.addresses import PROJECT
from petition.core.i18n import gettext_for, interface_language, ngettext_for, number, percent
from petition.core.i18n import marked as _
from petition.core.markdown import typeset
from petition.publication import MilestoneView, Snapshot
from petition.web.pictures import lines

WIDTH: Final = 1200
HEIGHT: Final = 630
TEMPLATE: Final = PROJECT / "templates" / "card" / "card.typ"
GLYPH_TEST: Final = b'#set text(font: "Libertinus Serif")\n#sys.inputs.text'
STRICT_PDF: Final = ["a-4"]
LEAST_LEFT: Final = 0.6
MOST_KEPT: Final = 64

_compiler_lock = Lock()


@dataclass(frozen=True, slots=True)
class Card:
    """The contents of a card. `figure` is empty while there is no number to show, `done` is per cent of the line."""

    lang: str
    title_lang: str
    above: str
    state: str
    title: str
    addressee: str
    figure: str
    who: str
    next: str
    done: str
    place: str
    note: str
    at: str

    def words(self) -> str:
        """Returns the text of the card, for people who cannot see it."""
        texts = (self.title, self.addressee, f"{self.figure} {self.who}".strip(), self.next, self.note)
        return " – ".join(each for each in texts if each)


def card_of(snapshot: Snapshot, lang: str) -> Card:
    """Returns the contents of a letter's card in a language.

    They stay the same until a milestone is reached or the letter's state changes.
    """
    interface, own = interface_language(lang), snapshot.letter(lang).lang
    translate = gettext_for(interface)
    count = _shown_count(snapshot)
    return Card(
        lang=interface,
        title_lang=own,
        above=translate(_("Open letter")),
        state=lines.state(snapshot, lang),
        title=lines.shortened(typeset(snapshot.title(lang), own), 150),
        addressee=lines.shortened(_addressee(snapshot, lang), 130),
        figure="" if count is None else number(count, interface),
        who=_who(snapshot, count, interface),
        next=_next(snapshot, interface),
        done="" if count is None else _done(snapshot, count),
        place=lines.shortened(snapshot.origin, 60),
        note=lines.notice(snapshot, lang, 130),
        at="" if count is None else f"{count}",
    )


@lru_cache(maxsize=MOST_KEPT)
def png(card: Card) -> bytes:
    """Returns the card as a PNG picture."""
    inputs = {name: lines.breakable(without_missing_glyphs(text)) for name, text in asdict(card).items()}
    if _letters(inputs["title"]) < LEAST_LEFT * _letters(card.title):
        inputs["title"] = card.above
    with _compiler_lock:
        picture = _compiler().compile(input=TEMPLATE.read_bytes(), format="png", ppi=72.0, sys_inputs=inputs)
    assert isinstance(picture, bytes)  # one page: every block of the template has a fixed height
    return picture


@lru_cache(maxsize=MOST_KEPT)
def without_missing_glyphs(text: str) -> str:
    """Returns a text without the characters that are in none of our fonts."""
    if text.isascii() or _has_glyphs(text):
        return text
    return " ".join("".join(each for each in text if each.isascii() or _has_glyph(each)).split())


@lru_cache(maxsize=4096)
def _has_glyph(each: str) -> bool:
    return _has_glyphs(each)


def _has_glyphs(text: str) -> bool:
    """Returns whether our fonts have every character of a text.

    Strict PDF fails for a missing glyph; a picture would show an empty box.
    """
    try:
        with _compiler_lock:
            _compiler().compile(input=GLYPH_TEST, format="pdf", pdf_standards=STRICT_PDF, sys_inputs={"text": text})  # type: ignore[arg-type]
    except typst.TypstError:
        return False
    return True


@cache
def _compiler() -> typst.Compiler:
    """Returns a compiler that uses only its built-in fonts, so that every machine makes the same picture."""
    return typst.Compiler(ignore_system_fonts=True)


def _shown_count(snapshot: Snapshot) -> int | None:
    """Returns the number to show: the last milestone that is still reached or, once counting has ended, the count."""
    if snapshot.count is None or snapshot.state is not CampaignState.OPEN:
        return snapshot.count
    reached = [each.needs for each in snapshot.milestones if each.reached and each.needs <= snapshot.count]
    return max(reached, default=None)


def _milestone_ahead(snapshot: Snapshot) -> MilestoneView | None:
    return snapshot.next_milestone() if snapshot.state in {CampaignState.OPEN, CampaignState.DRAFT} else None


def _done(snapshot: Snapshot, count: int) -> str:
    milestone = _milestone_ahead(snapshot)
    return f"{min(100.0, 100 * count / milestone.needs):.2f}" if milestone else ""


def _addressee(snapshot: Snapshot, lang: str) -> str:
    role = snapshot.addressee_role.get(lang) or next(iter(snapshot.addressee_role.values()), "")
    to = gettext_for(interface_language(lang))(_("To %(addressee)s")) % {"addressee": snapshot.addressee}
    return typeset(f"{to}, {role}" if role else to, lang)


def _who(snapshot: Snapshot, count: int | None, interface: str) -> str:
    organisation = lines.shortened(snapshot.organisation, 60)
    if count is None:
        sentence = gettext_for(interface)(_("By employees of %(organisation)s. Every signature is verified."))
    else:
        sentence = ngettext_for(interface)(
            "verified employee of %(organisation)s has signed",
            "verified employees of %(organisation)s have signed",
            count,
        )
    return typeset(sentence % {"organisation": organisation}, interface)


def _next(snapshot: Snapshot, interface: str) -> str:
    milestone = _milestone_ahead(snapshot)
    if milestone is None:
        return ""
    values = {"goal": number(milestone.needs, interface), "share": percent(milestone.value / 100, interface)}
    if milestone.kind is MilestoneKind.SHARE:
        sentence = _("The next milestone: %(share)s of the workforce, %(goal)s signatures")
    else:
        sentence = _("The next milestone: %(goal)s signatures")
    return gettext_for(interface)(sentence) % values


def _letters(text: str) -> int:
    return sum(each.isalnum() for each in text)
