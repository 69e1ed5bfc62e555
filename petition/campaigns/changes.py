"""Changes a draft, piece by piece. After the opening, only facts that no signer relied on can change.

This module protects what is frozen: each change first locks the campaign's row and checks that it is still a draft, so
that no text changes while somebody opens it. It rejects more demands and languages than anybody would read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from petition.campaigns.drafts import LONGEST_LETTER, LONGEST_SLUG, SLUG, Draft, written
from petition.campaigns.errors import CampaignFaulty, LetterFrozen, SlugTaken
from petition.campaigns.tables import Campaign, CampaignState, Demand, DemandState, Letter
from petition.core import db

MOST_DEMANDS: Final = 50
MOST_LANGUAGES: Final = 12
CHANGEABLE: Final = frozenset({
    "addressee", "addressee_role", "organisation", "organisers", "notice", "domains", "roles", "teams", "workforce",
    "workforce_source", "batch_min", "interval", "public_min", "mailing", "legal", "opens_at", "closes_at",
})  # fmt: skip
NEVER_FROZEN: Final = frozenset({"legal", "closes_at", "domains"})
"""Facts of a public campaign that may change. Some of these changes need a second organiser (`petition.usecases`)."""
BY_LANGUAGE: Final = ("addressee_role", "organisers", "notice", "workforce_source")


def begin(session: Session, slug: str, origin: str, title: str, languages: list[str]) -> Campaign:
    """Insert an empty draft with a title in its first language. Raises SlugTaken, CampaignFaulty."""
    letters = {lang: (title if number == 0 else "", "") for number, lang in enumerate(languages)}
    if not languages:
        raise CampaignFaulty("A letter in at least one language is needed.")
    return _inserted(session, Draft(slug, origin, letters, (), "", "", {}, languages=languages))


def duplicate(session: Session, source: Campaign, slug: str, origin: str) -> Campaign:
    """Copy a campaign to a draft, without its dates, keys and signatures. Raises SlugTaken, CampaignFaulty."""
    copied = {name: getattr(source, name) for name in CHANGEABLE - {"opens_at", "closes_at"}}
    letters = {letter.lang: (letter.title, letter.markdown) for letter in source.letters}
    demands = [dict(demand.text) for demand in source.demands]
    languages = list(source.languages)
    return _inserted(
        session, Draft(slug, origin, letters, demands, languages=languages, methods=list(source.methods), **copied)
    )


def hold_draft(session: Session, campaign: Campaign) -> None:
    """Lock a draft until the end of the transaction. Raises LetterFrozen if it was opened."""
    session.refresh(campaign, with_for_update=True)
    require_draft(campaign)


def require_draft(campaign: Campaign) -> None:
    """Raises LetterFrozen unless the campaign is a draft."""
    if campaign.state is not CampaignState.DRAFT:
        raise LetterFrozen(campaign.slug)


def change(campaign: Campaign, changes: Mapping[str, Any]) -> None:
    """Set facts of a draft. Raises LetterFrozen after the opening, CampaignFaulty for unknown facts."""
    if not changes.keys() <= CHANGEABLE:
        raise CampaignFaulty("There is no such fact of a campaign.")
    require_draft(campaign)
    _set(campaign, changes)


def change_public(campaign: Campaign, changes: Mapping[str, Any]) -> None:
    """Set facts of a campaign that is public, and have its pages rendered again.

    Only `petition.usecases` calls this, after it asked whether the change needs a second organiser. Raises LetterFrozen
    for facts that the opening froze.
    """
    if not changes.keys() <= NEVER_FROZEN:
        raise LetterFrozen(campaign.slug)
    if _set(campaign, changes):
        campaign.mark_stale()


def _set(campaign: Campaign, changes: Mapping[str, Any]) -> bool:
    """Set the facts that differ. Returns whether any did."""
    differing = {name: value for name, value in changes.items() if not _same(getattr(campaign, name), value)}
    for name, value in differing.items():
        setattr(campaign, name, value)
    return bool(differing)


def _same(one: Any, other: Any) -> bool:
    """Returns whether two values are equal. Roles or teams in another order count as different."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one == other and list(one) == list(other)
    return bool(one == other)


def write_letter(campaign: Campaign, lang: str, title: str, markdown: str) -> None:
    """Replace or add one language of a draft's letter. Raises LetterFrozen, CampaignFaulty."""
    require_draft(campaign)
    if len(markdown) > LONGEST_LETTER:
        raise CampaignFaulty("A letter may hold 60,000 characters at most.")
    if lang not in campaign.languages:
        add_language(campaign, lang)
    letter = next(each for each in campaign.letters if each.lang == lang)
    letter.title, letter.markdown = title, markdown


def add_language(campaign: Campaign, lang: str) -> None:
    """Add an empty letter in a further language. Raises LetterFrozen, CampaignFaulty."""
    require_draft(campaign)
    if lang in campaign.languages or len(campaign.languages) >= MOST_LANGUAGES:
        raise CampaignFaulty("A letter has each language once, and twelve at most.")
    campaign.languages = [*campaign.languages, lang]
    campaign.letters.append(Letter(lang=lang, title="", markdown=""))


def remove_language(campaign: Campaign, lang: str) -> None:
    """Remove a language and all its texts from a draft.

    Raises LetterFrozen, and CampaignFaulty for the last language.
    """
    require_draft(campaign)
    if campaign.languages == [lang] or lang not in campaign.languages:
        raise CampaignFaulty("A letter needs at least one language.")
    campaign.languages = [each for each in campaign.languages if each != lang]
    campaign.letters = [letter for letter in campaign.letters if letter.lang != lang]
    for name in BY_LANGUAGE:
        setattr(campaign, name, _without(getattr(campaign, name), lang))
    for name in ("roles", "teams", "legal"):
        setattr(campaign, name, {key: _without(texts, lang) for key, texts in getattr(campaign, name).items()})
    for demand in campaign.demands:
        demand.text = _without(demand.text, lang)


def add_demand(campaign: Campaign, text: Mapping[str, str]) -> None:
    """Append a demand. Raises LetterFrozen, and CampaignFaulty after the fiftieth demand."""
    require_draft(campaign)
    if len(campaign.demands) >= MOST_DEMANDS:
        raise CampaignFaulty("A letter may have 50 demands at most.")
    number = len(campaign.demands) + 1
    campaign.demands.append(Demand(number=number, text=dict(text), state=DemandState.NO_ANSWER))


def write_demand(campaign: Campaign, number: int, text: Mapping[str, str]) -> None:
    """Change the text of a demand. Raises LetterFrozen, CampaignFaulty."""
    _demand(campaign, number).text = dict(text)


def move_demand(campaign: Campaign, number: int, by: int) -> int:
    """Move a demand up (-1) or down (1) and return its new number. At an end it stays. Raises as above."""
    moved, other = _demand(campaign, number), number + by
    if not 1 <= other <= len(campaign.demands):
        return number
    neighbour = _demand(campaign, other)
    moved.text, neighbour.text = neighbour.text, moved.text
    return other


def remove_demand(campaign: Campaign, number: int) -> None:
    """Remove a demand. Those after it move up. Raises LetterFrozen, CampaignFaulty."""
    _demand(campaign, number)
    texts = [demand.text for demand in campaign.demands if demand.number != number]
    for demand, text in zip(campaign.demands, texts, strict=False):
        demand.text = text
    campaign.demands.pop()


def _inserted(session: Session, described: Draft) -> Campaign:
    if len(described.slug) > LONGEST_SLUG or not SLUG.fullmatch(described.slug):
        raise CampaignFaulty("The short name may hold small letters, digits and single hyphens, 80 at most.")
    try:
        with session.begin_nested():
            return written(session, described)
    except IntegrityError as error:
        if db.constraint_of(error) != "uq_campaign_slug":
            raise
        raise SlugTaken(described.slug) from None


def _demand(campaign: Campaign, number: int) -> Demand:
    require_draft(campaign)
    found = next((each for each in campaign.demands if each.number == number), None)
    if found is None:
        raise CampaignFaulty(f"There is no demand {number}.")
    return found


def _without(texts: Mapping[str, str], lang: str) -> dict[str, str]:
    return {each: text for each, text in texts.items() if each != lang}
