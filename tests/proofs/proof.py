"""`python3 app.py proof`: the promises' tests, each with its time, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest


def main(argv: Sequence[str]) -> int:
    """Run tests/proofs with the arguments given; the exit code is pytest's."""
    return int(pytest.main([str(Path(__file__).parent), "-v", "--durations=0", *argv]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
