"""The title and the message of each expected error. `petition.web.errors` shows them.

Each error is worded once, so a page and an API call give the same message. A class without a message of its own uses
that of the class above it. Messages explain only what helps the user to continue: a wrong code, an expired code and a
used code have one message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from petition import signatures
from petition.blindsign.passes import PassMalformed
from petition.blindsign.rsabssa import BlindedRefused
from petition.campaigns import (
    CampaignClosed,
    CampaignFaulty,
    CampaignIncomplete,
    CampaignNotOpen,
    CampaignUnknown,
    LetterFrozen,
    SigningStopped,
    SlugTaken,
    StepSkipped,
    TextMissing,
    TooManyUpdates,
    VerificationStopped,
)
from petition.core.errors import ExpectedError
from petition.core.events import QueueAway
from petition.core.i18n import marked as _
from petition.core.redis_store import RedisUnavailable
from petition.mailing.subscribers import AskedTooOften, AskingAway, LinkBroken, WorkAddressRefused
from petition.mailing.subscribers.relays import ReportUnreadable, SignatureWrong
from petition.organisers import (
    CodeUnknown,
    InvitationUnknown,
    LastOwner,
    LastWayIn,
    MemberAlready,
    MemberUnknown,
    NameTaken,
    NetworkTriedTooOften,
    PasskeyCopied,
    PasskeyRefused,
    RecoveryBusy,
    TriedTooOften,
)
from petition.organisers.approvals import RequestOutdated, RequestUnknown, SameOrganiser
from petition.privacy import AddressRefused
from petition.signatures.bulk_removal import BulkRemovalUnknown, RemovalOver
from petition.signatures.selection import CriteriaEmpty
from petition.usecases.acts import RightMissing
from petition.usecases.domains import ReadingFixed
from petition.usecases.exports import ExportUnknown, NoNames
from petition.usecases.milestone_settings import (
    MilestoneExists,
    MilestoneReached,
    MilestoneUnknown,
    NamesPublic,
    WorkforceUnknown,
)
from petition.usecases.removals import SelectionChanged
from petition.usecases.trials import TooManyTrials
from petition.usecases.updates import UpdateFixed, UpdateUnknown
from petition.verification import AlreadyVerified, CodeWrong, LongCodeNeeded, NetworkExhausted
from petition.web.dashboard.access import FormForged, NotAllowed
from petition.web.forms.base import FormRefused

Message = tuple[str, str]
"""A title and a message, in English. Both are in the catalogues."""

NOT_A_PASS: Final = (
    _("Not a pass"),
    _("This is not a pass of this campaign. Copy the whole text, from P2. to its end."),
)
NOT_ALLOWED: Final = (_("Not allowed"), _("Your role in this campaign does not allow this."))
AWAY: Final = (
    _("Not available right now"),
    _("This is not possible right now. Nothing you did is lost. Try again in a few seconds."),
)
NO_CODES: Final = (
    _("No codes right now"),
    _("Codes cannot be sent or checked right now. Nothing you did is lost. Try again in a few seconds."),
)
INVALID_INPUT: Final = (_("There is a problem"), _("Some of what was sent cannot be used. Check the fields below."))

MESSAGES: Final[Mapping[type[ExpectedError], Message]] = {
    # Campaigns, codes and signatures
    CampaignUnknown: (_("No such campaign"), _("There is no campaign with this name here.")),
    CampaignNotOpen: (_("Not open yet"), _("This campaign is not open for signatures yet.")),
    CampaignClosed: (_("Closed"), _("This campaign is closed and accepts no more signatures.")),
    SigningStopped: (
        _("Signing is paused"),
        _("The organisers paused signing. A pass stays valid: keep it, and sign after the pause."),
    ),
    VerificationStopped: (
        _("Codes are paused"),
        _("The organisers paused codes and new passes. A pass that you hold stays valid. Come back later."),
    ),
    LetterFrozen: (
        _("Opened already"),
        _("This letter was opened for signatures. Its text, its demands and what signers relied on cannot change."),
    ),
    CampaignIncomplete: (_("Not ready yet"), _("Something is missing before this letter can be opened.")),
    CodeWrong: (
        _("Wrong or expired code"),
        _("This code is wrong, is not of today, or was tried too often. Check its eight digits, or ask for a new one."),
    ),
    LongCodeNeeded: (
        _("Type the long code"),
        _(
            "Too many wrong codes were typed for this address today, perhaps by somebody else. Type the long code of sixteen digits, which is in the same mail. Your code of eight digits was not tried."
        ),
    ),
    AlreadyVerified: (
        _("One pass for each person"),
        _("A pass was issued for this address before. Each person gets one. Use the pass that you kept."),
    ),
    NetworkExhausted: (
        _("Too many codes"),
        _("Too many codes were asked for from this network. Try again later, or from another network."),
    ),
    PassMalformed: NOT_A_PASS,
    signatures.PassForeign: NOT_A_PASS,
    signatures.PassSpent: (
        _("Signed already"),
        _("This pass was used before: its signature is recorded. Each pass signs once."),
    ),
    signatures.ValueUsed: (
        _("Used before"),
        _("This value of your secret was used for an earlier change. The next one of its chain is needed."),
    ),
    signatures.SignatureEnded: (
        _("This signature has ended"),
        _("This signature was withdrawn or removed. It cannot be changed any more."),
    ),
    signatures.SignatureUnknown: (_("No such signature"), _("No signature of this campaign fits this receipt.")),
    LinkBroken: (
        _("This link does not work"),
        _(
            "The link was cut when it was copied, or it is not one of ours. Copy the whole link, or use the link of a newer mail."
        ),
    ),
    AskedTooOften: (
        _("Too many mails"),
        _("Too many mails were asked for from this network. Try again in an hour, or from another network."),
    ),
    AskingAway: (
        _("No mail right now"),
        _("You cannot ask for mail right now. Your text is still here. Try again in a few seconds."),
    ),
    SignatureWrong: (
        _("Signature missing or wrong"),
        _("This report is not signed with the key of this site, or is too old."),
    ),
    ReportUnreadable: (_("Not understood"), _("This report has none of the formats that the site reads.")),
    RedisUnavailable: NO_CODES,
    QueueAway: NO_CODES,
    # Input: `FIELD_MESSAGES`, or the error itself, says which field
    CriteriaEmpty: INVALID_INPUT,
    CampaignFaulty: INVALID_INPUT,
    AddressRefused: INVALID_INPUT,
    SlugTaken: INVALID_INPUT,
    NameTaken: INVALID_INPUT,
    WorkAddressRefused: INVALID_INPUT,
    signatures.DisplayRefused: INVALID_INPUT,
    FormRefused: INVALID_INPUT,
    BlindedRefused: INVALID_INPUT,
    # The dashboard: accounts, the team, approvals, removals and exports
    NotAllowed: NOT_ALLOWED,
    FormForged: (
        _("Not sent from this site"),
        _("This form is too old, or was not sent from this site. Open the page again and send it from there."),
    ),
    InvitationUnknown: (
        _("This link does not work"),
        _("The link was used before, is older than three days, or was cut. Ask for a new one."),
    ),
    RequestUnknown: (_("Nothing to decide"), _("This request was already decided, or is older than three days.")),
    RequestOutdated: (
        _("Changed since"),
        _("What this request is about was changed after it was made. It has to be asked for again."),
    ),
    SameOrganiser: (
        _("A second organiser must approve"),
        _("The organiser who asked cannot approve. Another organiser with the same rights must."),
    ),
    signatures.SignerUnknown: (
        _("No such signer"),
        _("No signer with this number is shown by name. Go back to the list."),
    ),
    BulkRemovalUnknown: (_("No such removal"), _("There is no removal of this number in this campaign.")),
    RemovalOver: (
        _("Nothing to undo"),
        _("The ledger contains this removal, or it was cancelled before. What is in the ledger stays."),
    ),
    SelectionChanged: (
        _("The selection has changed"),
        _(
            "Something was withdrawn, hidden or removed since you opened this page. Nothing was removed now; check it again."
        ),
    ),
    ReadingFixed: (
        _("How addresses are read is fixed"),
        _("Addresses that can sign since the opening would be read in another way, and one person could sign twice."),
    ),
    RightMissing: NOT_ALLOWED,
    PasskeyCopied: (
        _("This passkey may have been copied"),
        _(
            "The counter of this passkey went back. Somebody may have a copy of it, or its device was restored from a backup. Sign in with another passkey or a recovery code, then remove this one."
        ),
    ),
    PasskeyRefused: (
        _("This passkey was not accepted"),
        _("The passkey was not accepted: the request was too old, or it is not known here. Try once more."),
    ),
    CodeUnknown: (
        _("The name or the code is wrong"),
        _("This name and this code do not match, or the code was used before."),
    ),
    TriedTooOften: (_("Tried too often"), _("This name was tried five times. Wait 15 minutes, or use a passkey.")),
    NetworkTriedTooOften: (
        _("Tried too often"),
        _("Too many codes were tried from this network. Wait 15 minutes, or use a passkey."),
    ),
    RecoveryBusy: (
        _("Busy just now"),
        _(
            "Many are signing in by code just now. Your code was not tried: send it again in a few seconds, or use a passkey."
        ),
    ),
    MemberAlready: (_("Already in the team"), _("You are already here. This invitation is not for you.")),
    MemberUnknown: (_("Not in the team"), _("Nobody with this name is in the team. Somebody may have changed it.")),
    LastOwner: (_("The last owner"), _("A campaign needs at least one owner. Make somebody else an owner first.")),
    LastWayIn: (
        _("Your last way to sign in"),
        _("This is your only passkey, and there is no recovery code left: make new codes before you remove it."),
    ),
    ExportUnknown: (
        _("No such file"),
        _("This file is not ready, or was deleted: files are kept for a day. Ask for a new one."),
    ),
    NoNames: (_("No names"), _("No name is public, so there is nothing to export.")),
    # The dashboard: updates, demands, milestones and the end of a letter
    TooManyUpdates: (
        _("Enough mail this week"),
        _("Three updates were mailed this week. Publish this one on the page only, or plan its mail for next week."),
    ),
    TooManyTrials: (
        _("Too many test mails"),
        _("Ten test mails were sent in the last hour. Wait an hour, or read the preview."),
    ),
    UpdateUnknown: (_("No such update"), _("There is no such update. It may have been discarded.")),
    UpdateFixed: (
        _("This cannot change now"),
        _(
            "This update is planned, published, or waits for a second organiser. Cancel it first if it is not public yet."
        ),
    ),
    StepSkipped: (
        _("One step at a time"),
        _("A letter is opened, closed, delivered and answered, in this order. Record the earlier step first."),
    ),
    TextMissing: (_("Not complete"), _("This needs a letter that is public, and a text in each of its languages.")),
    MilestoneUnknown: (_("No such milestone"), _("The campaign has no such milestone. It may have been removed.")),
    MilestoneExists: (_("Already there"), _("The campaign has this milestone already.")),
    MilestoneReached: (_("Reached already"), _("This milestone was reached and cannot change.")),
    WorkforceUnknown: (
        _("How many work there?"),
        _(
            "A share needs the size of the workforce. Enter it in the letter’s settings, or choose a number of signatures."
        ),
    ),
    NamesPublic: (
        _("Names are public"),
        _("Names are already public in this letter and cannot be hidden again, so no milestone can open them."),
    ),
}
"""Messages by class of error."""

HTTP_MESSAGES: Final[Mapping[int, Message]] = {
    400: (_("Not understood"), _("This request could not be understood.")),
    403: (_("Not allowed"), _("This is not allowed.")),
    404: (_("Page not found"), _("There is no page at this address.")),
    405: (_("Method not allowed"), _("This address cannot be used in this way.")),
    413: (_("Too large"), _("What was sent is too large.")),
    414: (_("Address too long"), _("This address is too long.")),
    429: (_("Too many requests"), _("Too many requests came from this network. Try again later.")),
    415: (_("Wrong format"), _("This call takes JSON: send it as application/json.")),
    503: AWAY,
}
"""Messages by HTTP status, for errors of the framework."""
