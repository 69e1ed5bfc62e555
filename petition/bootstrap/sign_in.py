"""How the link that signs the demo's owner in gets from the process that makes it to the one that prints it.

Guards that nobody else reads it on the way: a file of the owner alone, in the private folder of what runs, gone once read.
Refuses to fail a start: without the file there is no link, and everything else runs.
"""

from __future__ import annotations

import os
from pathlib import Path


def _file(home: Path) -> Path:
    return home / "run" / "sign-in"


def leave_sign_in(home: Path, link: str) -> None:
    """Leave a link for the process that announces; an older one is replaced."""
    _file(home).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _file(home).unlink(missing_ok=True)
    descriptor = os.open(_file(home), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as left:
        left.write(link)


def take_sign_in(home: Path) -> str:
    """The link that was left, which is there no more; or nothing."""
    try:
        link = _file(home).read_text()
        _file(home).unlink()
    except OSError:
        return ""
    return link
