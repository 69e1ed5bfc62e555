"""Secrets in files: created once, for their owner alone, and never overwritten."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

SAMPLE = re.compile("change|sample|example|secret|password|default|insecure", re.IGNORECASE)


def kept_secret(path: Path, fresh: bytes) -> bytes:
    """Returns the secret in `path`, created from `fresh` if missing. Concurrent processes get the same secret."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        write_private(draft, fresh)
        try:
            _link_unless_there(draft, path)
        finally:
            draft.unlink()
    return path.read_bytes()


def _link_unless_there(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return


def write_private(path: Path, content: bytes, owner: tuple[int, int] = (-1, -1)) -> None:
    """Write a new file that only its owner can read, to the disk. Raises FileExistsError; what fails leaves no file.

    `owner` is a user id and a group id; -1 stands for whoever writes.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchown(descriptor, *owner)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def is_sample(secret: str | bytes) -> bool:
    """Returns whether a secret looks typed and not random: few different characters, or a word that people type."""
    text = secret if isinstance(secret, str) else secret.decode("latin-1")
    return len(set(text)) < 10 or SAMPLE.search(text) is not None
