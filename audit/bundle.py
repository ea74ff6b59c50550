"""How an export of the log lies in a folder or a zip.  Pure: entries, tiles, notes and parts are handed in.

    LISEZ-MOI.txt, verify.py        how to check it, and with what
    manifest.json                   what this is, who made it and when, what was withheld
    log/<name>/checkpoint           the newest signed note, in the layout of C2SP tlog-tiles with what follows
    log/<name>/tile/…               the tree
    log/<name>/tile/entries/…       its entries, 256 to a file
    log/<name>/checkpoints          older notes, an empty line between two
    log/<name>/parts.jsonl          disclosed parts in the order of their entries
    log/<name>/proofs.jsonl         entries of a person or a search, each with its proof, instead of tree and entries
    mes-lignes.html, my-lines.html  the same entries in sentences; not what is checked

Everything streams: an export of millions of entries needs no more memory than one of a hundred.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from audit import merkle
from audit.note import Checkpoint
from audit.parts import Part, base64url

FORMAT = 1
WHOLE, PERSON, SELECTION = "log", "person", "selection"
GUIDE = """\
Cet export se vérifie sans réseau et sans le hub, avec Python 3.9 ou plus récent.

1. Enregistrez les clés publiques des registres, que la coopérative publie ici :
   {keys}
2. Dans ce dossier, avec le fichier enregistré :

    python3 -I verify.py . --keys FICHIER

La clé ne doit pas venir de l’expéditeur : si vous doutez de lui, comparez-la à celle que garde la personne déléguée à
la protection des données, et prenez aussi verify.py ailleurs qu’ici. Donnez par --saved FICHIER les points de contrôle
que vous avez gardés, par --witness CLÉ la clé d’un témoin. Un point d’une autre taille que l’export d’une partie du
journal se compare avec --hub {hub} : le réseau est alors nécessaire, et seules des empreintes sont
lues. La réponse dit toujours ce qui n’est pas prouvé.


This export can be checked without a network and without the hub, with Python 3.9 or later.

1. Save the public keys of the logs, which the cooperative publishes here:
   {keys}
2. In this folder, with the file that you saved:

    python3 -I verify.py . --keys FILE --lang en

The key must not come from the sender: if you doubt them, compare it with the one that the data protection officer
keeps, and take verify.py from elsewhere too. Give checkpoints that you kept by --saved FILE, the key of a witness by
--witness KEY. One of another size than an export of a part of the log is compared by --hub {hub}: that
needs the network, and reads hashes alone. The answer always says what is not proved.
"""


class Disclosed(NamedTuple):
    reference: UUID
    part: Part


class Proved(NamedTuple):
    """One entry, and the hashes that lead from it to the checkpoint's root."""

    number: int
    entry: bytes
    proof: list[bytes]


class Sink(Protocol):
    def put(self, path: str, chunks: Iterable[bytes]) -> None: ...


class Folder:
    """Its owner's alone: whoever hands it on decides who reads it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(chunks)


def write_manifest(
    sink: Sink, *, kind: str, hub: str, created: str, withheld: Mapping[str, Mapping[str, int]] | None = None
) -> None:
    """``withheld``: how many parts of each role of each log exist and are not in here, other than the erased ones."""
    manifest = {"created": created, "format": FORMAT, "hub": hub, "kind": kind, "withheld": withheld or {}}
    sink.put("manifest.json", [json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"])


def write_guide(sink: Sink, *, keys: str) -> None:
    """The verifier travels with what it checks; whoever doubts the sender is told to take it from elsewhere.

    ``keys``: the address at which everybody finds the public keys.
    """
    sink.put("LISEZ-MOI.txt", [GUIDE.format(keys=keys, hub=keys.rpartition("/")[0]).encode()])
    sink.put("verify.py", [Path(__file__).with_name("verify.py").read_bytes()])


def write_log(
    sink: Sink,
    name: str,
    *,
    checkpoint: str,
    older: Iterable[str],
    tiles: merkle.Tiles,
    entries: Iterable[bytes],
    parts: Iterable[Disclosed],
) -> None:
    """A whole log: as many entries and tiles as ``checkpoint`` signs, whatever came since."""
    size = size_of(checkpoint)
    sink.put(f"log/{name}/checkpoint", [checkpoint.encode()])
    sink.put(f"log/{name}/checkpoints", ["\n".join(older).encode()])
    for level, number, width in merkle.tiles_of(size):
        hashes = tiles.tile(level, number)[: width * merkle.HASH]
        sink.put(f"log/{name}/{merkle.tile_path(level, number, width)}", [hashes])
    remaining = iter(entries)
    for number, start in enumerate(range(0, size, merkle.WIDTH)):
        bundle = list(islice(remaining, min(merkle.WIDTH, size - start)))
        if len(bundle) < min(merkle.WIDTH, size - start):
            raise ValueError(f"{name}: {size} entries are signed, and there are {start + len(bundle)}")
        path = merkle.tile_path("entries", number, len(bundle))
        sink.put(f"log/{name}/{path}", [merkle.entry_bundle(bundle)])
    sink.put(f"log/{name}/parts.jsonl", _lines(map(_disclosed, parts)))


def write_person(
    sink: Sink,
    name: str,
    *,
    checkpoint: str,
    proved: Iterable[Proved],
    parts: Iterable[Disclosed],
) -> None:
    """Some entries of one log in their order, each provable by itself: those of one person, or of a search."""
    sink.put(f"log/{name}/checkpoint", [checkpoint.encode()])
    sink.put(f"log/{name}/proofs.jsonl", _lines(map(_proved, proved)))
    sink.put(f"log/{name}/parts.jsonl", _lines(map(_disclosed, parts)))


def size_of(note: str) -> int:
    return Checkpoint.parse(note.rpartition("\n\n")[0] + "\n").size


def disclosed_line(disclosed: Disclosed) -> bytes:
    """As it stands in ``parts.jsonl``."""
    return _line(_disclosed(disclosed))


def _disclosed(disclosed: Disclosed) -> dict[str, Any]:
    part = disclosed.part
    return {"id": str(disclosed.reference), "json": part.text, "role": part.role, "salt": base64url(part.salt)}


def _proved(proved: Proved) -> dict[str, Any]:
    proof = [base64url(one) for one in proved.proof]
    return {"entry": proved.entry.decode(), "index": proved.number, "proof": proof}


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    return map(_line, rows)


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
