"""The processes of an installation and their commands, for the supervisor, the command line and a test.

The queues are named here once, so that every queue has a consumer.
"""

from __future__ import annotations

import sys

from petition.bootstrap.process import Child
from petition.config import Config, Process

PROMPT = ("codes", "ledger")
BULK = ("mail", "upkeep")
WORKERS = {"prompt": (PROMPT, 2), "bulk": (BULK, 1)}  # process name: (its queues, number of concurrent tasks)
QUEUES = (*PROMPT, *BULK)

GRACE = 3
LOOPBACK = "127.0.0.1"
WEB = (
    "-m", "gunicorn", "--worker-class", "petition.web.serving.worker.Worker", "--workers", "2", "--threads", "4",
    # Half-sent requests wait in the worker's loop, at most this many in each process; files are sent from there, too.
    "--worker-connections", "500", "--no-sendfile", "--no-control-socket",
    # The application is created once, before the workers, which halves the time to start and shares its memory. It
    # opens no connection until its first request.
    "--preload",
    # These limits of the header parser are well above what a browser sends here: at most one small cookie.
    "--limit-request-line", "2048", "--limit-request-fields", "64", "--limit-request-field_size", "8190",
    "--timeout", "30", "--graceful-timeout", str(GRACE), "--keep-alive", "5",
    # The application counts forwarded headers (PETITION_TRUSTED_PROXIES); gunicorn never trusts them.
    "--forwarded-allow-ips", "", "--forwarder-headers", "",
    # There is no access log and no warning, because both contain the addresses of visitors.
    "--log-level", "error",
)  # fmt: skip
CELERY = ("-m", "celery", "-A", "workers.entry:app")
BEAT = (*CELERY, "beat", "--loglevel", "WARNING", "--pidfile=")


def web(config: Config) -> Child:
    """Returns the command of the web server. `app:create_app()` reads the same Config from its environment."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    binds = ["--bind", f"{host}:{config.port}"]
    if config.metrics_port:  # for monitors of this machine alone (petition.web.health)
        binds += ["--bind", f"{LOOPBACK}:{config.metrics_port}"]
    argv = (sys.executable, *WEB, *binds, "app:create_app()")
    return Child("web", argv, grace=GRACE + 0.5, stops=0, env=_is(Process.WEB))


def worker(name: str, config: Config) -> Child:
    """Returns the command of one Celery worker process and its pool.

    The pool consists of processes and not threads, because only those have a hard time limit and a redelivery after a
    lost worker. Only the worker of upkeep gets the address for the role that rewrites tables and deletes old lines.
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
    env = config.maintenance_environment() if "upkeep" in queues else {}
    kind = Process(f"worker-{name}")
    return Child(kind.value, (sys.executable, *CELERY, "worker", *own, *quiet), env=_is(kind) | env)


def beat(config: Config) -> Child:
    """Returns the command of Celery beat, a single process. Its loss delays work and never repeats it."""
    return Child(
        "beat",
        (sys.executable, *BEAT, "--schedule", str(config.home / "run" / "beat")),
        grace=1.5,
        stops=1,
        env=_is(Process.BEAT),
    )


def _is(kind: Process) -> dict[str, str]:
    """Returns what tells a process which secrets it needs."""
    return {"PETITION_PROCESS": kind.value}


def children(config: Config) -> list[Child]:
    """Returns all processes of one installation, in the order of their start."""
    return [web(config), *(worker(name, config) for name in WORKERS), beat(config)]
