"""Commands for operators at a terminal. Each subject has one file, which contains no rules of the domain.

This module lists every command. A command's module is imported only when the command is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from petition import __version__

__all__ = ["COMMANDS", "cli", "lines"]

COMMANDS: Final = {
    "amend": "petition.cli.signer:amend",
    "backup": "petition.cli.backup:backup",
    "beat": "petition.cli.setup:beat",
    "bounces": "petition.cli.mail:bounces",
    "campaign": "petition.cli.campaign:campaign",
    "close": "petition.cli.close:close",
    "digest": "petition.cli.mail:digest",
    "doctor": "petition.cli.doctor:doctor",
    "hide": "petition.cli.signer:hide",
    "init": "petition.cli.init:init",
    "ledger": "petition.cli.campaign:ledger",
    "migrate": "petition.cli.setup:migrate_",
    "organiser": "petition.cli.organiser:organiser",
    "prepare": "petition.cli.setup:prepare",
    "receipt": "petition.cli.signer:receipt",
    "restore": "petition.cli.backup:restore",
    "sbom": "petition.cli.sbom:sbom",
    "seed": "petition.cli.setup:seed",
    "sending": "petition.cli.mail:sending",
    "sign": "petition.cli.signer:sign",
    "subscriber": "petition.cli.mail:subscriber",
    "update": "petition.cli.mail:update",
    "web": "petition.cli.setup:web",
    "withdraw": "petition.cli.signer:withdraw",
    "worker": "petition.cli.setup:worker",
}
"""A command's name, and `module:attribute` of its click command."""


class Commands(click.Group):
    """The group of all commands in `COMMANDS`."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Returns the names, in the order in which help shows them."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns the command of that name, imported now, or None for an unknown name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="undersigned", message="%(prog)s %(version)s")
def cli() -> None:
    """Undersigned: open letters, verified signatures, a count that anybody can recount."""


def lines() -> dict[str, str]:
    """Returns each command's name and description, in a line of at most 90 characters."""
    context = click.Context(cli)
    known = {name: cli.get_command(context, name) for name in COMMANDS}
    return {name: command.get_short_help_str(90) for name, command in known.items() if command}
