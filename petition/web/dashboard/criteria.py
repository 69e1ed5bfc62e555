"""The form of criteria: what an organiser looks for among the signers, kept in the address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from wtforms import Field, Form, ValidationError

from petition.campaigns import Campaign
from petition.core.i18n import marked as _
from petition.signatures.selection import Criteria, Shown, WithComment
from petition.usecases.removals import Days
from petition.web.forms import DIGITS, LONGEST_CHOICE, LONGEST_NAME, Shape, TextField, at_most, one_line, stripped
from petition.web.labels import COMMENT_CRITERIA, COMMENTS, VISIBILITIES, VISIBILITY_CRITERIA
from petition.web.language import gettext, spoken

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


@dataclass(frozen=True, slots=True)
class CriteriaOptions:
    """What the lists of the form offer: pairs of a value and its label."""

    roles: list[tuple[str, str]]
    teams: list[tuple[str, str]]
    comments: list[tuple[str, str]]
    visibilities: list[tuple[str, str]]


def options(campaign: Campaign) -> CriteriaOptions:
    """The lists for a campaign, in this request's language."""
    return CriteriaOptions(
        roles=[("", gettext(_("Any role"))), *_labelled(campaign.roles)],
        teams=[("", gettext(_("Any team"))), *_labelled(campaign.teams)],
        comments=[(value, gettext(label)) for value, label in COMMENTS.items()],
        visibilities=[(value, gettext(label)) for value, label in VISIBILITIES.items()],
    )


def describe_criteria(criteria: Mapping[str, Any], campaign: Campaign) -> str:
    """Criteria as they are kept with a removal, in words and in this request's language."""
    return " · ".join([*_describe_batches(criteria), *_describe_signer(criteria, campaign)])


def _describe_batches(criteria: Mapping[str, Any]) -> Iterator[str]:
    if entry := criteria.get("entry"):
        yield gettext(_("entry %(n)s of the ledger"), n=entry)
    first, last = criteria.get("first"), criteria.get("last")
    if first is not None and first == last:
        yield gettext(_("batch %(n)s"), n=first)
        return
    if first is not None:
        yield gettext(_("from batch %(n)s"), n=first)
    if last is not None:
        yield gettext(_("up to batch %(n)s"), n=last)


def _describe_signer(criteria: Mapping[str, Any], campaign: Campaign) -> Iterator[str]:
    for lists, value in ((campaign.roles, criteria.get("role")), (campaign.teams, criteria.get("team"))):
        if value:
            yield _label(lists, value)
    sentences = (
        COMMENT_CRITERIA[WithComment(criteria.get("comment", ""))],
        _("with a certain text in name or comment") if criteria.get("text") else "",
        VISIBILITY_CRITERIA[Shown(criteria.get("shown", ""))],
        _("names that several show") if criteria.get("repeated") else "",
    )
    yield from (gettext(sentence) for sentence in sentences if sentence)


def _labelled(lists: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(value, _label(lists, value)) for value in lists]


def _label(lists: Mapping[str, Mapping[str, str]], value: str) -> str:
    return lists.get(value, {}).get(spoken()) or value


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
