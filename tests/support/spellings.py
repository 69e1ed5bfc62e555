"""Where a word lies, in any way it may be written: what a search of seized disks and of a browser's profile shares."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

Place = tuple[str, bytes]
BEGINNING = 12
LEAST = 8
"""Fewer bytes than this are met by chance in any large file."""


def spellings(word: str) -> dict[str, bytes]:
    """A word as it may lie on a disk: plain, in capitals, hex, UTF-16, and base64 at each of its three offsets."""
    raw = word.encode()
    found = {
        "plain": raw,
        "capitals": word.upper().encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
    }
    found |= {"utf-16-le": word.encode("utf-16-le"), "utf-16-be": word.encode("utf-16-be")}
    for offset in range(3):
        inner = base64.b64encode(bytes(offset) + raw + bytes((-offset - len(raw)) % 3))
        sure = inner[-(-offset * 4 // 3) + (1 if offset else 0) : len(inner) - 4]  # without what the neighbours change
        found[f"base64+{offset}"] = sure
    return found


def files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder: its path in it, and what it holds."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder), read(path)


def read(path: Path) -> bytes:
    """The bytes of a file, none of one that is gone."""
    try:
        return path.read_bytes()
    except OSError:  # a socket, or a file that PostgreSQL removed meanwhile
        return b""


def met(places: Iterable[Place], words: Collection[str]) -> list[str]:
    """Where any spelling of any word lies; a place without any spelling of what a word begins with does not have it."""
    beginnings = _sought({word[:BEGINNING] for word in words})
    sought = _sought(words)
    return [
        f"{where}: {what}"
        for where, data in places
        if any(each in data for each in beginnings)
        for spelling, what in sought.items()
        if spelling in data
    ]


def _sought(words: Collection[str]) -> dict[bytes, str]:
    said = {spelling: f"{word} ({kind})" for word in words for kind, spelling in spellings(word).items()}
    return {spelling: what for spelling, what in said.items() if len(spelling) >= LEAST}
