"""Demands, one by one: added, changed, moved, taken out, each by a button."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final, Self

from flask import Response, request, url_for

from petition import campaigns
from petition.campaigns import Campaign, CampaignFaulty
from petition.core import db
from petition.core.i18n import marked as _
from petition.organisers import Act
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.drafts.changing import changing, typed
from petition.web.dashboard.drafts.shapes import StepForm, area
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused
from petition.web.language import gettext

LONGEST_DEMAND: Final = 1_000
MEANWHILE: Final = _(
    "Another organiser changed the demands since this page was opened. Nothing was saved: compare, and save again."
)
MOVES: Final = {"up": -1, "down": 1}


class DemandsForm(StepForm):
    """Every demand on the screen and one more, in each language: `text_en_2` is the second one's, `text_en` the new one's."""

    @classmethod
    def read_for(cls, campaign: Campaign, without: int = 0) -> Self:
        """The form as posted, but for one demand that goes. Raises FormRefused."""
        rows = ["", *(f"_{each.number}" for each in campaign.demands if each.number != without)]
        made = {f"text_{lang}{row}": area(LONGEST_DEMAND) for row in rows for lang in campaign.languages}
        form: Self = type(cls.__name__, (cls,), made).read(request.form)  # type: ignore[attr-defined]
        return form

    def row(self, campaign: Campaign, number: int = 0) -> dict[str, str]:
        """The texts of one demand by language, without empty ones; 0: of the new one."""
        end = f"_{number}" if number else ""
        return {lang: text for lang in campaign.languages if (text := self.text(f"text_{lang}{end}"))}


@needs(Act.WRITE)
def demands(slug: str) -> Response:
    """Every demand, and room for one more."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        return _page(campaign)


@needs(Act.WRITE)
def add_demand(slug: str) -> Response:
    """Save every demand on the screen, the new one at the end, and go on; raises LetterFrozen."""
    try:
        with changing("demands") as (_session, campaign):
            _save(campaign)
            onward, number = pages.onward(campaign), len(campaign.demands)
    except FormRefused as refused:
        return _render_again(refused)
    return access.go(onward or url_for("organise_drafts.demands", slug=slug, _anchor=f"demand-{number}"))


@needs(Act.WRITE)
def change_demand(slug: str, number: int) -> Response:
    """The same, then move one or take it out if that was the button; raises LetterFrozen, CampaignFaulty."""
    act, place = request.form.get("act", "save"), number
    try:
        with changing("demands") as (_session, campaign):
            _save(campaign, without=number if act == "remove" else 0)
            if act == "remove":
                campaigns.remove_demand(campaign, number)
            elif act in MOVES:
                place = campaigns.move_demand(campaign, number, MOVES[act])
    except FormRefused as refused:
        return _render_again(refused)
    return access.go(url_for("organise_drafts.demands", slug=slug, _anchor=f"demand-{place}"))


def _save(campaign: Campaign, without: int = 0) -> None:
    """Write down what the screen shows; refuses to write over what somebody else changed since. Raises FormRefused."""
    if request.form.get("seen", seen := _seen(campaign)) != seen:
        raise FormRefused({"": [gettext(_(MEANWHILE))]})
    form = DemandsForm.read_for(campaign, without)
    for each in campaign.demands:
        posted = any(f"text_{lang}_{each.number}" in request.form for lang in campaign.languages)
        if posted and each.number != without and (text := form.row(campaign, each.number)) != each.text:
            campaigns.write_demand(campaign, each.number, text)
    if text := form.row(campaign):
        _add(campaign, text)


def _seen(campaign: Campaign) -> str:
    """A name of the demands as they are, which tells whether a page that was drawn is still true."""
    return sha256(json.dumps([each.text for each in campaign.demands], sort_keys=True).encode()).hexdigest()[:16]


def _add(campaign: Campaign, text: dict[str, str]) -> None:
    try:
        campaigns.add_demand(campaign, text)
    except CampaignFaulty:
        sentence = gettext(_("A letter may have %(n)s demands at most."), n=campaigns.MOST_DEMANDS)
        raise FormRefused({f"text_{campaign.languages[0]}": [sentence]}) from None


def _render_again(refused: FormRefused) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        texts = _gathered(campaign, typed())
        return rendering.render_again(refused, _page(campaign, rendering.to_mend(refused, texts)))


def _gathered(campaign: Campaign, texts: dict[str, str]) -> dict[str, str]:
    """What was typed; words of a demand that is gone by now stand with the new one."""
    known = {f"text_{lang}_{each.number}" for each in campaign.demands for lang in campaign.languages}
    for lang in campaign.languages:
        gone = [text for name, text in texts.items() if name.startswith(f"text_{lang}_") and name not in known]
        texts = texts | {f"text_{lang}": "\n".join(filter(None, [texts.get(f"text_{lang}", ""), *gone]))}
    return texts


def _page(campaign: Campaign, form: Filled = EMPTY) -> Response:
    kept = {
        f"text_{lang}_{each.number}": text for each in campaign.demands for lang, text in each.text.items()
    }  # fmt: skip
    with db.session() as session:
        return pages.render(
            "demands",
            session,
            campaign,
            "demands",
            Filled(kept | dict(form.values), form.errors),
            demands=campaign.demands,
            seen=_seen(campaign),
            conflict="" in form.errors,
        )
