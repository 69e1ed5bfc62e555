"""Commands: what an operator does from a terminal. One file a subject; no rule lives here."""

from petition.cli.commands import COMMANDS, cli, lines

__all__ = ["COMMANDS", "cli", "lines"]
