"""What went wrong, put into words once: each error of the domain becomes a status, a title and a sentence.

Guards that nobody sees a stack trace and that a page and a call say the same (RFC 9457 problem documents for the
calls). What nobody foresaw is a 503 that may be tried again; of it the log learns an id, a type and a place in the
code, never a message, which may quote a name. Refuses to explain more than helps to go on: a wrong code, an expired
and a used-up one are one answer.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from flask import Flask, Response, current_app, render_template, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from sqlalchemy import exc
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

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
    VerificationStopped,
)
from petition.core import db
from petition.core.events import QueueAway
from petition.core.i18n import marked as _
from petition.core.logs import place
from petition.core.redis_store import RedisUnavailable
from petition.mailing.subscribers import AskedTooOften, AskingAway, LinkBroken, WorkAddressRefused
from petition.mailing.subscribers.relays import ReportUnreadable, SignatureWrong
from petition.organisers import NameTaken
from petition.privacy import AddressRefused
from petition.privacy.addresses import SENTENCES as ADDRESS_SENTENCES
from petition.signatures import DisplayFault, DisplayRefused, PassForeign, PassSpent, SignatureUnknown
from petition.signatures.selection import CriteriaEmpty
from petition.verification import AlreadyVerified, CodeWrong, NetworkExhausted
from petition.web.dashboard import access, resubmission
from petition.web.dashboard.refusals import OF_ORGANISERS, REFUSALS
from petition.web.flow import in_flow
from petition.web.forms import FormRefused
from petition.web.language import gettext, spoken

PROBLEM: Final = "application/problem+json"
FOR_MACHINES: Final = ("/api/", "/hooks/", "/tab-key/")
FOR_ORGANISERS: Final = "/organise"
RETRY_SECONDS: Final = 5
URN: Final = "urn:undersigned:problem:"

log = structlog.get_logger(__name__)

NOT_A_PASS: Final = (
    403,
    _("Not a pass"),
    _("This is not a pass of this campaign. Copy it whole, from P1. to its end."),
)
AWAY: Final = (
    503,
    _("Not just now"),
    _("This cannot be done just now. Nothing you did is lost; try again in a few seconds."),
)
TO_MEND: Final = (422, _("Something needs mending"), _("Some of what was sent cannot be used as it is."))

SAID: Final[dict[type[Exception], tuple[int, str, str]]] = {
    CampaignUnknown: (404, _("No such campaign"), _("There is no campaign of this name here.")),
    CampaignNotOpen: (409, _("Not open yet"), _("This campaign is not open for signatures yet.")),
    CampaignClosed: (409, _("Closed"), _("This campaign is closed; it takes no more signatures.")),
    SigningStopped: (
        409,
        _("Signing is paused"),
        _("Signing is paused by the organisers. A pass stays good: keep it, and sign when the pause is over."),
    ),
    VerificationStopped: (
        409,
        _("Codes are paused"),
        _("Codes and new passes are paused by the organisers. A pass that you hold stays good. Come back later."),
    ),
    LetterFrozen: (
        409,
        _("Opened already"),
        _("This letter was opened for signatures: its words, its demands and what signers relied on cannot change."),
    ),
    StepSkipped: (409, _("Done already"), _("This campaign is not in the state that this belongs to. Look again.")),
    CampaignIncomplete: (409, _("Not ready yet"), _("Something is missing before this letter can be opened.")),
    CodeWrong: (
        403,
        _("Wrong or expired code"),
        _("This code is wrong, is not of today, or was tried too often. Check its eight digits, or ask again."),
    ),
    AlreadyVerified: (
        409,
        _("One pass for each person"),
        _("A pass was issued for this address before. Each person gets one; use the pass you kept."),
    ),
    NetworkExhausted: (
        429,
        _("Too many codes"),
        _("Too many codes were asked for from this network. Try again later, or from another network."),
    ),
    PassMalformed: NOT_A_PASS,
    PassForeign: NOT_A_PASS,
    PassSpent: (
        409,
        _("Signed already"),
        _("This pass was used before: its signature is recorded. Each pass signs once."),
    ),
    SignatureUnknown: (404, _("No such signature"), _("No signature of this campaign answers to this receipt.")),
    LinkBroken: (
        404,
        _("This link does not work"),
        _("It was cut when it was copied, or it is not one of ours. Copy it whole, or use the link of a newer mail."),
    ),
    AskedTooOften: (
        429,
        _("Too many mails"),
        _("Too many mails were asked for from this network. Try again in an hour, or from another network."),
    ),
    AskingAway: (
        503,
        _("No mail just now"),
        _("Mail cannot be asked for just now. Your text is still here; try again in a few seconds."),
    ),
    SignatureWrong: (403, _("Not signed"), _("This report is not signed with the key of this site, or is too old.")),
    ReportUnreadable: (400, _("Not understood"), _("This report has none of the forms that are understood here.")),
    **OF_ORGANISERS,
    CriteriaEmpty: TO_MEND,
    CampaignFaulty: TO_MEND,
    AddressRefused: TO_MEND,
    SlugTaken: TO_MEND,
    NameTaken: TO_MEND,
    WorkAddressRefused: TO_MEND,
    DisplayRefused: TO_MEND,
    FormRefused: TO_MEND,
    BlindedRefused: TO_MEND,
    RedisUnavailable: (
        503,
        _("No codes just now"),
        _("Codes cannot be sent or checked just now. Nothing you did is lost; try again in a few seconds."),
    ),
    QueueAway: (
        503,
        _("No codes just now"),
        _("Codes cannot be sent or checked just now. Nothing you did is lost; try again in a few seconds."),
    ),
    **REFUSALS,
}
HTTP_SAID: Final = {
    400: (_("Not understood"), _("This request could not be understood.")),
    403: (_("Not allowed"), _("This is not allowed.")),
    404: (_("Page not found"), _("There is no page at this address.")),
    405: (_("Not this way"), _("This address cannot be used in this way.")),
    413: (_("Too large"), _("What was sent is too large.")),
    414: (_("Address too long"), _("This address is too long.")),
    429: (_("Too many requests"), _("Too many requests came from this network. Try again later.")),
    415: (_("Wrong format"), _("This call takes JSON: send it as application/json.")),
    503: AWAY[1:],
}
ONE_FIELD: Final[dict[type[Exception], tuple[str, str]]] = {
    WorkAddressRefused: (
        "address",
        _("This is a work address: your employer can read the mail that arrives there. Use a personal one."),
    ),
    SlugTaken: ("slug", _("Another campaign has this short name. Choose a different one.")),
    NameTaken: ("name", _("Another organiser has this name. Choose a different one.")),
    BlindedRefused: ("blinded", _("This is not a blinded value for this campaign’s key.")),
}
WISH_SENTENCES: Final = {
    DisplayFault.NAME_MISSING: _("Write your full name, or choose to show less."),
    DisplayFault.ROLE_MISSING: _("Choose your role, or choose to stay anonymous."),
    DisplayFault.NOT_NEEDED: _("Leave this empty: it does not go with what you chose to show."),
    DisplayFault.NOT_LISTED: _("Choose one from the list."),
    DisplayFault.OUT_OF_RANGE: _("Write a whole number between 0 and 100,000."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong, in words and in this request's language; `errors` holds sentences by field."""

    status: int
    name: str
    title: str
    sentence: str
    retry_after: int | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)


def explain(error: Exception) -> Fault:
    """Put an error into words; one that nobody foresaw becomes a 503."""
    if isinstance(error, HTTPException) and error.code:
        title, sentence = HTTP_SAID.get(error.code, (error.name, error.name))
        retry_after = RETRY_SECONDS if error.code == 503 else getattr(error, "retry_after", None)
        return Fault(error.code, _dashed(error), gettext(title), gettext(sentence), retry_after)
    status, title, sentence = SAID.get(type(error), AWAY)
    name = _dashed(error) if type(error) in SAID else "away"
    retry_after = RETRY_SECONDS if status == 503 else getattr(error, "retry_after", None)
    return Fault(status, name, gettext(title), gettext(sentence), retry_after, field_errors(error))


def field_errors(error: Exception) -> dict[str, list[str]]:
    """Sentences by field for errors that belong to one, in this request's language; else nothing."""
    if isinstance(error, FormRefused):
        return error.errors
    if isinstance(error, AddressRefused):
        return {"address": [gettext(ADDRESS_SENTENCES[error.reason])]}
    if isinstance(error, DisplayRefused):
        return {error.field: [gettext(WISH_SENTENCES[error.reason])]}
    name, sentence = ONE_FIELD.get(type(error), ("", ""))
    return {name: [gettext(sentence)]} if name else {}


def answer(error: Exception) -> Response:
    """The answer to a request that met an error: a problem document for calls, a page for people."""
    fault = explain(error)
    response = problem(fault) if request.path.startswith(FOR_MACHINES) else page(fault)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def problem(fault: Fault) -> Response:
    """An RFC 9457 problem document."""
    document: dict[str, object] = {
        "type": URN + fault.name,
        "title": fault.title,
        "status": fault.status,
        "detail": fault.sentence,
    }
    if fault.errors:
        document["errors"] = dict(fault.errors)
    body = json.dumps(document, ensure_ascii=False)
    return Response(body, fault.status, {"Content-Language": spoken()}, content_type=PROBLEM)


def page(fault: Fault) -> Response:
    """A page in the same clothes as the others, which leads back to where its reader was at home."""
    organised = request.path.startswith(f"{FOR_ORGANISERS}/")
    asked = resubmission.of_request() if organised and access.is_ours() else None
    html = render_template(
        "public/fault.html",
        status=fault.status,
        title=fault.title,
        sentence=fault.sentence,
        next_url=FOR_ORGANISERS if organised else None,
        next_words=gettext(_("Your campaigns")) if organised else None,
        flow=in_flow(),
        asked=asked,
        stays=organised and request.method == "POST" and asked is None,
        form_token=request.form["token"] if asked and fault.retry_after and "token" in request.form else "",
    )
    return Response(html, fault.status, content_type="text/html; charset=utf-8")


def watch(app: Flask) -> None:
    """Let every error of an app be answered here."""
    app.register_error_handler(Exception, _answer_any)


def _answer_any(error: Exception) -> BaseResponse:
    if isinstance(error, RequestRedirect):
        return error.get_response()
    if isinstance(error, ParseException):  # the server met a fault in what was sent, while a view was reading it
        return answer(BadRequest())
    if not (type(error) in SAID or isinstance(error, HTTPException) or _foreseen(error)):
        if current_app.testing:
            raise error
        log.error("unexpected", id=secrets.token_hex(4), error=type(error).__name__, where=place(error))
    return answer(error)


def _foreseen(error: Exception) -> bool:
    if isinstance(error, exc.TimeoutError) or (isinstance(error, exc.DBAPIError) and db.is_away(error)):
        log.warning("database away", error=type(error).__name__, where=place(error))
        return True
    return False


def _dashed(error: Exception) -> str:
    name = error.name.replace(" ", "") if isinstance(error, HTTPException) else type(error).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).strip("-")
