"""A settings file: lines of NAME=value that systemd, compose and this program read alike.

`EnvironmentFile` of systemd, `--env-file` of compose and python-dotenv disagree about quotes, backslashes, `$`, `#` and
spaces at the ends. A value that they could read differently is refused, when it is written and when it is read
(decision 0072). Only the standard library is used, because the file is read before the environment exists.

The file holds passwords. It is refused if anybody but its owner may read it, or if somebody else may change it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

SETTINGS: Final = "PETITION_SETTINGS"
NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
DIFFERENT: Final = re.compile("[\"'`\\\\$#]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
"""Characters that the three readers treat differently, or that no line can hold."""
LARGEST: Final = 100_000
"""Bytes of a settings file."""


class SettingsFileWrong(ValueError):
    """A settings file cannot be used. The message is one sentence and quotes no value."""


def apply(path: Path, environ: MutableMapping[str, str]) -> None:
    """Put the settings of a file into an environment, over what is there. Raises SettingsFileWrong.

    The file wins: what is exported in somebody's shell does not lead a command to another database. An environment
    that does not say what it is for is production. Processes that are started from here do not read the file again.
    """
    environ.update(read(path))
    environ.setdefault("PETITION_ENV", "production")
    environ.pop(SETTINGS, None)


def read(path: Path, owner: int = -1) -> dict[str, str]:
    """Returns the settings of a file by name. Raises SettingsFileWrong.

    The file belongs to the user who reads it, to root, or to `owner`, a user id.
    """
    content = _content(path, {os.geteuid(), 0, owner})
    if len(content) > LARGEST:
        raise SettingsFileWrong(f"The settings {path} are larger than {LARGEST} bytes.")
    try:
        return parse(content.decode("utf-8"), str(path))
    except UnicodeDecodeError:
        raise SettingsFileWrong(f"The settings {path} are not UTF-8 text.") from None


def parse(text: str, source: str) -> dict[str, str]:
    """Returns the settings in a text by name. Raises SettingsFileWrong, which names `source` and the line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or NAME.fullmatch(name) is None:
            raise SettingsFileWrong(f"Line {number} of {source} must be empty, a comment or NAME=value.")
        if reason := problem_of(value):
            raise SettingsFileWrong(f"Line {number} of {source}: {name} {reason}.")
        if name in found:
            raise SettingsFileWrong(f"Line {number} of {source}: {name} stands there twice.")
        found[name] = value
    return found


def problem_of(value: str) -> str:
    """Returns why a value cannot stand in a settings file, as the end of a sentence, or an empty text."""
    if DIFFERENT.search(value):
        return "holds a quote, a backslash, $, # or a control character, which other programs would read differently"
    if value != value.strip():
        return "begins or ends with a space, which other programs would drop"
    return ""


def line(name: str, value: str) -> str:
    """Returns the line of a setting. Raises SettingsFileWrong if it would not be read back as it is."""
    if reason := problem_of(value):
        raise SettingsFileWrong(f"{name} {reason}.")
    return f"{name}={value}\n"


def given(environ: Mapping[str, str]) -> Path | None:
    """Returns the file that PETITION_SETTINGS names, or None."""
    path = environ.get(SETTINGS)
    return Path(path) if path else None


def _content(path: Path, owners: set[int]) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe without a writer does not block
        try:
            _require_private(path, os.fstat(descriptor), owners)
            return os.read(descriptor, LARGEST + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SettingsFileWrong(f"The settings {path} cannot be read: {error.strerror}.") from None


def _require_private(path: Path, about: os.stat_result, owners: set[int]) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise SettingsFileWrong(f"The settings {path} are not a file.")
    if about.st_mode & 0o077:
        raise SettingsFileWrong(
            f"The settings {path} hold passwords, and others than their owner may read them: run `chmod 600 {path}`."
        )
    if about.st_uid not in owners:
        raise SettingsFileWrong(f"The settings {path} belong to another user.")
