"""Commands: what an operator does from a terminal. One file a subject; no rule lives here."""

from petition.cli import backup, campaign, close, mail, organiser, setup, signer
from petition.cli.frame import cli

__all__ = ["backup", "campaign", "cli", "close", "mail", "organiser", "setup", "signer"]
