"""Logs: one line per event, with ids only.

This module keeps promise P31: a log never holds an address, a name, an IP address or a token, even when something goes
wrong. Our own events have a fixed set of fields. Messages of libraries lose every argument that is not a number. Of an
exception only its type and its place in the code are kept, because messages and tracebacks quote what people typed.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import traceback
from collections.abc import MutableMapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

from petition.config import Config, Environment

FIELDS: Final = frozenset({
    "timestamp", "level", "logger", "event", "id", "error", "where", "status", "method", "campaign", "epoch", "kind",
    "value", "n", "seconds", "task", "state", "signal", "pid", "worker",
})  # fmt: skip
OURS: Final = ("petition", "workers", "gunicorn", "app")
SAFE_ARGUMENTS: Final = frozenset({"name", "id", "runtime", "pid", "sender"})
HIDDEN: Final = "…"
ROTATION: Final = timedelta(days=3)
LATE: Final = timedelta(days=4)
LARGEST: Final = 50_000_000
"""Bytes of a log file after which it is rotated early."""
EARLIER: Final = ".1.log"


def configure(config: Config) -> None:
    """Apply the rules above to every logger of this process. Output is JSON; in development it is plain text."""
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*before, _ids_only, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # A line that cannot be written is lost, because `logging` would otherwise print the unfiltered message.
    logging.raiseExceptions = False
    logging.basicConfig(level=logging.INFO, handlers=[_handler(before, config.env)], force=True)


def place(error: BaseException) -> str:
    """Returns where an exception arose, as file:line in function. It prefers the last place in our own code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/petition/" in frame.filename or "/workers/" in frame.filename]
    for frame in reversed(ours or frames):
        return f"{'/'.join(frame.filename.rsplit('/', 3)[-3:])}:{frame.lineno} in {frame.name}"
    return "unknown"


def rotate(folder: Path, now: datetime) -> None:
    """Delete log lines before they are seven days old. Call it about once an hour.

    Every third day a file is copied to `….1.log`, over the previous copy, and is then emptied in place. Its writers
    append, so they need no signal. If this function was not called for longer, it cannot separate old lines from new
    ones and deletes all of them. A file that is larger than LARGEST is rotated at once, so that no fault that repeats
    itself fills the disk; of it only the last LARGEST bytes are kept.
    """
    for log in folder.glob("*.log"):
        if not log.name.endswith(EARLIER):
            _rotate(log, log.with_name(log.name.removesuffix(".log") + EARLIER), now)


def _rotate(log: Path, earlier: Path, now: datetime) -> None:
    since = now.timestamp() - earlier.stat().st_mtime if earlier.exists() else 0.0
    size = log.stat().st_size
    if size <= LARGEST and earlier.exists() and since < ROTATION.total_seconds():
        return
    due = size > LARGEST or since >= ROTATION.total_seconds()
    descriptor = os.open(earlier, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as copy:
        if due and since < LATE.total_seconds():
            with log.open("rb") as source:
                source.seek(max(size - LARGEST, 0))
                shutil.copyfileobj(source, copy)
    if due:
        os.truncate(log, 0)
    os.utime(earlier, (now.timestamp(), now.timestamp()))


def _handler(before: list[Processor], env: Environment) -> logging.Handler:
    plain = env is Environment.DEVELOPMENT
    renderer = structlog.dev.ConsoleRenderer(colors=False) if plain else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _ids_only, renderer],
        )
    )
    handler.addFilter(_redact)
    return handler


def _ids_only(_logger: object, _method: str, event: EventDict) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if name in FIELDS}


def _redact(record: logging.LogRecord) -> bool:
    """Remove from a record what a log must not hold. The record always passes the filter."""
    if record.exc_info:
        error = record.exc_info[1]
        record.exc_info, record.exc_text, record.stack_info = None, None, None
        if error is not None and isinstance(record.msg, str):
            record.msg += f" [{type(error).__name__} at {place(error)}]".replace("%", "%%")
    if not record.name.startswith(OURS):
        record.msg, record.args = str(record.msg), _safe(record.args)
    return True


def _safe(arguments: Any) -> Any:
    if isinstance(arguments, dict):
        return {name: value if name in SAFE_ARGUMENTS else _number(value) for name, value in arguments.items()}
    return tuple(_number(value) for value in arguments or ())


def _number(value: object) -> object:
    return value if isinstance(value, int | float) else HIDDEN
