"""Rendered mails: a mail rendered once per edition and language, in which only the links differ between subscribers.

This keeps two promises: every attempt of a mail has the same bytes, and fifty thousand subscribers cost one rendering.
A rendered mail contains nothing that distinguishes subscribers or reveals whether they signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import css_inline
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.campaigns.mail_settings import Mailing
from petition.core.i18n import gettext_for, interface_language
from petition.core.i18n import marked as _
from petition.core.ids import CampaignId
from petition.core.markdown import typeset
from petition.mail import Form, render
from petition.mail.templates import TEMPLATES
from petition.mailing.digests.facts import from_json
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.digests.phrases import Phrases
from petition.mailing.digests.tables import Edition
from petition.mailing.queue import NOTICES
from petition.mailing.subscribers import Audience, Purpose, links

SETTINGS_PLACEHOLDER: Final = "settings-link-goes-here"
UNSUBSCRIBE_PLACEHOLDER: Final = "unsubscribe-link-goes-here"
CONFIRM_PLACEHOLDER: Final = "confirm-link-goes-here"
NEUTRAL: Final = _("a letter you follow")
NEUTRAL_TO_ADDRESSEE: Final = _("a letter addressed to you")


PURPOSES: Final = {
    CONFIRM_PLACEHOLDER: Purpose.CONFIRM,
    SETTINGS_PLACEHOLDER: Purpose.SETTINGS,
    UNSUBSCRIBE_PLACEHOLDER: Purpose.UNSUBSCRIBE,
}


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail except for its links."""

    subject: str
    text: str
    html: str
    lang: str
    placeholders: frozenset[str]
    forms: tuple[Form, Form]


@dataclass(frozen=True, slots=True)
class Context:
    """What every mail's template gets in addition to its facts. Texts are in the mail's language."""

    title: str
    about: str
    addressee: str
    letter_url: str
    approvals_url: str
    lang: str
    quick: bool


def rendered_mail(
    session: Session, campaign: Campaign, kind: str, period: str, lang: str, base_url: str
) -> RenderedMail:
    """Returns the mail of an edition or a notice, rendered once in each process."""
    found = kept(campaign.id, kind, period, lang, base_url)
    if found is None:
        facts = None if kind in NOTICES else session.get_one(Edition, (campaign.id, kind, period)).facts
        if len(_kept) >= KEPT_MOST:
            _kept.clear()
        found = write(campaign, kind, facts, lang, base_url)
        _kept[_key(campaign.id, kind, period, lang, base_url)] = found
    return found


def kept(campaign_id: CampaignId, kind: str, period: str, lang: str, base_url: str) -> RenderedMail | None:
    """Returns the same mail if this process rendered it before, without a query."""
    return _kept.get(_key(campaign_id, kind, period, lang, base_url))


def _key(campaign_id: CampaignId, kind: str, period: str, lang: str, base_url: str) -> Key:
    return campaign_id, kind, "" if kind in NOTICES else period, interface_language(lang), base_url


Key = tuple[bytes, str, str, str, str]
KEPT_MOST: Final = 200
_kept: dict[Key, RenderedMail] = {}


def write(campaign: Campaign, kind: str, facts: dict[str, object] | None, lang: str, base_url: str) -> RenderedMail:
    """Render a mail. `facts` are in the form that the edition stores."""
    spoken = interface_language(lang)
    context = _context(campaign, kind, lang, base_url)
    shown = from_json(facts, DIGESTS[kind].shape) if facts is not None else None
    values: dict[str, object] = {
        "letter": context,
        "facts": shown,
        "news": getattr(shown, "news", shown),
        "phrases": Phrases(spoken, context.lang),
        "settings_url": f"{base_url}/mail/settings/{SETTINGS_PLACEHOLDER}",
        "unsubscribe_url": f"{base_url}/mail/unsubscribe/{UNSUBSCRIBE_PLACEHOLDER}",
        "confirm_url": f"{base_url}/mail/confirm/{CONFIRM_PLACEHOLDER}",
    }
    subject, text, html = render(kind, spoken, values)
    return _rendered(subject, _even(text), _inliner().inline(html), spoken)


def _rendered(subject: str, text: str, html: str, lang: str) -> RenderedMail:
    """Returns the mail with the placeholders that it contains, and both texts prepared for filling in."""
    placeholders = frozenset(placeholder for placeholder in PURPOSES if placeholder in text + html)
    forms = Form(text, dict.fromkeys(placeholders, links.LENGTH)), Form(html, dict.fromkeys(placeholders, links.LENGTH))
    return RenderedMail(subject, text, html, lang, placeholders, forms)


def _even(text: str) -> str:
    """Reduce the space between sections to one empty line, wherever sections were left out."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _context(campaign: Campaign, kind: str, lang: str, base_url: str) -> Context:
    mailing = Mailing.read(campaign.mailing)
    titles = {letter.lang: letter.title for letter in campaign.letters}
    shown = lang if lang in titles else campaign.languages[0]
    title = typeset(titles[shown], shown)
    about = _neutral(kind, lang) if mailing.neutral else title
    query = "" if shown == campaign.languages[0] else f"?lang={shown}"
    quick = bool(mailing.daily_seconds or mailing.weekly_seconds)
    url = f"{base_url}/c/{campaign.slug}{query}"
    approvals_url = f"{base_url}/organise/c/{campaign.slug}/keys"
    return Context(title, about, campaign.addressee, url, approvals_url, shown, quick)


def _neutral(kind: str, lang: str) -> str:
    """Returns what a subject contains instead of the letter's title."""
    to_addressee = kind in DIGESTS and Audience.ADDRESSEE in DIGESTS[kind].others
    return gettext_for(interface_language(lang))(NEUTRAL_TO_ADDRESSEE if to_addressee else NEUTRAL)


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    """Returns the inliner that moves the mails' stylesheet into their elements.

    Rules that cannot be inlined stay in it.
    """
    styles = (TEMPLATES / "mail.css").read_text(encoding="utf-8")
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, extra_css=styles)
