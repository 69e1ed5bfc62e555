"""Connections dealt evenly to the processes of a server, so that how they happen to fall decides nothing.

Whoever wakes first takes a connection: of eight, one of two processes gets between none and eight. A server that
computes loses by that what one that waits does not. Linux says in /proc who took which.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"
MOST_TRIES = 200


def dealt(opened: Callable[[], socket.socket], n: int, takers: Sequence[int]) -> list[socket.socket]:
    """So many connections, to each process in turn; as they fall where nobody can tell. `opened` gives an accepted one."""
    share = -(-n // max(1, len(takers)))
    hands: dict[int | None, list[socket.socket]] = {taker: [] for taker in takers}
    rest: list[socket.socket] = []
    tries = MOST_TRIES if takers else n
    while sum(map(len, hands.values())) < n and len(rest) < tries:
        line = opened()
        hand = hands.get(taker_of(line, takers), rest)
        (hand if len(hand) < share else rest).append(line)
    rounds = [line for each in range(share) for hand in hands.values() for line in hand[each : each + 1]]
    kept = [*rounds, *rest][:n]
    for line in {*rounds, *rest} - {*kept}:
        line.close()
    return kept


def processes(port: int) -> list[int]:
    """Who listens at a port and has a parent that does, too: the processes that a server made to serve."""
    at = f":{port:04X}"
    inodes = {row[9] for row in rows() if row[1].endswith(at) and row[3] == LISTENS}
    listening = [int(each.name) for each in PROC.glob("[0-9]*") if inodes & sockets(int(each.name))]
    return [pid for pid in listening if parent(pid) in listening]


def taker_of(line: socket.socket, takers: Sequence[int]) -> int | None:
    """Which of them has accepted a connection."""
    ours, theirs = f":{line.getsockname()[1]:04X}", f":{line.getpeername()[1]:04X}"
    inodes = {row[9] for row in rows() if row[1].endswith(theirs) and row[2].endswith(ours)}
    return next((pid for pid in takers if inodes & sockets(pid)), None)


def rows() -> list[list[str]]:
    """What the kernel says of each connection."""
    with suppress(OSError):
        return [line.split() for line in (PROC / "net/tcp").read_text().splitlines()[1:]]
    return []


def sockets(pid: int) -> set[str]:
    """The inodes of a process's sockets."""
    found = set()
    with suppress(OSError):
        for each in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                found.add(str(each.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found


def parent(pid: int) -> int:
    """Whose child a process is."""
    with suppress(OSError):
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return 0
