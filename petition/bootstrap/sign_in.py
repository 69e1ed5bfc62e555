"""Passes the sign-in link of the demo's owner from the process that creates it to the one that prints it.

Nobody else can read it: it is in a file of the owner alone, in the private folder of the running installation, and is
deleted once it is read. A missing file never prevents a start: there is no link then, and everything else runs.
"""

from __future__ import annotations

import os
from pathlib import Path


def _file(home: Path) -> Path:
    return home / "run" / "sign-in"


def leave_sign_in(home: Path, link: str) -> None:
    """Store a link for the process that announces it. It replaces an older one."""
    _file(home).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _file(home).unlink(missing_ok=True)
    descriptor = os.open(_file(home), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as left:
        left.write(link)


def take_sign_in(home: Path) -> str:
    """Returns the stored link and deletes it, or an empty text if there is none."""
    try:
        link = _file(home).read_text()
        _file(home).unlink()
    except OSError:
        return ""
    return link
