"""Which refusals of requests are security events (`petition.core.security_events`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from werkzeug.exceptions import TooManyRequests

from petition.core import clock, security_events
from petition.core.security_events import SecurityEvent
from petition.mailing.subscribers import AskedTooOften
from petition.mailing.subscribers.relays import SignatureWrong
from petition.organisers import CodeUnknown, InvitationUnknown, PasskeyRefused, RecoveryBusy, TriedTooOften
from petition.organisers.approvals import SameOrganiser
from petition.usecases.acts import RightMissing
from petition.verification import AddressGuessed, CodeWrong, NetworkExhausted
from petition.web.dashboard.access import FormForged, NotAllowed
from petition.web.services import services

EVENTS: Final[Mapping[type[Exception], SecurityEvent]] = {
    CodeUnknown: SecurityEvent.SIGN_IN_FAILED,
    InvitationUnknown: SecurityEvent.SIGN_IN_FAILED,
    PasskeyRefused: SecurityEvent.SIGN_IN_FAILED,
    TriedTooOften: SecurityEvent.SIGN_IN_FAILED,
    RecoveryBusy: SecurityEvent.SIGN_IN_FAILED,
    SameOrganiser: SecurityEvent.APPROVAL_REFUSED,
    RightMissing: SecurityEvent.APPROVAL_REFUSED,
    NotAllowed: SecurityEvent.ACCESS_REFUSED,
    FormForged: SecurityEvent.ACCESS_REFUSED,
    SignatureWrong: SecurityEvent.REPORT_REFUSED,
    AddressGuessed: SecurityEvent.ADDRESS_GUESSED,
    CodeWrong: SecurityEvent.CODE_REFUSED,
    NetworkExhausted: SecurityEvent.LIMIT_REACHED,
    AskedTooOften: SecurityEvent.LIMIT_REACHED,
    TooManyRequests: SecurityEvent.LIMIT_REACHED,
}


def record(error: Exception) -> None:
    """Record the event that a refusal is, if it is one."""
    event = next((EVENTS[each] for each in type(error).__mro__ if each in EVENTS), None)
    if event is not None:
        security_events.record(services().redis_store, event, clock.now())
