"""Undersigned, an open letter platform: the application factory and the command line.

`python3 app.py` sets up what is missing and runs everything; `python3 app.py --help` lists the other commands.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import flask

    from petition.config import Config


def create_app(config: Config | None = None) -> flask.Flask:
    """Returns the web application, built in order from its configuration, clock, follow-ups and pages."""
    from petition import campaigns
    from petition.config import Config, Environment
    from petition.core import clock
    from petition.web.app import build
    from workers import follow_ups

    config = config or Config.from_env()
    clock.set_offset(config.now_offset)
    campaigns.allow_small_batches(config.env is not Environment.PRODUCTION)
    follow_ups.wire(config)
    return build(config)


if __name__ == "__main__":
    from petition import bootstrap

    sys.exit(bootstrap.main(sys.argv[1:]))
