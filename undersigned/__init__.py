"""The installed program: what the command `undersigned` of a wheel calls.

A wheel holds everything else inside this package: `app.py`, `petition`, `workers`, `seeds`, `templates` and the lock
files (pyproject.toml, decision 0070). In a checkout these are beside this folder, and nothing here is used.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Run the command of `sys.argv` and return its exit code.

    The folder of this package becomes the first one that Python imports from. The processes of an installation need no
    such step, because each of them is started with this folder as its working directory.
    """
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from petition import bootstrap  # noqa: PLC0415 (it is found from now on)

    return bootstrap.main(sys.argv[1:])
