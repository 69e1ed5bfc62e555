"""The demonstration: the founding campaign and 249 made-up signatures, each stamped and redeemed by the protocol.

Seeding a second time changes nothing, and no real person or domain is ever used. A broken file is rejected with one
sentence that names the place.
"""

from __future__ import annotations

import secrets
import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from petition import epochs, signatures, verification
from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import Pass
from petition.campaigns import Campaign, Draft, OpenCampaign, draft, find_any
from petition.campaigns.milestones import MilestoneKind, aim
from petition.config import Config
from petition.core import clock, db, outbox
from petition.core.outbox import OutboxKind
from petition.epochs.slots import Slots
from petition.ledger import log
from petition.ledger.entries import Visibility
from petition.publication import bundle_file
from petition.signatures import DisplayChoice
from petition.verification import Proven, work_email
from seeds import shape

FOUNDING: Final = Path(__file__).parent / "founding" / "campaign.toml"
BATCHES: Final = (31, 48, 52, 41, 44, 33)
NAMES: Final = [
    "Alice",
    "Bob",
    "Carol",
    "Dave",
    "Erin",
    "Frank",
    "Grace",
    "Heidi",
    "Ivan",
    "Judy",
    "Karim",
    "Laura",
    "Mike",
    "Nadia",
    "Oscar",
    "Peggy",
    "Quentin",
    "Rupert",
    "Sybil",
    "Trent",
    "Ursula",
    "Victor",
    "Wendy",
    "Xavier",
    "Yasmin",
    "Zoe",
    "Amina",
    "Bruno",
    "Chloe",
    "Diego",
    "Elena",
    "Farid",
    "Gina",
    "Hugo",
    "Ines",
    "Jonas",
    "Katia",
    "Leo",
    "Mona",
    "Noah",
]
NAMED_EVERY: Final = 6
ROLE_EVERY: Final = 2


class SeedBroken(ValueError):
    """A campaign file cannot be used. The message says which one and why."""


def sow(config: Config, file: Path = FOUNDING) -> str:
    """Insert a campaign and open it; the founding one gets its signatures. Returns a sentence for the terminal."""
    described, milestones = read(file, urlsplit(config.base_url).netloc)
    with db.transaction() as session:
        db.hold(session, db.lock_key("seed"))
        if find_any(session, described.slug) is not None:
            return f"{described.slug} is there already; nothing was changed."
        now = clock.now()
        demo = file == FOUNDING
        opened = now - timedelta(days=len(BATCHES)) if demo else now
        campaign = draft(session, described)
        aim(session, campaign.id, milestones)
        epochs.open_campaign(session, campaign, opened)
        if demo:
            _sign(session, campaign, config.pepper, opened)
            head = log.head_of(session, campaign.id)
            head.slot = Slots.of(campaign, head).look(head.slot, now).slot  # The days before now are made up.
            outbox.settle_all(
                session, OutboxKind.INSTANT_NEWS, campaign.id
            )  # Nobody could subscribe before its milestones were reached.
            bundle_file.write_bundle(session, campaign, config.home)
        return f"{described.slug} is open."


def _sign(session: Session, campaign: Campaign, pepper: bytes, opened: datetime) -> None:
    choices = _choices(campaign)
    for day, batch in enumerate(BATCHES, start=1):
        at = opened + timedelta(days=day)
        for choice in islice(choices, batch):
            signatures.redeem(session, OpenCampaign.of(campaign), _pass(session, campaign, pepper), choice)
        epochs.close_epoch(session, campaign, at)


def _pass(session: Session, campaign: Campaign, pepper: bytes) -> Pass:
    """Returns a pass for a made-up colleague, blinded and stamped like any other."""
    blinding = passes.begin(rsabssa.load_spki(campaign.issuer or b""), campaign.id)
    colleague = Proven(work_email.NAME, secrets.token_bytes(32))
    stamp = verification.stamp(session, pepper, OpenCampaign.of(campaign), colleague, blinding.blinded)
    return passes.complete(blinding, stamp).held


def _choices(campaign: Campaign) -> Iterator[DisplayChoice]:
    """Yields choices: every sixth by name, every second of the others by role, the rest anonymous."""
    names = (f"{name} Example" for name in NAMES)
    roles, teams = cycle(campaign.roles), cycle(campaign.teams)
    for number in range(sum(BATCHES)):
        name = next(names, "") if number % NAMED_EVERY == 0 else ""
        if name:
            yield DisplayChoice(Visibility.NAME, name=name, role=next(roles), team=next(teams))
        elif number % ROLE_EVERY:
            yield DisplayChoice(Visibility.ROLE, role=next(roles))
        else:
            yield DisplayChoice(Visibility.ANONYMOUS)


def read(file: Path, host: str) -> tuple[Draft, list[tuple[MilestoneKind, int]]]:
    """Read a campaign file as a draft and its milestones. Raises SeedBroken with one sentence."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        shape.CAMPAIGN(document, "")
        return _described(document, file.parent, host), _milestones(document)
    except OSError as error:
        raise SeedBroken(f"{error.filename} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SeedBroken(f"{file} is not a TOML file: {error}.") from None
    except shape.ShapeWrong as wrong:
        raise SeedBroken(f"{file}: {wrong}") from None


def _described(document: dict[str, Any], folder: Path, host: str) -> Draft:
    letters = {
        lang: (letter["title"], _text_of(folder / letter["file"])) for lang, letter in document["letters"].items()
    }
    workforce = document.get("workforce", {})
    return Draft(
        slug=document["slug"],
        origin=f"{host}/c/{document['slug']}",
        letters=letters,
        languages=document["languages"],
        demands=document["demands"],
        addressee=document["addressee"]["name"],
        addressee_role=document["addressee"]["role"],
        organisation=document["organisation"],
        organisers=document["organisers"],
        notice=document.get("demo", {}).get("notice", {}),
        domains=document["domains"],
        roles=document.get("roles", {}),
        teams=document.get("teams", {}),
        methods=document["methods"],
        workforce=workforce.get("count"),
        workforce_source=workforce.get("source", {}),
        public_min=document["safety"]["public_min"],
        mailing=document.get("mailing", {}),
        opens_at=document.get("opens_at"),
        closes_at=document.get("closes_at"),
        **document["epochs"],
    )


def _text_of(file: Path) -> str:
    """Returns a letter's Markdown. Raises SeedBroken unless it is plain text."""
    try:
        markdown = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SeedBroken(f"{file} is not text in UTF-8.") from None
    if any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in markdown):
        raise SeedBroken(f"{file} holds characters that cannot be seen.")
    return markdown


def _milestones(document: dict[str, Any]) -> list[tuple[MilestoneKind, int]]:
    return [(MilestoneKind(milestone["kind"]), int(milestone["value"])) for milestone in document.get("milestones", [])]
