"""The letter, language by language, in Markdown; what it will look like is made by the server."""

from __future__ import annotations

from flask import Response, abort, request, url_for
from wtforms.validators import Length

from petition import campaigns
from petition.campaigns import LONGEST_LETTER, Campaign
from petition.core import db
from petition.core.markdown import letter_html
from petition.organisers import Act
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.drafts.forms import LONGEST_LINE, TONGUES, language_name
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import LineField, SelectField, StringField, TextAreaField
from petition.web.forms.redraw import redraw
from petition.web.forms.validators import visible, visible_lines
from petition.web.language import lazy_gettext as _

LONGEST_TITLE = LONGEST_LINE


class LetterForm(BaseForm):
    """Title and text in one language."""

    letter_lang = StringField()
    title = LineField(_("Title"), [Length(max=LONGEST_TITLE), visible], render_kw={"autocomplete": "off"})
    markdown = TextAreaField(
        _("Text"),
        [Length(max=LONGEST_LETTER), visible_lines],
        description=_(
            "An empty line begins a paragraph. *Emphasis*, **strong**, ## heading, - list, [link](https://…)."
        ),
        render_kw={"rows": 16},
    )


class LanguageForm(LetterForm):
    """The same, and one more language to write in."""

    language = SelectField(_("Write it in one more language"), choices=TONGUES)


def _page(form: LetterForm, lang: str | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        lang = lang or _known(campaign, form.letter_lang.data)
        return pages.render(
            "letter", session, campaign, "letter", form,
            letter_lang=lang,
            text=letter_html(form.typed("markdown")[:LONGEST_LETTER], lang),
            language=(form if isinstance(form, LanguageForm) else LanguageForm()).language,
            rest=[(code, language_name(code)) for code in TONGUES if code not in campaign.languages],
            kept=request.args.get("saved") == "yes",
        )  # fmt: skip


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
        return _page(_filled(campaign, lang), lang)


@needs(Act.WRITE)
@redraw(_page, form=LetterForm)
def save_letter(slug: str, lang: str) -> Response:
    """Save one language and go on; raises LetterFrozen."""
    with pages.changing("letter") as (_session, campaign):
        _save(campaign, lang)
        onward = pages.onward(campaign)
    here = url_for("organise_drafts.letter", slug=slug, lang=lang, saved="yes")
    return access.go(onward or here + ("#preview" if "preview" in request.form else ""))


@needs(Act.WRITE)
@redraw(_page, form=LetterForm)
def add_language(slug: str) -> Response:
    """Begin one more language, and save the text on the screen; raises LetterFrozen, CampaignFaulty."""
    with pages.changing("letter") as (_session, campaign):
        form = LanguageForm.read(request.form)
        if form.letter_lang.data:
            _save(campaign, form.letter_lang.data)
        campaigns.add_language(campaign, form.language.data)
    return access.go(url_for("organise_drafts.letter", slug=slug, lang=form.language.data))


@needs(Act.WRITE)
def remove_language(slug: str, lang: str) -> Response:
    """Take a language out, with its texts; raises LetterFrozen, CampaignFaulty."""
    with pages.changing("letter") as (_session, campaign):
        campaigns.remove_language(campaign, lang)
    return access.go(url_for("organise_drafts.letters", slug=slug))


@needs(Act.WRITE)
def preview_text(slug: str) -> Response:
    """A text as it would stand in a page, for a page's script; nothing is kept of it."""
    del slug
    html = letter_html(request.form.get("markdown", "")[:LONGEST_LETTER], request.form.get("lang", "en")[:2])
    return Response(html, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def _known(campaign: Campaign, lang: str) -> str:
    """A language of the letter: the one that was posted, or else the first."""
    return lang if lang in campaign.languages else campaign.languages[0]


def _filled(campaign: Campaign, lang: str) -> LetterForm:
    """The letter in one language as it was saved."""
    found = next((each for each in campaign.letters if each.lang == lang), None)
    if found is None:
        abort(404)
    return LetterForm(obj=found, letter_lang=lang)


def _save(campaign: Campaign, lang: str) -> None:
    """Write down the text on the screen, unless its writer only passes. Raises FormRefused, LetterFrozen."""
    if not pages.only_passing(_filled(campaign, lang)):
        form = LetterForm.read(request.form)
        campaigns.write_letter(campaign, lang, form.title.data, form.markdown.data)
