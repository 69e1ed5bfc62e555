"""The letter step: one language at a time, in Markdown, with a preview that the server renders."""

from __future__ import annotations

from flask import Response, abort, request, url_for
from wtforms.validators import Length

from petition import campaigns
from petition.campaigns import LONGEST_LETTER, Campaign
from petition.core import db
from petition.core.markdown import letter_html, unshown
from petition.organisers import Act
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.drafts.forms import LETTER_LANGUAGES, LONGEST_LINE, language_name
from petition.web.forms import versions
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import LineField, SelectField, StringField, TextAreaField
from petition.web.forms.redraw import redraw
from petition.web.forms.validators import visible, visible_lines
from petition.web.language import lazy_gettext as _

LONGEST_TITLE = LONGEST_LINE


class LetterForm(BaseForm):
    """The title and the text in one language."""

    letter_lang = StringField()
    title = LineField(_("Title"), [Length(max=LONGEST_TITLE), visible], render_kw={"autocomplete": "off"})
    markdown = TextAreaField(
        _("Text"),
        [Length(max=LONGEST_LETTER), visible_lines],
        description=_(
            "An empty line begins a paragraph. *Emphasis*, **strong**, ## heading, - list, [link](https://…), | table |, "
            "footnote[^1] with [^1]: its text."
        ),
        render_kw={"rows": 16},
    )


class LanguageForm(LetterForm):
    """The title and the text in one language, and a language to add."""

    language = SelectField(_("Write it in one more language"), choices=LETTER_LANGUAGES)


def _page(form: LetterForm, lang: str | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        lang = lang or _known_language(campaign, form.letter_lang.data)
        return pages.render(
            "letter", session, campaign, "letter", form,
            letter_lang=lang,
            text=letter_html(form.typed("markdown")[:LONGEST_LETTER], lang),
            unshown=unshown(form.typed("markdown")[:LONGEST_LETTER]),
            language=(form if isinstance(form, LanguageForm) else LanguageForm()).language,
            other_languages=[(code, language_name(code)) for code in LETTER_LANGUAGES if code not in campaign.languages],
            was_saved=request.args.get("saved") == "yes",
        )  # fmt: skip


@needs(Act.WRITE)
def letters(slug: str) -> Response:
    """Redirect to the letter in its first language."""
    with db.session() as session:
        first = access.campaign(session).languages[0]
    return access.go(url_for("organise_drafts.letter", slug=slug, lang=first))


@needs(Act.WRITE)
def letter(slug: str, lang: str) -> Response:
    """Show the letter in one language, with a preview below it."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        return _page(_saved_form(campaign, lang), lang)


@needs(Act.WRITE)
@redraw(_page, form=LetterForm)
def save_letter(slug: str, lang: str) -> Response:
    """Save one language and continue. Raises LetterFrozen."""
    with pages.change_draft("letter") as (_session, campaign):
        _save(campaign, lang)
        address = pages.next_address(campaign)
    here = url_for("organise_drafts.letter", slug=slug, lang=lang, saved="yes")
    return access.go(address or here + ("#preview" if "preview" in request.form else ""))


@needs(Act.WRITE)
@redraw(_page, form=LetterForm)
def add_language(slug: str) -> Response:
    """Add a language, and save the text on the page. Raises LetterFrozen, CampaignFaulty."""
    with pages.change_draft("letter") as (_session, campaign):
        form = LanguageForm.read(request.form)
        if form.letter_lang.data:
            _save(campaign, form.letter_lang.data)
        campaigns.add_language(campaign, form.language.data)
    return access.go(url_for("organise_drafts.letter", slug=slug, lang=form.language.data))


@needs(Act.WRITE)
def remove_language(slug: str, lang: str) -> Response:
    """Remove a language with its texts. Raises LetterFrozen, CampaignFaulty."""
    with pages.change_draft("letter") as (_session, campaign):
        campaigns.remove_language(campaign, lang)
    return access.go(url_for("organise_drafts.letters", slug=slug))


@needs(Act.WRITE)
def preview_text(slug: str) -> Response:
    """Return a text as it would look on a page, for the page's script. Nothing is stored."""
    del slug
    html = letter_html(request.form.get("markdown", "")[:LONGEST_LETTER], request.form.get("lang", "en")[:2])
    return Response(html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def _known_language(campaign: Campaign, lang: str) -> str:
    """Return the posted language if the letter has it, otherwise the letter's first language."""
    return lang if lang in campaign.languages else campaign.languages[0]


def _saved_form(campaign: Campaign, lang: str) -> LetterForm:
    """Return the form with the saved letter in one language."""
    found = next((each for each in campaign.letters if each.lang == lang), None)
    if found is None:
        abort(404)
    return LetterForm(obj=found, letter_lang=lang)


def _save(campaign: Campaign, lang: str) -> None:
    """Save the text on the page unless it is unchanged. Raises FormRefused, ChangedMeanwhile, LetterFrozen."""
    saved = _saved_form(campaign, lang)
    posted = versions.merged(request.form, saved)
    if not pages.is_unchanged(saved, posted):
        form = LetterForm.read(posted)
        campaigns.write_letter(campaign, lang, form.title.data, form.markdown.data)
