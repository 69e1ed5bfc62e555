"""Bench rows of signing: redeeming passes, and whole signings from the address to the receipt."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from sqlalchemy import text

from petition import campaigns
from petition.blindsign import passes, rsabssa
from petition.bootstrap import commands
from petition.campaigns import Campaign
from petition.core import db
from petition.verification import _issuer_key
from petition.verification.tables import Issued
from tests.proofs.footprint import seconds_of, tree
from tests.proofs.load import Driver, Mailbox, codes_sink, in_threads, process
from tests.support.clients import forget_networks

CLIENTS = 8
TURNS = 5
WARM = 64
SIGNING_MILLISECONDS = 8.0


def redemptions(bench: Any, ours: Driver, bare: Driver, slug: str) -> float:
    """The best of five turns each, side by side, after a warm-up: how clients fall upon two processes is a lottery."""
    n, path = bench.size["redeem"] // TURNS, f"/api/campaigns/{slug}/sign"
    posts = [json.dumps({"pass": each, "show": "anonymous"}) for each in made_passes(slug, TURNS * n + WARM)]
    for driver, where in ((bare, "/insert"), (ours, path)):
        driver.posts(where, posts[:WARM], CLIENTS, 201)
    turns = [posts[WARM + turn * n : WARM + (turn + 1) * n] for turn in range(TURNS)]
    both = [(bare.posts("/insert", each, CLIENTS, 201), ours.posts(path, each, CLIENTS, 201)) for each in turns]
    limit = max(limit for limit, _ in both)
    bench.add("redemptions, POST", max(figure for _, figure in both), "/s", limit, 0.4)
    return limit


def full_signings(bench: Any, ours: Driver, slug: str, limit: float, web: int) -> None:
    """Verify + pass + sign with a worker and a sink, codes read from the mails. `web` is the server's process id.

    The processor time is that of the web, the worker, PostgreSQL and Valkey, of all their processes, without the driver.
    """
    config, mailbox = bench.config, Mailbox()
    with db.session() as session:
        campaign = campaigns.find(session, slug)
    smtp = int((config.smtp_url or "").rsplit(":", 1)[1])
    spent = {"verify": 0.0, "mail": 0.0, "pass": 0.0, "sign": 0.0}
    n = bench.size["full"] // TURNS
    numbers = count()

    def sign_on(times: int) -> None:
        for _ in range(times):
            number = next(numbers)
            if number % 40 == 39:
                forget_networks(config.redis_url)
            took = one_signing(ours, campaign, mailbox, f"person{number}@corp.example")
            for name in spent:
                spent[name] += took[name]

    argv = commands.worker("prompt", config).argv
    with codes_sink(smtp, mailbox), process(argv, config.environment(), lambda: True) as worker:
        servers = (web, worker, bench.services.postgres.pid, bench.services.valkey.pid)
        turn(ours, sign_on, WARM)
        spent.update(dict.fromkeys(spent, 0.0))
        before = seconds_of(tree(*servers))
        rate = max(turn(ours, sign_on, n) for _ in range(TURNS))
        milliseconds = 1000 * (seconds_of(tree(*servers)) - before) / (max(1, n // CLIENTS) * CLIENTS * TURNS)
    total = sum(spent.values()) or 1
    shares = ", ".join(f"{name} {took / total:.0%}" for name, took in spent.items())
    bench.add(f"full signings ({shares})", rate, "/s", limit / 3, 0.2)
    bench.add("processor time of a full signing", milliseconds, "ms", SIGNING_MILLISECONDS, 1, least=False)


def turn(driver: Driver, sign_on: Callable[[int], None], n: int) -> float:
    """So many signings by eight clients at once, and how many there were a second."""
    driver.deal(CLIENTS)
    began = time.perf_counter()
    in_threads(lambda _: sign_on(max(1, n // CLIENTS)), CLIENTS)
    return max(1, n // CLIENTS) * CLIENTS / (time.perf_counter() - began)


def one_signing(driver: Driver, campaign: Campaign, mailbox: Mailbox, address: str) -> dict[str, float]:
    """Seconds of each step."""
    api, marks = f"/api/campaigns/{campaign.slug}", [time.perf_counter()]
    asked = driver.post(f"{api}/verify", {"address": address}, 202)
    marks.append(time.perf_counter())
    code = mailbox.code(address)
    marks.append(time.perf_counter())
    blinding = passes.begin(rsabssa.load_spki(campaign.issuer or b""), campaign.id)
    given = {"challenge": asked["challenge"], "code": code, "blinded": passes.b64u(blinding.blinded)}
    stamped = driver.post(f"{api}/pass", given, 200)["stamp"]
    held = passes.complete(blinding, passes.unb64u(stamped, 256)).held
    marks.append(time.perf_counter())
    driver.post(f"{api}/sign", {"pass": held.encode(), "show": "anonymous"}, 201)
    marks.append(time.perf_counter())
    names = ("verify", "mail", "pass", "sign")
    return {name: after - before for name, before, after in zip(names, marks, marks[1:], strict=False)}


def made_passes(slug: str, n: int) -> list[str]:
    """Passes stamped by the campaign's key, and counted as issued."""
    with db.transaction() as session:
        campaign = campaigns.find(session, slug)
        key = _issuer_key(session, campaign.id)
        session.merge(Issued(campaign_id=campaign.id, method="work_email", n=10**6))
        session.execute(text("SELECT 1"))
    return [one_pass(key, campaign.id) for _ in range(n)]


def one_pass(key: rsabssa.PrivateKey, cid: bytes) -> str:
    """A pass that is good."""
    blinding = passes.begin(key.public, cid)
    return passes.complete(blinding, rsabssa.blind_sign(key, blinding.blinded)).held.encode()
