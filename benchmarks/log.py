"""The fourth report: what the log's formats cost, and what it takes to check an export, beside SHA-256 alone."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from audit import bundle, merkle, verify
from audit.bundle import Disclosed, Folder, Proved
from audit.note import Algorithm, Checkpoint, SigningKey, open_note, sign
from audit.parts import Part, Role, canonical, entry_bytes, make_part, parse_entry, seal_part
from benchmarks import floor, report

HUB, NAME = "alizarine.example", "access-2026h2"
KEY = SigningKey(f"{HUB}/audit/{NAME}", Algorithm.ED25519, bytes(range(32)))
START = 1_790_000_000
BATCH = 2048
CHECKPOINTS = 100
PERSON = 5000
CREATED = "2026-11-29T00:00:00Z"
FACTS: dict[Role, Any] = {
    Role.COMMON: {
        "at": START * 1_000_000,
        "tool": "0b0c7c0e-6a8e-4b52-9f9a-7a3b6e1a2c3d",
        "profile": "3fa9c1d2e4b5a697",
    },
    Role.SUBJECT: {"member": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "session": "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
    Role.NETWORK: {"address": "192.0.2.0/24", "browser": "firefox"},
}
TEXTS = {role: canonical(facts) for role, facts in FACTS.items()}
# The verifier as its reader runs it, and the most memory it ever had, from its own account.
PROGRAM = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    told = open("/proc/self/status").read()
    print(next(line.split()[1] for line in told.splitlines() if line.startswith("VmHWM")), file=sys.stderr)
"""


class Tiles(dict[tuple[int, int], bytes]):
    def tile(self, level: int, number: int) -> bytes:
        return self[level, number]


def run(folder: Path, arguments: argparse.Namespace) -> None:
    print(report.machine_alone())
    print(report.table(("one event, CPU µs", "µs"), [(name, f"{us:.1f}") for name, us in operations()]))
    rows: list[tuple[object, ...]] = []
    for size in arguments.entries:
        rows += checked(folder / str(size), size, arguments.rounds)
    head = ("entries", "what", "of them", "CPU s", "a CPU second", "SHA-256 alone", "ratio", "MiB", "bytes an entry")
    print(report.table(head, rows))


def operations() -> Iterator[tuple[str, float]]:
    """What a request, the sequencer and the signer spend on formats alone."""
    key, reference = os.urandom(32), UUID("0f8fad5b-d9cb-469f-a165-70867728950e")

    def sealed() -> list[bytes]:
        made = [make_part(role, facts) for role, facts in FACTS.items()]
        return [seal_part(key, part, reference=reference) for part in made if part.commitment]

    entry, read = entry_of(1), parse_entry(entry_of(1))
    tiles, leaf = Tiles(), merkle.leaf_hash(entry)
    tiles.update(merkle.append(tiles, 0, [leaf] * (BATCH * 3 + 100)))
    text = Checkpoint(KEY.name, BATCH, leaf).text
    ml_dsa_44 = SigningKey(KEY.name, Algorithm.ML_DSA_44, KEY.seed)
    notes = {key: sign(text, key, at=START) for key in (KEY, ml_dsa_44)}
    verifier, note = verify.key_of(KEY.verifier.text), notes[KEY]
    works: list[tuple[str, int, Callable[[], object]]] = [
        ("three parts: salt, JSON, commitment, AES-256-GCM", 1, sealed),
        (
            "entry, written",
            1,
            lambda: entry_bytes(
                reference=reference, event=read.event, at=START, retention="access", commitments=read.commitments
            ),
        ),
        ("entry, read", 1, lambda: parse_entry(entry)),
        (f"tree, in batches of {BATCH:,}", BATCH, lambda: merkle.append(tiles, BATCH * 3 + 100, [leaf] * BATCH)),
        ("tree, one at a time", 1, lambda: merkle.append(tiles, BATCH * 3 + 100, [leaf])),
        ("root", 1, lambda: merkle.root(tiles, BATCH * 3 + 100)),
        ("checkpoint signed, Ed25519", 1, lambda: sign(text, KEY, at=START)),
        ("checkpoint signed, ML-DSA-44", 1, lambda: sign(text, ml_dsa_44, at=START)),
        ("checkpoint opened, Ed25519", 1, lambda: open_note(notes[KEY], KEY.verifier)),
        ("checkpoint opened, ML-DSA-44", 1, lambda: open_note(notes[ml_dsa_44], ml_dsa_44.verifier)),
        ("checkpoint opened by the verifier, plain Python", 1, lambda: verify.checkpoint_of("", note, [verifier], [])),
    ]
    for name, events, work in works:
        yield name, floor.cpu_ms(work) * 1000 / events


class Made(NamedTuple):
    """A log.  Its entries stay in memory; its parts are made when they are written, the same from their number."""

    entries: list[bytes]
    tiles: Tiles
    notes: list[str]

    def whole(self, sink: Folder) -> int:
        return self._write(sink, self._parts(range(len(self.entries))), {})

    def tree(self, sink: Folder) -> int:
        return self._write(sink, iter(()), {NAME: {role.value: len(self.entries) for role in FACTS}})

    def person(self, sink: Folder) -> int:
        """What an access request of somebody with many entries gives, spread over the log."""
        size = len(self.entries)
        numbers = range(0, size, max(1, size // PERSON))[:PERSON]
        proved = (Proved(at, self.entries[at], merkle.Prover(self.tiles, size).proof(at)) for at in numbers)
        bundle.write_person(sink, NAME, checkpoint=self.notes[-1], proved=proved, parts=self._parts(numbers))
        bundle.write_manifest(sink, kind=bundle.PERSON, hub=HUB, created=CREATED)
        return len(numbers)

    def _write(self, sink: Folder, parts: Iterator[Disclosed], withheld: dict[str, dict[str, int]]) -> int:
        *older, newest = self.notes
        bundle.write_log(
            sink, NAME, checkpoint=newest, older=older, tiles=self.tiles, entries=self.entries, parts=parts
        )
        bundle.write_manifest(sink, kind=bundle.WHOLE, hub=HUB, created=CREATED, withheld=withheld)
        return len(self.entries)

    @staticmethod
    def _parts(numbers: range) -> Iterator[Disclosed]:
        return (Disclosed(reference_of(number), part) for number in numbers for part in parts_of(number))


def checked(folder: Path, size: int, rounds: int) -> Iterator[tuple[object, ...]]:
    """Three exports of one log, each in turns with the floor, each in a process of its own."""
    log = made(size)
    depth = max(1, (size - 1).bit_length())
    for what, write, nodes, commitments in (
        ("all parts", log.whole, 1, 3),
        ("tree", log.tree, 1, 0),
        ("one person", log.person, depth, 3),
    ):
        count = write(Folder(folder))
        written = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        taken, floors = [], []
        for _ in range(rounds):
            floors.append(hashing_seconds(count, nodes, commitments))
            taken.append(verified(folder))
        shutil.rmtree(folder)
        seconds, alone = statistics.median(one for one, _ in taken), statistics.median(floors)
        row = (f"{size:,}", what, f"{count:,}", f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{count / alone:,.0f}")
        yield (*row, f"{seconds / alone:.1f}", f"{max(mib for _, mib in taken):.0f}", f"{written / count:.0f}")


def verified(folder: Path) -> tuple[float, float]:
    """CPU seconds and MiB.  Anything but sound ends the run without a figure."""
    command = [sys.executable, "-I", "-c", PROGRAM, verify.__file__, str(folder), "--key", KEY.verifier.text, "--json"]
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True)
    after = os.times()
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, int(done.stderr.split()[-1]) / 1024


def hashing_seconds(count: int, nodes: int, commitments: int) -> float:
    """What no checker goes below: for each entry its leaf, its nodes and its commitments."""
    entry, node = b"\0" + entry_of(1), bytes(65)
    hashed = [entry, *[node] * nodes, *[b"\x10" + bytes(32) + text.encode() for text in TEXTS.values()][:commitments]]
    began = time.process_time()
    for _ in range(count):
        for content in hashed:
            sha256(content).digest()
    return time.process_time() - began


def made(size: int) -> Made:
    log = Made([], Tiles(), [])
    for start in range(0, size, BATCH):
        batch = [entry_of(number) for number in range(start, min(start + BATCH, size))]
        log.tiles.update(merkle.append(log.tiles, start, [merkle.leaf_hash(entry) for entry in batch]))
        log.entries.extend(batch)
    for count in sorted({max(1, size * share // CHECKPOINTS) for share in range(1, CHECKPOINTS + 1)}):
        log.notes.append(sign(Checkpoint(KEY.name, count, merkle.root(log.tiles, count)).text, KEY, at=START))
    return log


def reference_of(number: int) -> UUID:
    return UUID(bytes=sha256(b"reference %d" % number).digest()[:16], version=4)


def parts_of(number: int) -> list[Part]:
    return [Part(role, sha256(b"%s %d" % (role.encode(), number)).digest(), text) for role, text in TEXTS.items()]


def entry_of(number: int) -> bytes:
    return entry_bytes(
        reference=reference_of(number),
        event="consent:data:disclose",
        at=START,
        retention="access",
        commitments=[(part.role, part.commitment) for part in parts_of(number)],
    )
