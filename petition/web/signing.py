"""What signers and subscribers request, shared by the pages and the API: a code, a pass, a signature, changes, mail.

Each function opens the one transaction that it needs.
"""

from __future__ import annotations

from petition import signatures, verification
from petition.blindsign.passes import Pass
from petition.core import clock, db, i18n
from petition.mailing import subscribers
from petition.signatures import AmendReceipt, DisplayChoice, Receipt, SignatureState, SignatureStatus
from petition.web import page_cache, proof_of_work
from petition.web.forms.public import Amending, CodeAnswer, CodeRequest, Subscription
from petition.web.network import network
from petition.web.services import services


def ask_for_code(slug: str, asked: CodeRequest) -> str:
    """Begin a verification and return the challenge's id.

    The answer is the same for every address of a listed domain.
    """
    here = services()
    campaign = here.page_cache.campaign(slug)
    proven = proof_of_work.was_done(here.config.secret_keys, here.redis_store, asked.puzzle)
    where = network()
    with db.autocommit() as session:
        return verification.begin(
            session,
            here.verification,
            campaign,
            asked.address,
            network=where,
            proven=proven,
            lang=_mail_language(slug, asked.lang),
            now=clock.now(),
        )


def issue_stamp(slug: str, given: CodeAnswer) -> bytes:
    """Sign a blinded value. Input and output have 256 bytes."""
    here = services()
    campaign = here.page_cache.campaign(slug)
    with db.autocommit() as session:
        return verification.issue(
            session, here.verification, campaign, given.challenge, given.code, given.blinded, clock.now()
        )


def redeem(slug: str, held: Pass, choice: DisplayChoice) -> Receipt:
    """Redeem a pass for a signature, in one round trip to the database."""
    campaign = services().page_cache.campaign(slug)
    with db.autocommit() as session:
        return signatures.redeem(session, campaign, held, choice)


def withdraw(slug: str, value: bytes) -> SignatureState:
    """Withdraw a signature with the next value of its secret chain."""
    campaign = services().page_cache.campaign(slug)
    with db.transaction() as session:
        return signatures.withdraw(session, campaign, value)


def hide(slug: str, value: bytes) -> SignatureState:
    """Remove what a signature shows, with the next value of its secret chain."""
    campaign = services().page_cache.campaign(slug)
    with db.transaction() as session:
        return signatures.hide(session, campaign, value)


def amend(slug: str, given: Amending) -> AmendReceipt:
    """Change what a signature shows."""
    campaign = services().page_cache.campaign(slug)
    with db.transaction() as session:
        return signatures.amend(session, campaign, given.value, given.choice)


def status(slug: str, leaf: bytes, ticket: bytes = b"") -> SignatureStatus:
    """Returns the status of a signature by its leaf hash: what the ledger shows, or with its ticket the truth."""
    campaign = services().page_cache.campaign(slug)
    with db.session() as session:
        return signatures.status(session, campaign, leaf, ticket)


def status_of(slug: str, w0: bytes) -> SignatureStatus:
    """Returns the status of the signature whose signer keeps this secret."""
    campaign = services().page_cache.campaign(slug)
    with db.session() as session:
        return signatures.status_of(session, campaign, w0)


def status_by_hash(slug: str, hw: bytes) -> SignatureStatus:
    """Returns what the ledger shows of the signature with this hash of its secret chain."""
    campaign = services().page_cache.campaign(slug)
    with db.session() as session:
        return signatures.status_by_hash(session, campaign, hw)


def ask_for_mail(slug: str, wanted: Subscription) -> None:
    """Subscribe an address to mail. Raises AddressRefused, WorkAddressRefused, AskedTooOften, AskingAway."""
    here = services()
    campaign = here.page_cache.campaign(slug)
    lang = wanted.choice.language(page_cache.snapshot(slug).languages)
    subscribers.admit(here.redis_store, network)
    with db.transaction() as session:
        subscribers.ask(
            session,
            here.config.pepper,
            campaign.id,
            campaign.domains,
            wanted.address,
            lang,
            wanted.choice.frequency,
            clock.now(),
        )


def _mail_language(slug: str, asked: str) -> str:
    first = page_cache.snapshot(slug).languages[0]
    return i18n.interface_language(asked if asked in i18n.LANGUAGES else first)
