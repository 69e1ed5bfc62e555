"""P33: whoever polls everything that is public, before and after each batch, learns nothing of a group under ten."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from petition import campaigns, epochs, signatures
from petition.config import Config
from petition.core import db
from petition.ledger.entries import Visibility
from petition.publication import bundle_file
from petition.signatures import DisplayChoice, Receipt
from petition.signatures.group_figures import LEAST, STEP
from petition.signatures.tables import Signature
from petition.web.app import build
from tests import make
from tests.support.figures import Write
from tests.support.ranks import CHANCE, correlation, places

TEAM_OF = {"Engineer": "Platform", "Designer": "Studio", "Writer": "Press", "Lawyer": "Legal"}
LIKELY = {"Engineer": 8, "Designer": 4, "Writer": 2, "Lawyer": 0.6}
NAMED = 300
Bounds = tuple[int, int]
Read = Callable[["Poll"], dict[str, Bounds] | None]


@dataclass
class Poll:
    """What everybody may fetch after a batch, and, for the judge alone, how many show each role (`true`) or nothing."""

    table: dict[str, dict[str, int]]
    drawn: int
    epoch: int
    count: int
    named: int
    gone: int
    rest: int
    bodies: dict[int, dict[str, str]]
    alive: set[int]
    seen: tuple[str, ...]
    true: Counter[str] = field(default_factory=Counter)
    anonymous: int = 0
    public: Counter[str] = field(default_factory=Counter)


@dataclass
class Letter:
    """A campaign whose signers are known to the judge, and whoever polls it."""

    client: FlaskClient
    home: Path
    slug: str
    signed: list[tuple[DisplayChoice, Receipt]] = field(default_factory=list)

    def batch(self, wishes: Sequence[DisplayChoice] = (), gone: Sequence[int] = (), hidden: Sequence[int] = ()) -> None:
        """One batch: these come, those withdraw, others take off what they show."""
        with db.transaction() as session:
            campaign = campaigns.find(session, self.slug)
            for wish in wishes:
                self.signed.append((wish, make.signature(session, campaign, wish)))
            for deed, those in ((signatures.withdraw, gone), (signatures.hide, hidden)):
                for each in those:
                    deed(session, campaign, self.signed[each][1].withdraw)
            epochs.close_epoch(session, campaign, make.NOW)
            bundle_file.write_bundle(session, campaign, self.home)
        self.client.application.extensions["undersigned"].page_cache.forget()

    def poll(self) -> Poll:
        """Fetch everything: calls, pages, feed, bundle."""
        at = f"/api/campaigns/{self.slug}"
        breakdown, signers, count = (self.client.get(f"{at}/{each}").json for each in ("breakdown", "signers", "count"))
        pages = tuple(self.client.get(f"/c/{self.slug}{each}").text for each in ("", "/signers", "/feed.atom"))
        with ZipFile(bundle_file.bundle_path(self.home, self.slug)) as bundle:
            log = [json.loads(line) for line in bundle.read("log.jsonl").splitlines()]
            bodies = [json.loads(line) for line in bundle.read("bodies.jsonl").splitlines()]
        ended = {each["i"] for each in log if each["t"] in {"withdraw", "remove"}}
        return Poll(
            table={by["kind"]: {cell["value"]: cell["n"] for cell in by["cells"]} for by in breakdown["by"]},
            drawn=breakdown["epoch"],
            epoch=count["epoch"],
            count=count["count"],
            named=len([each for each in bodies if each["body"]["show"] == "name"]),
            gone=len(ended),
            rest=signers["anonymous"],
            bodies={each["i"]: each["body"] for each in bodies},
            alive={i for i, each in enumerate(log) if each["t"] == "sign"} - ended,
            seen=(*pages, json.dumps(breakdown), json.dumps(signers)),
        )


@pytest.fixture
def letter(config: Config, redis_store: object) -> Any:
    """An open letter with four roles, each with its team."""
    built: Flask = build(config)
    with db.transaction() as session:
        roles, teams = {each: {} for each in TEAM_OF}, {each: {} for each in TEAM_OF.values()}
        campaign = make.campaign(session, roles=roles, teams=teams)
    yield Letter(built.test_client(), config.home, campaign.slug)
    db.disconnect()


def a_role(role: str) -> DisplayChoice:
    """Somebody who shows a role and its team."""
    return DisplayChoice(Visibility.ROLE, role=role, team=TEAM_OF[role])


def somebody(chance: random.Random) -> DisplayChoice:
    """One signer: most show a role, some a name, some nothing."""
    role = chance.choices(list(LIKELY), list(LIKELY.values()))[0]
    show = chance.choices(["role", "name", "nothing"], [5, 2, 2])[0]
    if show == "role":
        return a_role(role)
    return DisplayChoice(Visibility.NAME, f"Suzie {chance.random()}", role) if show == "name" else make.ANONYMOUS


def polled(letter: Letter, batches: int) -> list[Poll]:
    """The polls of a letter that grows by batches of one to nine, most of one; now and then somebody withdraws."""
    chance, polls, there = random.Random(33), [], set[int]()
    for number in range(batches):
        coming = [make.ANONYMOUS] * 15 if number == 0 else []
        coming += [somebody(chance) for _ in range(chance.choice([1, 1, 1, 1, 2, 3, 9]))]
        going = chance.sample(sorted(there), 1) if number % 5 == 4 else []
        there = there - set(going) | set(range(len(letter.signed), len(letter.signed) + len(coming)))
        letter.batch(coming, going)
        poll = letter.poll()
        shown = [letter.signed[each][0] for each in there]
        poll.true = Counter(wish.role for wish in shown if wish.show is Visibility.ROLE)
        poll.anonymous = sum(wish.show is Visibility.ANONYMOUS for wish in shown)
        poll.public = Counter(body["role"] for body in poll.bodies.values() if body["show"] == "role")
        polls.append(poll)
    return polls


def propagate(polls: Sequence[Poll], read: Read) -> list[dict[str, Bounds]]:
    """The least and greatest number of people behind every role after every batch, by all that was published.

    The strongest reader: knows the rules, that a role has one team, that nobody took anything off, and uses every pair of
    polls: between two of them a role gains no more than signed unnamed, and loses no more than left.
    """
    known = [dict.fromkeys(TEAM_OF, (0, poll.count - poll.named)) for poll in polls]

    def narrow(at: int, role: str, least: int, most: int) -> bool:
        low, high = known[at][role]
        known[at][role] = max(low, least), min(high, most)
        return known[at][role] != (low, high)

    for at, poll in enumerate(polls):
        for role, (least, most) in (read(poll) or {}).items():
            narrow(at, role, least, most)
    moved = True
    while moved:
        moved = False
        for at in range(1, len(polls)):
            before, after = polls[at - 1], polls[at]
            left = after.gone - before.gone
            came = after.count - before.count + left - max(0, after.named - before.named)
            for role in TEAM_OF:
                (low, high), (least, most) = known[at - 1][role], known[at][role]
                moved |= narrow(at, role, low - left, high + came)
                moved |= narrow(at - 1, role, least - came, most + left)
        for at, poll in enumerate(polls):
            lows = sum(low for low, _ in known[at].values())
            for role, (low, high) in list(known[at].items()):
                moved |= narrow(at, role, 0, max(low, min(high, poll.count - poll.named - lows + low)))
    return known


def recovered(polls: Sequence[Poll], read: Read) -> int:
    """How many groups of one to nine people the reader knows exactly, over all polls."""
    return sum(
        bounds[role] == (poll.true[role],) * 2
        for poll, bounds in zip(polls, propagate(polls, read), strict=True)
        for role in TEAM_OF
        if 0 < poll.true[role] < LEAST
    )


def rounded(counts: dict[str, int]) -> dict[str, Bounds]:
    """What a rounded table says: so many and at most four more; nothing: under ten."""
    return {role: (counts[role], counts[role] + STEP - 1) if role in counts else (0, LEAST - 1) for role in TEAM_OF}


def published(poll: Poll) -> dict[str, Bounds] | None:
    """The table and its other margin, when it was counted; between two counts it says nothing new."""
    if poll.drawn != poll.epoch:
        return None
    by_team = {role: poll.table["team"][team] for role, team in TEAM_OF.items() if team in poll.table["team"]}
    assert by_team == poll.table["role"]
    return rounded(poll.table["role"])


def exact(poll: Poll) -> dict[str, Bounds]:
    """A table with the exact figure of every group of ten, after every batch."""
    counts = poll.public
    return {role: (counts[role], counts[role]) if counts[role] else (0, LEAST - 1) for role in TEAM_OF}


def only_rounded(poll: Poll) -> dict[str, Bounds]:
    """A table that is rounded but made anew with every batch."""
    return rounded({role: n // STEP * STEP for role, n in poll.public.items()})


def test_no_group_under_ten_is_recovered_by_subtracting_what_was_polled(
    letter: Letter, long: bool, figure: Write
) -> None:
    polls = polled(letter, 300 if long else 45)
    hidden = sum(0 < poll.true[role] < LEAST for poll in polls for role in TEAM_OF)
    found = {read.__name__: recovered(polls, read) for read in (exact, only_rounded, published)}
    figure(f"P33: groups under ten over {len(polls)} polls", hidden, "(what there is to find)")
    figure("P33: recovered from exact tables, every batch", found["exact"], "(control: the attack works)")
    figure(
        "P33: recovered from rounded tables, every batch", found["only_rounded"], "(control: rounding is not enough)"
    )
    figure("P33: recovered from what is published", found["published"], "0")
    assert found["exact"] > 0
    assert found["only_rounded"] > 0
    assert found["published"] == 0
    assert any(poll.table["role"] for poll in polls), "something is published"
    for poll in polls:
        assert all(n >= LEAST and n % STEP == 0 for table in poll.table.values() for n in table.values())
        assert poll.rest == poll.count - poll.named - sum(poll.table["role"].values()) >= LEAST
    figure("P33: tables that differ with fewer than ten changes since", sum(too_near(polls)), "0")
    assert not any(too_near(polls))
    undisclosed_in_bundles(polls, figure)


def undisclosed_in_bundles(polls: Sequence[Poll], figure: Write) -> None:
    """What all kept bundles tell of the groups that are in none, and of those that opened, before they did."""
    alike = [sum(poll.true.values()) - sum(poll.public.values()) for poll in polls]
    undisclosed = [len(poll.alive - poll.bodies.keys()) for poll in polls]
    marked = [each - poll.anonymous for each, poll in zip(undisclosed, polls, strict=True)]
    exact = sum(left == there for left, there in zip(undisclosed, alike, strict=True) if there)
    control = sum(left == there for left, there in zip(marked, alike, strict=True) if there)
    hits = sum(
        body["show"] == "role" and poll.true[body["role"]] < LEAST for poll in polls for body in poll.bodies.values()
    )
    first = {
        role: at for role in TEAM_OF for at in [next((at for at, poll in enumerate(polls) if poll.public[role]), 0)]
    }
    told = sum(past(polls[at], before, role) for role, at in first.items() for before in polls[:at])
    figure("P33: bodies of groups under ten in bundles", hits, "0")
    figure("P33: bundles that give the sum of the hidden groups", exact, "0")
    figure("P33: the same, were the anonymous marked in them", control, "(control: the attack works)")
    figure("P33: past sizes that an opened group tells in bundles", told, "(decision 0028)")
    assert (hits, exact) == (0, 0)
    assert control > 0


def past(opened: Poll, before: Poll, role: str) -> bool:
    """Whether the bundle in which a group opened tells how many it were at an earlier poll."""
    rows = {i for i, body in opened.bodies.items() if (body["show"], body["role"]) == ("role", role)}
    return 0 < before.true[role] == len(rows & before.alive)


def too_near(polls: Sequence[Poll]) -> list[bool]:
    """Whether the table was counted anew before ten came or went, for each time it was."""
    counted = [poll for poll in polls if poll.drawn == poll.epoch]
    changes = [poll.count + 2 * poll.gone for poll in counted]
    return [later - earlier < LEAST for earlier, later in pairwise(changes)]


@pytest.mark.parametrize("how", ["withdraws", "hides"])
def test_two_polls_do_not_tell_who_left_beyond_what_they_showed(letter: Letter, how: str, figure: Write) -> None:
    """One of the anonymous, then one of a group: what remains possible is everybody who showed the same."""
    letter.batch(
        [make.ANONYMOUS] * 30 + [a_role("Engineer")] * 14 + [DisplayChoice(Visibility.NAME, "Alice Example", "Writer")]
    )
    before = letter.poll()
    least = []
    for place, alike in ((3, 30), (35, 14)):
        letter.batch(**{"gone" if how == "withdraws" else "hidden": [place]})
        after = letter.poll()
        assert after.table == before.table
        assert after.bodies.items() <= before.bodies.items()
        lost = [before.bodies[i] for i in before.bodies.keys() - after.bodies.keys()]
        undisclosed = len(before.alive - before.bodies.keys())
        possible = sum(body == lost[0] for body in before.bodies.values()) if lost else undisclosed
        if how == "hides" and not lost:
            assert (after.bodies, after.alive, after.seen[3:]) == (before.bodies, before.alive, before.seen[3:])
        assert "Alice Example" in after.seen[1]
        assert (before.count - after.count, possible) == (int(how == "withdraws"), alike)
        least.append(possible)
        before = after
    figure(f"P33: fewest who may be the one who {how}", min(least), f">= {LEAST}")
    assert min(least) >= LEAST


def test_names_stand_in_the_order_of_their_leaves_which_nobody_chose(letter: Letter) -> None:
    names = [f"Suzie {n:02}" for n in range(12)]
    letter.batch([DisplayChoice(Visibility.NAME, name) for name in names])
    with db.session() as session:
        by_leaf = list(
            session.scalars(select(Signature.name).where(Signature.name.in_(names)).order_by(Signature.leaf))
        )
    told = [each["name"] for each in letter.client.get(f"/api/campaigns/{letter.slug}/signers").json["named"]]
    bundle = [body["name"] for _, body in sorted(letter.poll().bodies.items())]
    assert [name for name in told if name in names] == by_leaf
    assert [name for name in bundle if name in names] == by_leaf


@pytest.mark.proof
def test_the_order_of_the_names_says_nothing_about_the_order_of_arrival(letter: Letter, figure: Write) -> None:
    names = [f"Suzie {n:03}" for n in range(NAMED)]
    letter.batch([DisplayChoice(Visibility.NAME, name) for name in names])
    arrived = [name.encode() for name in names]
    told = [each["name"].encode() for page in (1, 2, 3) for each in letter.client.get(
        f"/api/campaigns/{letter.slug}/signers?page={page}").json["named"]]  # fmt: skip
    filtered = [each["name"].encode() for page in (1, 2, 3) for each in letter.client.get(
        f"/api/campaigns/{letter.slug}/signers?page={page}&q=suzie").json["named"]]  # fmt: skip
    bundle = [body["name"].encode() for _, body in sorted(letter.poll().bodies.items())]
    worst = max(abs(correlation(places(order, arrived), list(range(NAMED)))) for order in (told, filtered, bundle))
    figure(f"P33: rank correlation of {NAMED} names with arrival", float(worst), f"< {CHANCE}")
    assert worst < CHANCE
