"""The base of all forms, for the pages' posts and the calls' JSON alike.

Guards that what comes in has its shape, and that nothing typed is lost: a form that was refused still holds what was
typed, beside a sentence for each field that says how to correct it. What is allowed beyond shape (is the role on the list,
is the address the organisation's) is the domain's business. A form ends in a method that gives a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from flask import g, has_request_context
from werkzeug.datastructures import MultiDict
from wtforms import Field, Form

from petition.core.errors import ExpectedError
from petition.web.forms.fields import IntegerField, RadioField, leaves
from petition.web.language import lazy_gettext as _

SENTENCES: Final = {
    "This field is required.": _("Fill in this field."),
    "Field cannot be longer than %(max)d character.": _("Use %(max)s characters or fewer."),
    "Number must be between %(min)s and %(max)s.": _("Enter a whole number from %(min)s to %(max)s."),
    "Not a valid choice.": _("Choose one from the list."),
}
"""What the validators of WTForms say, in our words."""


class FormRefused(ExpectedError, ValueError):
    """Some fields have the wrong shape; `errors` holds sentences by field, in the language of the request."""

    status = 422

    def __init__(self, errors: dict[str, list[str]], form: BaseForm | None = None) -> None:
        super().__init__(", ".join(errors))
        self.errors = {name: [str(each) for each in sentences] for name, sentences in errors.items()}
        self.form = form


class Sentences:
    """The sentences of WTForms' own validators in our words and in the language of the request."""

    def gettext(self, string: str) -> str:
        """One sentence."""
        return str(SENTENCES[string])

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """The same for a sentence about a number."""
        del plural, n
        return self.gettext(singular)


class BaseForm(Form):
    """What every form here can do; no CSRF token, for it is checked before any view of the dashboard runs."""

    refusal: Exception | None = None
    """The error for which the page is drawn again."""

    class Meta:
        """What a form may need to know beside what was posted; given by name to `read`, or as `meta` of a form.

        `languages` of a campaign, for a `TranslatedField`; `zone` and `now` for days and moments; `suffix` stands behind
        the name of each field as it is posted.
        """

        csrf = False
        languages: Sequence[str] = ()
        zone = ZoneInfo("UTC")
        now: datetime | None = None
        suffix = ""

        def get_translations(self, form: Form) -> Sentences:
            """Our sentences for WTForms' own validators."""
            del form
            return Sentences()

        def bind_field(self, form: Form, unbound_field: Any, options: dict[str, Any]) -> Field:
            """Make a field, under its posted name."""
            bound: Field = unbound_field.bind(form=form, **options | {"name": options["name"] + self.suffix})
            return bound

    @classmethod
    def read(cls, posted: MultiDict[str, str], **meta: Any) -> Self:
        """The form as posted; raises FormRefused."""
        return cls(posted, meta=meta).check()

    def check(self) -> Self:
        """The form itself; raises FormRefused. `redraw` finds it again when the domain refuses what it holds."""
        if has_request_context():
            g.form = self
        if not self.validate():
            raise FormRefused(self.errors, self)
        return self

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The same from a call's JSON object; a field that is null is one that is not there. Raises FormRefused."""
        known = known_fields(cls)
        given = {name: value for name, value in document.items() if name in known and value is not None}
        wrong = sorted(name for name, value in given.items() if not _is_text(known[name], value))
        if wrong:
            raise FormRefused({name: [_("This must be a text.")] for name in wrong})
        return cls.read(MultiDict({name: str(value) for name, value in given.items()}))

    @property
    def errors(self) -> dict[str, list[str]]:  # type: ignore[override]  # flat, by posted name, whatever is nested
        """Sentences by the posted name of their field; those under "" belong to the form as a whole."""
        found = {field.name: [str(each) for each in field.errors] for field in leaves(self) if field.errors}
        return found | ({"": [str(each) for each in self.form_errors]} if self.form_errors else {})

    def refuse(self, name: str, sentence: str) -> bool:
        """Add a sentence to the field of that posted name, or to the form as a whole if there is none. Gives False."""
        field = next((each for each in leaves(self) if each.name == name), None)
        if field is None:
            self.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
        return False

    def typed(self, name: str) -> str:
        """What stands in the field of that posted name, as it was typed; nothing if there is no such field."""
        field = next((each for each in leaves(self) if each.name == name), None)
        return "" if field is None else str(field._value())  # type: ignore[attr-defined]  # noqa: SLF001 (WTForms' own name)

    def anchor(self, name: str) -> str:
        """The id of the element to go to for a field: a group of radio buttons has none of its own."""
        field = next((each for each in leaves(self) if each.name == name), None)
        return field.first() if isinstance(field, RadioField) else field.id if field else name


@cache
def known_fields(form: type[BaseForm]) -> Mapping[str, Field]:
    """A form's fields by the names under which they are posted, without any values."""
    return {field.name: field for field in form()}


def _is_text(field: Field, value: object) -> bool:
    if isinstance(field, IntegerField) and isinstance(value, int) and not isinstance(value, bool):
        return True
    if not isinstance(value, str):
        return False
    try:
        value.encode()  # half a surrogate pair is no text, and JSON can carry one
    except UnicodeEncodeError:
        return False
    return True
