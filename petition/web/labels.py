"""The labels of states, reasons and kinds, for the public pages and the dashboard.

Each table has a message for every member of its enum, which a test checks. Templates read them as `labels` and
translate them: `{{ _(labels.DEMAND_STATES[state]) }}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from petition.campaigns.labels import CAMPAIGN_STATES, DEMAND_STATES, campaign_state
from petition.core.i18n import marked as _
from petition.core.markdown import Unshown
from petition.ledger.entries import Removal
from petition.mailing.subscribers import Frequency
from petition.operation import Verdict
from petition.organisers import Role
from petition.privacy.data_map import Kind
from petition.signatures import SignatureState
from petition.signatures.selection import Shown, WithComment
from petition.signatures.tables import BulkRemovalState
from petition.usecases.forecast import Outlook
from petition.usecases.updates import UpdateState
from petition.verification import work_email

__all__ = [
    "BULK_REMOVALS",
    "CAMPAIGN_STATES",
    "CHANGES",
    "COMMENTS",
    "COMMENT_CRITERIA",
    "DATA_KINDS",
    "DEMAND_STATES",
    "FREQUENCIES",
    "FREQUENCIES_OF_UPDATES",
    "FREQUENCY_SENTENCES",
    "MAIL_KINDS",
    "METHODS",
    "OUTLOOKS",
    "REMOVAL_CHOICES",
    "REMOVAL_REASONS",
    "SIGNATURE_STATUSES",
    "TEAM_ROLES",
    "TEAM_ROLE_DUTIES",
    "UNSHOWN",
    "UPDATE_STATES",
    "VERDICTS",
    "VISIBILITIES",
    "VISIBILITY_CRITERIA",
    "campaign_state",
]

REMOVAL_REASONS: Final[Mapping[Removal, str]] = {
    Removal.DUPLICATE: _("as a duplicate"),
    Removal.FRAUD: _("as fraud"),
    Removal.LEGAL: _("for a legal reason"),
    Removal.REQUEST: _("at the signer’s request"),
}
"""Why a signature was removed."""

VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.OK: _("OK"),
    Verdict.WARNING: _("warning"),
    Verdict.FAULT: _("fault"),
}
"""What a check of the site found."""

REMOVAL_CHOICES: Final[Mapping[Removal, str]] = {
    Removal.FRAUD: _("Fraud: no real person signed"),
    Removal.DUPLICATE: _("Duplicate of another signature"),
    Removal.LEGAL: _("A legal reason"),
    Removal.REQUEST: _("The signer asked for it"),
}
"""The reasons that an organiser chooses from."""

BULK_REMOVALS: Final[Mapping[BulkRemovalState, str]] = {
    BulkRemovalState.RUNNING: _("Being removed: %(done)s of %(found)s"),
    BulkRemovalState.DONE: _("In the ledger"),
    BulkRemovalState.CANCELLED: _("Cancelled: everything is as it was"),
    BulkRemovalState.UNDONE: _("Undone: everything is as it was"),
}
"""How far a removal has come."""

VISIBILITIES: Final[Mapping[Shown, str]] = {
    Shown.ANY: _("Any"),
    Shown.NAME: _("Shown by name"),
    Shown.ROLE: _("Shown by role"),
    Shown.ANONYMOUS: _("Anonymous"),
}
VISIBILITY_CRITERIA: Final[Mapping[Shown, str]] = {
    Shown.ANY: "",
    Shown.NAME: _("shown by name"),
    Shown.ROLE: _("shown by role"),
    Shown.ANONYMOUS: _("anonymous"),
}
"""The visibility as one of several criteria. A criterion that is not set has no label."""

COMMENTS: Final[Mapping[WithComment, str]] = {
    WithComment.ANY: _("With or without"),
    WithComment.WITH: _("With a comment"),
    WithComment.WITHOUT: _("Without a comment"),
}
COMMENT_CRITERIA: Final[Mapping[WithComment, str]] = {
    WithComment.ANY: "",
    WithComment.WITH: _("with a comment"),
    WithComment.WITHOUT: _("without a comment"),
}
"""The comment as one of several criteria."""

METHODS: Final[Mapping[str, str]] = {work_email.NAME: _("by a code sent to a work address")}
"""How people were verified, by method."""

FREQUENCIES: Final[Mapping[Frequency, str]] = {
    Frequency.MILESTONES: _("Milestones and updates"),
    Frequency.WEEKLY: _("Weekly"),
    Frequency.DAILY: _("Daily"),
}
FREQUENCY_SENTENCES: Final[Mapping[Frequency, str]] = {
    Frequency.MILESTONES: _("You get a mail for each milestone and each piece of news."),
    Frequency.WEEKLY: _("You get one mail a week, if there is news."),
    Frequency.DAILY: _("You get one mail a day, if there is news."),
}
"""What a subscriber gets, as a sentence."""

FREQUENCIES_OF_UPDATES: Final[Mapping[Frequency, str]] = {
    Frequency.MILESTONES: _("As it happens: get this mail"),
    Frequency.WEEKLY: _("Weekly: see it in their digest"),
    Frequency.DAILY: _("Daily: see it in their digest"),
}
"""How subscribers learn of an update that is mailed."""

MAIL_KINDS: Final[Mapping[str, str]] = {
    "milestone": _("Milestone"),
    "update": _("Update"),
    "signer_daily": _("Daily digest"),
    "signer_weekly": _("Weekly digest"),
    "organiser_daily": _("Organisers’ daily digest"),
    "organiser_approvals": _("What waits for a second organiser"),
    "codes_stopped": _("Warning that codes stopped arriving"),
    "addressee_weekly": _("Weekly mail to the addressee"),
    "confirm": _("Confirmation"),
    "known": _("Confirmation"),
    "reminder": _("Confirmation"),
}
"""Mails by the name of their kind: digests, and mails that ask a subscriber to answer."""

UPDATE_STATES: Final[Mapping[UpdateState, str]] = {
    UpdateState.DRAFT: _("Draft"),
    UpdateState.ASKED: _("Waiting for a second organiser"),
    UpdateState.PLANNED: _("Planned for"),
    UpdateState.PUBLISHED: _("Published"),
}

OUTLOOKS: Final[Mapping[Outlook, str]] = {
    Outlook.TOO_EARLY: _("It is too early for a forecast: it needs three whole days."),
    Outlook.STALLED: _("Not at the pace of the last days: no signature was added."),
    Outlook.FAR: _("Not within a year at the pace of the last days."),
    Outlook.SPAN: _("Between %(first)s and %(last)s at the pace of the last days."),
}
"""When a milestone can be reached."""

UNNUMBERED: Final = "logged-unnumbered"
"""The status of a signature in a ledger whose count is not public yet, whose batch nobody is told."""

SIGNATURE_STATUSES: Final[Mapping[str, str]] = {
    SignatureState.PENDING: _("It waits for the next batch."),
    SignatureState.LOGGED: _("It is in the ledger, in batch %(epoch)s."),
    UNNUMBERED: _("It is in the ledger."),
    SignatureState.WITHDRAWN: _("It has been withdrawn and no longer counts."),
    "removing": _(
        "It is being removed by the organisers. It counts until a later batch, and until then they can take this back."
    ),
    SignatureState.REMOVED: _(
        "It has been removed by the organisers and no longer counts. The figures beside the count say for what kind of reason."
    ),
    f"removed-{Removal.DUPLICATE}": _("It has been removed by the organisers, as a duplicate, and no longer counts."),
    f"removed-{Removal.FRAUD}": _("It has been removed by the organisers, as fraud, and no longer counts."),
    f"removed-{Removal.LEGAL}": _("It has been removed by the organisers, for a legal reason, and no longer counts."),
    f"removed-{Removal.REQUEST}": _(
        "It has been removed by the organisers, at the signer’s request, and no longer counts."
    ),
}
"""The status of a signature, for its receipt. A hidden signature has the same label as one in the ledger."""

CHANGES: Final[Mapping[SignatureState, tuple[str, str]]] = {
    SignatureState.WITHDRAWN: (
        _("Withdrawn"),
        _(
            "Your signature is withdrawn. What it showed is deleted. The ledger records it with the withdrawals of this week once the signature is in it, and the count follows."
        ),
    ),
    SignatureState.HIDDEN: (
        _("Your name is removed"),
        _("What your signature showed is deleted; the pages follow within a minute. It stays counted."),
    ),
    SignatureState.REMOVED: (
        _("Removed earlier"),
        _("The organisers have already removed this signature. What it showed is deleted and it no longer counts."),
    ),
}
"""The result of a signer's change to a signature: a title and a sentence."""

DATA_KINDS: Final[Mapping[Kind, str]] = {
    Kind.public: _("Publish it anyway"),
    Kind.keyed: _("Unreadable without a key kept elsewhere"),
    Kind.sealed: _("Encrypted"),
    Kind.personal: _("About a person"),
    Kind.operational: _("About the work of the servers"),
}
"""What each kind of data reveals to somebody who takes the disks."""

TEAM_ROLES: Final[Mapping[str, str]] = {
    Role.OWNER: _("Owner"),
    Role.EDITOR: _("Editor"),
    Role.MODERATOR: _("Moderator"),
    Role.OBSERVER: _("Observer"),
}
"""The roles of organisers."""

TEAM_ROLE_DUTIES: Final[Mapping[str, str]] = {
    Role.OWNER: _("Everything: letter, signers, team, settings, exports"),
    Role.EDITOR: _("Letter, updates and milestones"),
    Role.MODERATOR: _("Signers and evidence"),
    Role.OBSERVER: _("Figures only"),
}
"""What each role of an organiser may do."""

UNSHOWN: Final = {
    Unshown.PICTURE: _("Pages show no pictures. A picture in the text becomes a link to it."),
    Unshown.HTML: _("HTML is shown as it is typed. Use Markdown instead."),
    Unshown.TASKS: _("A list of tasks is shown with its brackets."),
    Unshown.LINK: _("A link that does not begin with https:// is shown without its address."),
}
"""What is shown otherwise than its writer may have meant."""
