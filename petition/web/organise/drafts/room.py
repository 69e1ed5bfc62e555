"""The room of drafts, and what each of its views does around the one thing it is for.

Guards that a draft is taken under a lock, changed, and noted in the journal in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request
from sqlalchemy.orm import Session

from petition import campaigns, clock, db
from petition.campaigns import Campaign
from petition.organising import drafting
from petition.web.organise import guard

bp = guard.room("drafts", largest_form=guard.LARGEST_FORM)


@contextmanager
def changing(step: str) -> Iterator[tuple[Session, Campaign]]:
    """The draft of this request for a change; raises LetterFrozen."""
    with db.transaction() as session:
        campaign = guard.campaign(session)
        campaigns.hold_draft(session, campaign)
        yield session, campaign
        drafting.note(session, campaign, step, guard.visitor().organiser_id, clock.now())


def typed() -> dict[str, str]:
    """What was typed into the form of this request."""
    return {name: text for name, text in request.form.items() if name != "token"}
