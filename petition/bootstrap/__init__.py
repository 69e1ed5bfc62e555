"""Starts everything from nothing to a running process tree, with the standard library only.

One command is enough: it creates the environment, starts the embedded servers, migrates, seeds and supervises every
process, and no process outlives it. If something is impossible, it exits with one sentence and exit code 2.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - before any import an older Python cannot read
    sys.stderr.write("This needs Python 3.11 or newer; this one is %d.%d.\n" % sys.version_info[:2])  # noqa: UP031
    sys.exit(2)

from petition.bootstrap.commands import BEAT, QUEUES, WEB, WORKERS, children
from petition.bootstrap.embedded import (
    EmbeddedServices,
    Services,
    services,
    start_services,
)
from petition.bootstrap.entry import main
from petition.bootstrap.process import Child
from petition.bootstrap.progress import CannotStart
from petition.bootstrap.sign_in import leave_sign_in, take_sign_in

__all__ = [
    "BEAT",
    "QUEUES",
    "WEB",
    "WORKERS",
    "CannotStart",
    "Child",
    "EmbeddedServices",
    "Services",
    "children",
    "leave_sign_in",
    "main",
    "services",
    "start_services",
    "take_sign_in",
]
