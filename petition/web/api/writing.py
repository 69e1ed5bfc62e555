"""What a signer does: ask for a code, get a pass stamped, sign, withdraw, take the name off."""

from __future__ import annotations

from typing import Any

from petition import signatures, verification
from petition.core import clock, db, i18n
from petition.core.encoding import b64u
from petition.signatures import Receipt
from petition.web import page_cache, proof_of_work
from petition.web.api.calls import writes
from petition.web.api.reading import state_name
from petition.web.forms import PassForm, SignForm, VerifyForm, WithdrawForm
from petition.web.network import network
from petition.web.services import services


@writes(
    "/campaigns/<slug>/verify",
    "Ask for a code by mail to a work address; all mails of an address and day (UTC), three at most, carry the same code",
    VerifyForm,
    status=202,
    answer="Kept",
    refusals=(409, 429),
)
def verify(slug: str, form: VerifyForm) -> dict[str, str]:
    """The same answer for every address of a listed domain."""
    return {"challenge": ask_for_code(slug, form)}


def ask_for_code(slug: str, form: VerifyForm) -> str:
    """Begin a verification for a page or a call; gives the challenge's id."""
    here = services()
    campaign = here.page_cache.campaign(slug)
    proven = proof_of_work.was_done(here.config.secret_key, here.redis_store, form.altcha.data)
    where = network()
    with db.single_statement() as session:
        return verification.begin(
            session,
            here.verification,
            campaign,
            str(form.address.data),
            network=where,
            proven=proven,
            lang=_mail_language(slug, form.lang.data),
            now=clock.now(),
        )


@writes(
    "/campaigns/<slug>/pass",
    "Answer the code and have a blinded value stamped",
    PassForm,
    status=200,
    answer="Stamp",
    refusals=(403, 409),
)
def stamp(slug: str, form: PassForm) -> dict[str, str]:
    """One stamp for each person; the same blinded value may be sent again while the code lives."""
    return {"stamp": b64u(issue_stamp(slug, form, form.blinded_bytes()))}


def issue_stamp(slug: str, form: PassForm, blinded: bytes) -> bytes:
    """Stamp a blinded value for a page or a call; `form` holds challenge and code."""
    here = services()
    campaign = here.page_cache.campaign(slug)
    with db.single_statement() as session:
        return verification.issue(
            session, here.verification, campaign, str(form.challenge.data), str(form.code.data), blinded, clock.now()
        )


@writes(
    "/campaigns/<slug>/sign",
    "Redeem a pass for a signature",
    SignForm,
    status=201,
    answer="Signed",
    refusals=(403, 409),
)
def sign(slug: str, form: SignForm) -> dict[str, Any]:
    """The receipt is told once; nobody can make it again."""
    return {"receipt": receipt_json(redeem(slug, form))}


def redeem(slug: str, form: SignForm) -> Receipt:
    """Redeem for a page or a call: one round trip to the database."""
    campaign = services().page_cache.campaign(slug)
    with db.single_statement() as session:
        return signatures.redeem(session, campaign, str(form.pass_.data), form.wish())


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt as the calls say it."""
    return {
        "entry": receipt.entry,
        "salt": b64u(receipt.salt),
        "body": receipt.body.fields(),
        "withdraw": b64u(receipt.withdraw),
        "promise": b64u(receipt.promise),
        "by_epoch": receipt.by_epoch,
    }


@writes(
    "/campaigns/<slug>/withdraw",
    "Take a signature back",
    WithdrawForm,
    status=200,
    answer="State",
)
def withdraw(slug: str, form: WithdrawForm) -> dict[str, str]:
    """Repeating it changes nothing."""
    campaign = services().page_cache.campaign(slug)
    with db.transaction() as session:
        return {"state": state_name(signatures.withdraw(session, campaign, form.secret()))}


@writes(
    "/campaigns/<slug>/hide",
    "Take the name off and stay counted",
    WithdrawForm,
    status=200,
    answer="State",
)
def hide(slug: str, form: WithdrawForm) -> dict[str, str]:
    """Repeating it changes nothing."""
    campaign = services().page_cache.campaign(slug)
    with db.transaction() as session:
        return {"state": state_name(signatures.hide(session, campaign, form.secret()))}


def _mail_language(slug: str, asked: str | None) -> str:
    first = page_cache.snapshot(slug).languages[0]
    return i18n.interface_language(asked if asked in i18n.LANGUAGES else first)
