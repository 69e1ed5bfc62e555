"""What processes cost, as Linux counts it: memory (PSS: shared pages are divided among those who share them) and time.

Sources: proc(5), smaps_rollup and stat.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import psutil

TICKS = os.sysconf("SC_CLK_TCK")


def tree(*roots: int) -> list[int]:
    """These processes and all below them that live."""
    found = []
    for root in roots:
        try:
            process = psutil.Process(root)
            found += [root, *(each.pid for each in process.children(recursive=True))]
        except psutil.NoSuchProcess:
            continue
    return list(dict.fromkeys(found))


def pss(pids: Iterable[int]) -> float:
    """Megabytes (2**20 bytes) of memory of processes, each shared page counted once."""
    kilobytes = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def seconds_of(pids: Iterable[int]) -> float:
    """Seconds of processor time that processes have used, with those of children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def descriptors(pid: int) -> int:
    """How many files a process has open."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0
