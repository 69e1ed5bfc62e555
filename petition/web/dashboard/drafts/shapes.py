"""Shapes that the settings still share: checks, moments in a time zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from wtforms import Field, Form, ValidationError

from petition.core.i18n import marked as _
from petition.web.dashboard.drafts.forms import LONGEST_LINE
from petition.web.forms import (
    YEARS,
    Check,
    FormRefused,
    TextField,
    at_most,
    lines,
    one_line,
    stripped,
    visible,
)
from petition.web.forms.validators import visible_lines
from petition.web.language import gettext


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
