"""`python -m petition.cli`."""

from petition.cli import cli

cli()
