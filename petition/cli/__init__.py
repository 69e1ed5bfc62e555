"""Commands: what an operator does from a terminal. One file a subject; no rule lives here.

This module lists every command. The module of a command is imported when the command is asked for, not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

__all__ = ["COMMANDS", "cli", "lines"]

COMMANDS: Final = {
    "backup": "petition.cli.backup:backup",
    "beat": "petition.cli.setup:beat",
    "bounces": "petition.cli.mail:bounces",
    "campaign": "petition.cli.campaign:campaign",
    "close": "petition.cli.close:close",
    "digest": "petition.cli.mail:digest",
    "hide": "petition.cli.signer:hide",
    "ledger": "petition.cli.campaign:ledger",
    "migrate": "petition.cli.setup:migrate_",
    "organiser": "petition.cli.organiser:organiser",
    "prepare": "petition.cli.setup:prepare",
    "receipt": "petition.cli.signer:receipt",
    "restore": "petition.cli.backup:restore",
    "seed": "petition.cli.setup:seed",
    "sending": "petition.cli.mail:sending",
    "sign": "petition.cli.signer:sign",
    "subscriber": "petition.cli.mail:subscriber",
    "update": "petition.cli.mail:update",
    "web": "petition.cli.setup:web",
    "withdraw": "petition.cli.signer:withdraw",
    "worker": "petition.cli.setup:worker",
}
"""A command's name, and `module:attribute` of the click command behind it."""


class Commands(click.Group):
    """The group of all commands in `COMMANDS`."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order in which help shows them."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; nothing for a name that is none."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Undersigned: open letters, verified signatures, a count that anybody can recount."""


def lines() -> dict[str, str]:
    """Each command's name and what it does, in a line of at most 90 characters."""
    context = click.Context(cli)
    known = {name: cli.get_command(context, name) for name in COMMANDS}
    return {name: command.get_short_help_str(90) for name, command in known.items() if command}
