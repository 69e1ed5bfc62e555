"""The fields of our forms: those of WTForms, but they check the length of the input before anything else.

This saves processor time: a text that is far too long is neither normalized nor parsed. A typed field (number, choice,
day, moment, bytes) has a value of its type, and an empty one is rejected unless it has the validator `Optional`.
`field.flags.required` is set for every field accordingly; the OpenAPI document and the templates read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import EnumType
from typing import Any, ClassVar, Final

import wtforms
from wtforms import Field, FormField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs describe WTForms 3.2
from wtforms.form import BaseForm as FieldsOfForm
from wtforms.utils import unset_value
from wtforms.validators import StopValidation
from wtforms.widgets import TextInput

from petition.core.encoding import b64u, unb64u
from petition.web.forms.filters import CODE, code_in, lines, one_line, stripped, without_spaces
from petition.web.language import lazy_gettext as _

LONGEST_VALUE: Final = 500
"""The limit of a field without one of its own, because its value is checked in another way."""
SENT: Final = 4
"""How many characters may be sent for each one that is kept: a letter can have three parts and spaces around it."""
DIGITS: Final = re.compile(r"[0-9]{1,9}")
INDEX: Final = re.compile(r"[0-9]{1,3}")
YEARS: Final = range(2020, 2101)
"""The years that a date and time may have."""


def too_long(longest: int) -> str:
    """Returns the message for a text of more characters."""
    return _("Use %(max)s characters or fewer.", max=longest)


def is_sent_too_long(text: str, longest: int) -> bool:
    """Returns whether a text, as sent, can never become one of `longest` characters. Check it before any other work."""
    return len(text) > SENT * longest


class LengthFirst(Field):
    """The base of all our fields: the length as sent is checked first, and an unread text is not checked further.

    The limit is that of the validator `Length`.
    """

    def __init__(self, label: str = "", validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, **options)

    def longest(self) -> int:
        """Returns how many characters the field keeps at most."""
        return int(self.flags.maxlength or LONGEST_VALUE)

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was sent. Raises ValueError for a text that is far too long."""
        if valuelist and is_sent_too_long(valuelist[0], self.longest()):
            raise ValueError(too_long(self.longest()))
        super().process_formdata(valuelist)

    def pre_validate(self, form: Any) -> None:
        """Stop at the first message if the text was not read."""
        if self.process_errors:
            raise StopValidation
        super().pre_validate(form)


class StringField(LengthFirst, wtforms.StringField):
    """A text that is an identifier, not prose. White space around it is removed."""

    data: str
    FILTERS: ClassVar[Sequence[Any]] = (stripped,)

    def __init__(self, label: str = "", validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, **{"filters": self.FILTERS} | options)

    def _value(self) -> str:
        """Returns what was typed, before any filter."""
        return str(self.raw_data[0]) if self.raw_data else self.data or ""


class AddressField(StringField):
    """A mail address as it was typed. Only plain spaces around it are removed; no address holds control characters."""

    FILTERS = (without_spaces,)


class LineField(StringField):
    """One line of prose, in composed form and with single spaces."""

    FILTERS = (one_line,)


class TextAreaField(StringField, wtforms.TextAreaField):
    """Several lines of prose, in composed form and with plain line ends."""

    FILTERS = (lines,)


class CodeField(StringField):
    """A mailed code of eight digits, or the long one of sixteen, in any script. Spaces, dashes and words around it are ignored."""

    FILTERS = (code_in,)

    def __init__(self, label: str = "", validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, **options)
        self.flags.required = True

    def pre_validate(self, form: Any) -> None:
        """Reject a text that is not a code."""
        super().pre_validate(form)
        if not CODE.fullmatch(self.data):
            raise StopValidation(_("A code has eight digits, and a long code sixteen."))


class BooleanField(LengthFirst, wtforms.BooleanField):
    """A checkbox. An empty or missing one is False."""

    def _value(self) -> str:
        return "yes" if self.data else ""


class TypedField(LengthFirst):
    """A field whose text is parsed to a value. It is required unless it has the validator `Optional`.

    `invalid_value_message` replaces the class's message for a text that cannot be parsed.
    """

    data: Any
    INVALID: ClassVar[str] = ""

    def __init__(self, label: str = "", validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, **options)
        self.flags.required = not self.flags.optional

    def parse(self, text: str) -> Any:
        """Returns the value of a text that is not empty. Raises ValueError."""
        raise NotImplementedError

    def refusal(self) -> str:
        """Returns the message for a text that cannot be parsed."""
        return str(self.invalid_value_message or self.INVALID)  # type: ignore[attr-defined]  # since 3.3

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Parse what was sent. Raises ValueError. An optional field that is empty keeps its default."""
        if valuelist and is_sent_too_long(valuelist[0], self.longest()):
            raise ValueError(too_long(self.longest()))
        text = stripped(valuelist[0] if valuelist else "")
        if text or self.flags.required:
            self.data = self._parsed(text) if text else None

    def pre_validate(self, form: Any) -> None:
        """Reject an empty field that is required."""
        if not self.process_errors and self.data is None:
            raise StopValidation(self.refusal() if self.flags.required else "")
        super().pre_validate(form)

    def _parsed(self, text: str) -> Any:
        try:
            return self.parse(text)
        except ValueError:
            self.data = None
            raise ValueError(self.refusal()) from None


class IntegerField(TypedField, wtforms.IntegerField):
    """A whole number of at most nine digits, with or without spaces. `NumberRange` sets its limits."""

    data: Any
    INVALID = _("Enter a whole number.")

    def parse(self, text: str) -> int:
        """Returns the number. Raises ValueError."""
        plain = "".join(text.split())
        if not DIGITS.fullmatch(plain):
            raise ValueError(text)
        return int(plain)

    def refusal(self) -> str:
        """Returns the message for a text that is not a number, with the limits if there are any."""
        least, most = self.flags.min, self.flags.max
        if least is None or most is None:
            return super().refusal()
        return _("Enter a whole number from %(min)s to %(max)s.", min=least, max=most)


class SelectField(TypedField, wtforms.SelectField):
    """One choice from a list.

    `choices` is a StrEnum, whose member is the value, or texts; `labels` are messages by choice.
    """

    INVALID = _("Choose one from the list.")

    def __init__(
        self, label: str = "", validators: Any = None, *, choices: Any = None, labels: Mapping[Any, str] | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        if isinstance(choices, EnumType):
            options.setdefault("coerce", choices)
        if isinstance(choices, Iterable):
            choices = [_choice(each, labels or {}) for each in choices]
        super().__init__(label, validators, choices=choices, **options)
        self.invalid_choice_message = self.invalid_value_message  # type: ignore[attr-defined]  # since 3.3

    def parse(self, text: str) -> Any:
        """Returns the choice for a text. Raises ValueError. Whether it is in the list is checked later."""
        return self.coerce(text)

    def pairs(self) -> list[tuple[str, str]]:
        """Returns values and labels."""
        return [(str(value), label) for value, label, *_rest in self.iter_choices()]

    def _value(self) -> str:
        return "" if self.data is None else str(self.data)


class RadioField(SelectField):
    """One choice from a list, as radio buttons. `hints` are messages by choice."""

    def __init__(
        self, label: str = "", validators: Any = None, *, hints: Mapping[Any, str] | None = None, **options: Any
    ) -> None:
        super().__init__(label, validators, **options)
        self.hints = hints or {}

    def hint(self, value: Any) -> str:
        """Returns the hint of one choice, in the language of the request."""
        return _(self.hints[value]) if value in self.hints else ""

    def first(self) -> str:
        """Returns the id of the first button."""
        return f"{self.id}-{next(iter(self.iter_choices()))[0]}"


class DateField(TypedField, wtforms.DateField):
    """A day, in the format that browsers send."""

    data: Any
    INVALID = _("Enter a date, such as 2026-11-24.")

    def parse(self, text: str) -> date:
        """Returns the day. Raises ValueError."""
        return date.fromisoformat(text)


class DateTimeLocalField(TypedField, wtforms.DateTimeLocalField):
    """A date and time in the time zone of the form (`meta.zone`). Its data are in UTC.

    A time that clocks skip is rejected, and one that they show twice is the first of both.
    """

    data: Any
    INVALID = _("Enter a date and a time, such as 2026-11-24T18:30.")
    SKIPPED = _("Clocks go forward at that time, so it does not exist on that day. Choose another time.")

    def __init__(self, label: str = "", validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, format="%Y-%m-%dT%H:%M", **options)
        self.tz = lambda: self.meta.zone

    def parse(self, text: str) -> datetime:
        """Returns the date and time in UTC. Raises ValueError."""
        read = datetime.fromisoformat(text)
        if read.year not in YEARS:
            raise ValueError(text)
        return (read if read.tzinfo else read.replace(tzinfo=self.meta.zone)).astimezone(UTC)

    def _parsed(self, text: str) -> datetime:
        moment: datetime = super()._parsed(text)
        typed = datetime.fromisoformat(text)
        if not typed.tzinfo and moment.astimezone(self.meta.zone).replace(tzinfo=None) != typed:
            self.data = None
            raise ValueError(str(self.SKIPPED))
        return moment


class Base64Field(TypedField):
    """A fixed number of bytes in base64url. Only the canonical encoding is accepted."""

    widget = TextInput()
    INVALID = _("This is incomplete or was changed. Copy it again.")

    def __init__(self, label: str = "", validators: Any = None, *, length: int, **options: Any) -> None:
        super().__init__(label, validators, **options)
        self.length = length

    def parse(self, text: str) -> bytes:
        """Returns the bytes. Raises MalformedEncoding."""
        return unb64u(text, self.length)

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else b64u(self.data or b"")


class HexField(TypedField):
    """An identifier in hexadecimal. Its data are bytes."""

    widget = TextInput()
    INVALID = _("This is incomplete or was changed. Copy it again.")

    def parse(self, text: str) -> bytes:
        """Returns the bytes. Raises ValueError."""
        return bytes.fromhex(text)

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else (self.data or b"").hex()


class FieldList(wtforms.FieldList):  # type: ignore[type-arg]  # generic in the stubs alone
    """Rows of one kind of field, posted as `name-0`, `name-1` …. A row keeps the number under which it was posted.

    `FIRST` is what people call the row with the number 0.
    """

    FIRST: ClassVar = 1

    def __init__(self, unbound_field: Any, label: str = "", validators: Any = None, **options: Any) -> None:
        super().__init__(unbound_field, label, validators, **options)

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        for name in formdata:
            if name.startswith(prefix + self._separator):  # type: ignore[attr-defined]  # the stubs describe WTForms 3.2
                index = name.removeprefix(prefix + self._separator).partition(self._field_separator)[0]  # type: ignore[attr-defined]
                if INDEX.fullmatch(index):
                    yield int(index)

    def _compact_indices(self) -> None:
        """Keep the numbers of the rows, because a message belongs to the row that was posted."""


class TranslatedField(FormField):  # type: ignore[type-arg]  # generic in the stubs alone
    """One field for each language of the form (`meta.languages`), posted as `name-lang`.

    Its data are the texts by language, without the empty ones.
    """

    def __init__(self, unbound_field: Any, label: str = "", *, separator: str = "-", **options: Any) -> None:
        super().__init__(wtforms.Form, label, separator=separator, **options)
        self.unbound_field = unbound_field

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Fill the field of each language."""
        del extra_filters
        fields = dict.fromkeys(self.meta.languages, self.unbound_field)
        self.form: FieldsOfForm = FieldsOfForm(fields, prefix=self.name + self.separator, meta=self.meta)
        self.form.process(formdata, data=data if isinstance(data, dict) else {})

    @property
    def by_language(self) -> dict[str, Field]:
        """Returns the field of each language."""
        return dict(zip(self.meta.languages, self.form, strict=True))

    @property
    def data(self) -> dict[str, Any]:
        """Returns the texts by language, without the empty ones."""
        return {lang: field.data for lang, field in self.by_language.items() if field.data}


def leaves(fields: Iterable[Field]) -> Iterator[Field]:
    """Yields the single fields of a form, including those of lists and languages."""
    for field in fields:
        if isinstance(field, wtforms.FieldList | FormField):
            yield from leaves(field)
        else:
            yield field


def _choice(value: Any, labels: Mapping[Any, str]) -> SelectChoice:
    return SelectChoice(value, _(labels[value]) if value in labels else str(value))
