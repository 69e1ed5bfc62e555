"""Asking about known and unknown people (P30): an application, what it knows of whom, and the same question about both."""

from __future__ import annotations

import gc
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from time import perf_counter_ns
from typing import Any, Final

import pytest
from flask import Flask
from sqlalchemy import insert, update
from werkzeug.test import EnvironBuilder, run_wsgi_app

from petition import epochs, verification
from petition.campaigns import Campaign, OpenCampaign
from petition.config import Config
from petition.core import clock, db, events
from petition.core.encoding import b64u
from petition.core.redis_store import SIGN_IN_TRIES, RedisStore
from petition.mailing import subscribers
from petition.mailing.subscribers import Frequency, Report, Subscriber, SubscriberState, Trouble
from petition.organisers import RecoveryCode, enrol, recovery
from petition.privacy import canonical_address, identity_tag
from petition.verification.tables import Tag
from petition.verification.work_email import MAILS_A_DAY
from petition.web.app import build
from petition.web.services import NAME
from tests import make
from tests.support.suzie import fields

WRONG_CODE: Final = "00000000"
Typed = dict[str, str]


@dataclass
class House:
    """The application, an open campaign, and what a campaign knows of people."""

    app: Flask
    campaign: Campaign

    def call(self, name: str, typed: Typed) -> dict[str, Any]:
        """A call as a script makes it, from a network that was never seen before."""
        return self._asked(f"/api/campaigns/{self.campaign.slug}/{name}", json=typed)

    def page(self, name: str, typed: Typed) -> dict[str, Any]:
        """A form as a browser sends it."""
        return self._asked(f"/c/{self.campaign.slug}/{name}", data=typed)

    def sign_in(self, typed: Typed) -> dict[str, Any]:
        """The organisers' door."""
        return self._asked("/organise/sign-in", data=typed)

    def _asked(self, path: str, **given: Any) -> dict[str, Any]:
        network = {"REMOTE_ADDR": str(IPv4Address(secrets.randbelow(2**31) + 2**24))}
        builder = EnvironBuilder(path=path, method="POST", environ_base=network, **given)
        return builder.get_environ()

    def challenge(self, address: str) -> str:
        """A challenge that waits for a code, whether or not a mail left."""
        body, _status, _headers = run_wsgi_app(self.app, self.page("verify", {"address": address}), buffered=True)
        return _form(b"".join(body).decode())["challenge"]


def _form(html: str) -> Typed:
    class Page:
        text = html

    return fields(Page())  # type: ignore[arg-type]


Pair = tuple[list[Typed], list[Typed]]


def somebody(kind: str = "suzie") -> str:
    """A local part that nobody else has; all are of one length."""
    return f"{kind[:5]:x<5}{secrets.token_hex(6)}"


def verified(house: House, n: int) -> Pair:
    """Work addresses of people who hold a pass and had today's mails, and such as nobody ever gave."""
    known = [f"{somebody()}@corp.example" for _ in range(n)]
    parts = house.app.extensions[NAME]
    with db.transaction() as session:
        for address in known:
            work = canonical_address(address, house.campaign.policies())
            tag = identity_tag(parts.config.pepper, house.campaign.id, work.canonical)
            session.execute(insert(Tag).values(campaign_id=house.campaign.id, tag=tag, reply=bytes(32)))
    for address in known * MAILS_A_DAY:
        with db.autocommit() as single:
            network, now = secrets.token_bytes(16), clock.now()
            verification.begin(
                single,
                parts.verification,
                OpenCampaign.of(house.campaign),
                address,
                network=network,
                proven=False,
                lang="en",
                now=now,
            )
    return [{"address": each} for each in known], [{"address": f"{somebody()}@corp.example"} for _ in range(n)]


def answered(house: House, n: int) -> Pair:
    """Wrong codes for challenges of people who hold a pass, and of such as nobody knows."""
    known, unknown = (
        [{"challenge": house.challenge(each["address"]), "code": WRONG_CODE} for each in side]
        for side in verified(house, n)
    )
    return known, unknown


def regretted(house: House, n: int) -> Pair:
    """The published numbers of signatures, as if they were the secrets that withdraw them, and numbers of nobody."""
    with db.transaction() as session:
        here = session.get_one(Campaign, house.campaign.id)
        receipts = [make.signature(session, here) for _ in range(min(n, 50))]
        epochs.close_epoch(session, here, make.NOW)
    almost = [bytes([*each.withdraw[:-1], each.withdraw[-1] ^ 1]) for each in receipts]
    known, unknown = (
        [b64u(random.choice(almost)) for _ in range(n)],
        [b64u(secrets.token_bytes(32)) for _ in range(n)],
    )
    return [_taken_back(each) for each in known], [_taken_back(each) for each in unknown]


def _taken_back(secret: str) -> Typed:
    """What the call and the page take: a value of the chain, or what its signer keeps."""
    return {"withdraw": secret, "receipt": secret}


def _wants_mail(local: str) -> Typed:
    return {"address": f"{local}@post.example", "rhythm": "weekly", "lang": "en"}


def subscribed(house: House, n: int) -> Pair:
    """Addresses on the list, and new ones."""
    known = [_wants_mail(somebody()) for _ in range(n)]
    with db.transaction() as session:
        campaign = session.get_one(Campaign, house.campaign.id)
        for each in known:
            subscribers.ask(
                session,
                make.PEPPER,
                campaign.id,
                campaign.policies(),
                each["address"],
                "en",
                Frequency.WEEKLY,
                make.NOW,
            )
        session.execute(update(Subscriber).values(state=SubscriberState.ACTIVE))
    return known, [_wants_mail(somebody()) for _ in range(n)]


def asked_before(house: House, n: int) -> Pair:
    """Addresses on the list and addresses that are not, all of which somebody asked about before on this day."""
    pair = subscribed(house, n)
    ask(house, asked(house, QUESTIONS["subscribe, on the list"], pair))
    return pair


def suppressed(house: House, n: int) -> Pair:
    """Addresses on the list that do not exist, as a mail server said, and new ones."""
    known, new = subscribed(house, n)
    _reported(Trouble.HARD, known)
    return known, new


def complained(house: House, n: int) -> Pair:
    """Addresses whose owners called our mail spam, and new ones."""
    del house
    known = [_wants_mail(somebody()) for _ in range(n)]
    _reported(Trouble.COMPLAINT, known)
    return known, [_wants_mail(somebody()) for _ in range(n)]


def _reported(trouble: Trouble, people: list[Typed]) -> None:
    with db.transaction() as session:
        for each in people:
            assert subscribers.record(session, make.PEPPER, Report(trouble, each["address"]), make.NOW.date())


def organising(house: House, n: int) -> Pair:
    """Names of organisers with a wrong recovery code, and names of nobody; each name is tried five times."""
    del house
    names = [somebody("omar") for _ in range(-(-n // SIGN_IN_TRIES))]
    hashed = recovery.HASHER.hash("0" + secrets.token_hex(8))
    with db.transaction() as session:
        for name in names:
            organiser = enrol(session, name, "en", make.NOW)
            codes = [{"organiser_id": organiser.id, "number": at, "hash": hashed} for at in range(recovery.CODES)]
            session.flush()
            session.execute(insert(RecoveryCode), codes)
    nobody = [somebody("omar") for _ in names]
    known, unknown = (
        [{"name": each, "code": f"0{secrets.token_hex(7)}0"} for each in side * SIGN_IN_TRIES][:n]
        for side in (names, nobody)
    )
    return known, unknown


@dataclass(frozen=True)
class Question:
    """One way to ask: what is known and what is not, the call, and the page that does the same."""

    people: Callable[[House, int], Pair]
    name: str
    more: Typed = field(default_factory=dict)


BLINDED: Final = {"blinded": b64u(bytes([1]) * 256)}
QUESTIONS: Final = {
    "code asked for": Question(verified, "verify"),
    "wrong code": Question(answered, "pass", BLINDED),
    "withdraw": Question(regretted, "withdraw"),
    "subscribe, on the list": Question(subscribed, "subscribe"),
    "subscribe, asked again": Question(asked_before, "subscribe"),
    "subscribe, suppressed": Question(suppressed, "subscribe"),
    "subscribe, complained": Question(complained, "subscribe"),
    "organiser's sign-in": Question(organising, "sign-in"),
}


def _freeze_pages(app: Flask) -> None:
    """Let no page be looked for anew, as happens once a second: whose question met that second would be by chance."""
    memory = app.extensions[NAME].page_cache
    memory._clock = lambda: 0.0
    memory.forget()


@pytest.fixture
def house(config: Config, redis_store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An application with an open campaign whose pages do not age, and all that it announces.

    Recovery codes are compared without the pause between them, which is the same for everybody.
    """
    monkeypatch.setattr(recovery, "PAUSE", 0.0)
    app = build(config)
    _freeze_pages(app)
    announced: list[events.Event] = []
    events.connect(announced.append)
    with db.transaction() as session:
        campaign = make.campaign(session)
        session.flush()
        session.expunge(campaign)
    yield House(app, campaign)
    events.connect(lambda event: None)
    db.disconnect()


@dataclass
class Heard:
    """Answers of one side: all that can be told from outside but the time, and the times in microseconds."""

    looks: set[tuple[object, ...]] = field(default_factory=set)
    times: list[float] = field(default_factory=list)


def ask(house: House, environs: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> tuple[Heard, Heard]:
    """Ask everything in random order."""
    heard = Heard(), Heard()
    order = [(side, environ) for side in (0, 1) for environ in environs[side]]
    random.shuffle(order)
    gc.collect()
    gc.disable()
    try:
        for side, environ in order:
            began = perf_counter_ns()
            body, status, headers = run_wsgi_app(house.app, environ, buffered=True)
            took = perf_counter_ns() - began
            heard[side].looks.add((status, tuple(headers), len(b"".join(body))))
            heard[side].times.append(took / 1000)
    finally:
        gc.enable()
    return heard


def asked(house: House, question: Question, pair: Pair, *, by_page: bool = False) -> Any:
    """The requests of both sides, made before any is timed."""
    if question.name == "sign-in":
        return tuple([house.sign_in(each) for each in side] for side in pair)
    if by_page:
        seed = {"seed": b64u(bytes(32))} if question.name == "pass" else {}
        return tuple([house.page(question.name, each | seed) for each in side] for side in pair)
    return tuple([house.call(question.name, each | question.more) for each in side] for side in pair)
