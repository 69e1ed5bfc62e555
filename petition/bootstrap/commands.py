"""Which processes an installation has and how each is started: read by the supervisor, the CLI and a test.

Guards that every queue has a consumer: the queues are named once, here.
"""

from __future__ import annotations

import sys

from petition.bootstrap.process import Child
from petition.config import Config

PROMPT = ("codes", "ledger")
BULK = ("mail", "upkeep")
WORKERS = {"prompt": (PROMPT, 2), "bulk": (BULK, 1)}  # process name: (its queues, how many at once)
QUEUES = (*PROMPT, *BULK)

GRACE = 3
WEB = (
    "-m", "gunicorn", "--worker-class", "petition.web.serving.worker.Worker", "--workers", "2", "--threads", "4",
    # Half-sent requests wait in the worker's loop, so many at most in each process; files are sent from there, too.
    "--worker-connections", "500", "--no-sendfile", "--no-control-socket",
    # The application is made once, before the workers: half the time to start, and its memory is shared. It connects
    # to nothing until its first request.
    "--preload",
    # The header parser's limits, well above what a browser sends here: there is one small cookie at most.
    "--limit-request-line", "2048", "--limit-request-fields", "64", "--limit-request-field_size", "8190",
    "--timeout", "30", "--graceful-timeout", str(GRACE), "--keep-alive", "5",
    # Forwarded headers are counted by the application (PETITION_TRUSTED_PROXIES), never believed here.
    "--forwarded-allow-ips", "", "--forwarder-headers", "",
    # No access log, and no warnings: both hold the addresses of visitors.
    "--log-level", "error",
)  # fmt: skip
CELERY = ("-m", "celery", "-A", "workers.entry:app")
BEAT = (*CELERY, "beat", "--loglevel", "WARNING", "--pidfile=")


def web(config: Config) -> Child:
    """The web server. `app:create_app()` reads the same Config from its environment."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    argv = (sys.executable, *WEB, "--bind", f"{host}:{config.port}", "app:create_app()")
    return Child("web", argv, grace=GRACE + 0.5, stops=0)


def worker(name: str) -> Child:
    """One Celery worker process and its pool.

    A pool of processes, not threads: a hard time limit and a redelivery after a lost worker exist only there.
    """
    queues, at_once = WORKERS[name]
    own = (
        "--queues",
        ",".join(queues),
        "--concurrency",
        str(at_once),
        "--pool",
        "prefork",
        "--hostname",
        f"{name}@%h",
    )
    quiet = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle")
    return Child(f"worker-{name}", (sys.executable, *CELERY, "worker", *own, *quiet))


def beat(config: Config) -> Child:
    """The clock that nudges: one process, whose loss delays and never repeats."""
    return Child(
        "beat",
        (sys.executable, *BEAT, "--schedule", str(config.home / "run" / "beat")),
        grace=1.5,
        stops=1,
    )


def children(config: Config) -> list[Child]:
    """Everything of one installation, in the order of its start."""
    return [web(config), *(worker(name) for name in WORKERS), beat(config)]
