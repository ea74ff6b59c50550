"""The tree and its proofs, against the published vectors, Go's own log and a library nobody here wrote."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from audit import merkle
from audit.merkle import MerkleError

# Certificate Transparency's own test tree: eight entries, and the root after each.
CT_ENTRIES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
CT_ENTRIES.append(bytes(range(0x60, 0x70)))
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# What Go's golang.org/x/mod/sumdb/tlog v0.43.0 says of the entries "entry 0", "entry 1" and on at these sizes: SHA-256
# over the roots, over every proof that the last entry of a smaller tree is in the larger, over every consistency proof.
GO_SIZES = [*range(1, 71), 255, 256, 257, 511, 512, 513, 1000, 65535, 65536, 65537, 65793, 66000]
GO_ROOTS = "2569d9082ffc8ef89f0aa84271209916463ed876789f779b42ae34a52ed3f78d"
GO_INCLUSION = "af75cf03ce70212c39f2e2ea020a3ab279f63fd56a961264e2411830edb0cef9"
GO_CONSISTENCY = "07dae74e47bd84b391623deb15e56b6e34197bef51d64f7521c7bdf6d99e47b2"
EDGES = [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537]


class Kept(dict):
    """Tiles in memory, put and read as the log does it, and how often they were."""

    reads = 0

    def tile(self, level, number):
        self.reads += 1
        return self[level, number]

    def add(self, size, leaves):
        changed = merkle.append(self, size, leaves)
        self.update(changed)
        return changed


def entry(number):
    return f"entry {number}".encode()


def grown(size, batch=2048):
    tiles = Kept()
    for at in range(0, size, batch):
        tiles.add(at, [merkle.leaf_hash(entry(number)) for number in range(at, min(at + batch, size))])
    return tiles


@pytest.fixture(scope="module")
def large():
    return grown(66_000)


@pytest.fixture(scope="module")
def other_library():
    tree = InmemoryTree(algorithm="sha256")
    tree.append_entries([entry(number) for number in range(66_000)])
    return tree


@pytest.mark.spec("RFC 6962", "2.1")
def test_roots_are_those_of_the_published_vectors():
    tiles = Kept()

    for size, content in enumerate(CT_ENTRIES):
        tiles.add(size, [merkle.leaf_hash(content)])

        assert merkle.root(tiles, size + 1).hex() == CT_ROOTS[size]
    assert merkle.root(tiles, 0) == merkle.root_of([]) == sha256().digest()


@pytest.mark.spec("RFC 6962", "2.1.1")
@pytest.mark.spec("RFC 6962", "2.1.2")
def test_roots_and_proofs_are_those_of_go(large):
    roots, inclusion, consistency = sha256(), sha256(), sha256()

    for size in GO_SIZES:
        roots.update(merkle.root(large, size))
        for smaller in (one for one in GO_SIZES if one <= size):
            inclusion.update(b"".join(merkle.Prover(large, size).proof(smaller - 1)))
            consistency.update(b"".join(merkle.consistency_proof(large, smaller, size)))

    assert (roots.hexdigest(), inclusion.hexdigest()) == (GO_ROOTS, GO_INCLUSION)
    assert consistency.hexdigest() == GO_CONSISTENCY


@pytest.mark.parametrize("size", EDGES)
def test_roots_and_inclusion_proofs_are_those_of_pymerkle(large, other_library, size):
    assert merkle.root(large, size) == other_library.get_root(size)
    for index in {0, size // 3, size // 2, size - 1}:
        proof = other_library.prove_inclusion(index + 1, size)

        assert merkle.Prover(large, size).proof(index) == proof.path[1:]


@given(st.integers(1, 66_000), st.integers(0, 65_999), st.integers(1, 66_000))
@settings(max_examples=150, deadline=None)
def test_pymerkle_and_the_hub_believe_each_others_proofs(large, other_library, size, index, old):
    index, old = index % size, (old - 1) % size + 1
    theirs = other_library.prove_consistency(old, size)

    theirs.verify(merkle.root(large, old), merkle.root(large, size))
    merkle.check_inclusion(
        merkle.leaf_hash(entry(index)),
        index,
        size,
        other_library.prove_inclusion(index + 1, size).path[1:],
        other_library.get_root(size),
    )
    merkle.check_consistency(
        old,
        size,
        other_library.get_root(old),
        other_library.get_root(size),
        merkle.consistency_proof(large, old, size),
    )


@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_batches_of_any_size_make_the_tiles_that_one_batch_makes(batches):
    total = sum(batches)
    leaves = [merkle.leaf_hash(entry(number)) for number in range(total)]
    at_once, step_by_step = Kept(), Kept()

    at_once.add(0, leaves)
    size = 0
    for batch in batches:
        before = dict(step_by_step)
        changed = step_by_step.add(size, leaves[size : size + batch])
        size += batch
        assert all(content.startswith(before.get(key, b"")) for key, content in changed.items()), "a tile shrank"
        assert not any(len(before.get(key, b"")) == 8192 for key in changed), "a full tile was written again"

    assert step_by_step == at_once
    assert merkle.root(step_by_step, total) == merkle.root_of(leaves)
    assert {(level, number): width * 32 for level, number, width in merkle.tiles_of(total)} == {
        key: len(content) for key, content in at_once.items()
    }


def test_a_batch_touches_the_right_edge_only(large):
    tiles = Kept(large)

    changed = tiles.add(66_000, [bytes(32)])

    assert (tiles.reads, set(changed)) == (1, {(0, 257)})


def test_an_append_that_was_not_kept_can_be_done_again():
    tiles = grown(300)
    tiles.add(300, [bytes(32)] * 10)

    tiles.add(300, [merkle.leaf_hash(entry(number)) for number in range(300, 305)])

    assert merkle.root(tiles, 305) == merkle.root(grown(305), 305)


def test_a_tile_that_is_too_short_is_no_tree():
    tiles = grown(300)
    tiles[0, 1] = tiles[0, 1][:-1]

    with pytest.raises(MerkleError, match="0/1"):
        merkle.root(tiles, 300)
    with pytest.raises(MerkleError, match="0/1"):
        merkle.append(tiles, 300, [bytes(32)])


@pytest.mark.spec("RFC 9162", "2.1.3.2")
def test_an_inclusion_proof_shows_one_entry_at_one_place(large):
    for size in [1, 2, 7, 256, 300, 65_537]:
        index = size // 3
        leaf, root = merkle.leaf_hash(entry(index)), merkle.root(large, size)
        proof = merkle.Prover(large, size).proof(index)
        merkle.check_inclusion(leaf, index, size, proof, root)

        wrong = [
            (merkle.leaf_hash(entry(index + 1)), index, size, proof, root),
            (leaf, index, size, proof, merkle.leaf_hash(root)),
            (leaf, index, size, [*proof, bytes(32)], root),
            (leaf, size, size, proof, root),
            (leaf, -1, size, proof, root),
        ]
        if size > 1:
            wrong += [
                (leaf, index ^ 1, size, proof, root),
                (leaf, index, size, proof[:-1], root),
                (leaf, index, size, proof[::-1] if len(proof) > 1 else [], root),
                (leaf, index, size, [bytes(32), *proof[1:]], root),
            ]
        for arguments in wrong:
            with pytest.raises(MerkleError):
                merkle.check_inclusion(*arguments)


@pytest.mark.spec("RFC 9162", "2.1.3.2")
@pytest.mark.spec("RFC 9162", "2.1.4.2")
def test_a_proof_for_one_size_shows_nothing_of_another(large):
    """The hashes lead to the root all the same: it is their number that tells."""
    leaf, two, four = merkle.leaf_hash(entry(0)), merkle.root(large, 2), merkle.root(large, 4)
    for size, proof, root in [
        (2, [], leaf),
        (1, merkle.Prover(large, 2).proof(0), two),
        (4, merkle.Prover(large, 2).proof(0), two),
        (2, merkle.Prover(large, 4).proof(0), four),
    ]:
        with pytest.raises(MerkleError):
            merkle.check_inclusion(leaf, 0, size, proof, root)
    with pytest.raises(MerkleError, match="too long"):
        merkle.check_inclusion(merkle.leaf_hash(entry(1)), 0, 1, [leaf], two)
    with pytest.raises(MerkleError):
        merkle.check_consistency(1, 8, leaf, four, merkle.consistency_proof(large, 1, 4))
    with pytest.raises(MerkleError, match="too long"):
        merkle.check_consistency(
            3, 4, merkle.root(large, 7), merkle.root(large, 8), merkle.consistency_proof(large, 7, 8)
        )


@pytest.mark.spec("RFC 9162", "2.1.4.2")
def test_a_consistency_proof_shows_that_nothing_before_changed(large):
    for old, new in [(1, 2), (3, 7), (4, 7), (256, 300), (255, 65_537), (65_536, 65_537)]:
        old_root, new_root = merkle.root(large, old), merkle.root(large, new)
        proof = merkle.consistency_proof(large, old, new)
        merkle.check_consistency(old, new, old_root, new_root, proof)

        wrong = [
            (old, new, merkle.leaf_hash(old_root), new_root, proof),
            (old, new, old_root, merkle.leaf_hash(new_root), proof),
            (old, new, old_root, new_root, [*proof, bytes(32)]),
            (old, new, old_root, new_root, proof[:-1]),
            (old, new, old_root, new_root, []),
            (old, new, old_root, new_root, [bytes(32), *proof[1:]]),
            (new, old, new_root, old_root, proof),
            (new, new, old_root, new_root, []),
            (0, new, old_root, new_root, []),
        ]
        for arguments in wrong:
            with pytest.raises(MerkleError):
                merkle.check_consistency(*arguments)
    merkle.check_consistency(0, 7, merkle.EMPTY, merkle.root(large, 7), merkle.consistency_proof(large, 0, 7))
    merkle.check_consistency(7, 7, merkle.root(large, 7), merkle.root(large, 7), [])
    with pytest.raises(MerkleError, match="where none is needed"):
        merkle.check_consistency(7, 7, merkle.root(large, 7), merkle.root(large, 7), [bytes(32)])


def test_there_is_no_proof_of_what_is_not_there(large):
    for index, size in [(0, 0), (5, 5), (-1, 5)]:
        with pytest.raises(MerkleError):
            merkle.Prover(large, size).proof(index)
    for old, new in [(6, 5), (-1, 5)]:
        with pytest.raises(MerkleError):
            merkle.consistency_proof(large, old, new)


@pytest.mark.spec("C2SP tlog-tiles", "Merkle Tree")
def test_tiles_are_named_as_the_specification_names_them():
    assert merkle.tile_path(0, 0) == "tile/0/000"
    assert merkle.tile_path(1, 1_234_067) == "tile/1/x001/x234/067"
    assert merkle.tile_path(0, 1_234, 5) == "tile/0/x001/234.p/5"
    assert merkle.tile_path("entries", 1_000) == "tile/entries/x001/000"
    assert merkle.tile_path("entries", 999, 255) == "tile/entries/999.p/255"


@pytest.mark.spec("C2SP tlog-tiles", "Partial Tiles")
def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_specifications_example():
    tiles = list(merkle.tiles_of(70_000))

    assert sum(level == 0 and width == 256 for level, _, width in tiles) == 273
    assert [one for one in tiles if one[2] < 256] == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(merkle.tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]


@pytest.mark.spec("C2SP tlog-tiles", "Log entries")
def test_a_bundle_of_entries_comes_apart_as_it_was_put_together():
    entries = [b"", b"a", b"x" * merkle.MAX_ENTRY]

    bundle = merkle.entry_bundle(entries)

    assert bundle[:5] == b"\x00\x00\x00\x01a"
    assert merkle.entries_of(bundle) == entries
    assert merkle.entries_of(b"") == []
    for cut in (bundle[:-1], bundle[:4], bundle[:1], bundle + b"\x00"):
        with pytest.raises(MerkleError, match="cut short"):
            merkle.entries_of(cut)
