"""The demands step: each demand can be added, changed, moved or removed with a button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict
from wtforms import Field
from wtforms.utils import unset_value
from wtforms.validators import Length

from petition import campaigns
from petition.campaigns import Campaign, CampaignFaulty
from petition.core import db
from petition.organisers import Act
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.forms import versions
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.fields import FieldList, TextAreaField, TranslatedField
from petition.web.forms.redraw import redraw
from petition.web.forms.validators import visible_lines
from petition.web.language import lazy_gettext as _

LONGEST_DEMAND: Final = 1_000
MOVES: Final = {"up": -1, "down": 1}


class DemandList(FieldList):
    """The demands of the campaign in one language, by number, whether they were posted or not."""

    FIRST = 0

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Create a row for each demand with its posted text, or with its saved text if none was posted."""
        del data, extra_filters
        self.entries = []
        for number, text in self.meta.demands.items():
            self._add_entry(formdata, text.get(self.short_name, ""), number)  # type: ignore[attr-defined]  # since 3.3


class DemandsForm(BaseForm):
    """Every demand on the page and a new one, in each language.

    `text_en_2` is the second demand's English text, `text_en` that of the new demand.
    """

    class Meta:
        """`demands` holds the saved texts by number, `without` the number of the demand that is removed, or 0."""

        demands: Mapping[int, dict[str, str]] = {}
        without = 0

    merges_fields = False
    demands = TranslatedField(
        DemandList(TextAreaField(validators=[Length(max=LONGEST_DEMAND), visible_lines]), separator="_"),
        _("Demand"),
        name="text",
        separator="_",
    )
    added = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_DEMAND), visible_lines]),
        _("One more demand"),
        name="text",
        separator="_",
    )

    def rows(self) -> dict[int, dict[str, Field]]:
        """Return the fields of each demand, by number and language."""
        listed: dict[str, Any] = self.demands.by_language
        return {
            number: {lang: rows[place] for lang, rows in listed.items()}
            for place, number in enumerate(self.meta.demands)
        }

    def texts(self) -> dict[int, dict[str, str]]:
        """Return the texts of each demand, by number and language, without empty ones."""
        return {
            number: {lang: field.data for lang, field in row.items() if field.data}
            for number, row in self.rows().items()
        }

    def validate(self, extra_validators: Any = None) -> bool:
        """Reject what a step rejects. The text of the demand that is removed is not checked."""
        super().validate(extra_validators)
        for field in self.rows().get(self.meta.without, {}).values():
            field.errors = []
        return not self.errors


def _page(form: DemandsForm | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        shown = form or DemandsForm(meta=_about(campaign))
        return pages.render("demands", session, campaign, "demands", shown)


@needs(Act.WRITE)
def demands(slug: str) -> Response:
    """Show every demand, and fields for a new one."""
    del slug
    return _page()


@needs(Act.WRITE)
@redraw(_page, form=DemandsForm)
def add_demand(slug: str) -> Response:
    """Save every demand on the page, add the new one and continue. Raises LetterFrozen."""
    with pages.change_draft("demands") as (_session, campaign):
        _save(campaign)
        address, number = pages.next_address(campaign), len(campaign.demands)
    return access.go(address or url_for("organise_drafts.demands", slug=slug, _anchor=f"demand-{number}"))


@needs(Act.WRITE)
@redraw(_page, form=DemandsForm)
def change_demand(slug: str, number: int) -> Response:
    """Save every demand on the page, then move or remove one if that was the button.

    Raises LetterFrozen, CampaignFaulty.
    """
    act, place = request.form.get("act", "save"), number
    with pages.change_draft("demands") as (_session, campaign):
        _save(campaign, without=number if act == "remove" else 0)
        if act == "remove":
            campaigns.remove_demand(campaign, number)
        elif act in MOVES:
            place = campaigns.move_demand(campaign, number, MOVES[act])
    return access.go(url_for("organise_drafts.demands", slug=slug, _anchor=f"demand-{place}"))


def _about(campaign: Campaign, without: int = 0) -> dict[str, Any]:
    texts = {each.number: dict(each.text) for each in campaign.demands}
    return {"languages": campaign.languages, "demands": texts, "without": without}


def _save(campaign: Campaign, without: int = 0) -> None:
    """Save the demands on the page. Raises FormRefused, ChangedMeanwhile."""
    posted = versions.merged(_posted(campaign), DemandsForm(meta=_about(campaign)))
    form = DemandsForm.read(posted, **_about(campaign, without))
    for number, text in form.texts().items():
        if number != without and text != form.meta.demands[number]:
            campaigns.write_demand(campaign, number, text)
    if text := form.added.data:
        _add(campaign, text)


def _add(campaign: Campaign, text: dict[str, str]) -> None:
    try:
        campaigns.add_demand(campaign, text)
    except CampaignFaulty:
        sentence = _("A letter may have %(n)s demands at most.", n=campaigns.MOST_DEMANDS)
        raise FormRefused({f"text_{campaign.languages[0]}": [sentence]}) from None


def _posted(campaign: Campaign) -> MultiDict[str, str]:
    """Return the posted fields. A text that was changed in a demand that no longer exists is added to the new one."""
    known = {f"text_{lang}_{each.number}" for each in campaign.demands for lang in campaign.languages}
    posted: MultiDict[str, str] = request.form
    for lang in campaign.languages:
        gone = [
            text
            for name, text in request.form.items()
            if name.startswith(f"text_{lang}_") and name not in known and versions.is_changed(request.form, name)
        ]
        if any(gone):
            posted = MultiDict(posted)
            posted[f"text_{lang}"] = "\n".join(filter(None, [posted.get(f"text_{lang}", ""), *gone]))
    return posted
