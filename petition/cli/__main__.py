"""Runs the command line with `python -m petition.cli`."""

from __future__ import annotations

import sys

from petition.bootstrap import CannotStart, settings_option
from petition.cli import cli
from petition.cli.common import refuse
from petition.config.settings_file import SettingsFileWrong


def main() -> None:
    """Run one command, with the settings of `--settings FILE` if there is one."""
    try:
        words = settings_option.enter(sys.argv[1:])
    except (CannotStart, SettingsFileWrong) as reason:
        refuse(str(reason))
    cli.main(words, prog_name="python -m petition.cli")


main()
