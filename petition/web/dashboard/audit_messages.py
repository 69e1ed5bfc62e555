"""This module describes the audit log: one sentence for each action, with the line's figures, names and settings.

A reader must understand every line without having been there. A new action needs a line in SENTENCES, and a test fails
without one. A new kind of figure in `about` needs a line in FIGURES, because a number without a noun says little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from types import MappingProxyType
from typing import Any, Final

from petition.campaigns.milestones import UNKNOWN, MilestoneKind
from petition.core import i18n
from petition.core.i18n import marked as _
from petition.organisers.audit_log import Action
from petition.organisers.labels import APPROVAL_TITLES
from petition.privacy.daily_figures import TEN, tens
from petition.signatures import Concealed
from petition.web.dashboard.drafts.steps import STEPS
from petition.web.dashboard.exports import KINDS
from petition.web.dashboard.settings import SWITCH_LABELS
from petition.web.labels import REMOVAL_REASONS, TEAM_ROLES
from petition.web.language import gettext, ngettext, spoken

SENTENCES: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.INVITED: _("Invited somebody"),
        Action.INVITATION_CANCELLED: _("Cancelled an invitation"),
        Action.JOINED: _("Joined the team"),
        Action.ROLE_CHANGED: _("Changed a role"),
        Action.MEMBER_REMOVED: _("Removed somebody from the team"),
        Action.ORGANISER_DISABLED: _("Disabled an organiser"),
        Action.PASSKEY_ADDED: _("Added a passkey"),
        Action.PASSKEY_REMOVED: _("Removed a passkey"),
        Action.CODES_RENEWED: _("Made new recovery codes"),
        Action.CODE_USED: _("Used a recovery code"),
        Action.CAMPAIGN_DRAFTED: _("Started the campaign"),
        Action.CAMPAIGN_DUPLICATED: _("Started the campaign from another one"),
        Action.CAMPAIGN_CHANGED: _("Changed the campaign’s settings"),
        Action.CAMPAIGN_OPENED: _("Opened the campaign"),
        Action.CAMPAIGN_CLOSED: _("Closed the campaign"),
        Action.BACK_TO_DRAFT: _("Made the letter a draft again: an upgrade ended its ledger"),
        Action.CLOSE_PLANNED: _("Approved the closing date"),
        Action.CLOSE_CANCELLED: _("Kept the letter open: removed the closing date"),
        Action.DOMAINS_CHANGED: _("Changed which addresses may sign"),
        Action.UPDATE_WRITTEN: _("Wrote an update"),
        Action.UPDATE_PUBLISHED: _("Published an update"),
        Action.UPDATE_CANCELLED: _("Cancelled an update"),
        Action.TRIAL_SENT: _("Sent a test mail"),
        Action.DEMAND_JUDGED: _("Recorded what happened to a demand"),
        Action.MILESTONE_ADDED: _("Added or changed a milestone"),
        Action.MILESTONE_REMOVED: _("Removed a milestone"),
        Action.SIGNER_HIDDEN: _("Hid a name or a comment"),
        Action.SIGNATURES_REMOVED: _("Removed signatures"),
        Action.REMOVAL_UNDONE: _("Cancelled a removal of signatures"),
        Action.MAILS_RETRIED: _("Tried undelivered mail again"),
        Action.EXPORTED: _("Exported a file"),
        Action.DELIVERED: _("Recorded the delivery"),
        Action.ANSWERED: _("Recorded the addressee’s answer"),
        Action.STOPPED: _("Paused something"),
        Action.RESUMED: _("Resumed what was paused"),
        Action.KEY_ASKED: _("Asked for a second organiser’s approval"),
        Action.KEY_GIVEN: _("Approved as the second organiser"),
        Action.KEY_REFUSED: _("Refused or cancelled a request"),
    }
)

FIGURES: Final[Mapping[str, Callable[[int], str]]] = MappingProxyType(
    {
        "signatures": lambda n: ngettext("%(count)s signature", "%(count)s signatures", n, count=_number(n)),
        "waiting": lambda n: gettext(_("10 or more waited") if n >= TEN else _("fewer than 10 waited")),
        "readers": lambda n: gettext(_("%(n)s subscribers"), n=_at_least(n)),
        "mails": lambda n: gettext(_("%(n)s mails"), n=_at_least(n)),
        "update": lambda n: gettext(_("number %(n)s"), n=_number(n)),
        "demands": lambda n: ngettext("%(n)s demand", "%(n)s demands", n, n=_number(n)),
        "batch_min": lambda n: gettext(_("batches of %(n)s or more"), n=_number(n)),
        "interval": lambda seconds: i18n.duration(seconds, spoken()),
        "public_min": lambda n: gettext(_("count public from %(n)s on"), n=_number(n)),
        "names_from": lambda n: gettext(_("names public from %(n)s on"), n=_opening_number(n)),
        "before": lambda n: gettext(_("names public from %(n)s on, before"), n=_opening_number(n)),
        "after": lambda n: gettext(_("names public from %(n)s on, after"), n=_opening_number(n)),
        "left": lambda n: ngettext("%(count)s code left", "%(count)s codes left", n, count=_number(n)),
    }
)
"""How each figure of `about` is worded. A figure that is not listed here is shown as a plain number."""

NAMED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "role": TEAM_ROLES,
        "to": TEAM_ROLES,
        "why": {why.value: label for why, label in REMOVAL_REASONS.items()},
        "act": {act.value: title for act, title in APPROVAL_TITLES.items()},
        "what": {Concealed.NAME.value: _("Name"), Concealed.COMMENT.value: _("Comment")}
        | {part: label for part, (label, _runs, _stands) in SWITCH_LABELS.items()},
        "step": {step.name: step.title for step in STEPS} | {"translation": _("Add a translation")},
        "kind": {kind.value: words for kind, words in KINDS.items()}
        | {MilestoneKind.COUNT.value: _("Signatures"), MilestoneKind.SHARE.value: _("Per cent of the workforce")},
    }
)
"""Settings of `about` that have labels. Other settings are shown as they were stored."""


DAYS: Final = frozenset({"day", "closes"})
"""Keys of `about` that hold a date or a moment."""


def name(action: Action) -> str:
    """Return the sentence of an action without details, in this request's language."""
    return gettext(SENTENCES[action])


def describe_action(action: Action, about: Mapping[str, Any], zone: tzinfo = UTC) -> str:
    """Return a line of the audit log as a sentence. Dates of moments are in the time zone `zone`."""
    details = [text for key, value in sorted(about.items()) if (text := _format_value(key, value, zone))]
    return (
        gettext(_("%(action)s: %(details)s"), action=name(action), details=", ".join(details))
        if details
        else name(action)
    )


def _format_value(key: str, value: Any, zone: tzinfo) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        return FIGURES[key](value) if key in FIGURES else _number(value)
    if isinstance(value, str) and key in DAYS and value:
        return i18n.date_long(_day(value, zone), spoken())
    if isinstance(value, str):
        word = NAMED.get(key, {}).get(value)
        return gettext(word) if word else value
    return (
        ", ".join(text for each in value if (text := _format_value(key, each, zone))) if isinstance(value, list) else ""
    )


def _day(text: str, zone: tzinfo) -> date:
    """Return a date, or the date of a moment in a time zone. Lines of earlier versions hold moments without an offset."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(zone).date() if moment.tzinfo else moment.date()


def _opening_number(n: int) -> str:
    return gettext(_("an unknown number")) if n == UNKNOWN else _number(n)


def _at_least(n: int) -> str:
    """Format a figure about subscribers. Lines of earlier versions hold exact ones."""
    return i18n.at_least(tens(n), spoken())


def _number(n: int) -> str:
    return i18n.number(n, spoken())
