"""The pages that start a letter: from a title, languages and a short name, or as a duplicate of another letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request, url_for
from wtforms import Field, Form, ValidationError
from wtforms.validators import DataRequired, Length, Optional

from petition.campaigns import LONGEST_SLUG, SLUG, SlugTaken
from petition.core import db
from petition.organisers import Act
from petition.usecases import drafting
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import Audience, needs, visitor
from petition.web.dashboard.drafts.forms import LETTER_LANGUAGES, language_name
from petition.web.dashboard.drafts.letter import LONGEST_TITLE
from petition.web.dashboard.forms import UNWATCHED
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import LineField, SelectField, StringField
from petition.web.forms.redraw import redraw
from petition.web.forms.validators import visible
from petition.web.language import lazy_gettext as _
from petition.web.services import services


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A new campaign: its title in the first language, its languages, and its short name."""

    title: str
    languages: list[str]
    slug: str


def is_slug(_form: Form, field: Field) -> None:
    """Reject what cannot be part of an address."""
    if len(field.data) > LONGEST_SLUG or not SLUG.fullmatch(field.data):
        raise ValidationError(_("Use small letters, digits and single hyphens, 80 at most."))


def _slug_field() -> Any:
    about = {"autocomplete": "off", **UNWATCHED}
    return StringField(_("Short name"), [is_slug], render_kw=about)


def _languages() -> list[tuple[str, str]]:
    return [(code, language_name(code)) for code in LETTER_LANGUAGES]


class NewForm(BaseForm):
    """Title, languages and short name of a new letter."""

    title = LineField(
        _("Title"),
        [DataRequired(), Length(max=LONGEST_TITLE), visible],
        description=_("What the letter says in a few words."),
        render_kw={"autocomplete": "off"},
    )
    language = SelectField(_("Language"), choices=_languages)
    second = SelectField(
        _("Second language"),
        [Optional()],
        choices=lambda: [("", _("None")), *_languages()],
        description=_("More can be added later."),
    )
    slug = _slug_field()

    def new_campaign(self) -> NewCampaign:
        """Return the new campaign. The same language chosen twice counts once."""
        languages = list(dict.fromkeys(filter(None, (self.language.data, self.second.data))))
        return NewCampaign(self.title.data, languages, self.slug.data)


class SlugForm(BaseForm):
    """The short name of a duplicate."""

    slug = _slug_field()


def _new_page(form: NewForm) -> Response:
    return rendering.render("draft/new", form=form, host=_host())


def _duplicate_page(form: SlugForm) -> Response:
    with db.session() as session:
        return rendering.render("draft/duplicate", session, access.campaign(session), form, host=_host())


@needs(Audience.SIGNED_IN)
def new() -> Response:
    """Show the form for a new letter."""
    return _new_page(NewForm(data={"language": visitor().lang}))


@needs(Audience.SIGNED_IN)
@redraw(_new_page, SlugTaken, form=NewForm)
def begin() -> Response:
    """Create the draft and go to its letter."""
    wanted = NewForm.read(request.form).new_campaign()
    with db.transaction() as session:
        drafting.begin(session, wanted.slug, _host(), wanted.title, wanted.languages, access.actor())
    return access.go(url_for("organise_drafts.letter", slug=wanted.slug, lang=wanted.languages[0]))


@needs(Act.MANAGE)
def duplicate_page(slug: str) -> Response:
    """Show what a duplicate copies and what it does not."""
    return _duplicate_page(SlugForm(data={"slug": f"{slug}-2"[:LONGEST_SLUG]}))


@needs(Act.MANAGE)
@redraw(_duplicate_page, SlugTaken, form=SlugForm)
def duplicate(slug: str) -> Response:
    """Create a draft from a campaign and go to its checklist."""
    del slug
    chosen = SlugForm.read(request.form).slug.data
    with db.transaction() as session:
        drafting.duplicate(session, access.campaign(session), chosen, _host(), access.actor())
    return access.go(url_for("organise_drafts.checklist", slug=chosen))


def _host() -> str:
    return urlsplit(services().config.base_url).netloc
