"""Things that tests start from: plain functions, each with a name that says what it makes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import count

from sqlalchemy.orm import Session

from petition import epochs, signatures, verification
from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import KeptPass
from petition.campaigns import (
    Campaign,
    CampaignState,
    Draft,
    Letter,
    OpenCampaign,
    add_demand,
    allow_small_batches,
    draft,
)
from petition.campaigns.changes import CHANGEABLE
from petition.campaigns.milestones import MilestoneKind, aim
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice, Receipt
from petition.verification import Proven

PEPPER = b"p" * 32
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANONYMOUS = DisplayChoice(Visibility.ANONYMOUS)
_numbers = count(1)

allow_small_batches(True)  # where a process of its own makes campaigns; tests/conftest.py says it before each test


def a_draft(**changes: object) -> Draft:
    """A campaign's description, good enough to be opened."""
    described: dict[str, object] = {
        "slug": f"letter-{next(_numbers)}",
        "origin": "localhost/c/letter",
        "letters": {"en": ("A letter", "Dear chief executive,\n\nplease answer.\n"), "fr": ("Une lettre", "Madame,\n")},
        "demands": [{"en": "Answer us.", "fr": "Répondez-nous."}],
        "addressee": "Chief Executive",
        "organisation": "Example",
        "domains": {"corp.example": {"plus": True, "dots": True, "hosts": ["eu.corp.example"]}},
        "roles": {"Engineer": {}, "Designer": {}},
        "teams": {"Platform": {}},
        "workforce": 1000,
        "batch_min": 1,
        "interval": 5,
        "public_min": 1,
    }
    return Draft(**(described | changes))  # type: ignore[arg-type]


def draft_in_memory(**changes: object) -> Campaign:
    """A draft that no database holds, for rules that only look at its values or change them."""
    described = a_draft(**changes)
    facts = {name: getattr(described, name) for name in CHANGEABLE}
    made = Campaign(
        id=secrets.token_bytes(16), slug=described.slug, origin=described.origin, state=CampaignState.DRAFT, stopped=[],
        languages=list(described.languages or described.letters), methods=list(described.methods), stale=False, **facts,
    )  # fmt: skip
    made.letters = [Letter(lang=lang, title=title, markdown=text) for lang, (title, text) in described.letters.items()]
    for text in described.demands:
        add_demand(made, text)
    return made


def campaign(session: Session, *, goals: tuple[tuple[MilestoneKind, int], ...] = (), **changes: object) -> Campaign:
    """An open campaign."""
    made = draft(session, a_draft(**changes))
    aim(session, made.id, goals)
    epochs.open_campaign(session, made, NOW)
    return made


def a_pass(session: Session, made: Campaign) -> KeptPass:
    """A pass and its secret, stamped blindly for a person who proved to work there."""
    blinding = passes.begin(rsabssa.load_spki(made.issuer or b""), made.id)
    someone = Proven("work_email", secrets.token_bytes(32))
    stamp = verification.stamp(session, PEPPER, OpenCampaign.of(made), someone, blinding.blinded)
    return passes.complete(blinding, stamp)


@dataclass(frozen=True, slots=True)
class KeptReceipt(Receipt):
    """A receipt as its signer keeps it: with the secret `w0`."""

    w0: bytes = b""

    @property
    def withdraw(self) -> bytes:
        """The value of the secret chain that the signer's first act reveals."""
        return passes.reveal(self.w0, 0)


def signature(session: Session, made: Campaign, wish: DisplayChoice = ANONYMOUS) -> KeptReceipt:
    """A signature that waits for the next epoch."""
    kept = a_pass(session, made)
    receipt = signatures.redeem(session, OpenCampaign.of(made), kept.held, wish)
    return KeptReceipt(**{each.name: getattr(receipt, each.name) for each in fields(receipt)}, w0=kept.w0)
