"""The fields with which organisers filter signers, and the field for the reason of a removal.

A search is a post, so that no address holds a name: addresses are kept by browsers, proxies and logs. Links may hold
criteria that are no texts of signers, such as the number of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import request
from werkzeug.datastructures import MultiDict
from wtforms.validators import Length, Optional

from petition.campaigns import Campaign
from petition.ledger.entries import Removal
from petition.signatures.selection import Criteria, Shown, WithComment
from petition.usecases.removals import Days
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import BooleanField, DateField, IntegerField, LineField, SelectField, StringField
from petition.web.forms.public import LONGEST_CHOICE, LONGEST_NAME
from petition.web.labels import COMMENTS, REMOVAL_CHOICES, VISIBILITIES
from petition.web.language import lazy_gettext as _
from petition.web.language import spoken

NAMES: Final = ("q", "role", "team", "comment", "shown", "repeated", "first", "last", "since", "until", "epoch")
NUMERIC: Final = {"inputmode": "numeric", "autocomplete": "off"}
NOT_A_DAY: Final = _("Enter a date as year-month-day, such as 2026-11-23.")


class CriteriaForm(BaseForm):
    """The criteria of a search. Every field is optional."""

    q = LineField(
        _("Name or comment contains"),
        [Length(max=LONGEST_NAME)],
        render_kw={"maxlength": LONGEST_NAME, "autocomplete": "off", "spellcheck": "false"},
    )
    role = StringField(_("Role"), [Length(max=LONGEST_CHOICE)])
    team = StringField(_("Team"), [Length(max=LONGEST_CHOICE)])
    comment = SelectField(_("Comment"), [Optional()], choices=WithComment, labels=COMMENTS, default=WithComment.ANY)
    shown = SelectField(_("Visibility"), [Optional()], choices=Shown, labels=VISIBILITIES, default=Shown.ANY)
    repeated = BooleanField(_("Only names that several signers show"))
    first = IntegerField(_("From batch"), [Optional()], render_kw=NUMERIC)
    last = IntegerField(_("Up to batch"), [Optional()], render_kw=NUMERIC)
    since = DateField(
        _("From day"),
        [Optional()],
        description=_("Days are those of the batches, in universal time."),
        invalid_value_message=NOT_A_DAY,
    )
    until = DateField(_("Up to day"), [Optional()], invalid_value_message=NOT_A_DAY)
    epoch = IntegerField(
        _("Batch"), [Optional()], description=_("The number of a batch, as in the list below."), render_kw=NUMERIC
    )

    @classmethod
    def of_request(cls) -> CriteriaForm:
        """Return the criteria as they were sent. The text to search for is read from a post only."""
        return cls(request.form if request.method == "POST" else _without_text(request.args))

    def criteria(self) -> Criteria:
        """Return the criteria without the days. `epoch` stands for both the first and the last batch."""
        first, last = self.first.data, self.last.data
        if self.epoch.data is not None:
            first = last = self.epoch.data
        return Criteria(
            first=first,
            last=last,
            role=self.role.data,
            team=self.team.data,
            comment=self.comment.data,
            shown=self.shown.data,
            q=self.q.data,
            repeated=self.repeated.data,
        )

    def days(self) -> Days:
        """Return the range of days of the epochs."""
        return Days(self.since.data, self.until.data)

    def given(self) -> dict[str, str]:
        """Return the criteria that are not empty, as they were sent."""
        sent = {name: self[name].raw_data for name in NAMES}
        return {name: texts[0] for name, texts in sent.items() if texts and texts[0]}

    def has_wrong_criteria(self) -> bool:
        """Return whether one of the criteria cannot be read. This is known after the form was validated."""
        return any(self[name].errors for name in NAMES)


def _without_text(query: MultiDict[str, str]) -> MultiDict[str, str]:
    return MultiDict((name, text) for name, text in query.items(multi=True) if name != "q")


def reason_field(**options: Any) -> Any:
    """Return the field of a form in which an organiser chooses why signatures are removed."""
    return SelectField(
        _("Reason"),
        choices=Removal,
        labels=REMOVAL_CHOICES,
        description=_(
            "This is public: the figures beside the count say how many signatures were removed for each reason."
        ),
        **options,
    )


@dataclass(frozen=True, slots=True)
class CriteriaOptions:
    """The options of a campaign's lists, as pairs of a value and its label."""

    roles: list[tuple[str, str]]
    teams: list[tuple[str, str]]


def options(campaign: Campaign) -> CriteriaOptions:
    """Return the options of a campaign's lists, in this request's language."""
    return CriteriaOptions(
        roles=[("", _("Any role")), *_labelled(campaign.roles)],
        teams=[("", _("Any team")), *_labelled(campaign.teams)],
    )


def _labelled(lists: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(value, label_in_lists(lists, value)) for value in lists]


def label_in_lists(lists: Mapping[str, Mapping[str, str]], value: str) -> str:
    """Return the label of a role or a team in this request's language."""
    return lists.get(value, {}).get(spoken()) or value
