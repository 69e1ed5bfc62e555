"""The steps of a draft in their order: name, title, and the form of steps that consist of one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from petition.campaigns import Campaign, CampaignState, Lack, Missing
from petition.core.i18n import marked as _
from petition.usecases.drafting import Advice
from petition.web.dashboard.drafts import forms


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `after_opening` means that opening does not freeze it."""

    name: str
    title: str
    form: type[forms.StepForm] | None = None
    after_opening: bool = False


STEPS: Final = (
    Step("letter", _("Letter")),
    Step("demands", _("Demands")),
    Step("who", _("Addressee and organisers"), forms.WhoForm),
    Step("domains", _("Work addresses")),
    Step("roles", _("Roles"), forms.RolesForm),
    Step("teams", _("Teams"), forms.TeamsForm),
    Step("workforce", _("Workforce"), forms.WorkforceForm),
    Step("visible", _("What is shown"), forms.VisibleForm),
    Step("batches", _("Batches"), forms.BatchesForm),
    Step("milestones", _("Milestones")),
    Step("mail", _("Time zone and mail"), forms.MailForm),
    Step("dates", _("Dates"), forms.DatesForm),
    Step("legal", _("Legal texts"), forms.LegalForm, after_opening=True),
)

TEAM: Final = "team"
"""The page of the team, where something can be missing although it is no step of the draft."""
MISSING: Final[dict[Lack, tuple[str, str]]] = {
    Lack.TITLE: ("letter", _("The letter has no title.")),
    Lack.TEXT: ("letter", _("The letter has no text.")),
    Lack.DEMANDS: ("demands", _("There is no demand.")),
    Lack.DEMAND_TEXT: ("demands", _("A demand has no text.")),
    Lack.ADDRESSEE: ("who", _("The letter does not say to whom it is addressed.")),
    Lack.ORGANISATION: ("who", _("The letter does not say whose employees write.")),
    Lack.DOMAINS: ("domains", _("No domain of work addresses is listed, so nobody could sign.")),
    Lack.SMALL_BATCHES: (
        "batches",
        _("A batch may hold fewer than five signatures, which reveals who has just signed."),
    ),
    Lack.SHORT_INTERVAL: (
        "batches",
        _("Less than five minutes are between two batches, which reveals when somebody signed."),
    ),
    Lack.CLOSES_BEFORE_OPENING: ("dates", _("The closing date comes before the opening date.")),
    Lack.CLOSES_IN_THE_PAST: ("dates", _("The closing date has passed.")),
    Lack.PRIVACY_MARKED: ("legal", _("The privacy notice has marked places, to be completed or checked.")),
    Lack.IMPRINT_MARKED: ("legal", _("The imprint has marked places, to be completed or checked.")),
    Lack.SECOND_OWNER: (
        TEAM,
        _("There is only one owner. A second owner must approve the opening: invite somebody you trust."),
    ),
}
ADVISED: Final[dict[Advice, tuple[str, str]]] = {
    Advice.NO_ADDRESSEE_ROLE: ("who", _("Describe the addressee: readers may not know the name.")),
    Advice.NO_ORGANISERS: ("who", _("Say who organises: people trust an anonymous letter less.")),
    Advice.NO_ROLES: ("roles", _("List some roles, so that signers can show a role instead of a name.")),
    Advice.NO_MILESTONES: ("milestones", _("Set a milestone: it gives people a reason to come back.")),
    Advice.SHARE_WITHOUT_WORKFORCE: (
        "workforce",
        _("This milestone is a share of the workforce, but the size of the workforce is not known."),
    ),
    Advice.NO_CLOSING_DATE: ("dates", _("Set a closing date: a letter that never closes is never delivered.")),
    Advice.NO_PRIVACY: ("legal", _("Write a privacy notice; in many countries the law asks for one.")),
    Advice.NO_IMPRINT: ("legal", _("Write an imprint; in some countries the law asks for one.")),
}


def find(name: str) -> Step | None:
    """Return the step with this name."""
    return next((step for step in STEPS if step.name == name), None)


def next_step(name: str) -> Step | None:
    """Return the step that follows."""
    names = [step.name for step in STEPS]
    place = names.index(name) + 1
    return STEPS[place] if place < len(STEPS) else None


def is_changeable(step: Step, campaign: Campaign) -> bool:
    """Return whether a step can be changed in the campaign's present state."""
    return campaign.state is CampaignState.DRAFT or step.after_opening


def step_and_sentence(each: Missing) -> tuple[str, str]:
    """Return the step where something is missing, and a sentence about it."""
    return MISSING[each.lack]
