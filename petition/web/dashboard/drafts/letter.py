"""The letter, language by language, in Markdown; what it will look like is made by the server."""

from __future__ import annotations

from flask import Response, abort, request, url_for
from markupsafe import Markup

from petition import campaigns
from petition.campaigns import LONGEST_LETTER, Campaign
from petition.core import db
from petition.core.markdown import letter_html
from petition.organisers import Act
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.drafts.changing import changing, only_passing, typed
from petition.web.dashboard.drafts.shapes import TONGUES, area, language_name, line, one_of, word
from petition.web.fields import Filled
from petition.web.forms import FormRefused, Shape

LONGEST_TITLE = 200


class LetterForm(Shape):
    """Title and text in one language."""

    title = line(LONGEST_TITLE)
    markdown = area(LONGEST_LETTER)


class LanguageForm(Shape):
    """A language to write in."""

    language = word(one_of(TONGUES))


@needs(Act.WRITE)
def letters(slug: str) -> Response:
    """The letter in its first language."""
    with db.session() as session:
        first = access.campaign(session).languages[0]
    return access.go(url_for("organise_drafts.letter", slug=slug, lang=first))


@needs(Act.WRITE)
def letter(slug: str, lang: str) -> Response:
    """The letter in one language, with what it looks like below."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        found = next((each for each in campaign.letters if each.lang == lang), None)
        if found is None:
            abort(404)
        return _page(campaign, lang, Filled({"title": found.title, "markdown": found.markdown}))


@needs(Act.WRITE)
def save_letter(slug: str, lang: str) -> Response:
    """Save one language and go on; raises LetterFrozen."""
    try:
        with changing("letter") as (_session, campaign):
            _save(campaign, lang)
            onward = pages.onward(campaign)
    except FormRefused as refused:
        return _render_again(refused, lang)
    here = url_for("organise_drafts.letter", slug=slug, lang=lang, saved="yes")
    return access.go(onward or here + ("#preview" if "preview" in request.form else ""))


@needs(Act.WRITE)
def add_language(slug: str) -> Response:
    """Begin one more language, and save the text on the screen; raises LetterFrozen, CampaignFaulty, FormRefused."""
    chosen, lang = LanguageForm.read(request.form), request.form.get("letter_lang")
    try:
        with changing("letter") as (_session, campaign):
            if lang is not None:
                _save(campaign, lang)
            campaigns.add_language(campaign, str(chosen.language.data))
    except FormRefused as refused:
        return _render_again(refused, lang or "")
    return access.go(url_for("organise_drafts.letter", slug=slug, lang=chosen.language.data))


@needs(Act.WRITE)
def remove_language(slug: str, lang: str) -> Response:
    """Take a language out, with its texts; raises LetterFrozen, CampaignFaulty."""
    with changing("letter") as (_session, campaign):
        campaigns.remove_language(campaign, lang)
    return access.go(url_for("organise_drafts.letters", slug=slug))


@needs(Act.WRITE)
def preview_text(slug: str) -> Response:
    """A text as it would stand in a page, for a page's script; nothing is kept of it."""
    del slug
    html = letter_html(request.form.get("markdown", "")[:LONGEST_LETTER], request.form.get("lang", "en")[:2])
    return Response(html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def _save(campaign: Campaign, lang: str) -> None:
    """Write down the text on the screen, unless its writer only passes. Raises FormRefused, LetterFrozen."""
    found = next((each for each in campaign.letters if each.lang == lang), None)
    if found is None:
        abort(404)
    if not only_passing({"title": found.title, "markdown": found.markdown, "letter_lang": lang}):
        form = LetterForm.read(request.form)
        campaigns.write_letter(campaign, lang, str(form.title.data), str(form.markdown.data))


def _render_again(refused: FormRefused, lang: str) -> Response:
    with db.session() as session:
        return rendering.render_again(
            refused, _page(access.campaign(session), lang, rendering.to_mend(refused, typed()))
        )


def _page(campaign: Campaign, lang: str, form: Filled) -> Response:
    rest = [(code, language_name(code)) for code in TONGUES if code not in campaign.languages]
    text: Markup = letter_html(form.typed("markdown")[:LONGEST_LETTER], lang)
    with db.session() as reading:
        return pages.render(
            "letter",
            reading,
            campaign,
            "letter",
            form,
            letter_lang=lang,
            text=text,
            rest=rest,
            kept=request.args.get("saved") == "yes",
        )
