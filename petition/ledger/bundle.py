"""The bundle: one zip file with everything that is needed to recount a campaign offline.

The same data always gives the same bytes (order, times and modes are fixed). Nobody ever reads a partial file: a path
gets a complete file or none. The zip is written as a stream, with one chunk in memory at a time.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from petition.core.encoding import b64u, canonical_json
from petition.ledger.entries import Body

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can represent
_MODE = 0o644
_LINES_AT_ONCE = 1024


@dataclass(frozen=True)
class PublicBody:
    """The body of the signature at `index`, with the 32-byte salt that opens its commitment."""

    index: int
    salt: bytes
    body: Body

    def line(self) -> bytes:
        """Returns the line in `bodies.jsonl`, without its newline."""
        return canonical_json({"i": self.index, "salt": b64u(self.salt), "body": self.body.fields()})


@dataclass(frozen=True)
class Contents:
    """The content of a bundle: entry lines from index 0, public bodies by index, signed note, key, letters by language."""

    lines: Iterable[bytes]
    bodies: Iterable[PublicBody]
    checkpoint: str
    vkey: str
    letters: Mapping[str, bytes]


def write(target: Path | BinaryIO, contents: Contents) -> None:
    """Write the zip to an open binary file, or to a path, completely or not at all."""
    if isinstance(target, Path):
        _write_path(target, contents)
    else:
        _write_file(target, contents)


def _write_path(path: Path, contents: Contents) -> None:
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w+b") as file:
            _write_file(file, contents)
            file.flush()
            os.fchmod(number, _MODE)
            os.fsync(number)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def _write_file(file: BinaryIO, contents: Contents) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        _member(archive, "log.jsonl", _joined(contents.lines))
        _member(archive, "bodies.jsonl", _joined(body.line() for body in contents.bodies))
        _member(archive, "checkpoint", [contents.checkpoint.encode()])
        _member(archive, "vkey", [contents.vkey.encode() + b"\n"])
        for lang, letter in sorted(contents.letters.items()):
            _member(archive, f"letter.{lang}.md", [letter])


def _member(archive: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> None:
    info = zipfile.ZipInfo(name, _EARLIEST)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = _MODE << 16
    with archive.open(info, "w") as member:
        for chunk in chunks:
            member.write(chunk)


def _joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    remaining = iter(lines)
    while batch := list(islice(remaining, _LINES_AT_ONCE)):
        yield b"\n".join(batch) + b"\n"
