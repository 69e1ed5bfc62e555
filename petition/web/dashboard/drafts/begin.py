"""Beginning a letter: a title, a language or several, a short name; or a duplicate of another."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, request, url_for
from wtforms import Field, Form, ValidationError

from petition.campaigns import LONGEST_SLUG, SLUG, Campaign, SlugTaken
from petition.core import db
from petition.core.i18n import marked as _
from petition.organisers import Act
from petition.usecases import drafting
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import Door, needs, visitor
from petition.web.dashboard.drafts.changing import typed
from petition.web.dashboard.drafts.letter import LONGEST_TITLE
from petition.web.dashboard.drafts.shapes import TONGUES, language_name, line, one_of, word
from petition.web.fields import Filled
from petition.web.forms import FormRefused, Shape, at_most, present
from petition.web.language import gettext
from petition.web.services import services


def is_slug(_form: Form, field: Field) -> None:
    """Refuse what cannot stand in an address."""
    if len(field.data) > LONGEST_SLUG or not SLUG.fullmatch(field.data):
        raise ValidationError(gettext(_("Use small letters, digits and single hyphens, 80 at most.")))


class NewForm(Shape):
    """Title, languages and short name."""

    title = line(LONGEST_TITLE, present)
    slug = word(is_slug)
    language = word(one_of(TONGUES))
    second = word(one_of(("", *TONGUES)))


class SlugForm(Shape):
    """A short name."""

    slug = word(at_most(LONGEST_SLUG), is_slug)


@needs(Door.SIGNED_IN)
def new() -> Response:
    """Begin a letter."""
    return _new_page(Filled({"language": visitor().lang}))


@needs(Door.SIGNED_IN)
def begin() -> Response:
    """Write the draft down, and go on to its letter."""
    try:
        form = NewForm.read(request.form)
        languages = list(dict.fromkeys(filter(None, (str(form.language.data), str(form.second.data)))))
        with db.transaction() as session:
            slug, title = str(form.slug.data), str(form.title.data)
            drafting.begin(session, slug, _host(), title, languages, access.actor())
    except (FormRefused, SlugTaken) as refused:
        return rendering.render_again(refused, _new_page(rendering.to_mend(refused, typed())))
    return access.go(url_for("organise_drafts.letter", slug=slug, lang=languages[0]))


@needs(Act.MANAGE)
def duplicate_page(slug: str) -> Response:
    """What a duplicate takes along, and what not."""
    with db.session() as session:
        return _duplicate_page(access.campaign(session), Filled({"slug": f"{slug}-2"[:LONGEST_SLUG]}))


@needs(Act.MANAGE)
def duplicate(slug: str) -> Response:
    """Make a new draft of a campaign, and go on to its checklist."""
    try:
        chosen = str(SlugForm.read(request.form).slug.data)
        with db.transaction() as session:
            source = access.campaign(session)
            drafting.duplicate(session, source, chosen, _host(), access.actor())
    except (FormRefused, SlugTaken) as refused:
        with db.session() as session:
            return rendering.render_again(
                refused, _duplicate_page(access.campaign(session), rendering.to_mend(refused, typed()))
            )
    del slug
    return access.go(url_for("organise_drafts.checklist", slug=chosen))


def _new_page(form: Filled) -> Response:
    return rendering.render(
        "draft/new", form=form, options=[(code, language_name(code)) for code in TONGUES], host=_host()
    )


def _duplicate_page(campaign: Campaign, form: Filled) -> Response:
    with db.session() as session:
        return rendering.render("draft/duplicate", session, campaign, form, host=_host())


def _host() -> str:
    return urlsplit(services().config.base_url).netloc
