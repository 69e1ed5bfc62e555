"""The form of criteria: what an organiser looks for among the signers, kept in the address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from wtforms import Field, Form, ValidationError

from petition.core.i18n import marked as _
from petition.signatures.selection import Criteria, Shown, WithComment
from petition.usecases.removals import Days
from petition.web.forms import DIGITS, LONGEST_CHOICE, LONGEST_NAME, Shape, TextField, at_most, one_line, stripped
from petition.web.language import gettext

NAMES: Final = ("q", "role", "team", "comment", "shown", "repeated", "first", "last", "since", "until", "epoch")


def maybe_number(_form: Form, field: Field) -> None:
    """Refuse what is neither empty nor a whole number."""
    if field.data and not DIGITS.fullmatch(field.data):
        raise ValidationError(gettext(_("Write a whole number.")))


def maybe_day(_form: Form, field: Field) -> None:
    """Refuse what is neither empty nor a day."""
    try:
        _day(field.data)
    except ValueError:
        raise ValidationError(gettext(_("Write a day as year-month-day, such as 2026-11-23."))) from None


def maybe_choice(_form: Form, field: Field) -> None:
    """Refuse what is not in the list."""
    choices: Mapping[str, set[str]] = {"comment": {*WithComment}, "shown": {*Shown}, "repeated": {"", "yes"}}
    if field.data not in choices[field.short_name]:
        raise ValidationError(gettext(_("Choose one from the list.")))


class CriteriaForm(Shape):
    """What is looked for; every field may stay empty."""

    q = TextField(filters=[one_line], validators=[at_most(LONGEST_NAME)])
    role = TextField(filters=[stripped], validators=[at_most(LONGEST_CHOICE)])
    team = TextField(filters=[stripped], validators=[at_most(LONGEST_CHOICE)])
    comment = TextField(filters=[stripped], validators=[maybe_choice])
    shown = TextField(filters=[stripped], validators=[maybe_choice])
    repeated = TextField(filters=[stripped], validators=[maybe_choice])
    first = TextField(filters=[stripped], validators=[maybe_number])
    last = TextField(filters=[stripped], validators=[maybe_number])
    epoch = TextField(filters=[stripped], validators=[maybe_number])
    since = TextField(filters=[stripped], validators=[maybe_day])
    until = TextField(filters=[stripped], validators=[maybe_day])

    def criteria(self) -> Criteria:
        """The criteria, days apart."""
        first, last = self.epoch.data or self.first.data, self.epoch.data or self.last.data
        return Criteria(
            first=int(first) if first else None,
            last=int(last) if last else None,
            role=str(self.role.data),
            team=str(self.team.data),
            comment=WithComment(str(self.comment.data)),
            shown=Shown(str(self.shown.data)),
            q=str(self.q.data),
            repeated=bool(self.repeated.data),
        )

    def days(self) -> Days:
        """The days of the epochs that are meant."""
        return Days(_day(str(self.since.data)), _day(str(self.until.data)))


def given(sent: Mapping[str, str]) -> dict[str, str]:
    """The criteria among what was sent, those that are not empty."""
    return {name: sent[name] for name in NAMES if sent.get(name)}


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
