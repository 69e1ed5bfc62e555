"""What organisers cannot do, in words; `petition.web.errors` shows them."""

from __future__ import annotations

from typing import Final

from petition.campaigns import StepSkipped, TextMissing, TooManyUpdates
from petition.core.i18n import marked as _
from petition.organisers import (
    CodeUnknown,
    DoorBusy,
    InvitationUnknown,
    LastOwner,
    LastWayIn,
    MemberAlready,
    MemberUnknown,
    PasskeyRefused,
    TriedTooOften,
)
from petition.organisers.approvals import RequestUnknown, SameOrganiser
from petition.signatures import SignerUnknown
from petition.signatures.bulk_removal import BulkRemovalUnknown, RemovalOver
from petition.usecases.acts import RightMissing
from petition.usecases.exports import ExportUnknown, NoNames
from petition.usecases.milestone_settings import GoalReached, GoalThere, GoalUnknown, NamesPublic, WorkforceUnknown
from petition.usecases.removals import SelectionChanged
from petition.usecases.trials import TooManyTrials
from petition.usecases.updates import UpdateFixed, UpdateUnknown
from petition.web.dashboard.access import FormForged, NotAllowed

OF_ORGANISERS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    NotAllowed: (403, _("Not allowed"), _("Your role in this campaign does not allow this.")),
    FormForged: (
        403,
        _("Not from here"),
        _("This form is too old, or was not sent from this site. Open the page again, and send it from there."),
    ),
    InvitationUnknown: (
        404,
        _("This link does not work"),
        _("It was used already, is older than three days, or was cut. Ask for a new one."),
    ),
    RequestUnknown: (
        404,
        _("Nothing to decide"),
        _("This request was decided already, or is older than three days."),
    ),
    SameOrganiser: (
        403,
        _("A second organiser must approve"),
        _("Whoever asked cannot approve: another organiser with the same rights must."),
    ),
    SignerUnknown: (404, _("No such signer"), _("No signer of this number is shown by name. Go back to the list.")),
    BulkRemovalUnknown: (404, _("No such removal"), _("There is no removal of this number in this campaign.")),
    RemovalOver: (
        409,
        _("Nothing to take back"),
        _("The ledger has this removal, or it was taken back already. What stands in the ledger stays."),
    ),
    SelectionChanged: (
        409,
        _("The selection has changed"),
        _("Since you looked, something was withdrawn, hidden or removed. Nothing was removed now; look at it again."),
    ),
    RightMissing: (403, _("Not allowed"), _("Your role in this campaign does not allow this.")),
    PasskeyRefused: (
        403,
        _("This passkey was not accepted"),
        _("The passkey was not accepted: the request was too old, or it is not known here. Try once more."),
    ),
    CodeUnknown: (
        403,
        _("Name or code is wrong"),
        _("This name and this code do not belong together, or the code was used before."),
    ),
    TriedTooOften: (
        429,
        _("Tried too often"),
        _("This name was tried five times. Wait a quarter of an hour, or use a passkey."),
    ),
    DoorBusy: (
        503,
        _("Busy just now"),
        _(
            "Many are signing in by code just now. Your code was not tried: send it again in a few seconds, or use a passkey."
        ),
    ),
    MemberAlready: (409, _("In the team already"), _("You are here already; this invitation is not for you.")),
    MemberUnknown: (404, _("Not in the team"), _("Nobody of this name is in the team; somebody may have changed it.")),
    LastOwner: (409, _("The last owner"), _("A campaign has at least one owner: make somebody else one first.")),
    LastWayIn: (
        409,
        _("The last way in"),
        _("This is your only passkey, and there is no recovery code left: make new codes before you remove it."),
    ),
    ExportUnknown: (
        404,
        _("No such file"),
        _("This file is not ready, or was deleted: files live a day. Ask for a new one."),
    ),
    NoNames: (409, _("No names"), _("No name is public, so there is nothing to export.")),
}
"""At the door, in the team, with two keys, in moderating and in exports."""

REFUSALS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    TooManyUpdates: (
        409,
        _("Enough mail this week"),
        _("Three updates were mailed this week. Publish this one on the page only, or plan its mail for next week."),
    ),
    TooManyTrials: (
        429,
        _("Too many trials"),
        _("Ten trial mails were sent in the last hour. Wait an hour, or read the preview."),
    ),
    UpdateUnknown: (404, _("No such update"), _("There is no such update; perhaps it was thrown away.")),
    UpdateFixed: (
        409,
        _("This cannot change now"),
        _(
            "This update is planned, published, or waits for a second organiser. Cancel it first if it is not public yet."
        ),
    ),
    StepSkipped: (
        409,
        _("One step at a time"),
        _("A letter is opened, closed, delivered and answered, in this order. Record the step before this one first."),
    ),
    TextMissing: (
        409,
        _("Not complete"),
        _("This needs a letter that is public, and a text in each of its languages."),
    ),
    GoalUnknown: (404, _("No such milestone"), _("The campaign has no such milestone; perhaps it was removed.")),
    GoalThere: (409, _("There already"), _("The campaign has this milestone already.")),
    GoalReached: (409, _("Reached already"), _("This milestone was reached. It is history, and stays as it is.")),
    WorkforceUnknown: (
        409,
        _("How many work there?"),
        _(
            "A share needs the size of the workforce. Write it down in the letter’s settings, or choose a number of signatures."
        ),
    ),
    NamesPublic: (
        409,
        _("Names are public"),
        _(
            "Names are public in this letter already, and cannot be taken back silently: no milestone can open them any more."
        ),
    ),
}
"""With updates, demands, milestones and the end of a letter."""
