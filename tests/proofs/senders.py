"""A sender that dies where it is told: reads `name[:n]` a line, sends in a fork that fails there, prints how it ended."""

from __future__ import annotations

import os
import sys

from petition.config import Config
from petition.core import clock, db, failpoints
from workers.celery_app import set_up, worker_context
from workers.loops.sending import send_round


def main() -> None:
    """For each line: a sender in a process of its own, with that fail point; its exit status is printed."""
    set_up(Config.from_env())
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            db.forked()
            failpoints.arm(line.strip() or None)
            while send_round(worker_context().sender, clock.now):
                pass
            os._exit(0)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    main()
