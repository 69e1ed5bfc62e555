"""The base class of all forms, for the pages' posts and the API's JSON.

Forms check the type and format of what was sent, and no input is lost: a rejected form still has what was typed, and a
message for each field that says how to correct it. The domain checks everything else (is the role on the list, does the
address belong to the organisation). Each form has a method that returns a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo

from flask import g, has_request_context
from werkzeug.datastructures import MultiDict
from wtforms import Field, Form

from petition.core.errors import ExpectedError
from petition.web.forms.fields import IntegerField, RadioField, leaves
from petition.web.language import lazy_gettext as _

WTFORMS_MESSAGES: Final = {
    "This field is required.": _("Fill in this field."),
    "Field cannot be longer than %(max)d character.": _("Use %(max)s characters or fewer."),
    "Number must be between %(min)s and %(max)s.": _("Enter a whole number from %(min)s to %(max)s."),
    "Not a valid choice.": _("Choose one from the list."),
}
"""Our messages for the validators of WTForms."""


class FormRefused(ExpectedError, ValueError):
    """Some fields have the wrong format. `errors` holds messages by field, in the language of the request."""

    status = 422

    def __init__(self, errors: dict[str, list[str]], form: BaseForm | None = None) -> None:
        super().__init__(", ".join(errors))
        self.errors = {name: [str(each) for each in sentences] for name, sentences in errors.items()}
        self.form = form


class Translations:
    """Replaces the messages of WTForms' own validators with ours, in the language of the request."""

    def gettext(self, string: str) -> str:
        """Returns one message."""
        return str(WTFORMS_MESSAGES[string])

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Returns a message about a number."""
        del plural, n
        return self.gettext(singular)


class BaseForm(Form):
    """What every form has in common. There is no CSRF token, because the dashboard checks it before any view runs."""

    refusal: Exception | None = None
    """The error for which the page is rendered again."""
    merges_fields: ClassVar = True
    """Whether two people can change different fields of it at once (`petition.web.forms.versions`)."""

    class Meta:
        """What a form may need to know besides its input. Pass it by name to `read`, or as `meta` of a form.

        `languages` are those of a campaign, for a `TranslatedField`. `zone` and `now` are for days and moments.
        `suffix` is appended to the posted name of each field.
        """

        csrf = False
        languages: Sequence[str] = ()
        zone = ZoneInfo("UTC")
        now: datetime | None = None
        suffix = ""

        def get_translations(self, form: Form) -> Translations:
            """Returns our messages for WTForms' own validators."""
            del form
            return Translations()

        def bind_field(self, form: Form, unbound_field: Any, options: dict[str, Any]) -> Field:
            """Make a field under its posted name."""
            bound: Field = unbound_field.bind(form=form, **options | {"name": options["name"] + self.suffix})
            return bound

    def __init__(
        self, formdata: MultiDict[str, str] | None = None, obj: object = None, *, meta: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> None:  # fmt: skip
        self.formdata, self.own_meta = formdata, dict(meta or {})
        super().__init__(formdata, obj, meta=self.own_meta, **values)

    @classmethod
    def read(cls, posted: MultiDict[str, str], **meta: Any) -> Self:
        """Returns the form as posted. Raises FormRefused."""
        return cls(posted, meta=meta).check()

    def check(self) -> Self:
        """Validate the form and return it.

        Raises FormRefused. `redraw` uses it again when the domain rejects its input.
        """
        if has_request_context():
            g.form = self
        if not self.validate():
            raise FormRefused(self.errors, self)
        return self

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Returns the form for an API call's JSON object. A null field counts as missing. Raises FormRefused."""
        known = known_fields(cls)
        given = {name: value for name, value in document.items() if name in known and value is not None}
        wrong = sorted(name for name, value in given.items() if not _is_text(known[name], value))
        if wrong:
            raise FormRefused({name: [_("This must be a text.")] for name in wrong})
        return cls.read(MultiDict({name: str(value) for name, value in given.items()}))

    @property
    def errors(self) -> dict[str, list[str]]:  # type: ignore[override]  # flat, by posted name, at any nesting
        """Returns messages by the posted name of their field. Those under "" belong to the form as a whole."""
        found = {field.name: [str(each) for each in field.errors] for field in leaves(self) if field.errors}
        return found | ({"": [str(each) for each in self.form_errors]} if self.form_errors else {})

    def refuse(self, name: str, sentence: str) -> bool:
        """Add a message to the field with this posted name, or to the form as a whole if there is none.

        Returns False.
        """
        field = next((each for each in leaves(self) if each.name == name), None)
        if field is None:
            self.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
        return False

    def typed(self, name: str) -> str:
        """Returns what was typed in the field with this posted name. It is empty if there is no such field."""
        field = next((each for each in leaves(self) if each.name == name), None)
        return "" if field is None else str(field._value())  # type: ignore[attr-defined]  # noqa: SLF001 (WTForms' own name)

    def is_stored(self, field: Field) -> bool:
        """Returns whether the value of a field comes from what is stored, so that two people may change it at once."""
        del field
        return True

    def anchor(self, name: str) -> str:
        """Returns the id of the element to link to for a field. For radio buttons it is the first button."""
        field = next((each for each in leaves(self) if each.name == name), None)
        return field.first() if isinstance(field, RadioField) else field.id if field else name


@cache
def known_fields(form: type[BaseForm]) -> Mapping[str, Field]:
    """Returns a form's fields by their posted names, without any values."""
    return {field.name: field for field in form()}


def _is_text(field: Field, value: object) -> bool:
    if isinstance(field, IntegerField) and isinstance(value, int) and not isinstance(value, bool):
        return True
    if not isinstance(value, str):
        return False
    try:
        value.encode()  # half a surrogate pair is not a text, but JSON can contain one
    except UnicodeEncodeError:
        return False
    return True
