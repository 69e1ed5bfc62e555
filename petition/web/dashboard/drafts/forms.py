"""The steps of a draft that are one form each: what stands in it, what it makes of the campaign."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import available_timezones

from wtforms import Field, ValidationError

from petition.campaigns import LEAST_BATCH, MARK, Campaign, CampaignState
from petition.campaigns.mail_settings import Mailing
from petition.core.i18n import marked as _
from petition.web.dashboard import rendering
from petition.web.dashboard.drafts.shapes import (
    StepForm,
    area,
    by_language,
    is_moment,
    line,
    local,
    moment,
    one_of,
    whole_between,
    word,
)
from petition.web.forms import DIGITS, FormRefused
from petition.web.language import gettext

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
INTERVALS: Final = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY)
HOURS: Final = range(24)
ZONES: Final = (*sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")), "UTC")
ROWS: Final = 60
SPARE_ROWS: Final = 4
LONGEST_VALUE: Final = 120
LONGEST_LEGAL: Final = 20_000


class WhoForm(StepForm):
    """To whom the letter goes, and who is behind it."""

    addressee = line()
    organisation = line()
    BY_LANGUAGE = {"addressee_role": line, "organisers": lambda: area(1_000)}  # noqa: RUF012

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """The names, and what stands beside them by language."""
        return {
            "addressee": campaign.addressee,
            "organisation": campaign.organisation,
            **by_language("addressee_role", campaign.addressee_role),
            **by_language("organisers", campaign.organisers),
        }

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Four columns."""
        return {
            "addressee": self.text("addressee"),
            "organisation": self.text("organisation"),
            "addressee_role": self.texts("addressee_role", campaign.languages),
            "organisers": self.texts("organisers", campaign.languages),
        }


class WorkforceForm(StepForm):
    """How many people work there, and who says so."""

    workforce = word(whole_between(1, 100_000_000, may_be_empty=True))
    BY_LANGUAGE = {"workforce_source": line}  # noqa: RUF012

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """The number and its source."""
        number = "" if campaign.workforce is None else str(campaign.workforce)
        return {"workforce": number, **by_language("workforce_source", campaign.workforce_source)}

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Two columns."""
        number = self.number("workforce") if self.text("workforce") else None
        return {"workforce": number, "workforce_source": self.texts("workforce_source", campaign.languages)}


class VisibleForm(StepForm):
    """From how many signatures on anything is shown, and a note on top of each page."""

    public_min = word(whole_between(1, 100_000))
    BY_LANGUAGE = {"notice": lambda: area(500)}  # noqa: RUF012

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """The least number and the note."""
        return {"public_min": str(campaign.public_min), **by_language("notice", campaign.notice)}

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Two columns."""
        return {"public_min": self.number("public_min"), "notice": self.texts("notice", campaign.languages)}


class BatchesForm(StepForm):
    """How signatures are gathered into batches."""

    batch_min = word(whole_between(1, 100_000))
    interval = word(whole_between(1, 7 * DAY))

    def validate_batch_min(self, field: Field) -> None:
        """Refuse a number in which nobody can hide."""
        if DIGITS.fullmatch(field.data) and int(field.data) < LEAST_BATCH:
            raise ValidationError(
                gettext(_("Write %(n)s or more: a smaller batch tells who has just signed."), n=LEAST_BATCH)
            )

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """Two numbers."""
        return {name: str(getattr(campaign, name)) for name in ("batch_min", "interval")}

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Two columns."""
        del campaign
        return {name: self.number(name) for name in ("batch_min", "interval")}


class DatesForm(StepForm):
    """When the letter opens and closes by itself."""

    opens_at = word(is_moment)
    closes_at = word(is_moment)

    def validate_closes_at(self, field: Field) -> None:
        """Refuse an end before the beginning; the spelling sorts as the moments do."""
        if field.data and self.text("opens_at") and field.data <= self.text("opens_at"):
            raise ValidationError(gettext(_("The closing date must come after the opening date.")))

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """Two moments in the campaign's time zone."""
        zone = rendering.zone_of(campaign)
        return {"opens_at": local(campaign.opens_at, zone), "closes_at": local(campaign.closes_at, zone)}

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """Two columns, in UTC."""
        zone = rendering.zone_of(campaign)
        return {name: moment(self.text(name), zone) for name in ("opens_at", "closes_at")}


class MailForm(StepForm):
    """The time zone, and how the campaign mails."""

    time_zone = word(one_of(ZONES))
    hour = word(whole_between(0, 23))
    quiet_from = word(whole_between(0, 23))
    quiet_to = word(whole_between(0, 23))
    neutral = word()
    addressee = word()

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """The settings of mail as they are."""
        mailing = Mailing.read(campaign.mailing)
        told = {name: str(getattr(mailing, name)) for name in ("time_zone", "hour", "quiet_from", "quiet_to")}
        return told | {name: "yes" * getattr(mailing, name) for name in ("neutral", "addressee")}

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """One column, of which a demonstration's short days are kept."""
        told = {name: self.number(name) for name in ("hour", "quiet_from", "quiet_to")}
        flags = {name: bool(self.text(name)) for name in ("neutral", "addressee")}
        return {"mailing": {**campaign.mailing, "time_zone": self.text("time_zone"), **told, **flags}}


class LegalForm(StepForm):
    """The privacy notice and the imprint, in Markdown."""

    BY_LANGUAGE = {"privacy": lambda: area(LONGEST_LEGAL), "imprint": lambda: area(LONGEST_LEGAL)}  # noqa: RUF012

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """The texts that were written."""
        return {
            field: text
            for name in ("privacy", "imprint")
            for field, text in by_language(name, campaign.legal.get(name, {})).items()
        }

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """One column; what is public at once may have no place left to complete. Raises FormRefused."""
        texts = {name: self.texts(name, campaign.languages) for name in ("privacy", "imprint")}
        if campaign.state is not CampaignState.DRAFT:
            self._refuse_marks(texts)
        return {"legal": texts}

    def _refuse_marks(self, texts: dict[str, dict[str, str]]) -> None:
        fields = [f"{name}_{lang}" for name, spoken in texts.items() for lang, text in spoken.items() if MARK in text]
        sentence = gettext(
            _("This letter is public: first complete or take out each place marked %(mark)s."), mark=MARK
        )
        if fields:
            raise FormRefused({field: [sentence] for field in fields})


class ListForm(StepForm):
    """A list of values with their labels: rows `value_0`, `label_0_en` and so on; an empty row is no row."""

    COLUMN = ""

    @classmethod
    def of(cls, campaign: Campaign, posted: Any) -> Any:
        """The form with as many rows as fit; raises FormRefused, also for a value that stands there twice."""
        made: dict[str, Any] = {}
        rows = range(max(ROWS, len(getattr(campaign, cls.COLUMN)) + SPARE_ROWS))
        for row in rows:
            made[f"value_{row}"] = line(LONGEST_VALUE)
            made |= {f"label_{row}_{lang}": line(LONGEST_VALUE) for lang in campaign.languages}
        form = type(cls.__name__, (cls,), made).read(posted)  # type: ignore[attr-defined]
        values = [form.text(f"value_{row}") for row in rows]
        twice = [row for row, value in enumerate(values) if value and value in values[:row]]
        if twice:
            raise FormRefused({f"value_{row}": [gettext(_("This stands in the list already."))] for row in twice})
        return form

    @classmethod
    def shown(cls, campaign: Campaign) -> dict[str, str]:
        """The rows of the list."""
        rows = enumerate(getattr(campaign, cls.COLUMN).items())
        return {
            name: text
            for row, (value, labels) in rows
            for name, text in {f"value_{row}": value, **by_language(f"label_{row}", labels)}.items()
        }

    def changes(self, campaign: Campaign) -> dict[str, Any]:
        """One column."""
        listed = {
            value: self.texts(f"label_{row}", campaign.languages)
            for row in range(sum(name.startswith("value_") for name in self._fields))
            if (value := self.text(f"value_{row}"))
        }
        return {self.COLUMN: listed}


class RolesForm(ListForm):
    """What signers may say they do."""

    COLUMN = "roles"


class TeamsForm(ListForm):
    """Where signers may say they work."""

    COLUMN = "teams"
