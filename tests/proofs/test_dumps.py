"""P44: dumps of the database and the mail log of the code mails tell how many were verified, and not who.

Forty people at four domains ask for codes, twenty of them are verified and sign without a name. Somebody has the mail
log, a dump of the database after every two of them, and no key. These are the days of a quiet letter, on which any finer
figure would tell: the two ask on different days, at different domains, one before and one after the last scrub. From the
totals it is known that one of the two was verified. The same days are lived twice, with the same mail log and lots drawn
anew, on two copies of one database.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import pytest
import redis
import time_machine

from petition import epochs, signatures, verification
from petition.blindsign import passes, rsabssa
from petition.bootstrap import EmbeddedServices
from petition.campaigns import Campaign, OpenCampaign
from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore
from petition.privacy import keyring, long_code_of_day
from petition.verification import VerificationContext, work_email
from tests import make
from tests.support.dumps import Dump, dumped
from tests.support.figures import Write
from tests.support.services import MASTER_KEY, cloned, configured, roles_of
from workers import celery_app
from workers.tasks import upkeep

pytestmark = pytest.mark.xdist_group("dumps")

SEED: Final = 44
PAIRS: Final = 20
DOMAINS: Final = ("a.example", "b.example", "c.example", "d.example")
BEGIN: Final = datetime(2026, 11, 24, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))
SCRUB: Final = 7 * MINUTE
"""The scrub runs seven minutes after each full hour."""
LONGEST: Final = 14 * MINUTE
"""A challenge waits for a quarter of an hour."""
MOST_RIGHT: Final = 35
"""Of forty names, twenty in each life, as many may be right by chance."""


@dataclass(frozen=True, slots=True)
class Person:
    """A line of the mail log, and when this person types the code, if at all."""

    address: str
    asked: datetime
    answers: datetime

    @property
    def domain(self) -> str:
        """Returns the domain of the work address."""
        return self.address.partition("@")[2]

    @property
    def day(self) -> str:
        """Returns the day of the mail."""
        return self.asked.date().isoformat()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people who ask on two days, the second one after the last scrub, and the dump that is taken afterwards."""

    people: tuple[Person, Person]
    dumped: datetime

    def other(self, person: Person) -> Person:
        """Returns the other one of the two."""
        return self.people[self.people[0] == person]


@dataclass(frozen=True, slots=True)
class Life:
    """What happened: the one of each pair who was verified, and the dump after each pair."""

    verified: Sequence[Person]
    dumps: Sequence[Dump]


def pairs() -> list[Pair]:
    """The mail log, which is the same in both lives."""
    draw = Random(SEED)
    return [_pair(draw, number, BEGIN + 2 * number * DAY) for number in range(PAIRS)]


def _pair(draw: Random, number: int, day: datetime) -> Pair:
    scrubbed = day + DAY + draw.randrange(24) * HOUR + SCRUB
    moments = day + draw.randrange(1, 1420) * MINUTE, scrubbed + draw.randrange(1, 35) * MINUTE
    places = draw.sample(DOMAINS, 2)
    people = [
        Person(f"p{number:02}@{domain}", asked, asked + draw.randrange(60, LONGEST.seconds) * SECOND)
        for domain, asked in zip(places, moments, strict=True)
    ]
    return Pair((people[0], people[1]), people[1].asked + LONGEST + draw.randrange(600) * SECOND)


@dataclass(slots=True)
class House:
    """One installation, its owner's address, and the clock that everybody there reads."""

    config: Config
    context: VerificationContext
    campaign: OpenCampaign
    challenges: dict[Person, str]

    def asks(self, person: Person) -> None:
        """A person asks for a code."""
        with db.autocommit() as session:
            self.challenges[person] = verification.begin(
                session, self.context, self.campaign, person.address, network=secrets.token_bytes(16), proven=False,
                lang="en", now=clock.now(),
            )  # fmt: skip

    def answers(self, person: Person) -> None:
        """A person types the code, gets a pass and signs without a name."""
        code = long_code_of_day(self.context.pepper, person.asked.date(), person.address)[: work_email.SHORT]
        blinding = passes.begin(rsabssa.load_spki(self.campaign.issuer), self.campaign.id)
        with db.autocommit() as session:
            stamp = verification.issue(
                session, self.context, self.campaign, self.challenges[person], code, blinding.blinded, clock.now()
            )
        with db.autocommit() as session:
            signatures.redeem(session, self.campaign, passes.complete(blinding, stamp).held, make.ANONYMOUS)

    def batch(self) -> None:
        """A batch is written."""
        with db.transaction() as session:
            epochs.close_epoch(session, session.get_one(Campaign, self.campaign.id), clock.now())


Happening = tuple[datetime, Callable[[], object]]


def live(house: House, watch: time_machine.Coordinates, verified: Sequence[Person]) -> Life:
    """Everything happens at its moment: mails, answers, upkeep, dumps, and a batch after each fifth dump."""
    dumps: list[Dump] = []
    happenings: list[Happening] = []
    for number, pair in enumerate(pairs()):
        happenings += [(each.asked, lambda each=each: house.asks(each)) for each in pair.people]  # type: ignore[misc]
        happenings.append((last_scrub(pair.people[1].asked), upkeep.scrub_arrivals))
        happenings.append((pair.dumped, lambda: dumps.append(dumped(house.config.owner_database_url, clock.now()))))
        if number % 5 == 4:
            happenings.append((pair.dumped + SECOND, house.batch))
    happenings += [(each.answers, lambda each=each: house.answers(each)) for each in verified]  # type: ignore[misc]
    for number in range(1, 2 * PAIRS):
        midnight = BEGIN + number * DAY
        happenings += [(midnight + 20 * SECOND, upkeep.count_day), (midnight + 23 * MINUTE, upkeep.purge)]
    for moment, happen in sorted(happenings, key=lambda each: each[0]):
        watch.move_to(moment)
        happen()
    return Life(verified, dumps)


def last_scrub(moment: datetime) -> datetime:
    """When the scrub before a moment ran. The others before it would find the same rows."""
    return moment - (moment - BEGIN - SCRUB) % HOUR


@pytest.fixture(scope="module")
def lives(
    services: EmbeddedServices, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Life, Life]]:
    """The same days twice."""
    draw, name = Random(SEED + 1), f"lives_{secrets.token_hex(4)}"
    with pytest.MonkeyPatch.context() as patched, time_machine.travel(BEGIN, tick=False) as watch:
        patched.setattr(work_email, "FILLERS", 1)  # fillers of a day would differ by chance
        keyring.connect([MASTER_KEY])
        db.connect(roles_of(cloned(services, template, name)).application)
        with db.transaction() as session:
            domains = {each: {"plus": True, "dots": True} for each in DOMAINS}
            campaign = OpenCampaign.of(make.campaign(session, domains=domains))
        db.disconnect()
        found = []
        for number in range(2):
            watch.move_to(BEGIN)
            redis.Redis.from_url(services.redis_url).flushall()
            url, home = cloned(services, name, f"{name}_{number}"), tmp_path_factory.mktemp("home")
            found.append(one_life(configured(services, url, home), campaign, watch, draw))
    yield found[0], found[1]
    db.disconnect()


def one_life(config: Config, campaign: OpenCampaign, watch: time_machine.Coordinates, draw: Random) -> Life:
    """The days of one installation. A lot decides who of each pair is verified."""
    celery_app.set_up(config)
    context = VerificationContext(RedisStore(config.redis_url), keyring.connect([MASTER_KEY]), config.pepper)
    found = live(House(config, context, campaign, {}), watch, [draw.choice(each.people) for each in pairs()])
    db.disconnect()
    return found


def test_dumps_are_the_same_whoever_was_verified(lives: tuple[Life, Life]) -> None:
    """P44: but for what is random to somebody without a key. What a rule makes of one life, it makes of the other.

    Every table and column is compared, so that a new one which moves with who is verified fails here.
    """
    one, other = lives
    assert 5 < sum(a != b for a, b in zip(one.verified, other.verified, strict=True)) < 15
    for first, second in zip(one.dumps, other.dumps, strict=True):
        assert first.without_keys() == second.without_keys(), first.at


@dataclass(frozen=True, slots=True)
class Known:
    """What a dump says about some people: so many of them were verified."""

    people: frozenset[Person]
    verified: int


Rule = Callable[[Dump, Sequence[Person]], Iterator[Known]]


def by_total(dump: Dump, people: Sequence[Person]) -> Iterator[Known]:
    """As many tags as passes issued as signatures: so many were verified so far."""
    yield Known(frozenset(people), len(dump.rows("verification.tag")))


def by_domain(dump: Dump, people: Sequence[Person]) -> Iterator[Known]:
    """Figures of a day and domain, if they are exact: those of the running day, or from ten on."""
    for row in dump.rows("verification.code_day"):
        if int(row["used"]) or row["day"] == dump.at.date().isoformat():
            asked = frozenset(each for each in people if (each.domain, each.day) == (row["domain"], row["day"]))
            yield Known(asked, int(row["used"]))


def by_day(dump: Dump, people: Sequence[Person]) -> Iterator[Known]:
    """Rows that a verification leaves with its day, in any table but that of the mails."""
    for name in {*dump.tables} - {"verification.code_day", "verification.mail_cap"}:
        rows = dump.rows(name) if name.startswith("verification.") else []
        for day in {row["day"] for row in rows if "day" in row}:
            asked = frozenset(each for each in people if each.day == day)
            yield Known(asked, sum(row["day"] == day for row in rows))


def by_scrub(dump: Dump, people: Sequence[Person]) -> Iterator[Known]:
    """Rows behind those that the last scrub left in the order of their keys."""
    scrubbed = max((datetime.fromisoformat(row["at"]) for row in dump.rows("public.scrub_run")), default=dump.at)
    since = frozenset(each for each in people if each.asked > scrubbed)
    tables = (("verification.tag", "tag"), ("public.spent", "hw"))
    behind = max(behind_the_ordered([row[key] for row in dump.rows(table)]) for table, key in tables)
    if behind <= len(since):
        yield Known(since, behind)


def behind_the_ordered(keys: Sequence[str]) -> int:
    """How many keys follow the longest beginning that is in order."""
    return next((len(keys) - at for at in range(1, len(keys)) if keys[at] < keys[at - 1]), 0)


RULES: Final[tuple[Rule, ...]] = (by_total, by_domain, by_day, by_scrub)


def right_names(life: Life) -> int:
    """Name the one of each pair who was verified, by all that is known of one of the two alone; else the first one."""
    asked: list[Person] = []
    right = 0
    for pair, dump, verified in zip(pairs(), life.dumps, life.verified, strict=True):
        asked += pair.people
        known = [each for rule in RULES for each in rule(dump, asked)]
        right += named(pair, known) == verified
    return right


def named(pair: Pair, known: Iterable[Known]) -> Person:
    """The likelier one of two people."""
    for each in known:
        alone = each.people & {*pair.people}
        if len(each.people) == len(alone) == 1:
            (person,) = alone
            return person if each.verified else pair.other(person)
    return pair.people[0]


def test_nobody_names_the_verified_from_dumps_and_the_mail_log_better_than_by_chance(
    lives: tuple[Life, Life], figure: Write
) -> None:
    """P44: at most 35 of 40 names are right; by chance more than that are right once in ten million times.

    A lot decided who of each pair was verified. If the dumps say no more than that it was one of them, a name is right
    with probability 1/2, whatever rule chose it, and the forty names are independent: P(more than 35 are right) = (C(40,
    36) + C(40, 37) + C(40, 38) + C(40, 39) + C(40, 40)) / 2^40 = 102,091 / 2^40 = 9.3e-8.
    """
    right = sum(right_names(life) for life in lives)
    figure("P44: right names of 40, by everything in twenty dumps", right, f"<= {MOST_RIGHT} (20 by chance)")
    assert right <= MOST_RIGHT


Tables = dict[str, list[dict[str, str]]]


def figures_of_the_day(life: Life, dump: Dump, number: int) -> Tables:
    """Codes by domain, as earlier versions counted them in the database: exact while the day lasts."""
    second = pairs()[number].people[1]
    used = sum(each == second for each in life.verified)
    return {"verification.code_day": [{"domain": second.domain, "day": second.day, "used": str(used)}]}


def rows_with_a_day(life: Life, dump: Dump, number: int) -> Tables:
    """Hashes of stamped values, as earlier versions kept them for two days."""
    days = [each.day for each in life.verified if dump.at - 2 * DAY < each.answers < dump.at]
    return {"verification.stamped": [{"day": day} for day in days]}


def rows_in_order(life: Life, dump: Dump, number: int) -> Tables:
    """Rows after a scrub in the order of keys, as earlier versions left them; a later one has the first key of all."""
    late = pairs()[number].people[1] in life.verified
    keys = [f"{at:064x}" for at in range(1, len(dump.rows("verification.tag")) + 1 - late)] + ["0" * 64] * late
    return {"verification.tag": [{"tag": key} for key in keys], "public.spent": [{"hw": key} for key in keys]}


@pytest.mark.parametrize("once", [figures_of_the_day, rows_with_a_day, rows_in_order])
def test_the_same_rules_name_all_of_them_from_what_earlier_versions_kept(
    lives: tuple[Life, Life], once: Callable[[Life, Dump, int], Tables]
) -> None:
    """P44: each of these alone would tell, so the rules are able to find it."""
    for life in lives:
        dumps = [replace(dump, tables=dump.tables | once(life, dump, number)) for number, dump in enumerate(life.dumps)]
        assert right_names(replace(life, dumps=dumps)) >= PAIRS - 1
