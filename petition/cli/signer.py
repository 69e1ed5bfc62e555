"""Signing from the terminal, with the stand-alone program that the site serves as /sign.py."""

from __future__ import annotations

import sys

import click

from petition.blindsign import signer

LINES = {
    "sign": "Sign a letter, from its address, in a dialogue.",
    "receipt": "Show the status of a receipt's signature.",
    "hide": "Hide the name, with a receipt.",
    "amend": "Change what the signature shows, with a receipt.",
    "withdraw": "Withdraw the signature, with a receipt.",
}


def _passed_on(name: str) -> click.Command:
    def run(words: tuple[str, ...]) -> None:
        sys.exit(signer.main([name, *words]))

    options = {"ignore_unknown_options": True, "help_option_names": []}
    given = click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)
    return click.Command(name, callback=run, params=[given], help=LINES[name], context_settings=options)


sign = _passed_on("sign")
receipt = _passed_on("receipt")
hide = _passed_on("hide")
amend = _passed_on("amend")
withdraw = _passed_on("withdraw")
