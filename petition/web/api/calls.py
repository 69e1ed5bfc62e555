"""The table of all calls under `/api`, in the order of the OpenAPI document, and the description of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from petition.web.api import heads, reading, writing
from petition.web.forms.base import BaseForm
from petition.web.forms.public import AmendForm, PassForm, SignForm, SubscribeForm, VerifyForm, WithdrawForm

Schema = dict[str, Any]
View = Callable[..., Any]
ALWAYS: Final = (400, 404, 413, 415, 422, 503)
"""Statuses with which any POST may be rejected."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its URL and form, the schema of its answer, and the statuses with which it may be rejected."""

    method: str
    path: str
    view: View
    summary: str
    answer: str
    status: int = 200
    refusals: tuple[int, ...] = ()
    form: type[BaseForm] | None = None
    query: dict[str, Schema] = field(default_factory=dict)
    cached: bool = False

    @property
    def name(self) -> str:
        """Returns the name of the view, which is the call's `operationId`."""
        return self.view.__name__


def get(path: str, view: View, summary: str, answer: str, *, cached: bool = False, **query: Schema) -> Call:
    """Describe a call that reads. Its view returns a response, or a value that becomes uncacheable JSON."""
    refusals = (404, 503) if "<slug>" in path else (503,)
    return Call("GET", path, view, summary, answer, refusals=refusals, query=query, cached=cached)


def post(
    path: str,
    view: View,
    summary: str,
    answer: str,
    *,
    form: type[BaseForm],
    status: int = 200,
    refused: tuple[int, ...] = (),
) -> Call:
    """Describe a call that writes. Its view takes the form that the JSON object filled; `refused` adds to `ALWAYS`."""
    refusals = tuple(sorted({*ALWAYS, *refused}))
    return Call("POST", path, view, summary, answer, status=status, refusals=refusals, form=form)


LANG: Final = {"type": "string"}
NUMBER: Final = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
PAGE: Final = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
SEARCH_TERM: Final = {"type": "string", "maxLength": 80}

# fmt: off
CALLS: Final[tuple[Call, ...]] = (
    get("/campaigns/<slug>/checkpoints", heads.checkpoints,
        "Signed heads of the ledger, newest first, 100 at a time", "Checkpoints", before=NUMBER),
    get("/campaigns/<slug>/consistency", heads.consistency,
        "The proof that one head begins with another", "Consistency", old=NUMBER, new=NUMBER),
    get("/campaigns", reading.campaigns, "Public campaigns", "Listing", cached=True, lang=LANG),
    get("/campaigns/<slug>", reading.campaign, "Everything public about a campaign", "Campaign", cached=True, lang=LANG),
    get("/campaigns/<slug>/count", reading.count, "The count, made for polling with If-None-Match", "Count", cached=True),
    get("/campaigns/<slug>/challenge", reading.challenge,
        "An ALTCHA challenge to solve before asking for a code", "Puzzle"),
    get("/campaigns/<slug>/receipt/<leaf>", reading.receipt,
        "The status of a signature, by its leaf hash: what the ledger shows, or with the header Petition-Ticket the truth",
        "Standing"),
    get("/campaigns/<slug>/signers", reading.signers,
        "Who chose to be seen, in ledger order, 100 a page", "Signers", cached=True, page=PAGE, q=SEARCH_TERM),
    get("/campaigns/<slug>/breakdown", reading.breakdown,
        "Those who show only a role, by role and by team: groups of ten and more", "Breakdown", cached=True),
    post("/campaigns/<slug>/subscribe", writing.subscribe,
         "Ask for mail to a personal address; a mail asks to confirm", "Asked",
         form=SubscribeForm, status=202, refused=(429,)),
    post("/campaigns/<slug>/verify", writing.verify,
         "Ask for a code by mail to a work address; "
         "all mails of an address and day (UTC), three at most and one more for each listed host, carry the same code",
         "Kept", form=VerifyForm, status=202, refused=(409, 429)),
    post("/campaigns/<slug>/pass", writing.stamp,
         "Answer the code and have a blinded value stamped", "Stamp", form=PassForm, refused=(403, 409)),
    post("/campaigns/<slug>/sign", writing.sign,
         "Redeem a pass for a signature", "Signed", form=SignForm, status=201, refused=(403, 409)),
    post("/campaigns/<slug>/withdraw", writing.withdraw, "Take a signature back", "State", form=WithdrawForm,
         refused=(409,)),
    post("/campaigns/<slug>/hide", writing.hide, "Take the name off and stay counted", "State", form=WithdrawForm,
         refused=(409,)),
    post("/campaigns/<slug>/amend", writing.amend, "Change what a signature shows", "Amended", form=AmendForm,
         refused=(409,)),
)
# fmt: on
