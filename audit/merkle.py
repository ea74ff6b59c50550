"""The tree over the entries: RFC 6962 hashes, kept in tiles of 256 as C2SP tlog-tiles lays them out.

Pure: whoever calls says where tiles are read and where the changed ones are put.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

HASH = 32
WIDTH = 256  # hashes in a full tile; a hash at level L stands for 256**L entries
MAX_ENTRY = 2**16 - 1
EMPTY = sha256().digest()
Proof = Sequence[bytes]


class MerkleError(Exception):
    """A tile is shorter than the tree, or a proof does not show what it should."""


class Tiles(Protocol):
    """Where tiles come from: the hashes that are there, one after the other; more than were asked for do no harm."""

    def tile(self, level: int, number: int) -> bytes: ...


# RFC 6962 §2.1: the first byte keeps an entry from passing for a node.


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these; the same function takes leaves, or the hashes of full subtrees and a last smaller one."""
    row = list(hashes)
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        row = [*map(node_hash, row[::2], row[1::2]), *odd]
    return row[0] if row else EMPTY


def append(read: Tiles, size: int, leaf_hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles that change when these follow the first ``size``, each by (level, number) with its whole content.

    Reads at most one tile a level, the rightmost; a full tile is never written again.
    """
    changed: dict[tuple[int, int], bytes] = {}
    level, new = 0, list(leaf_hashes)
    while new:
        size, width = divmod(size, WIDTH)
        row = _hashes(read, level, size, 0, width) + new
        tiles = [row[at : at + WIDTH] for at in range(0, len(row), WIDTH)]
        changed |= {(level, size + at): b"".join(tile) for at, tile in enumerate(tiles)}
        new = [root_of(tile) for tile in tiles if len(tile) == WIDTH]
        level += 1
    return changed


def root(read: Tiles, size: int) -> bytes:
    """The root of the first ``size`` entries."""
    return _root(read, 0, size) if size else EMPTY


class Prover:
    """The proofs of many entries of one tree, in rising order best: what they share is worked out once.

    Keeps a thousand hashes, however large the tree is.
    """

    def __init__(self, read: Tiles, size: int) -> None:
        self._read, self._size = read, size
        self._root = lru_cache(maxsize=1024)(self._new_root)

    def proof(self, index: int) -> list[bytes]:
        """RFC 6962 §2.1.1, from the leaf's neighbour up."""
        if not 0 <= index < self._size:
            raise MerkleError(f"no entry {index} among {self._size}")
        start, end, proof = 0, self._size, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._root(middle, end))
                end = middle
            else:
                proof.append(self._root(start, middle))
                start = middle
        return proof[::-1]

    def _new_root(self, start: int, end: int) -> bytes:
        width = end - start
        if width & (width - 1):
            middle = start + _split(width)
            return node_hash(self._root(start, middle), self._root(middle, end))
        return _root(self._read, start, end)


def consistency_proof(read: Tiles, old: int, new: int) -> list[bytes]:
    """RFC 6962 §2.1.2: that the first ``old`` of ``new`` entries are those of the smaller tree."""
    if not 0 <= old <= new:
        raise MerkleError(f"no tree of {old} entries in one of {new}")
    if old == 0:
        return []
    start, end, proof = 0, new, []
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_root(read, middle, end))
            end = middle
        else:
            proof.append(_root(read, start, middle))
            start = middle
    if start:  # a checker knows the root of the smaller tree where nothing of it was split off
        proof.append(_root(read, start, end))
    return proof[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Proof, expected: bytes) -> None:
    """RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        raise MerkleError(f"no entry {index} among {size}")
    found, last = leaf, size - 1
    for sibling in proof:
        if last == 0:
            raise MerkleError("inclusion proof is too long")
        if index % 2 or index == last:
            found = node_hash(sibling, found)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            found = node_hash(found, sibling)
        index, last = index // 2, last // 2
    if last or found != expected:
        raise MerkleError("inclusion proof leads to another root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Proof) -> None:
    """RFC 9162 §2.1.4.2, with the two cases that need no proof: nothing before, nothing since."""
    if not 0 <= old <= new:
        raise MerkleError(f"no tree of {old} entries in one of {new}")
    if old in (0, new):
        if proof or old_root != (new_root if old else EMPTY):
            raise MerkleError("roots differ, or a proof where none is needed")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise MerkleError("consistency proof is too short")
    first, last = old - 1, new - 1
    while first % 2:
        first, last = first // 2, last // 2
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise MerkleError("consistency proof is too long")
        if first % 2 or first == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while first % 2 == 0 and first:
                first, last = first // 2, last // 2
        else:
            after = node_hash(after, sibling)
        first, last = first // 2, last // 2
    if last or before != old_root or after != new_root:
        raise MerkleError("consistency proof leads to other roots")


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, number, width) of every tile of a tree of this size."""
    level = 0
    while size:
        full, partial = divmod(size, WIDTH)
        yield from ((level, number, WIDTH) for number in range(full))
        if partial:
            yield level, full, partial
        level, size = level + 1, full


def tiles_for(indexes: Iterable[int], size: int) -> set[tuple[int, int]]:
    """(level, number) of every tile from which the proofs of these entries are made."""
    places: set[tuple[int, int]] = set()
    level, numbers = 0, set(indexes)
    while size:
        numbers = {number // WIDTH for number in numbers}
        # Above a level's last full tile there may be nothing yet.
        last = (size - 1) // WIDTH
        places |= {(level, number) for number in numbers | {last} if number <= last}
        level, size = level + 1, size // WIDTH
    return places


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """As C2SP names it, ``tile/0/x001/234`` or ``tile/0/x001/234.p/5``; the level of entry bundles is ``entries``."""
    groups = f"{number:,}".split(",")
    path = "/".join([*(f"x{group:0>3}" for group in groups[:-1]), f"{groups[-1]:0>3}"])
    return f"tile/{level}/{path}" + (f".p/{width}" if width < WIDTH else "")


def tile_of(path: str) -> tuple[str, int, int] | None:
    """Level, number and width of a tile, or nothing for a path that C2SP would spell otherwise."""
    found = re.fullmatch(
        r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?", path
    )
    if found is None:
        return None
    level, number, width = found[1], int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH)
    return (level, number, width) if width and tile_path(level, number, width) == path else None


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Up to 256 entries, each after its length in two bytes."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def entries_of(bundle: bytes) -> list[bytes]:
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            raise MerkleError("entry bundle is cut short")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


def _split(width: int) -> int:
    """The largest power of two below ``width``."""
    return 1 << (width - 1).bit_length() - 1


def _root(read: Tiles, start: int, end: int) -> bytes:
    """The root over ``start`` to ``end``: from the left, full subtrees, each of which a part of one tile makes up."""
    width = end - start
    if width & (width - 1):
        middle = start + _split(width)
        return node_hash(_root(read, start, middle), _root(read, middle, end))
    level, height = divmod(width.bit_length() - 1, 8)
    number, at = divmod(start >> 8 * level, WIDTH)
    return root_of(_hashes(read, level, number, at, at + (1 << height)))


def _hashes(read: Tiles, level: int, number: int, start: int, end: int) -> list[bytes]:
    if start == end:
        return []
    tile = read.tile(level, number)
    if len(tile) < end * HASH:
        raise MerkleError(f"tile {level}/{number} has fewer than {end} hashes")
    return [tile[at : at + HASH] for at in range(start * HASH, end * HASH, HASH)]
