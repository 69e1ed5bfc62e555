"""Where the servers of tests keep their files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3


def in_memory() -> Path | None:
    """A file system in memory with two gigabytes free, where there is one: a database is cloned there in a fifth of the time."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy else None
