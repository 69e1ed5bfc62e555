"""The Merkle tree of the ledger, RFC 9162 §2.1, kept in tiles of 256 hashes (C2SP tlog-tiles, height 8).

Tile (0, k) holds the leaf hashes 256k … 256k+255. Tile (L+1, k) holds the roots of the 256 full tiles (L, 256k) … (L,
256k+255). The last tile of a level may be partial; levels above it do not contain it until it is full. This module does
no input or output: tiles come from a callable, and changed tiles are returned. It rejects sizes and indices outside the
tree, and stored tiles that are shorter than the tree's size requires.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH = 32
WIDTH = 256
EMPTY_ROOT = hashlib.sha256(b"").digest()

Tiles = dict[tuple[int, int], bytes]
ReadTile = Callable[[int, int], bytes]


class OutsideTree(ValueError):
    """The tree does not have the requested index or size."""


class TileTooShort(ValueError):
    """A stored tile holds fewer hashes than the size of the tree requires."""


def leaf_hash(line: bytes) -> bytes:
    """Returns the 32-byte hash of one entry, which is given without its newline."""
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns the 32-byte hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Returns the root over leaf hashes. Its memory does not grow with their number."""
    peaks: list[bytes] = []
    for size, leaf in enumerate(leaves):
        node, height = leaf, size
        while height & 1:
            node, height = node_hash(peaks.pop(), node), height >> 1
        peaks.append(node)
    return _join(peaks)


class Tree:
    """A log of `size` leaf hashes whose tiles are fetched by `read_tile(level, index)`.

    A tile is the concatenation of its hashes; one that has grown since may be longer than needed. Fetched tiles stay in
    memory (at most about 32 bytes per leaf), so create a tree for a single transaction.
    """

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        self.size = size
        self._read_tile = read_tile
        self._tiles: Tiles = {}

    def append(self, leaves: Iterable[bytes]) -> Tiles:
        """Add leaf hashes. Returns the tiles to store: the full ones and the partial last one of each level.

        The tree has its new size at once, whether or not the tiles were stored.
        """
        changed: Tiles = {}
        edge: list[bytearray] = []
        for leaf in leaves:
            self._push(leaf, edge, changed)
            self.size += 1
        for level, tile in enumerate(edge):
            if tile:
                changed[level, self.size >> 8 * (level + 1)] = bytes(tile)
        self._tiles.update(changed)
        return changed

    def root(self, size: int | None = None) -> bytes:
        """Returns the current root, or the one at an earlier size (§2.1.1)."""
        return self._range(0, self._known(size))

    def leaf(self, index: int) -> bytes:
        """Returns the leaf hash at an index."""
        if not 0 <= index < self.size:
            raise OutsideTree(f"There is no entry {index} in a tree of {self.size}.")
        return self._perfect(index, 0)

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Returns PATH(index, D[size]) of §2.1.3.1, lowest sibling first."""
        start, end, proof = 0, self._known(size), list[bytes]()
        if not 0 <= index < end:
            raise OutsideTree(f"There is no entry {index} in a tree of {end}.")
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """Returns PROOF(old, D[new]) of §2.1.4.1. It is empty when `old` is 0 or equals `new`."""
        start, end, proof = 0, self._known(new), list[bytes]()
        if not 0 <= old <= end:
            raise OutsideTree(f"A tree of {end} had no size {old} before.")
        while 0 < old < end:
            middle = start + _split(end - start)
            if old <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        if start:
            proof.append(self._range(start, end))
        return proof[::-1]

    def _known(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise OutsideTree(f"The tree has {self.size} entries, not {size}.")
        return size

    def _push(self, node: bytes, edge: list[bytearray], changed: Tiles) -> None:
        for level in range(64):
            if level == len(edge):
                edge.append(bytearray(self._partial(level)))
            tile = edge[level]
            tile += node
            if len(tile) < WIDTH * HASH:
                return
            full = changed[level, self.size >> 8 * (level + 1)] = bytes(tile)
            node = _fold(full)
            tile.clear()

    def _partial(self, level: int) -> bytes:
        position = self.size >> 8 * level
        width = position % WIDTH
        return self._hashes(level, position - width, width) if width else b""

    def _range(self, start: int, end: int) -> bytes:
        peaks = []
        while start < end:
            height = (end - start).bit_length() - 1
            peaks.append(self._perfect(start, height))
            start += 1 << height
        return _join(peaks)

    def _perfect(self, start: int, height: int) -> bytes:
        level, inner = divmod(height, 8)
        return _fold(self._hashes(level, start >> 8 * level, 1 << inner))

    def _hashes(self, level: int, position: int, count: int) -> bytes:
        """Returns `count` hashes of a level from a position on. They must not cross the edge of a tile."""
        index, offset = divmod(position, WIDTH)
        end = (offset + count) * HASH
        tile = self._tiles.get((level, index), b"")
        if len(tile) < end:
            tile = self._tiles[level, index] = self._read_tile(level, index)
        if len(tile) < end:
            raise TileTooShort(f"Tile {index} of level {level} holds {len(tile) // HASH} of {offset + count} hashes.")
        return tile[offset * HASH : end]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Returns whether `proof` leads from a leaf hash at `index` to the root of a tree of `size` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            node = node_hash(sibling, node)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Returns whether the tree of `new` entries begins with the one of `old` (RFC 9162 §2.1.4.2)."""
    if old in (0, new):
        return not proof and old_root == (new_root if old == new else EMPTY_ROOT)
    if not 0 < old < new or not proof:
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    return _walk(old - 1, new - 1, path, old_root, new_root)


def _walk(here: int, last: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    while here & 1:
        here, last = here >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and was == old_root and now == new_root


def _split(size: int) -> int:
    """Returns the largest power of two smaller than `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _fold(hashes: bytes) -> bytes:
    """Returns the root over concatenated hashes whose number is a power of two."""
    while len(hashes) > HASH:
        pairs = range(0, len(hashes), 2 * HASH)
        hashes = b"".join([hashlib.sha256(b"\x01" + hashes[i : i + 2 * HASH]).digest() for i in pairs])
    return hashes


def _join(peaks: list[bytes]) -> bytes:
    """Returns the root over perfect subtrees of decreasing height, from left to right."""
    if not peaks:
        return EMPTY_ROOT
    node = peaks[-1]
    for left in reversed(peaks[:-1]):
        node = node_hash(left, node)
    return node
