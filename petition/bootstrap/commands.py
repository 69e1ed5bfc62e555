"""The processes of an installation and their commands, for the supervisor, the command line and a test.

The queues are named here once, so that every queue has a consumer.
"""

from __future__ import annotations

import sys

from petition.bootstrap.process import Child
from petition.config import Config, Process, Size
from petition.config.addresses import PROJECT

PROMPT = ("codes", "ledger")
BULK = ("mail", "upkeep")
WORKERS = {"prompt": (PROMPT, 2), "bulk": (BULK, 1)}  # process name: (its queues, number of concurrent tasks)
QUEUES = (*PROMPT, *BULK)
AT_ONCE_IN_SMALL = 1
PRELOADED = (
    "gunicorn.app.wsgiapp", "celery.bin.celery", "celery.apps.beat", "celery.apps.worker", "celery.concurrency.prefork",
    "celery.fixups.django", "celery.worker.consumer", "kombu.transport.redis", "workers.preload",
)  # fmt: skip
"""What the processes of a small installation have in common. None of it reads a setting or starts a thread."""

GRACE = 3
LOOPBACK = "127.0.0.1"
WEB = (
    # Of six threads two are kept for pages that exist as bytes (petition.web.serving.admission).
    "-m", "gunicorn", "--worker-class", "petition.web.serving.worker.Worker", "--workers", "2", "--threads", "6",
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
    own = _with(WEB, "--workers", "1") if config.size is Size.SMALL else WEB
    argv = (sys.executable, *own, "--chdir", str(PROJECT), *binds, "app:create_app()")
    return Child("web", argv, grace=GRACE + 0.5, stops=0, env=_is(Process.WEB))


def worker(name: str, config: Config) -> Child:
    """Returns the command of one Celery worker process and its pool.

    The pool consists of processes and not threads, because only those have a hard time limit and a redelivery after a
    lost worker. Only the worker of upkeep gets the address for the role that rewrites tables and deletes old lines.
    """
    queues, at_once = WORKERS[name]
    at_once = AT_ONCE_IN_SMALL if config.size is Size.SMALL else at_once
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


def _with(words: tuple[str, ...], option: str, value: str) -> tuple[str, ...]:
    place = words.index(option) + 1
    return (*words[:place], value, *words[place + 1 :])


def _is(kind: Process) -> dict[str, str]:
    """Returns what tells a process which secrets it needs, and glibc to share one heap among all threads (mallopt(3))."""
    return {"PETITION_PROCESS": kind.value, "MALLOC_ARENA_MAX": "1"}


def children(config: Config) -> list[Child]:
    """Returns all processes of one installation, in the order of their start."""
    return [web(config), *(worker(name, config) for name in WORKERS), beat(config)]
