"""The forms of a draft's steps: the fields of each, and how they change the campaign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final, Self
from zoneinfo import available_timezones

from babel import Locale
from wtforms import Field, ValidationError
from wtforms.validators import Length, NumberRange, Optional

from petition.campaigns import LEAST_BATCH, MARK, Campaign, CampaignState
from petition.campaigns.mail_settings import Mailing
from petition.web.dashboard import rendering
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.fields import (
    BooleanField,
    DateTimeLocalField,
    FieldList,
    IntegerField,
    LineField,
    SelectField,
    TextAreaField,
    TranslatedField,
    leaves,
)
from petition.web.forms.validators import visible, visible_lines
from petition.web.language import lazy_gettext as _

LETTER_LANGUAGES: Final = (
    "en", "fr", "bg", "cs", "da", "de", "el", "es", "et", "fi", "ga", "hi", "hr", "hu", "it", "ja", "ko", "lt", "lv", "mt",
    "nl", "pl", "pt", "ro", "sk", "sl", "sv", "tr", "uk", "zh",
)  # fmt: skip
"""Languages in which a letter can be written."""
DAY: Final = 86_400
ZONES: Final = (*sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")), "UTC")
MOST_ROWS: Final = 120
SPARE_ROWS: Final = 4
LONGEST_LINE: Final = 200
LONGEST_VALUE: Final = 120
LONGEST_NOTICE: Final = 500
LONGEST_ORGANISERS: Final = 1_000
LONGEST_LEGAL: Final = 20_000
NUMERIC: Final = {"inputmode": "numeric"}
NOT_A_MOMENT: Final = _("Enter a date and a time, such as 2026-12-01T09:00.")


def language_name(code: str) -> str:
    """Return the name of a language in that language. A code that is no language is returned unchanged."""
    if code not in LETTER_LANGUAGES:
        return code
    return str(Locale(code).get_display_name(code) or code).capitalize()


def about(campaign: Campaign) -> dict[str, Any]:
    """Return what each form here needs to know about its campaign, for the `meta` of the form."""
    return {"languages": campaign.languages, "zone": rendering.zone_of(campaign)}


class StepForm(BaseForm):
    """One step of a draft. Its fields have the names of the columns that they change."""

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """Return the form with the saved values."""
        return cls(obj=campaign, meta=about(campaign))

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Return the changes to the campaign, by column. Raises FormRefused for values that do not fit together."""
        del campaign
        return self.data


class WhoForm(StepForm):
    """The addressee of the letter, and its organisers."""

    addressee = LineField(
        _("Addressee"),
        [Length(max=LONGEST_LINE), visible],
        description=_("The name of the person or body that the letter is addressed to."),
    )
    addressee_role = TranslatedField(
        LineField(validators=[Length(max=LONGEST_LINE), visible]),
        _("The addressee’s position"),
        separator="_",
        description=_("For instance: Chief Executive of Example"),
    )
    organisation = LineField(
        _("Organisation"),
        [Length(max=LONGEST_LINE), visible],
        description=_("The organisation whose employees may sign."),
    )
    organisers = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_ORGANISERS), visible_lines]),
        _("Who organises"),
        separator="_",
        description=_("A sentence or two, and how to reach you if you like. Names are not needed."),
    )


class WorkforceForm(StepForm):
    """The size of the workforce, and the source of that number."""

    workforce = IntegerField(
        _("People who work there"),
        [Optional(), NumberRange(1, 100_000_000)],
        description=_("Leave this empty if the number is not known."),
        render_kw=NUMERIC,
    )
    workforce_source = TranslatedField(
        LineField(validators=[Length(max=LONGEST_LINE), visible]),
        _("Who says so"),
        separator="_",
        description=_("For instance: annual report 2026, page 12"),
    )


class VisibleForm(StepForm):
    """The number of signatures from which the count is shown, and a note at the top of each page."""

    public_min = IntegerField(
        _("Show the count after this many signatures"),
        [NumberRange(1, 100_000)],
        description=_("25 is a good minimum."),
        render_kw=NUMERIC,
    )
    notice = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_NOTICE), visible_lines]),
        _("A note on top of every page"),
        separator="_",
        description=_("Leave this empty, unless you must say something first."),
    )


class BatchesForm(StepForm):
    """How signatures are collected into batches."""

    batch_min = IntegerField(
        _("Minimum signatures in a batch"),
        [NumberRange(1, 100_000)],
        description=_(
            "Ten or more is best, and five is the minimum. A smaller batch is not written before the letter closes, "
            "however long somebody waits, because it would reveal who has just signed."
        ),
        render_kw=NUMERIC,
    )
    interval = IntegerField(
        _("Time between two batches"),
        [NumberRange(1, 7 * DAY)],
        description=_("An hour hides an office break; a day hides a shift."),
    )

    def validate_batch_min(self, field: Field) -> None:
        """Reject a batch that is too small to hide a signer."""
        if field.data < LEAST_BATCH:
            raise ValidationError(_("Enter %(n)s or more. A smaller batch reveals who has just signed.", n=LEAST_BATCH))


class DatesForm(StepForm):
    """When the letter opens and closes by itself."""

    opens_at = DateTimeLocalField(
        _("Opens by itself"),
        [Optional()],
        description=_(
            "Leave this empty to open the letter as soon as a second owner approves it. A draft that is incomplete, or "
            "was not approved as it is, stays closed."
        ),
        invalid_value_message=NOT_A_MOMENT,
    )
    closes_at = DateTimeLocalField(
        _("Closes by itself"),
        [Optional()],
        description=_("The public sees the day. You can change it later."),
        invalid_value_message=NOT_A_MOMENT,
    )

    def validate_closes_at(self, field: Field) -> None:
        """Reject a closing date before the opening date."""
        if self.opens_at.data and field.data <= self.opens_at.data:
            raise ValidationError(_("The closing date must come after the opening date."))


class MailForm(StepForm):
    """The time zone, and the mail settings of the campaign."""

    time_zone = SelectField(
        _("Time zone"),
        choices=lambda: [(zone, zone.replace("_", " ")) for zone in ZONES],
        description=_("The dates and hours of this campaign are in this time zone."),
    )
    hour = IntegerField(_("Hour of the digests"), [NumberRange(0, 23)])
    quiet_from = IntegerField(_("No mail from"), [NumberRange(0, 23)])
    quiet_to = IntegerField(
        _("No mail until"),
        [NumberRange(0, 23)],
        description=_("If both hours are the same, mail is sent at any time."),
    )
    neutral = BooleanField(
        _("Neutral subjects"),
        description=_("Subjects do not name the letter, for subscribers whose inbox others can see."),
    )
    addressee = BooleanField(
        _("A weekly mail to the addressee"),
        description=_("With the count and the demands. You enter the address later."),
    )

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """Return the form with the saved mail settings."""
        return cls(obj=Mailing.read(campaign.mailing), meta=about(campaign))

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Return the changed mail settings. The short days of a demonstration are kept."""
        return {"mailing": campaign.mailing | self.data}


class LegalForm(StepForm):
    """The privacy notice and the imprint, in Markdown."""

    privacy = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_LEGAL), visible_lines]),
        _("Privacy notice"),
        separator="_",
    )
    imprint = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_LEGAL), visible_lines]),
        _("Imprint"),
        separator="_",
    )

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """Return the form with the saved texts."""
        return cls(data=campaign.legal, meta=about(campaign))

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Return the changed texts. The texts of a public letter must not contain marked places. Raises FormRefused."""
        marked = [field.name for field in leaves(self) if MARK in field.data]
        if marked and campaign.state is not CampaignState.DRAFT:
            sentence = _("This letter is public: first complete or take out each place marked %(mark)s.", mark=MARK)
            raise FormRefused({name: [sentence] for name in marked})
        return {"legal": self.data}


class Rows(FieldList):
    """Rows without a gap, up to the last one that was posted. Rows after the first `MOST_ROWS` are ignored."""

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        last = max(super()._extract_indices(prefix, formdata), default=-1)
        yield from range(min(last + 1, MOST_ROWS))


class ListForm(StepForm):
    """A list of values with their labels, in rows `value_0`, `label_0_en` and so on. Empty rows are ignored."""

    COLUMN: ClassVar = ""
    merges_fields = False
    values = Rows(LineField(_("Name"), [Length(max=LONGEST_VALUE), visible]), name="value", separator="_")
    labels = Rows(
        TranslatedField(LineField(validators=[Length(max=LONGEST_VALUE), visible]), _("Shown as"), separator="_"),
        name="label",
        separator="_",
    )

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """Return the form with the rows of the list."""
        listed = getattr(campaign, cls.COLUMN)
        return cls(data={"values": list(listed), "labels": list(listed.values())}, meta=about(campaign))

    def process(
        self, formdata: Any = None, obj: Any = None, data: Any = None, extra_filters: Any = None, **more: Any
    ) -> None:
        """Fill the rows, and add some empty ones."""
        super().process(formdata, obj, data, extra_filters, **more)
        written = max((row.index for row in self.values if row.data), default=-1) + 1
        wanted = max(min(written + SPARE_ROWS, MOST_ROWS), len(self.values), len(self.labels))
        for rows in (self.values, self.labels):
            for _number in range(len(rows), wanted):
                rows.append_entry()

    def validate(self, extra_validators: Any = None) -> bool:
        """Reject a value that is listed twice, and everything that a step rejects."""
        if not super().validate(extra_validators):
            return False
        values = self.values.data
        for row in self.values:
            if row.data and row.data in values[: row.index]:
                self.refuse(row.name, _("This is already in the list."))
        return not self.errors

    def rows(self) -> Iterator[tuple[Field, TranslatedField]]:
        """Return the value of each row with its labels."""
        return zip(self.values, self.labels, strict=True)

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Return the changed list."""
        del campaign
        return {self.COLUMN: {value.data: labels.data for value, labels in self.rows() if value.data}}


class RolesForm(ListForm):
    """The roles that signers can choose from."""

    COLUMN = "roles"


class TeamsForm(ListForm):
    """The teams that signers can choose from."""

    COLUMN = "teams"
