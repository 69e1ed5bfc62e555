"""Shapes that several steps of a draft share: checks, fields for each language of the letter, moments in a time zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NoReturn, Self
from zoneinfo import ZoneInfo

from babel import Locale
from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, ValidationError

from petition.campaigns import Campaign
from petition.core.i18n import marked as _
from petition.web.forms import (
    YEARS,
    Check,
    FormRefused,
    Shape,
    TextField,
    at_most,
    is_seen,
    lines,
    one_line,
    stripped,
    visible,
)
from petition.web.language import gettext

TONGUES: Final = (
    "en", "fr", "bg", "cs", "da", "de", "el", "es", "et", "fi", "ga", "hi", "hr", "hu", "it", "ja", "ko", "lt", "lv", "mt",
    "nl", "pl", "pt", "ro", "sk", "sl", "sv", "tr", "uk", "zh",
)  # fmt: skip
LONGEST_LINE: Final = 200


def language_name(code: str) -> str:
    """A language in its own words; a code that is none stands for itself."""
    if code not in TONGUES:
        return code
    return str(Locale(code).get_display_name(code) or code).capitalize()


def visible_lines(_form: Form, field: Field) -> None:
    """Refuse what cannot be seen, but for line breaks, tabs and what joins letters."""
    if not is_seen(field.data):
        raise ValidationError(
            gettext(_("This text holds characters that cannot be seen. Type it instead of pasting it."))
        )


def whole_between(least: int, most: int, *, may_be_empty: bool = False) -> Check:
    """Refuse what is not a whole number within limits."""

    def check(_form: Form, field: Field) -> None:
        if may_be_empty and not field.data:
            return
        digits = field.data.isascii() and field.data.isdigit() and len(field.data) <= len(str(most))
        if not digits or not least <= int(field.data) <= most:
            raise ValidationError(
                gettext(_("Write a whole number from %(least)s to %(most)s."), least=least, most=most)
            )

    return check


def one_of(options: Sequence[str]) -> Check:
    """Refuse what is not on a list."""

    def check(_form: Form, field: Field) -> None:
        if field.data not in options:
            raise ValidationError(gettext(_("Choose one from the list.")))

    return check


def line(longest: int = LONGEST_LINE, *more: Check) -> Any:
    """A field for one line."""
    return TextField(filters=[one_line], validators=[at_most(longest), visible, *more])


def area(longest: int) -> Any:
    """A field for several lines."""
    return TextField(filters=[lines], validators=[at_most(longest), visible_lines])


def word(*checks: Check) -> Any:
    """A field whose text is a value, not words."""
    return TextField(filters=[stripped], validators=[at_most(LONGEST_LINE), *checks])


def refuse(name: str, sentence: str) -> NoReturn:
    """Say that something in a field is to be mended."""
    raise FormRefused({name: [sentence]})


class StepForm(Shape):
    """One step of a draft. `BY_LANGUAGE`: fields of which there is one for each language, as `name_lang`."""

    BY_LANGUAGE: ClassVar[dict[str, Callable[[], Any]]] = {}

    @classmethod
    def of(cls, campaign: Campaign, posted: MultiDict[str, str]) -> Self:
        """The form as posted for a campaign's languages; raises FormRefused."""
        made = {f"{name}_{lang}": make() for name, make in cls.BY_LANGUAGE.items() for lang in campaign.languages}
        form: Self = type(cls.__name__, (cls,), made).read(posted)  # type: ignore[attr-defined]
        return form

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """What stands in the fields before anybody types."""
        raise NotImplementedError

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """What the form makes of the campaign: column by column. Raises FormRefused for what does not go together."""
        raise NotImplementedError

    def text(self, name: str) -> str:
        """What one field holds."""
        return str(self[name].data)

    def number(self, name: str) -> int:
        """A field that holds a whole number."""
        return int(self.text(name))

    def texts(self, name: str, languages: Sequence[str]) -> dict[str, str]:
        """A field's texts by language, without empty ones."""
        return {lang: text for lang in languages if (text := self.text(f"{name}_{lang}"))}


def by_language(name: str, texts: dict[str, str]) -> dict[str, str]:
    """Texts by language as fields."""
    return {f"{name}_{lang}": text for lang, text in texts.items()}


def local(moment: datetime | None, zone: ZoneInfo) -> str:
    """A moment as a browser's field writes it."""
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}" if moment else ""


def moment(text: str, zone: ZoneInfo) -> datetime | None:
    """A moment written in a time zone; None for nothing. Only for what `is_moment` let pass."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC) if text else None


def is_moment(_form: Form, field: Field) -> None:
    """Refuse what is not a date and a time of this century, like 2026-12-01T09:00."""
    if not field.data:
        return
    try:
        read = datetime.strptime(field.data, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 (the campaign's zone is added later)
    except ValueError:
        read = None
    if read is None or read.year not in YEARS:
        raise ValidationError(gettext(_("Write a date and a time, like 2026-12-01T09:00.")))
