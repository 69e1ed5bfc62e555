"""Calls that write: ask for a code or for mail, get a pass stamped, sign, change, withdraw, remove the name."""

from __future__ import annotations

from typing import Any

from petition.blindsign.passes import Pass
from petition.core.encoding import b64u
from petition.web import signing
from petition.web.api.answers import amend_receipt_json, receipt_json, state_name
from petition.web.forms.public import AmendForm, PassForm, SignForm, SubscribeForm, VerifyForm, WithdrawForm


def verify(slug: str, form: VerifyForm) -> dict[str, str]:
    """Send a code by mail. The answer is the same for every address of a listed domain."""
    return {"challenge": signing.ask_for_code(slug, form.code_request())}


def stamp(slug: str, form: PassForm) -> dict[str, str]:
    """Issue one stamp for each person. The same blinded value may be sent again while the code is valid."""
    return {"stamp": b64u(signing.issue_stamp(slug, form.answer()))}


def sign(slug: str, form: SignForm) -> dict[str, Any]:
    """Sign. Only this answer contains the receipt, and nobody can make it again."""
    given = form.signing()
    return {"receipt": receipt_json(signing.redeem(slug, Pass.decode(given.held), given.choice))}


def amend(slug: str, form: AmendForm) -> dict[str, Any]:
    """Change what a signature shows. The same request sent again gets the same answer while the change waits."""
    return {"receipt": amend_receipt_json(signing.amend(slug, form.amending()))}


def withdraw(slug: str, form: WithdrawForm) -> dict[str, str]:
    """Withdraw a signature. Repeating it changes nothing."""
    return {"state": state_name(signing.withdraw(slug, form.withdraw.data))}


def hide(slug: str, form: WithdrawForm) -> dict[str, str]:
    """Remove the name. Repeating it changes nothing."""
    return {"state": state_name(signing.hide(slug, form.withdraw.data))}


def subscribe(slug: str, form: SubscribeForm) -> dict[str, str]:
    """Subscribe an address to mail. New, known and suppressed addresses get the same answer."""
    signing.ask_for_mail(slug, form.subscription())
    return {"state": "asked"}
