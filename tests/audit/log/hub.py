"""A hub's log in memory, honest or not, and its exports: what the verifier is shown."""

from pathlib import Path
from uuid import UUID, uuid4

from audit import bundle, merkle
from audit.bundle import Disclosed, Folder, Proved
from audit.note import Algorithm, Checkpoint, SigningKey, cosign, sign
from audit.parts import AT, GONE, Role, entry_bytes, make_part
from audit.zipping import Archive

HUB = "alizarine.example"
LEDGER, ACCESS = "ledger-2026", "access-2026h2"
START = 1_790_000_000
WITNESS = SigningKey("garance.example/temoin", Algorithm.ED25519_COSIGNATURE, bytes([9]) * 32)
THIEF = bytes([66]) * 32


def key_of(log, seed=bytes([7]) * 32, algorithm=Algorithm.ED25519):
    return SigningKey(f"{HUB}/audit/{log}", algorithm, seed)


class Tiles(dict):
    def tile(self, level, number):
        return self[level, number]


class Log:
    def __init__(self, name=ACCESS, key=None):
        self.name, self.key = name, key or key_of(name)
        self.tiles, self.entries, self.parts, self.notes = Tiles(), [], [], []
        self.events = 0

    @property
    def size(self):
        return len(self.entries)

    def record(self, event="idp:session:start", *, at=None, happened=None, reference=None, common=None, roles="csx"):
        """One event, a second after the last."""
        self.events += 1
        reference = reference or uuid4()
        at = START + self.events if at is None else at
        facts = {
            "c": {AT: (happened or at) * 1_000_000, **(common or {"tool": "louty"})},
            "s": {"member": f"{self.events % 7:08}-0000-4000-8000-000000000000"},
            "a": {"member": "99999999-0000-4000-8000-000000000000"},
            "x": {"address": "192.0.2.0/24", "browser": "Firefox · « été »"},
        }
        parts = [make_part(Role(role), facts[role]) for role in roles]
        self.add(
            entry_bytes(
                reference=reference,
                event=event,
                at=at,
                retention="access",
                commitments=[(part.role, part.commitment) for part in parts],
            ),
            [Disclosed(reference, part) for part in parts],
        )
        return reference

    def add(self, entry, parts=()):
        self.tiles.update(merkle.append(self.tiles, self.size, [merkle.leaf_hash(entry)]))
        self.entries.append(entry)
        self.parts += parts

    def sign(self, *keys, at=None, key=None):
        checkpoint = Checkpoint(self.key.name, self.size, merkle.root(self.tiles, self.size))
        note = sign(checkpoint.text, key or self.key, at=START + self.events)
        for one in keys:
            note = cosign(note, one, at=START + self.events if at is None else at)
        self.notes.append(note)
        return note

    def rebuilt(self, entries, key=None):
        """What somebody with this key would make of these entries, signed at the same sizes as before."""
        other = Log(self.name, key or self.key)
        other.parts, other.events = list(self.parts), self.events
        sizes = {bundle.size_of(note) for note in self.notes}
        for entry in entries:
            other.add(entry)
            if other.size in sizes:
                other.sign()
        if bundle.size_of(other.notes[-1]) < other.size:
            other.sign()
        return other

    def erase(self, references):
        """Their subject and network parts are gone; the entry that says so is in this log."""
        before = len(self.parts)
        self.parts = [
            one
            for one in self.parts
            if not (one.reference in references and one.part.role in (Role.SUBJECT, Role.NETWORK))
        ]
        erased = before - len(self.parts)
        gone = {"s": len(references), "x": erased - len(references)}
        self.record("audit:person:erase", common={GONE: {self.name: gone}}, roles="c")
        return erased

    def write(self, sink, **changes):
        values = {
            "checkpoint": self.notes[-1],
            "older": self.notes[:-1],
            "tiles": self.tiles,
            "entries": self.entries,
            "parts": self.parts,
        }
        bundle.write_log(sink, self.name, **(values | changes))

    def write_person(self, sink, numbers, roles="cs", **changes):
        size = bundle.size_of(self.notes[-1])
        shown = [
            Proved(number, self.entries[number], merkle.Prover(self.tiles, size).proof(number)) for number in numbers
        ]
        references = [UUID(self.entries[number][7:43].decode()) for number in numbers]
        values = {
            "checkpoint": self.notes[-1],
            "proved": shown,
            "parts": [one for one in self.parts if one.reference in references and one.part.role in roles],
        }
        bundle.write_person(sink, self.name, **(values | changes))


def history(events=600, every=100, name=ACCESS, key=None, **options):
    """A log of so many events, signed at every so many and at the end."""
    log = Log(name, key)
    for number in range(1, events + 1):
        log.record(**options)
        if number % every == 0 or number == events:
            log.sign()
    return log


def export(folder: Path, *logs, kind=bundle.WHOLE, withheld=None):
    for log in logs:
        log.write(Folder(folder))
    bundle.write_manifest(Folder(folder), kind=kind, hub=HUB, created="2026-11-29T04:00:00Z", withheld=withheld)
    return folder


def zipped(path: Path, *logs):
    with path.open("wb") as file:
        archive = Archive(file)
        for log in logs:
            log.write(archive)
        bundle.write_manifest(archive, kind=bundle.WHOLE, hub=HUB, created="2026-11-29T04:00:00Z")
        archive.close()
    return path
