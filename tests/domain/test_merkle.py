"""The tree against a naive reading of RFC 9162 §2.1, and against Certificate Transparency's published values."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petition.ledger.merkle import (
    EMPTY_ROOT,
    OutsideTree,
    Tiles,
    TileTooShort,
    Tree,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

CT_LINES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(str(i).encode()) for i in range(600)]


class Shelf:
    """A tree with the tiles it asked to store, as the database will hold them."""

    def __init__(self) -> None:
        self.tiles: Tiles = {}
        self.size = 0

    def append(self, leaves: list[bytes]) -> None:
        tree = self.tree()
        self.tiles.update(tree.append(leaves))
        self.size = tree.size

    def tree(self) -> Tree:
        return Tree(self.size, lambda level, index: self.tiles[level, index])


def shelf_of(leaves: list[bytes]) -> Shelf:
    shelf = Shelf()
    shelf.append(leaves)
    return shelf


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


@cache
def naive_root(start: int, end: int) -> bytes:
    n = end - start
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return LEAVES[start]
    return node_hash(naive_root(start, start + split(n)), naive_root(start + split(n), end))


def naive_path(m: int, start: int, end: int) -> list[bytes]:
    n = end - start
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*naive_path(m, start, start + k), naive_root(start + k, end)]
    return [*naive_path(m - k, start + k, end), naive_root(start, start + k)]


def naive_proof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
    n = end - start
    if m == n:
        return [] if whole else [naive_root(start, end)]
    k = split(n)
    if m <= k:
        return [*naive_proof(m, start, start + k, whole), naive_root(start + k, end)]
    return [*naive_proof(m - k, start + k, end, False), naive_root(start, start + k)]


def test_roots_equal_the_published_ones_of_certificate_transparency() -> None:
    leaves = [leaf_hash(bytes.fromhex(line)) for line in CT_LINES]
    tree = shelf_of(leaves).tree()
    assert [tree.root(n).hex() for n in range(9)] == CT_ROOTS
    assert [root_of(leaves[:n]).hex() for n in range(9)] == CT_ROOTS


def test_proofs_equal_the_published_ones_of_certificate_transparency() -> None:
    tree = shelf_of([leaf_hash(bytes.fromhex(line)) for line in CT_LINES]).tree()
    assert [node.hex() for node in tree.inclusion_proof(5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [node.hex() for node in tree.consistency_proof(6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_the_root_of_every_size_to_600_is_the_naive_one_however_the_tree_grew() -> None:
    one_by_one, whole = Shelf(), shelf_of(LEAVES).tree()
    for size in range(601):
        assert one_by_one.tree().root() == whole.root(size) == root_of(LEAVES[:size]) == naive_root(0, size)
        one_by_one.append(LEAVES[size : size + 1])
    assert one_by_one.tiles == shelf_of(LEAVES).tiles


@pytest.mark.parametrize("size", [*range(1, 70), 255, 256, 257, 511, 512, 513, 600])
def test_every_inclusion_proof_is_the_naive_one_and_verifies(size: int) -> None:
    tree = shelf_of(LEAVES[:size]).tree()
    root = tree.root()
    for index in range(size):
        proof = tree.inclusion_proof(index)
        assert proof == naive_path(index, 0, size)
        assert verify_inclusion(LEAVES[index], index, size, proof, root)


@pytest.mark.parametrize("new", [*range(70), 255, 256, 257, 511, 512, 513, 600])
def test_every_consistency_proof_is_the_naive_one_and_verifies(new: int) -> None:
    tree = shelf_of(LEAVES[:new]).tree()
    assert tree.consistency_proof(0) == []
    assert verify_consistency(0, new, [], EMPTY_ROOT, tree.root())
    for old in range(1, new + 1):
        proof = tree.consistency_proof(old)
        assert proof == naive_proof(old, 0, new, True)
        assert verify_consistency(old, new, proof, tree.root(old), tree.root())


@given(st.lists(st.integers(0, 300), max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_a_tree_that_grew_in_any_batches_proves_any_earlier_size(batches: list[int], data: st.DataObject) -> None:
    shelf, size = Shelf(), 0
    for batch in batches:
        shelf.append(LEAVES[size : size + batch])
        size = min(size + batch, 600)
    tree = shelf.tree()
    assert (tree.size, tree.root()) == (size, naive_root(0, size))
    new = data.draw(st.integers(0, size))
    old = data.draw(st.integers(0, new))
    assert verify_consistency(old, new, tree.consistency_proof(old, new), tree.root(old), tree.root(new))
    if new:
        index = data.draw(st.integers(0, new - 1))
        assert verify_inclusion(tree.leaf(index), index, new, tree.inclusion_proof(index, new), tree.root(new))


@given(st.integers(2, 600), st.data())
@settings(max_examples=200, deadline=None)
def test_a_proof_changed_in_any_part_is_refused(size: int, data: st.DataObject) -> None:
    tree = shelf_of(LEAVES[:size]).tree()
    index = data.draw(st.integers(0, size - 1))
    proof, root, wrong = tree.inclusion_proof(index), tree.root(), bytes(32)
    part = data.draw(st.integers(0, len(proof) - 1))
    assert not verify_inclusion(LEAVES[index], index, size, [*proof[:part], wrong, *proof[part + 1 :]], root)
    assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], root)
    assert not verify_inclusion(LEAVES[index], index, size, [*proof, wrong], root)
    assert not verify_inclusion(wrong, index, size, proof, root)
    assert not verify_inclusion(LEAVES[index], index ^ 1, size, proof, root)
    assert not verify_inclusion(LEAVES[index], index, size, proof, wrong)


@given(st.integers(2, 600), st.data())
@settings(max_examples=200, deadline=None)
def test_a_rewritten_history_has_no_consistency_proof(new: int, data: st.DataObject) -> None:
    tree = shelf_of(LEAVES[:new]).tree()
    old = data.draw(st.integers(1, new - 1))
    proof, before, after, wrong = tree.consistency_proof(old), tree.root(old), tree.root(), bytes(32)
    part = data.draw(st.integers(0, len(proof) - 1))
    assert not verify_consistency(old, new, [*proof[:part], wrong, *proof[part + 1 :]], before, after)
    assert not verify_consistency(old, new, proof[:-1], before, after)
    assert not verify_consistency(old, new, [*proof, wrong], before, after)
    assert not verify_consistency(old, new, proof, wrong, after)
    assert not verify_consistency(old, new, proof, before, wrong)
    assert not verify_consistency(new, old, proof, after, before)


@pytest.mark.parametrize("size", [65535, 65536, 65537, 65536 + 257])
def test_three_levels_of_tiles_stand_around_65536(size: int) -> None:
    leaves = [leaf_hash(i.to_bytes(4, "big")) for i in range(size)]
    shelf = shelf_of(leaves[:65530])
    shelf.append(leaves[65530:])
    tree = shelf.tree()
    root = root_of(leaves)
    assert tree.root() == root
    assert {key: len(tile) // 32 for key, tile in shelf.tiles.items() if key[0] or key[1] == size // 256} == {
        key: width
        for key, width in {
            (0, size // 256): size % 256,
            (1, 0): min(size // 256, 256),
            (1, 1): size // 256 - 256,
            (2, 0): size // 65536,
        }.items()
        if width > 0
    }
    for index in (0, 255, 256, 65534, size - 1):
        assert verify_inclusion(leaves[index], index, size, tree.inclusion_proof(index), root)
    for old in (1, 255, 256, 257, 65280, 65535, size - 1):
        assert verify_consistency(old, size, tree.consistency_proof(old), tree.root(old), root)


def test_an_append_hands_back_only_what_changed() -> None:
    shelf = shelf_of(LEAVES[:300])
    tree = shelf.tree()
    assert set(tree.append(LEAVES[300:310])) == {(0, 1)}
    assert set(tree.append(LEAVES[310:520])) == {(0, 1), (0, 2), (1, 0)}
    assert tree.append([]) == {}
    assert tree.root() == naive_root(0, 520)


def test_a_proof_reads_a_tile_a_level_and_the_ragged_edge() -> None:
    shelf = shelf_of(LEAVES)
    read: list[tuple[int, int]] = []

    def read_tile(level: int, index: int) -> bytes:
        read.append((level, index))
        return shelf.tiles[level, index]

    Tree(600, read_tile).inclusion_proof(3)
    assert sorted(read) == [(0, 0), (0, 2), (1, 0)]


def test_what_is_outside_the_tree_is_refused() -> None:
    tree = shelf_of(LEAVES[:10]).tree()
    for ask in (
        lambda: tree.root(11),
        lambda: tree.leaf(10),
        lambda: tree.leaf(-1),
        lambda: tree.inclusion_proof(10),
        lambda: tree.inclusion_proof(5, 5),
        lambda: tree.inclusion_proof(0, 11),
        lambda: tree.consistency_proof(11),
        lambda: tree.consistency_proof(-1),
        lambda: tree.consistency_proof(6, 5),
    ):
        with pytest.raises(OutsideTree):
            ask()


def test_a_stored_tile_that_lost_hashes_is_refused() -> None:
    shelf = shelf_of(LEAVES[:10])
    shelf.tiles[0, 0] = shelf.tiles[0, 0][:-32]
    with pytest.raises(TileTooShort, match="holds 9 of 10"):
        shelf.tree().root()
