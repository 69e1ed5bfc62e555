"""A published letter, and the words of its pages."""

from __future__ import annotations

import re
from html import unescape

from flask import Flask

from petition import epochs
from petition.core import db
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from tests import make


def published(
    *, named: int = 0, anonymous: int = 0, roles: dict[str, int] | None = None, unused: int = 0, **changes: object
) -> str:
    """The name of an open campaign with these signatures in its ledger."""
    wishes = [DisplayChoice(Visibility.NAME, f"Suzie{n} Example") for n in range(named)] + [make.ANONYMOUS] * anonymous
    wishes += [DisplayChoice(Visibility.ROLE, role=role) for role, n in (roles or {}).items() for _ in range(n)]
    with db.transaction() as session:
        made = make.campaign(session, **changes)  # type: ignore[arg-type]
        for wish in wishes:
            make.signature(session, made, wish)
        for _ in range(unused):
            make.a_pass(session, made)
        epochs.close_epoch(session, made, make.NOW)
        return made.slug


def forget(app: Flask) -> None:
    """Let the app's memory be that of a new process."""
    app.extensions["undersigned"].page_cache.forget()


def a_second_passes(app: Flask) -> None:
    """Let everything that the app remembers be due to be looked for anew, as it is once a second."""
    memory = app.extensions["undersigned"].page_cache
    for each in (*memory._snapshots.values(), *memory._campaigns.values(), memory._listing):
        each._refreshed_at = float("-inf")


def text_of(page: str) -> str:
    """A page as it is read."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))
