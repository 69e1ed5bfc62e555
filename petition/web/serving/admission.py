"""Decides which whole request gets a thread next, and which one is refused because it would wait too long.

No request waits long: a queue that stands would make everybody late and serve nobody more. A request is refused when it
has waited `LONGEST` seconds, and at once while the oldest one of its kind has waited half of that. It uses no sockets
and no clock: the time is an argument, in seconds.

What a refusal costs decides the order. Pages that exist as bytes cost next to nothing, so they go first, and the last
threads are theirs: they are served while everything else waits for a database that is away. Steps that have cost their
sender something (the code of a mail, a pass) go before those that begin. The rotation starves no kind.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from itertools import cycle
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Kind(Enum):
    """What a request is, by its method and its path."""

    PROBE = auto()
    """A question of a monitor or a load balancer. It is never refused."""
    PAGE = auto()
    """A page that this process has as bytes, or a file."""
    LATER_STEP = auto()
    """A step that cost its sender something before it, and what signers and organisers change."""
    OTHER = auto()
    """A first step, and a page that has to be made."""


PROBES: Final = frozenset({"/healthz", "/readyz"})
FILES: Final = "/static/"
READING: Final = frozenset({"GET", "HEAD"})
LATER: Final = frozenset({"pass", "check", "sign", "step", "offer", "amend", "withdraw", "hide", "change", "receipt"})
"""The last word of the paths of steps that cost something before."""
ORGANISERS: Final = "/organise"
HOOKS: Final = "/hooks/"
LONGEST: Final = {Kind.PAGE: 0.4, Kind.LATER_STEP: 0.8, Kind.OTHER: 0.6}
"""Seconds for which a request of each kind waits for a thread at most."""
ROTATION: Final = (
    (Kind.PAGE, Kind.LATER_STEP, Kind.OTHER),
    (Kind.LATER_STEP, Kind.PAGE, Kind.OTHER),
    (Kind.PAGE, Kind.LATER_STEP, Kind.OTHER),
    (Kind.LATER_STEP, Kind.PAGE, Kind.OTHER),
    (Kind.PAGE, Kind.LATER_STEP, Kind.OTHER),
    (Kind.OTHER, Kind.LATER_STEP, Kind.PAGE),
)
"""Which kind goes first, from one thread that becomes free to the next. Each signing has one first step and two later ones."""


def kind_of(method: str, path: str, query: str, has_page: Callable[[tuple[str, str]], bool]) -> Kind:
    """Returns the kind of a request. `has_page` tells whether a path and query lead to a page that exists as bytes."""
    if path in PROBES:
        return Kind.PROBE
    if method in READING:
        return Kind.PAGE if path.startswith(FILES) or has_page((path, query)) else _of_organisers(path)
    if path.rpartition("/")[2] in LATER or path.startswith(HOOKS):
        return Kind.LATER_STEP
    return _of_organisers(path)


def _of_organisers(path: str) -> Kind:
    return Kind.LATER_STEP if path.startswith(ORGANISERS) else Kind.OTHER


class Admission(Generic[T]):
    """The requests that wait for one of `threads` threads, by kind. All but pages share all threads but `kept` ones.

    `longest`: seconds that each kind waits at most.
    """

    def __init__(self, threads: int, kept: int, longest: Mapping[Kind, float] = LONGEST) -> None:
        self._threads, self._shared, self._longest = threads, threads - kept, longest
        self._waiting: dict[Kind, deque[tuple[float, T]]] = {kind: deque() for kind in Kind}
        self._busy: Counter[Kind] = Counter()
        self._rotation = cycle(ROTATION)

    def is_refused(self, kind: Kind, now: float) -> bool:
        """Returns whether a request that arrives now is refused at once, because its kind waits too long already."""
        waiting = self._waiting[kind]
        return kind in self._longest and bool(waiting) and now - waiting[0][0] > self._longest[kind] / 2

    def add(self, kind: Kind, request: T, now: float) -> None:
        """Let a request wait for a thread."""
        self._waiting[kind].append((now, request))

    def expired(self, now: float) -> Iterator[T]:
        """Remove and return the requests that have waited too long."""
        for kind, longest in self._longest.items():
            waiting = self._waiting[kind]
            while waiting and now - waiting[0][0] > longest:
                yield waiting.popleft()[1]

    def next_to_start(self) -> tuple[Kind, T] | None:
        """Remove and return the request that gets the next thread, or None if no request or no thread is left for it."""
        if self._busy.total() >= self._threads:
            return None
        for kind in (Kind.PROBE, *next(self._rotation)) if any(self._waiting.values()) else ():
            if self._waiting[kind] and (kind in {Kind.PAGE, Kind.PROBE} or self._busy_shared() < self._shared):
                self._busy[kind] += 1
                return kind, self._waiting[kind].popleft()[1]
        return None

    def finished(self, kind: Kind) -> None:
        """Give back the thread of a request of this kind."""
        self._busy[kind] -= 1

    @property
    def soonest(self) -> float | None:
        """Returns the time at which the next waiting request will have waited too long."""
        return min(
            (self._waiting[kind][0][0] + most for kind, most in self._longest.items() if self._waiting[kind]),
            default=None,
        )

    def _busy_shared(self) -> int:
        return self._busy[Kind.LATER_STEP] + self._busy[Kind.OTHER]
