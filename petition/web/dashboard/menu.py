"""The menu of a letter's pages, in five groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from petition.campaigns import CampaignState
from petition.core.i18n import marked as _
from petition.organisers import GRANTS, Act, Role

DRAFT: Final = (CampaignState.DRAFT,)
PUBLIC: Final = tuple(state for state in CampaignState if state is not CampaignState.DRAFT)
EVERY: Final = tuple(CampaignState)


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line of the menu: label, endpoint, the act that its page requires, and the states that show it.

    `values` are further parts of its address.
    """

    words: str
    endpoint: str
    act: Act
    states: tuple[CampaignState, ...] = EVERY
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """A group of lines, with its title."""

    name: str
    words: str
    items: tuple[MenuItem, ...]


MENU: Final = (
    MenuGroup("overview", _("Overview"), (
        MenuItem(_("Overview"), "organise_overview.overview", Act.SEE),
        MenuItem(_("Chart"), "organise_chart.page", Act.SEE, PUBLIC),
    )),
    MenuGroup("letter", _("Letter"), (
        MenuItem(_("Draft"), "organise_drafts.checklist", Act.WRITE, DRAFT),
        MenuItem(_("Updates"), "organise_updates.list_updates", Act.PUBLISH, PUBLIC),
        MenuItem(_("Demands"), "organise_demands.demands", Act.PUBLISH, PUBLIC),
        MenuItem(_("Milestones"), "organise_milestones.milestones", Act.PUBLISH, PUBLIC),
        MenuItem(_("Legal texts"), "organise_drafts.step", Act.WRITE, PUBLIC, {"step": "legal"}),
    )),
    MenuGroup("people", _("People"), (
        MenuItem(_("Signers"), "organise_signers.signers", Act.MODERATE, PUBLIC),
        MenuItem(_("Removals"), "organise_removals.removals", Act.MODERATE, PUBLIC),
        MenuItem(_("Subscribers"), "organise_subscribers.page", Act.SEE, PUBLIC),
    )),
    MenuGroup("share", _("Share and deliver"), (
        MenuItem(_("Share"), "organise_share.share", Act.SEE, PUBLIC),
        MenuItem(_("Delivery and answer"), "organise_answer.page", Act.PUBLISH, PUBLIC),
        MenuItem(_("Exports"), "organise_exports.page", Act.EXPORT),
    )),
    MenuGroup("settings", _("Settings"), (
        MenuItem(_("Team"), "organise_team.members", Act.MANAGE),
        MenuItem(_("Approvals"), "organise_approvals.approvals", Act.READ_AUDIT_LOG),
        MenuItem(_("Pauses and changes"), "organise_settings.settings", Act.MANAGE, PUBLIC),
        MenuItem(_("Operation"), "organise_operation.page", Act.MANAGE),
        MenuItem(_("Audit log"), "organise_audit_log.audit_log", Act.READ_AUDIT_LOG),
    )),
)  # fmt: skip


def items() -> tuple[MenuItem, ...]:
    """Return every line of every group."""
    return tuple(item for group in MENU for item in group.items)


def visible(role: Role, state: CampaignState) -> tuple[MenuGroup, ...]:
    """Return the groups with the lines that a role sees in a state. A group without any line is left out."""
    groups = (MenuGroup(group.name, group.words, _shown(group, role, state)) for group in MENU)
    return tuple(group for group in groups if group.items)


def current(groups: tuple[MenuGroup, ...], endpoint: str, values: Mapping[str, object]) -> tuple[MenuItem, str] | None:
    """Return the line of a page with its value of `aria-current`: the page itself, or the line that it belongs to."""
    shown = [item for group in groups for item in group.items]
    for item in shown:
        if item.endpoint == endpoint and all(values.get(name) == value for name, value in item.values.items()):
            return item, "page"
    part = endpoint.rpartition(".")[0]
    belongs = (item for item in shown if item.endpoint.rpartition(".")[0] == part and not item.values)
    return next(((item, "true") for item in belongs), None)


def _shown(group: MenuGroup, role: Role, state: CampaignState) -> tuple[MenuItem, ...]:
    return tuple(item for item in group.items if item.act in GRANTS[role] and state in item.states)
