"""Runs the command line with `python -m petition.cli`."""

from petition.cli import cli

cli()
