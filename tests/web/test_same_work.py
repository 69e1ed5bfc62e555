"""P30: whoever asks about a known and about an unknown person gets the same answer, and makes us do the same work.

`python3 app.py proof` compares times. Here no clock is read: the same bytes, statements, written rows, Redis commands,
hashes and messages, so that a difference that a clock could find is found on any machine.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine
from werkzeug.test import run_wsgi_app

from petition.config import Config
from petition.core import events
from petition.organisers import recovery
from tests.support.asking import QUESTIONS, House, asked
from tests.support.work import WorkCounter

ASKED = 2


@dataclass
class Seen:
    """What asking about one side showed, and what it made us do, each time."""

    answers: list[tuple[object, ...]] = field(default_factory=list)
    work: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def counter(house: House, owner: Engine, config: Config) -> WorkCounter:
    return WorkCounter(owner, config.redis_url)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every recovery code that is compared with a hash."""
    compared: list[str] = []

    class Hasher:
        def __getattr__(self, name: str) -> Any:
            compared.append(name)
            return getattr(recovery_hasher, name)

    recovery_hasher = recovery.HASHER
    monkeypatch.setattr(recovery, "HASHER", Hasher())
    return compared


@pytest.mark.parametrize("by_page", [False, True], ids=["call", "page"])
@pytest.mark.parametrize("what", QUESTIONS)
def test_known_and_unknown_people_get_the_same_answer_by_the_same_work(
    house: House, counter: WorkCounter, hashed: list[str], what: str, by_page: bool
) -> None:
    question = QUESTIONS[what]
    told: list[str] = []
    sides = asked(house, question, question.people(house, ASKED), by_page=by_page)
    run_wsgi_app(house.app, asked(house, question, question.people(house, 1), by_page=by_page)[0][0], buffered=True)
    events.connect(lambda event: told.append(type(event).__name__))
    seen = [Seen(), Seen()]
    for known, environ in (
        (known, environ) for pair in zip(*sides, strict=False) for known, environ in enumerate(pair)
    ):
        told.clear()
        hashed.clear()
        with counter.work() as done:
            body, status, headers = run_wsgi_app(house.app, environ, buffered=True)
        seen[known].answers.append((status, tuple(headers), len(b"".join(body))))
        seen[known].work.append(asdict(done) | {"messages": Counter(told), "hashes": Counter(hashed)})
    assert seen[0].answers == seen[1].answers
    assert seen[0].work == seen[1].work
    assert seen[0].work[0]["statements"] or seen[0].work[0]["commands"]
