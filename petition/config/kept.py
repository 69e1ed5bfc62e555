"""Secrets of a development installation: made once, kept for their owner only; and what no secret may look like."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

SECRET_LENGTH = 32  # characters of the secret key, bytes of a master key and of the pepper
SAMPLE = re.compile("change|sample|example|secret|password|default|insecure", re.IGNORECASE)


def kept_secret(path: Path, fresh: bytes) -> bytes:
    """The secret in `path`, made from `fresh` when there is none; of two processes at once, both get one answer."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
            _link_unless_there(draft, path)
        finally:
            draft.unlink()
    return path.read_bytes()


def _link_unless_there(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return


def is_sample(secret: str | bytes) -> bool:
    """Whether a secret was typed rather than drawn: too few different characters, or a word one types."""
    text = secret if isinstance(secret, str) else secret.decode("latin-1")
    return len(set(text)) < 10 or SAMPLE.search(text) is not None
