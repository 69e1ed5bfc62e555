"""The sharing kit: texts to copy, the QR code, the card, the counter and the badge, in one language at a time.

Everything in the kit links to the letter's own address. It contains no number before the number is public. Titles are
escaped for the place they are copied into, so the code can be pasted into other pages. Drafts have no kit, because
there is nothing to share yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from flask import Response, request
from markupsafe import escape

from petition import publication
from petition.campaigns import CampaignState
from petition.core import db
from petition.core.i18n import gettext_for, interface_language
from petition.core.i18n import marked as _
from petition.core.markdown import typeset
from petition.organisers import Act
from petition.publication import Snapshot
from petition.web import pictures
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.public.share import address, card_url, letter_url

FRAME_WIDTH: Final = 400
FRAME_HEIGHT: Final = 290
MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>!#|~])")

bp = access.blueprint("share")


@dataclass(frozen=True, slots=True)
class Text:
    """A text to copy: its audience, and the words."""

    name: str
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class SharingKit:
    """Everything to share in one language of the letter: texts to copy, addresses of images, code for other sites."""

    lang: str
    url: str
    texts: tuple[Text, ...]
    card: str
    card_words: str
    qr_svg: str
    qr_png: str
    counter: str
    counter_code: str
    badge: str
    badge_code: str
    badge_markdown: str


@bp.get("/c/<slug>/share")
@needs(Act.SEE)
def share(slug: str) -> Response:
    """Show what can be shared of a public letter. For a draft, the page says when that will be possible."""
    with db.session() as session:
        campaign = access.campaign(session)
        draft = campaign.state is CampaignState.DRAFT
        public = None if draft else publication.load(session, slug)
        kit = sharing_kit(public, request.args.get("letter", "")) if public else None
        return rendering.render("share", session, campaign, kit=kit, letters=public.languages if public else ())


def sharing_kit(snapshot: Snapshot, wanted: str) -> SharingKit:
    """Return the kit in the wanted language of the letter, or in the letter's first language if it lacks that one."""
    lang = wanted if wanted in snapshot.languages else snapshot.languages[0]
    url, badge, counter = (address(page, snapshot, lang) for page in ("letter.letter", "share.badge", "share.embed"))
    title = pictures.shortened(typeset(snapshot.title(lang), lang), 150)
    return SharingKit(
        lang=lang,
        url=url,
        texts=texts(snapshot, lang),
        card=card_url(snapshot, lang),
        card_words=pictures.card_of(snapshot, lang).words(),
        qr_svg=address("share.qr_svg", snapshot, lang),
        qr_png=address("share.qr_png", snapshot, lang),
        counter=counter,
        counter_code=f'<iframe src="{escape(counter)}" title="{escape(title)}" width="{FRAME_WIDTH}" height="{FRAME_HEIGHT}" loading="lazy" style="border: 0; max-width: 100%"></iframe>',
        badge=badge,
        badge_code=f'<a href="{escape(url)}"><img src="{escape(badge)}" alt="{escape(title)}"></a>',
        badge_markdown=f"[![{_plain(title)}]({badge})]({url})",
    )


def _plain(title: str) -> str:
    """Escape a title so that Markdown shows it as plain text."""
    return MARKDOWN.sub(r"\\\1", title)


def texts(snapshot: Snapshot, lang: str) -> tuple[Text, ...]:
    """Return short texts in the letter's language, or in English if the interface lacks that language.

    Each text ends with the address of the letter.
    """
    translate = gettext_for(interface_language(lang))
    sentence = translate(SENTENCES[snapshot.count is not None])
    values = {
        "title": typeset(snapshot.title(lang), lang),
        "organisation": snapshot.organisation,
        "addressee": snapshot.addressee,
        "signed": "" if snapshot.count is None else pictures.have_signed(snapshot.count, lang),
        "url": letter_url(snapshot, lang),
    }
    written = [Text("everybody", FOR_EVERYBODY, sentence % values)]
    if snapshot.state is CampaignState.OPEN:
        written.append(Text("colleagues", FOR_COLLEAGUES, translate(TO_SIGN) % values))
    return (*written, Text("press", FOR_THE_PRESS, translate(TO_CHECK) % values))


FOR_EVERYBODY: Final = _("For everybody")
FOR_COLLEAGUES: Final = _("For colleagues")
FOR_THE_PRESS: Final = _("For reporters")
SENTENCES: Final = {
    True: _("“%(title)s”: an open letter by employees of %(organisation)s to %(addressee)s. %(signed)s. %(url)s"),
    False: _("“%(title)s”: an open letter by employees of %(organisation)s to %(addressee)s. %(url)s"),
}
TO_SIGN: Final = _(
    "If you work at %(organisation)s, you can sign this open letter to %(addressee)s, anonymously if you like."
    " Open it on your own device, not on one from work: %(url)s"
)
TO_CHECK: Final = _(
    "Employees of %(organisation)s have written an open letter to %(addressee)s. Every signature comes from somebody who"
    " proved to work there, and anybody can recount them: %(url)s"
)
