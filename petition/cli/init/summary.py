"""The last words of `init`: what to publish, what to keep where, and what to run next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from petition.cli import COMMANDS
from petition.cli.init.making import Made
from petition.config.addresses import INSTALLED, PROGRAM, PROJECT

NEXT: Final = ("up", "organiser invite", "doctor")
KEPT: Final = (
    (
        "PETITION_MASTER_KEY_FILE",
        "master key",
        "opens the private keys of every letter; no backup can be used without it",
    ),
    (
        "PETITION_PEPPER_FILE",
        "pepper",
        "with a copy of the database it tells who verified: destroy it after the last letter",
    ),
)


def text(made: Made) -> str:
    """Returns the text, which names places and no secret."""
    where = [(str(made.file), "settings", "passwords and where everything is")]
    where += [(made.settings[setting], name, why) for setting, name, why in KEPT if setting in made.settings]
    kept = [f"  {name:<11} {path}\n  {'':<11} {why}" for path, name, why in where]
    return "\n".join(
        ["", *_records(made), "Keep a copy of these, apart from backups, which hold none of them:", *kept, *_next(made)]
    )


def _records(made: Made) -> list[str]:
    if not made.records:
        return []
    return [
        "Publish these records in the DNS, and mail is signed with DKIM:",
        *(f"  {line}" for line in made.records),
        "",
    ]


def _next(made: Made) -> list[str]:
    known = [command for command in NEXT if command.split()[0] in {"up", *COMMANDS}]
    commands = [f"  {PROGRAM} {command} --settings {made.file}" for command in known]
    return ["", "Next:", *commands, *_unit(made)]


def _unit(made: Made) -> list[str]:
    """Returns where the unit of systemd lies that runs `up`, for an installation that root made."""
    folder = Path(sys.prefix, "share", "undersigned") if INSTALLED else PROJECT / "deploy"
    unit = folder / "undersigned.service"
    return [f"As a service instead of `up`: {unit} (docs/deployment.md)."] if made.user and unit.exists() else []
