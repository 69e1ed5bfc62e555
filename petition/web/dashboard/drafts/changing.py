"""What each step of a draft does around its own work.

A draft is locked, changed and entered in the audit log in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from flask import request
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import db
from petition.usecases import drafting
from petition.web.dashboard import access
from petition.web.forms import lines

PRESSED: Final = frozenset({"token", "go", "act", "preview", "templates"})
"""What a form holds beside what was typed: its token, and the button that was pressed."""


@contextmanager
def changing(step: str) -> Iterator[tuple[Session, Campaign]]:
    """The draft of this request for a change; raises LetterFrozen."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        campaigns.hold_draft(session, campaign)
        yield session, campaign
        drafting.record_step(session, campaign, step, access.actor())


def typed() -> dict[str, str]:
    """What was typed into the form of this request."""
    return {name: text for name, text in request.form.items() if name not in PRESSED}


def only_passing(shown: Mapping[str, str]) -> bool:
    """Whether somebody goes on and leaves a step as its page showed it: nothing is saved then."""
    form = dict.fromkeys(typed(), "") | dict(shown)
    return "go" in request.form and all(lines(request.form.get(name)) == lines(text) for name, text in form.items())
