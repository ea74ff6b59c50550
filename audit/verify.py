#!/usr/bin/env python3
"""Vérifie un export du journal de Trousseau, sans le hub, sans réseau et sans confiance.

    python3 -I verify.py EXPORT --keys FICHIER [--saved FICHIER]… [--hub HUB/audit] [--witness CLÉ]… [--json]
    python3 -I verify.py witness SOURCE --key CLÉ --state FICHIER --witness-key FICHIER [--out FICHIER] [--post]
    python3 -I verify.py witness HUB/audit --state DOSSIER --witness-key FICHIER [--out FICHIER] [--post]
    python3 -I verify.py witness --new-key FICHIER --name NOM

EXPORT is a folder or a zip; KEYS is the file that the cooperative publishes, or give each by --key; SAVED are
checkpoints that you kept, HUB is where they are compared with an export of some entries: it is asked for hashes alone.
Exit status: 0 sound, 1 tampered, 2 cannot tell.  One file, Python 3.9 or later and nothing else: read it before you
believe it.
It shares no code with the hub.  Formats: RFC 6962, C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import io
import json
import os
import re
import secrets
import struct
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from functools import cache, lru_cache
from hashlib import sha256, sha512
from typing import IO, Any, NamedTuple

SOUND, TAMPERED, UNKNOWN, REMARK = "sound", "tampered", "unknown", "remark"
EXIT = {SOUND: 0, TAMPERED: 1, UNKNOWN: 2}
FORMAT = 1
MANIFEST_LIMIT, NOTE_LIMIT, NOTES_LIMIT, LINE_LIMIT = 1 << 20, 100_000, 1 << 26, 1 << 21
FILES_LIMIT = 2_000_000
NAMED_LIMIT, NAMED_BYTES = 50, 1 << 22  # files beside the proof that are compared with what entries tell
TOLERANCE = 120  # seconds between a clock and the next


# --- 1. What can be wrong --------------------------------------------------------------------------------------------


class Problem(Exception):
    """One finding: its kind, its code in ``WORDS`` (section 11), and what the sentence needs."""

    def __init__(self, kind: str, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.kind, self.code, self.fields = kind, code, fields

    def said(self, lang: int) -> str:
        log = self.fields.get("log")
        return (f"{log}{(' :', ':')[lang]} " if log else "") + say(WORDS[self.code], lang, **self.fields)


def tampered(code: str, **fields: Any) -> Problem:
    return Problem(TAMPERED, code, **fields)


def unknown(code: str, **fields: Any) -> Problem:
    return Problem(UNKNOWN, code, **fields)


# --- 2. Ed25519, RFC 8032 --------------------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(a: Any, b: Any) -> Any:
    """§5.1.4, extended coordinates; complete, so it doubles too."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def point(encoded: bytes) -> Any:
    """§5.1.3; ``None`` for what is no point, or a point written in another way than the one."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encoded(a: Any) -> bytes:
    inverse: int = pow(a[2], P - 2, P)
    x, y = int(a[0] * inverse % P), int(a[1] * inverse % P)
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def times(first: int, a: Any, second: int = 0, b: Any = NEUTRAL) -> Any:
    """first·a + second·b, both scalars at once."""
    table, found = (NEUTRAL, a, b, add(a, b)), NEUTRAL
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        found = add(found, found)
        chosen = (first >> bit & 1) | (second >> bit & 1) << 1
        if chosen:
            found = add(found, table[chosen])
    return found


@lru_cache(maxsize=16)  # keys come again with every checkpoint
def usable(written: bytes) -> Any:
    """A point, unless of small order: such a key, or half of a signature, would hold for more than one message."""
    found = point(written)
    if found is None or times(8, found)[0] == 0:  # the neutral point: no other with x = 0 is eight times a point
        return None
    return found


def holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """§5.1.7 in its strict reading: one encoding of each number, no point of small order, no cofactor."""
    if len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    key = usable(public)
    if s >= ORDER or key is None or usable(r) is None:
        return False
    k = int.from_bytes(sha512(r + public + message).digest(), "little") % ORDER
    return encoded(times(s, BASE, ORDER - k, key)) == r


def keys_of(seed: bytes) -> tuple[int, bytes, bytes]:
    """§5.1.5: the secret scalar, the prefix, the public key."""
    digest = sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, digest[32:], encoded(times(scalar, BASE))


def signed(seed: bytes, message: bytes) -> bytes:
    """§5.1.6.  Time tells something of the key: for one signature a day on one's own machine."""
    scalar, prefix, public = keys_of(seed)
    r = int.from_bytes(sha512(prefix + message).digest(), "little") % ORDER
    half = encoded(times(r, BASE))
    k = int.from_bytes(sha512(half + public + message).digest(), "little") % ORDER
    return half + ((r + k * scalar) % ORDER).to_bytes(32, "little")


# --- 3. Keys, notes, checkpoints -------------------------------------------------------------------------------------

ED25519, COSIGNATURE = 0x01, 0x04
LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
BODY = re.compile(r"([^\s\x00-\x1f\x7f-\x9f]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n")


class Key(NamedTuple):
    name: str
    identifier: bytes
    algorithm: int
    public: bytes


class Checkpoint(NamedTuple):
    """``times`` holds, for each key that is known and signed this, when it says it did: 0 where it does not."""

    file: str
    note: str
    origin: str
    size: int
    root: bytes
    times: dict[Key, int]


def unbase64(text: str) -> bytes:
    """Strict: one spelling for each content.  Raises ``ValueError``."""
    content = base64.b64decode(text, validate=True)
    if base64.b64encode(content).decode() != text:
        raise ValueError(text)
    return content


def key_of(text: str) -> Key:
    name, _, rest = text.strip().partition("+")
    identifier, _, content = rest.partition("+")
    try:
        raw = unbase64(content)
        expected = sha256(name.encode() + b"\n" + raw).digest()[:4]
        if re.search(r"\s", name) or not name or identifier != expected.hex():
            raise ValueError(text)
    except ValueError:
        raise unknown("bad_key", key=text) from None
    if raw[:1] not in (b"\x01", b"\x04") or len(raw) != 33:
        raise unknown("key_kind", key=text)
    return Key(name, expected, raw[0], raw[1:])


def keys_in(text: str) -> list[Key]:
    """One a line; what starts with # is for readers, and a kind that is not known here may come beside one that is."""
    found = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            try:
                found.append(key_of(line))
            except Problem as problem:
                if problem.code != "key_kind":
                    raise
    return found


def checkpoint_of(file: str, note: str, logs: list[Key], witnesses: list[Key]) -> Checkpoint:
    """Every line of a key that is known must hold, and one of them be of the log that the text is about."""
    body, _, lines = note.rpartition("\n\n")
    text = body + "\n"
    found = BODY.fullmatch(text)
    if found is None or not lines.endswith("\n"):
        raise unknown("note", file=file)
    times_of: dict[Key, int] = {}
    known: dict[tuple[str, bytes], list[Key]] = {}
    for key in logs + witnesses:
        known.setdefault((key.name, key.identifier), []).append(key)
    for line in lines.split("\n")[:-1]:
        parsed = LINE.fullmatch(line)
        if parsed is None:
            raise unknown("note", file=file)
        try:
            signature = unbase64(parsed[2])
        except ValueError:
            raise unknown("note", file=file) from None
        times_of |= check_line(file, known.get((parsed[1], signature[:4]), []), text, signature[4:])
    origin = found[1]
    signers = [key for key in times_of if key in logs]
    if not signers:
        raise unknown("unknown_key", file=file, found=origin)
    if all(key.name != origin for key in signers):
        raise tampered("origin", file=file, found=origin, expected=signers[0].name)
    try:
        return Checkpoint(file, note, origin, int(found[2]), unbase64(found[3]), times_of)
    except ValueError:
        raise unknown("note", file=file) from None


def check_line(file: str, keys: list[Key], text: str, signature: bytes) -> dict[Key, int]:
    """Whose it is of the keys of this name and these four bytes, most often one: no key hides another."""
    held: dict[Key, int] = {}
    for key in keys:
        at, message, signed_with = 0, text.encode(), signature
        if key.algorithm == COSIGNATURE:
            at, signed_with = int.from_bytes(signature[:8], "big"), signature[8:]
            message = b"cosignature/v1\ntime %d\n" % at + message
        if holds(key.public, message, signed_with):
            held[key] = at
    if keys and not held:
        raise tampered("signature", file=file, signer=keys[0].name)
    return held


def notes_in(text: str) -> list[str]:
    """Different notes with an empty line between two: text and signatures by turns."""
    halves = [*text.split("\n\n"), ""]
    pairs = ((halves[at], halves[at + 1].rstrip("\n")) for at in range(0, len(halves) - 1, 2))
    return list(dict.fromkeys(f"{text}\n\n{lines}\n" for text, lines in pairs))


# --- 4. The tree, RFC 6962 -------------------------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    row = hashes
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        row = [*map(node_hash, row[::2], row[1::2]), *odd]
    return row[0] if row else sha256().digest()


class Edge:
    """The right edge of a growing tree: of each level the hashes that fill no tile of 256 yet."""

    def __init__(self) -> None:
        self.rows: list[list[bytes]] = []
        self.full: list[int] = []

    def grow(self, leaves: list[bytes]) -> Iterator[tuple[int, int, list[bytes]]]:
        """One tile of leaves; gives every tile that is full by it, as level, number and hashes."""
        level, row = 0, leaves
        while True:
            if level == len(self.rows):
                self.rows.append([])
                self.full.append(0)
            self.rows[level] = self.rows[level] + row
            if len(self.rows[level]) < 256:
                return
            yield level, self.full[level], self.rows[level]
            row = [root_of(self.rows[level])]
            self.rows[level], self.full[level] = [], self.full[level] + 1
            level += 1

    def root(self, leaves: list[bytes]) -> bytes:
        """Of all that grew, whole tiles, and these; a level's last hash may stand for fewer leaves."""
        found = root_of(leaves)
        for row in self.rows[1:]:
            found = root_of([*row, found])
        return found


def included(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2."""
    found, last = leaf, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if index % 2 or index == last:
            found = node_hash(sibling, found)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            found = node_hash(found, sibling)
        index, last = index // 2, last // 2
    return last == 0 and found == root


def both_roots(tile: Callable[[int, int], list[bytes]], old: int, start: int, end: int) -> tuple[bytes, bytes]:
    """Of the entries from ``start`` that come before ``old``, and of all to ``end``: from the same hashes.

    Nothing enters the first root that is not in the second, so two roots that come out right are of one log that grew.
    """
    width = end - start
    if old >= end and width & (width - 1) == 0:
        level, height = divmod(width.bit_length() - 1, 8)
        number, at = divmod(start >> 8 * level, 256)
        root = root_of(tile(level, number)[at : at + (1 << height)])
        return root, root
    middle = start + (1 << (width - 1).bit_length() - 1)
    left_before, left = both_roots(tile, old, start, middle)
    if old <= middle:
        return left_before, node_hash(left, both_roots(tile, end, middle, end)[1])
    right_before, right = both_roots(tile, old, middle, end)
    return node_hash(left_before, right_before), node_hash(left, right)


def tile_path(level: Any, number: int, width: int) -> str:
    groups = f"{number:,}".split(",")
    path = "/".join([*(f"x{group:0>3}" for group in groups[:-1]), f"{groups[-1]:0>3}"])
    return f"tile/{level}/{path}" + (f".p/{width}" if width < 256 else "")


# --- 5. The export: a folder or a zip --------------------------------------------------------------------------------


class Export:
    """Files by name; none is read beyond its limit, none outside the folder, and nothing is ever unpacked."""

    def __init__(self, path: str) -> None:
        self.path, self.zip = path, None
        self.looked_at: set[str] = set()
        try:
            if os.path.isdir(path):
                names = list(self._walk(path))
            else:
                self.zip = zipfile.ZipFile(path)
                names = [info.filename for info in self.zip.infolist() if not info.is_dir()]
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, struct.error):
            raise unknown("unreadable", file=path) from None
        if len(names) > FILES_LIMIT:
            raise unknown("too_large", file=path)
        self.names = set(names)
        self.named: dict[str, tuple[int, str]] = {}  # files beside the proof whose digest a disclosed entry tells
        self._digests: dict[bytes, str] | None = None
        for name in names:
            if re.search(r"(^|/)\.{0,2}(/|$)|[\\:\x00-\x1f\x7f-\x9f]", name) or len(name) > 300:
                raise unknown("path", file=ascii(name)[:80])
        if len(self.names) < len(names):
            raise unknown("path", file=min(name for name, count in Counter(names).items() if count > 1))

    def _walk(self, top: str) -> Iterator[str]:
        for folder, folders, files in os.walk(top):
            inner = os.path.relpath(folder, top).replace(os.sep, "/")
            for name in folders + files:
                if os.path.islink(os.path.join(folder, name)):
                    raise unknown("path", file=name)
            yield from (name if inner == "." else f"{inner}/{name}" for name in files)

    def close(self) -> None:
        if self.zip is not None:
            self.zip.close()

    def open(self, name: str) -> IO[bytes]:
        if name not in self.names:
            raise unknown("missing", file=name)
        self.looked_at.add(name)
        try:
            if self.zip is not None:
                return io.BufferedReader(self.zip.open(name), 1 << 16)  # type: ignore[type-var]
            return open(os.path.join(self.path, *name.split("/")), "rb")
        except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
            raise unknown("unreadable", file=name) from None

    def read(self, name: str, limit: int) -> bytes:
        try:
            with self.open(name) as file:
                content = file.read(limit + 1)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
            raise unknown("unreadable", file=name) from None
        if len(content) > limit:
            raise unknown("too_large", file=name)
        return content

    def text(self, name: str, limit: int) -> str:
        try:
            return self.read(name, limit).decode()
        except UnicodeDecodeError:
            raise unknown("unreadable", file=name) from None

    @property
    def beside(self) -> list[str]:
        """What lies there and is no part of the proof."""
        return sorted(name for name in self.names - OWN_FILES if not name.startswith("log/"))

    def find_named(self, index: int, event: bytes, text: bytes) -> None:
        """An entry that tells the SHA-256 of a file beside it vouches for that file, for what the entry is about."""
        if self._digests is None:
            self._digests = {}
            for name in self.beside[:NAMED_LIMIT]:
                with contextlib.suppress(Problem):  # what is no part of the proof spoils none
                    self._digests[sha256(self.read(name, NAMED_BYTES)).hexdigest().encode()] = name
                self.looked_at.discard(name)
        for digest in DIGEST.findall(text) if self._digests else ():
            if digest in self._digests:
                self.named.setdefault(self._digests[digest], (index, event.decode()))

    def lines(self, name: str) -> Generator[tuple[int, bytes], None, None]:
        try:
            with self.open(name) as file:
                for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), b""), 1):
                    if len(line) == LINE_LIMIT:
                        raise unknown("too_large", file=name)
                    yield number, line
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
            raise unknown("unreadable", file=name) from None


def manifest_of(export: Export) -> dict[str, Any]:
    try:
        manifest = json.loads(export.text("manifest.json", MANIFEST_LIMIT))
        held = manifest["withheld"]
        if (
            manifest["format"] != FORMAT
            or manifest["kind"] not in ("log", "person", "selection")
            or not all(re.fullmatch(r"[\w.:/+-]{1,200}", manifest[name]) for name in ("hub", "created"))
            or not all(role in ROLES for log in held.values() for role in log)
            or not all(type(count) is int and count >= 0 for log in held.values() for count in log.values())
        ):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise unknown("manifest") from None
    return dict(manifest)


# --- 6. Entries and their parts --------------------------------------------------------------------------------------

ROLES = {"c": ("faits", "facts"), "s": ("personne", "person"), "a": ("auteur", "actor"), "x": ("réseau", "network")}
ROLE_SETS = {bytes(b for at, b in enumerate(b"csax") if some >> at & 1) for some in range(1, 16)}
PART = rb'\["[csax]","[\w-]{42}[AEIMQUYcgkosw048]"\]'
# Canonical JSON has one spelling, so one expression checks it and takes it apart: id, parts, ts, type.
ENTRY = re.compile(
    rb'\{"id":"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})","p":\[('
    + PART
    + rb"(?:,"
    + PART
    + rb')*)\],"rc":"[a-z0-9_-]{1,40}","ts":(0|[1-9][0-9]{0,14}),"ty":"([a-z0-9_:.-]{1,60})","v":1\}'
).fullmatch
STRIDE = 52  # of one part in the list of an entry: its role stands at 2, its commitment at 6
DISCLOSED = re.compile(
    rb'\{"id":"([0-9a-f-]{36})","json":"([^"\\\x00-\x1f]*(?:\\["\\][^"\\\x00-\x1f]*)*)",'
    rb'"role":"([csax])","salt":"([\w-]{42}[AEIMQUYcgkosw048])"\}\n'
).fullmatch
DIGEST = re.compile(rb'"([0-9a-f]{64})"')
OWN_FILES = frozenset({"LISEZ-MOI.txt", "verify.py", "manifest.json"})
HASH = re.compile(r"[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII).fullmatch
TO_URL, FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
ERASING = (b"audit:person:erase", b"audit:retention:run")
DESTROYING = b"audit:log:destroy"
decode_json = json.JSONDecoder().raw_decode


def to_url(digest: bytes) -> bytes:
    return binascii.b2a_base64(digest)[:43].translate(TO_URL)


def from_url(text: bytes) -> bytes:
    return binascii.a2b_base64(text.translate(FROM_URL) + b"=")


def unescaped(text: bytes) -> bytes:
    """Of a JSON string in which a quote and a backslash alone are escaped."""
    return text.replace(b'\\"', b'"') if b"\\\\" not in text else re.sub(rb"\\(.)", rb"\1", text)


def disclosed(export: Export, file: str) -> Generator[tuple[bytes, bytes, bytes, bytes], None, None]:
    """Identifier, role, salt and text of each part, in the order of the entries."""
    for number, line in export.lines(file):
        found = DISCLOSED(line)
        if found is None:
            raise tampered("line", file=file, index=number)
        identifier, text, role, salt = found.groups()
        yield identifier, role, from_url(salt), unescaped(text)


class Identifiers:
    """Whether millions of identifiers are all different, in little memory: sorted into heaps that go to disk."""

    HEAPS, IN_MEMORY = 64, 1 << 24

    def __init__(self) -> None:
        self.heaps = [bytearray() for _ in range(self.HEAPS)]
        self.files: list[IO[bytes]] = []
        self.held = 0

    def add(self, identifier: bytes) -> None:
        raw = binascii.unhexlify(identifier.replace(b"-", b""))
        self.heaps[hash(raw) % self.HEAPS] += raw
        self.held += 16
        if self.held >= self.IN_MEMORY:
            self.files = self.files or [tempfile.TemporaryFile() for _ in self.heaps]  # noqa: SIM115
            for file, heap in zip(self.files, self.heaps):  # noqa: B905 (strict= came with Python 3.10)
                file.write(heap)
                heap.clear()
            self.held = 0

    def check(self) -> None:
        for number, heap in enumerate(self.heaps):
            everything = bytes(heap)
            if self.files:
                self.files[number].seek(0)
                everything += self.files[number].read()
            seen = {everything[at : at + 16] for at in range(0, len(everything), 16)}
            if len(seen) * 16 < len(everything):
                counts = Counter(everything[at : at + 16] for at in range(0, len(everything), 16))
                twice = counts.most_common(1)[0][0].hex()
                raise tampered("doubled", id="-".join((twice[:8], twice[8:12], twice[12:16], twice[16:20], twice[20:])))

    def close(self) -> None:
        for file in self.files:
            file.close()


class Entries:
    """What is asked of every entry of one log, in its order, with the parts that are disclosed of it."""

    def __init__(self, export: Export, log: str) -> None:
        self.export = export
        self.parts = disclosed(export, f"log/{log}/parts.jsonl")
        self.ahead = next(self.parts, None)
        self.identifiers = Identifiers()
        self.count, self.first, self.last = 0, 0, 0
        self.role_sets: Counter[bytes] = Counter()
        self.disclosed: Counter[str] = Counter()
        self.gone: list[Any] = []
        self.destroyed: list[Any] = []
        self.late, self.late_at = 0, 0

    @property
    def committed(self) -> dict[str, int]:
        return {role: sum(count for some, count in self.role_sets.items() if role in some.decode()) for role in ROLES}

    def check(self, index: int, entry: bytes) -> None:
        found = ENTRY(entry)
        if found is None:
            raise tampered("entry", index=index)
        identifier, parts, at, event = found.groups()
        roles, seconds = parts[2::STRIDE], int(at)
        if roles not in ROLE_SETS:
            raise tampered("entry", index=index)
        if seconds < self.last:
            raise tampered("falls", index=index)
        if not self.count:
            self.first = seconds
        self.last = seconds
        self.count += 1
        self.role_sets[roles] += 1
        self.identifiers.add(identifier)
        while self.ahead is not None and self.ahead[0] == identifier:
            _, role, salt, text = self.ahead
            place = STRIDE * roles.find(role) + 6
            digest = sha256(b"\x10" + salt + text).digest()
            if role not in roles or parts[place : place + 43] != to_url(digest):
                raise tampered("part", id=identifier.decode(), role=role.decode())
            roles = roles.replace(role, b"-")  # once each
            self.disclosed[role.decode()] += 1
            if role == b"c":
                self._check_facts(index, seconds, event, text)
            self.ahead = next(self.parts, None)

    def finish(self) -> None:
        if self.ahead is not None:
            raise tampered("stray", id=self.ahead[0].decode())
        self.identifiers.check()

    def close(self) -> None:
        self.parts.close()
        self.identifiers.close()

    def _check_facts(self, index: int, seconds: int, event: bytes, text: bytes) -> None:
        self.export.find_named(index, event, text)
        try:
            facts = decode_json(text.decode())[0]
            happened = facts.get("at")
        except (ValueError, AttributeError, RecursionError):
            raise tampered("entry", index=index) from None
        if event in ERASING:
            self.gone.append(facts.get("gone"))
        if event == DESTROYING:
            self.destroyed.append(facts.get("facts"))
        if type(happened) is not int:
            return
        if happened >= (seconds + TOLERANCE) * 1_000_000:
            raise tampered("early", index=index)
        if happened < (seconds - TOLERANCE) * 1_000_000:
            self.late, self.late_at = self.late + 1, self.late_at if self.late else index


# --- 7. The verification ---------------------------------------------------------------------------------------------


REST = {"person": "rest", "selection": "rest_selected"}


class Report:
    """What was found and counted; sound until something says otherwise."""

    def __init__(self) -> None:
        self.findings: list[Problem] = []
        self.manifest: dict[str, Any] = {}
        self.logs: list[dict[str, Any]] = []
        self.destroyed: list[dict[str, Any]] = []
        self.witnesses: list[Key] = []
        self.hub = ""

    @property
    def verdict(self) -> str:
        kinds = {finding.kind for finding in self.findings}
        return TAMPERED if TAMPERED in kinds else UNKNOWN if UNKNOWN in kinds else SOUND

    @property
    def not_proved(self) -> list[tuple[str, dict[str, Any]]]:
        held = [log for log in self.logs if log["held"]]
        codes = [("since_held", log) for log in held]
        codes += [] if held and len(held) == len(self.logs) else [("nothing_held", {})]
        codes += [] if self.witnesses and self.verdict == SOUND else [("split", {})]
        codes += [("destroyed", log) for log in self.destroyed if not log["held"]]
        codes += [(code, {}) for kind, code in REST.items() if self.manifest.get("kind") == kind]
        return codes + [(code, {}) for code in ("truth", "due", "copies", "clock", "queue", "unsigned")]


def verify(
    path: str,
    keys: list[Key],
    saved: list[tuple[str, str]],
    witnesses: list[Key],
    listed: list[Key] | None = None,
    hub: str = "",
) -> Report:
    """``saved``: names and contents of files with checkpoints that were kept elsewhere; ``listed``: keys that may be
    those of other logs; ``hub``: where all logs are published, a folder or an address.
    """
    report = Report()
    report.witnesses, report.hub = witnesses, hub
    try:
        export = Export(path)
        try:
            check_export(export, keys, listed or [], saved, report)
        finally:
            export.close()
    except Problem as problem:
        report.findings.append(problem)
    return report


def check_export(
    export: Export, named: list[Key], listed: list[Key], saved: list[tuple[str, str]], report: Report
) -> None:
    keys = named + listed
    report.manifest = manifest_of(export)
    logs = sorted({name.split("/")[1] for name in export.names if re.match("log/[^/]+/", name)})
    if not logs:
        raise unknown("no_log")
    kept = [checkpoint_of(file, note, keys, report.witnesses) for file, text in saved for note in notes_in(text)]
    gone: list[Any] = []
    for log in logs:
        try:
            report.logs.append(check_log(export, log, keys, kept, report, gone))
        except Problem as problem:
            problem.fields["log"] = log
            report.findings.append(problem)
    for announced in report.destroyed:
        try:
            check_destroyed(announced, keys, kept, report)
        except Problem as problem:
            problem.fields["log"] = announced["log"]
            report.findings.append(problem)
    check_used(export, report, named, kept)
    if report.manifest["kind"] == "log" and len(report.logs) == len(logs):
        check_balance(report, gone)


def check_log(
    export: Export, log: str, keys: list[Key], kept: list[Checkpoint], report: Report, gone: list[Any]
) -> dict[str, Any]:
    witnesses = report.witnesses
    file = f"log/{log}/checkpoint"
    newest = checkpoint_of(file, export.text(file, NOTE_LIMIT), keys, witnesses)
    if newest.origin.rpartition("/")[2] != log:
        raise tampered("origin", file=file, found=newest.origin, expected=log)
    points = [newest]
    if file + "s" in export.names:
        text = export.text(file + "s", NOTES_LIMIT)
        points += [checkpoint_of(file + "s", note, keys, witnesses) for note in notes_in(text)] if text else []
    own = len(points)
    points += [point for point in kept if point.origin == newest.origin]
    check_against_each_other(newest, points)
    entries = Entries(export, log)
    try:
        if report.manifest["kind"] == "log":
            check_whole(export, log, newest.size, points, entries, report)
        else:
            for point in points[own:]:
                check_same(report.hub, log, point, newest)
            check_person(export, log, newest, entries)
        entries.finish()
    finally:
        entries.close()
    gone += entries.gone
    report.destroyed += [destroyed_log(one, newest.origin) for one in entries.destroyed]
    if entries.late:
        report.findings.append(Problem(REMARK, "late", log=log, count=entries.late, index=entries.late_at))
    witnessed: dict[str, int] = {}
    for point in points:
        for key in point.times:
            if key in witnesses:
                witnessed[key.name] = max(point.size, witnessed.get(key.name, 0))
    return {
        "log": log,
        "origin": newest.origin,
        "size": newest.size,
        "entries": entries.count,
        "first": entries.first,
        "last": entries.last,
        "checkpoints": own,
        "committed": entries.committed,
        "disclosed": dict(entries.disclosed),
        "held": max([0, *(point.size for point in points[own:]), *witnessed.values()]),
        "witnessed": witnessed,
    }


def check_against_each_other(newest: Checkpoint, points: list[Checkpoint]) -> None:
    by_size: dict[int, Checkpoint] = {}
    for point in points:
        if point.origin != newest.origin:
            raise tampered("origin", file=point.file, found=point.origin, expected=newest.origin)
        same = by_size.setdefault(point.size, point)
        if same.root != point.root:
            raise tampered("equivocation", size=point.size, notes=f"\n{same.note}\n{point.note}")


def check_whole(
    export: Export, log: str, size: int, points: list[Checkpoint], entries: Entries, report: Report
) -> None:
    """Every entry into the tree; at the size of each checkpoint the root must be the one that was signed."""
    signed_in: dict[int, list[Checkpoint]] = defaultdict(list)  # by the number of the file they end in, -1 for none
    for point in points:
        if point.size > size:
            raise tampered("longer", file=point.file, size=point.size, count=size)
        signed_in[(point.size - 1) // 256].append(point)
    edge, absent = Edge(), 0

    def check_tile(level: int, number: int, row: list[bytes]) -> int:
        path = f"log/{log}/{tile_path(level, number, len(row))}"
        if path in export.names and export.read(path, 256 * 32) != b"".join(row):
            raise tampered("tile", file=path)
        return path not in export.names

    for point in signed_in[-1]:
        check_root(point, edge, [])
    for number in range(-(-size // 256)):
        start, width = number * 256, min(256, size - number * 256)
        path = f"log/{log}/{tile_path('entries', number, width)}"
        if path not in export.names:
            raise tampered("short", size=size, count=start)
        bundle = list(bundled(export.read(path, 256 * 65537), path))
        for index, entry in enumerate(bundle, start):
            entries.check(index, entry)
        if len(bundle) < width:
            raise tampered("short", size=size, count=start + len(bundle))
        if len(bundle) > width:
            raise tampered("bundle", file=path)
        for point in signed_in[number]:
            check_root(point, edge, bundle[: point.size - start])
        absent += sum(check_tile(*tile) for tile in edge.grow([leaf_hash(entry) for entry in bundle]))
    absent += sum(check_tile(level, edge.full[level], row) for level, row in enumerate(edge.rows) if row)
    if absent:
        report.findings.append(Problem(REMARK, "no_tiles", log=log, count=absent))


def bundled(content: bytes, path: str) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        if end > len(content):
            raise tampered("bundle", file=path)
        yield content[at + 2 : end]
        at = end


def check_root(point: Checkpoint, edge: Edge, bundle: list[bytes]) -> None:
    """``bundle``: what the tree does not have yet of the entries that the checkpoint is about."""
    if edge.root([leaf_hash(entry) for entry in bundle]) != point.root:
        raise tampered("root", size=point.size, file=point.file)
    last = ENTRY(bundle[-1]) if bundle else None
    for key, seen in point.times.items():
        if last and key.algorithm == COSIGNATURE and int(last[3]) > seen + TOLERANCE:
            raise tampered("after_witness", index=point.size - 1, signer=key.name)


def check_same(hub: str, log: str, kept: Checkpoint, newest: Checkpoint) -> None:
    """A few entries tell nothing of the log's other sizes: the hashes between the two come from where it is published,
    and are believed where both roots come out of them.
    """
    if kept.size == newest.size:
        return
    if not hub:
        raise unknown("not_compared", file=kept.file, size=newest.size)
    old, new = sorted((kept, newest), key=lambda point: point.size)
    check_grown(f"{hub.rstrip('/')}/{log}", old, new)


def check_person(export: Export, log: str, newest: Checkpoint, entries: Entries) -> None:
    """Each entry by its own proof, in the order of the log."""
    file, before = f"log/{log}/proofs.jsonl", -1
    for number, line in export.lines(file):
        try:
            row = json.loads(line)
            index, entry, proof = row["index"], row["entry"].encode(), row["proof"]
            if type(index) is not int or not before < index < newest.size or len(proof) > 64:
                raise ValueError
            if line != json.dumps(row, separators=(",", ":")).encode() + b"\n" or not all(map(HASH, proof)):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise tampered("line", file=file, index=number) from None
        hashes = [from_url(one.encode()) for one in proof]
        if not included(leaf_hash(entry), index, newest.size, hashes, newest.root):
            raise tampered("inclusion", index=index)
        entries.check(index, entry)
        before = index


def check_balance(report: Report, gone: list[Any]) -> None:
    """Parts that are not there are those that erasures announced and those that the sender says to withhold."""
    for log in report.logs:
        name, withheld = log["log"], report.manifest["withheld"].get(log["log"], {})
        for role in ROLES:
            try:
                counts = [one.get(name, {}).get(role, 0) for one in gone if one is not None]
                # A negative one would take back what another entry announced.
                if any(type(count) is not int or count < 0 for count in counts):
                    raise TypeError
                announced = sum(counts)
            except (AttributeError, TypeError):
                raise tampered("erasure", log=name) from None
            missing, held = log["committed"][role] - log["disclosed"].get(role, 0), withheld.get(role, 0)
            if missing != announced + held:
                report.findings.append(
                    tampered("balance", log=name, role=role, missing=missing, gone=announced, held=held)
                )


def destroyed_log(facts: Any, teller: str) -> dict[str, Any]:
    """What an entry says of a log that is no more: its last checkpoint, as it was signed."""
    try:
        log, note = facts["log"], facts["log_head"]
        found = BODY.fullmatch(note.rpartition("\n\n")[0] + "\n")
        if found is None or found[1] != f"{teller.rpartition('/')[0]}/{log}" or int(found[2]) != facts["log_size"]:
            raise ValueError
        return {"log": log, "origin": found[1], "size": int(found[2]), "root": found[3], "note": note, "held": False}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise tampered("destruction") from None


def check_destroyed(announced: dict[str, Any], keys: list[Key], kept: list[Checkpoint], report: Report) -> None:
    """Nothing of it can be looked at any more: the entry is believed where its checkpoint is one that is held."""
    file, origin, size, root = DESTROYING.decode(), announced["origin"], announced["size"], announced["root"]
    own = [point for point in kept if point.origin == origin]
    for point in own:
        if point.size > size:
            raise tampered("destroyed_short", file=point.file, size=size, count=point.size)
        if point.size == size and point.root != unbase64(root):
            raise tampered("equivocation", size=size, notes=f"\n{point.note}\n{announced['note']}")
    announced["held"] = any(point.size == size for point in own)
    if any(key.name == origin for key in keys):
        told = checkpoint_of(file, announced["note"], keys, report.witnesses)
        announced["held"] |= any(key in report.witnesses for key in told.times)
    if own and not announced["held"]:
        raise unknown("destroyed_later", file=own[-1].file, size=size, count=own[-1].size)


def check_used(export: Export, report: Report, keys: list[Key], kept: list[Checkpoint]) -> None:
    """What was asked for and could not be looked at, and what lies there and was not."""
    origins = {log["origin"] for log in report.logs + report.destroyed}
    if report.verdict == SOUND:
        for key in keys:
            if key.name not in origins:
                report.findings.append(unknown("unused_key", origin=key.name))
        for point in kept:
            if point.origin not in origins:
                report.findings.append(unknown("other_log", file=point.file, found=point.origin))
        for key in report.witnesses:
            seen = any(key.name in log["witnessed"] for log in report.logs)
            if not seen and not any(f"— {key.name} " in log["note"] for log in report.destroyed if log["held"]):
                report.findings.append(unknown("unwitnessed", signer=key.name))
        for name, (index, event) in sorted(export.named.items()):
            report.findings.append(Problem(REMARK, "named", file=name, index=index, event=event))
        ignored = sorted(export.names - export.looked_at - export.named.keys() - OWN_FILES)
        if ignored:
            shown = ", ".join(ignored[:5]) + (f" … ({len(ignored)})" if len(ignored) > 5 else "")
            report.findings.append(Problem(REMARK, "ignored", files=shown))


# --- 8. The answer ---------------------------------------------------------------------------------------------------


def moment(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return str(seconds)


def as_json(report: Report, lang: int) -> str:
    findings = [{"kind": one.kind, "code": one.code, **one.fields, "text": one.said(lang)} for one in report.findings]
    not_proved = [{"code": code, "text": say(NOT_PROVED[code], lang, **fields)} for code, fields in report.not_proved]
    answer = {
        "verdict": report.verdict,
        "exit": EXIT[report.verdict],
        "manifest": report.manifest,
        "logs": report.logs,
        "destroyed": report.destroyed,
        "findings": findings,
        "not_proved": not_proved,
    }
    return json.dumps(answer, ensure_ascii=False, indent=1)


def as_text(report: Report, lang: int) -> str:
    lines = [say(SAID["made"], lang, **report.manifest)] if report.manifest else []
    for log in report.logs:
        withheld = report.manifest["withheld"].get(log["log"], {})
        lines.append(say(SAID["log"], lang, **log, since=moment(log["first"]), until=moment(log["last"])))
        for role, names in ROLES.items():
            shown, count = log["disclosed"].get(role, 0), log["committed"][role]
            absent, held = count - shown, withheld.get(role, 0)
            said = SAID["parts" if absent else "all_parts"]
            lines += [say(said, lang, role=names[lang], shown=shown, absent=absent, held=held)] if count else []
        for name, size in sorted(log["witnessed"].items()):
            lines.append(say(SAID["witness"], lang, name=name, size=size))
    lines += [say(SAID["destroyed"], lang, **log) for log in report.destroyed]
    for finding in report.findings:
        lines.append(f"{'–' if finding.kind == REMARK else '!'} {finding.said(lang)}")
    lines += ["", SAID[report.verdict][lang], "", SAID["not_proved"][lang]]
    lines += ["– " + say(NOT_PROVED[code], lang, **fields) for code, fields in report.not_proved]
    return "\n".join(lines)


# --- 9. A witness ----------------------------------------------------------------------------------------------------


def fetch(source: str, name: str, limit: int) -> bytes | None:
    """From a folder or by HTTP; ``None`` where there is no such file.  What comes is believed only by its signature."""
    try:
        if re.match("https?://", source):
            with urllib.request.urlopen(f"{source.rstrip('/')}/{name}", timeout=20) as answer:  # noqa: S310 (see above)
                content: bytes = answer.read(limit + 1)
        else:
            with open(os.path.join(source, *name.split("/")), "rb") as file:
                content = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return None
        raise unknown("fetch", file=f"{source} ({error.code})") from None
    except (OSError, ValueError):
        raise unknown("fetch", file=source) from None
    if len(content) > limit:
        raise unknown("too_large", file=name)
    return content


def witness(source: str, keys: list[Key], state: str, seed_file: str, now: int) -> tuple[str, bool]:
    """The checkpoint with one more line, kept for the next visit to compare with; and whether this was the first."""
    name, seed = private_key(seed_file)
    fetched = fetch(source, "checkpoint", NOTE_LIMIT)
    if fetched is None:
        raise unknown("missing", file=f"{source}/checkpoint")
    note = fetched.decode("utf-8", "replace")
    new = checkpoint_of("checkpoint", note, keys, [])
    old = None
    if os.path.exists(state):
        with open(state, encoding="utf-8") as file:
            old = checkpoint_of(state, file.read(NOTE_LIMIT), keys, [])
        if old.origin != new.origin:
            raise unknown("other_log", file=state, found=old.origin)
        check_grown(source, old, new)
    public = keys_of(seed)[2]
    identifier = sha256(name.encode() + b"\n" + bytes([COSIGNATURE]) + public).digest()[:4]
    text = note.rpartition("\n\n")[0] + "\n"
    message = b"cosignature/v1\ntime %d\n" % now + text.encode()
    line = base64.b64encode(identifier + struct.pack(">Q", now) + signed(seed, message)).decode()
    cosigned = f"{note}— {name} {line}\n"
    write(state, cosigned)  # before anybody sees the signature: it binds the next visit
    return cosigned, old is None


def look(source: str, keys: list[Key], state: str, seed_file: str, *, now: int, tell: bool) -> tuple[str, bool]:
    """As ``witness``; where ``tell``, the hub is given what was signed, or else what it contradicts."""
    try:
        cosigned, first = witness(source, keys, state, seed_file, now)
    except Problem as problem:
        if tell and problem.kind == TAMPERED:
            with contextlib.suppress(Problem):  # what counts is what is told here
                post(source, read_saved(state))
        raise
    if tell:
        post(source, cosigned)
    return cosigned, first


def followed(source: str, state: str, problems: list[Problem]) -> Iterator[tuple[str, list[Key], str]]:
    """Every log that the hub lists: its address, its key, and the file in ``state`` with what was seen of it.

    A key is believed when it is first listed; from then on that file opens with it alone.
    """
    listed = fetch(source, "keys", NOTE_LIMIT)
    if listed is None:
        raise unknown("missing", file=f"{source}/keys")
    try:
        os.makedirs(state, mode=0o700, exist_ok=True)
        kept = {name for name in os.listdir(state) if not name.endswith(".new")}
    except OSError:
        raise unknown("no_write", file=state) from None
    for line in listed.decode("utf-8", "replace").splitlines():
        key = key_of(line)
        name = key.name.rpartition("/")[2]
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,39}", name):
            raise unknown("bad_key", key=key.name)
        kept.discard(name)
        yield f"{source.rstrip('/')}/{name}", [key], os.path.join(state, name)
    problems += [unknown("unlisted", file=os.path.join(state, name)) for name in sorted(kept)]


def post(source: str, note: str) -> None:
    """Give the hub what was signed; it believes the signature, and needs nothing else."""
    request = urllib.request.Request(  # noqa: S310 (the operator's own address)
        f"{source.rstrip('/')}/cosignatures", note.encode(), {"Content-Type": "text/plain; charset=utf-8"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        said = error.read(100).decode("ascii", "replace").strip()
        raise unknown("not_taken", file=source, said=f"{error.code} {said}") from None
    except (OSError, ValueError):
        raise unknown("fetch", file=source) from None


def check_grown(source: str, old: Checkpoint, new: Checkpoint) -> None:
    if new.size < old.size:
        raise tampered("back", size=new.size, old=old.size, notes=f"\n{old.note}\n{new.note}")
    if new.size == old.size and new.root != old.root:
        raise tampered("equivocation", size=new.size, notes=f"\n{old.note}\n{new.note}")
    if old.size in (0, new.size):
        return

    @cache
    def tile(level: int, number: int) -> list[bytes]:
        width = min(256, (new.size >> 8 * level) - number * 256)
        content = fetch(source, tile_path(level, number, width), 256 * 32)
        if content is None:  # it may have filled up since
            content = fetch(source, tile_path(level, number, 256), 256 * 32)
        if content is None or len(content) < width * 32:
            raise unknown("missing", file=tile_path(level, number, width))
        return [content[at : at + 32] for at in range(0, width * 32, 32)]

    if both_roots(tile, old.size, 0, new.size) != (old.root, new.root):
        raise tampered("inconsistent", old=old.size, notes=f"\n{old.note}\n{new.note}")


def private_key(file: str) -> tuple[str, bytes]:
    try:
        with open(file, encoding="utf-8") as opened:
            name, _, rest = opened.read(2000).strip().partition("+KEY+")[2].partition("+")
        content = unbase64(rest.partition("+")[2])
    except (OSError, ValueError):
        raise unknown("unreadable", file=file) from None
    if content[:1] != bytes([COSIGNATURE]) or len(content) != 33 or not name:
        raise unknown("bad_key", key=file)
    return name, content[1:]


def new_key(file: str, name: str) -> str:
    """Writes the private key, for nobody else to read, and gives the one to publish."""
    if not name or re.search(r"[\s+]", name):
        raise unknown("bad_key", key=name)
    seed = secrets.token_bytes(32)
    public = bytes([COSIGNATURE]) + keys_of(seed)[2]
    identifier = sha256(name.encode() + b"\n" + public).digest()[:4].hex()
    secret = base64.b64encode(bytes([COSIGNATURE]) + seed).decode()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(f"PRIVATE+KEY+{name}+{identifier}+{secret}\n")
    except FileExistsError:
        raise unknown("exists", file=file) from None
    except OSError:
        raise unknown("no_write", file=file) from None
    return f"{name}+{identifier}+{base64.b64encode(public).decode()}"


def write(file: str, text: str) -> None:
    """All of it or none."""
    try:
        with open(file + ".new", "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(file + ".new", file)
    except OSError:
        raise unknown("no_write", file=file) from None


# --- 10. The command -------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["witness"]:
        return main_witness(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="verify.py", description=str(__doc__), formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("export", metavar="EXPORT")
    parser.add_argument("--key", action="append", default=[], help="clé publique d’un journal / a log’s public key")
    parser.add_argument("--keys", action="append", default=[], help="fichier de clés publiques / a file of public keys")
    parser.add_argument("--saved", action="append", default=[], help="point de contrôle gardé / a checkpoint you kept")
    parser.add_argument(
        "--hub", default="", help="adresse des journaux, pour comparer un point gardé / where the logs are published"
    )
    parser.add_argument(
        "--witness", action="append", default=[], help="clé publique d’un témoin / a witness’s public key"
    )
    parser.add_argument("--lang", choices=("fr", "en"), default="fr")
    parser.add_argument("--json", action="store_true")
    found = parser.parse_args(arguments)
    lang = int(found.lang == "en")
    report = Report()
    try:
        if not found.key and not found.keys:
            parser.error("--keys")
        keys, witnesses = [key_of(text) for text in found.key], [key_of(text) for text in found.witness]
        listed = [key for file in found.keys for key in keys_in(read_saved(file))]
        saved = [(file, read_saved(file)) for file in found.saved]
        report = verify(found.export, keys, saved, witnesses, listed, found.hub)
    except Problem as problem:
        report.findings.append(problem)
    except Exception as error:  # whatever lies in an export, the answer is a sentence
        report.findings.append(unknown("failed", error=type(error).__name__))
    print(as_json(report, lang) if found.json else as_text(report, lang))
    return EXIT[report.verdict]


def read_saved(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as opened:
            return opened.read(NOTES_LIMIT)
    except (OSError, ValueError):
        raise unknown("unreadable", file=file) from None


def main_witness(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="verify.py witness", description="Témoin d’un journal / witness of a log")
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="dossier ou adresse du journal / its folder or URL")
    parser.add_argument("--key", action="append", default=[], help="clé publique du journal / the log’s public key")
    parser.add_argument("--state", help="où garder le dernier point vu / where the last checkpoint seen is kept")
    parser.add_argument("--witness-key", help="votre clé privée / your private key")
    parser.add_argument("--out", help="où écrire le point contresigné / where to write the cosigned checkpoint")
    parser.add_argument("--post", action="store_true", help="donner au hub ce qui est signé / give it to the hub")
    parser.add_argument("--new-key", help="crée cette clé privée / make this private key")
    parser.add_argument("--name", default="", help="nom de la nouvelle clé / name of the new key")
    parser.add_argument("--lang", choices=("fr", "en"), default="fr")
    found = parser.parse_args(arguments)
    lang = int(found.lang == "en")
    try:
        if found.new_key:
            print(new_key(found.new_key, found.name))
            return 0
        if not (found.source and found.state and found.witness_key):
            parser.error("SOURCE, --state, --witness-key")
        return visit(found, lang)
    except Problem as problem:
        print(f"{SAID[problem.kind][lang]}\n{problem.said(lang)}", file=sys.stderr)
        return EXIT[problem.kind]
    except Exception as error:  # as above
        print(unknown("failed", error=type(error).__name__).said(lang), file=sys.stderr)
        return EXIT[UNKNOWN]


def visit(found: argparse.Namespace, lang: int) -> int:
    """One log, or all: what is wrong with one is told, and the others are looked at and signed."""
    problems: list[Problem] = []
    notes: list[str] = []
    if found.key:
        places: Any = [(found.source, [key_of(text) for text in found.key], found.state)]
    else:
        places = followed(found.source, found.state, problems)
    for source, keys, state in places:
        try:
            cosigned, first = look(source, keys, state, found.witness_key, now=int(time.time()), tell=found.post)
        except Problem as problem:
            problems.append(problem)
            continue
        notes.append(cosigned)
        if first:
            log = {} if found.key else {"log": source.rpartition("/")[2]}
            print(Problem(REMARK, "first", **log).said(lang), file=sys.stderr)
    if found.out and notes:
        write(found.out, "\n".join(notes))
    else:
        print("\n".join(notes), end="")
    for found_wrong in problems:
        print(f"{SAID[found_wrong.kind][lang]}\n{found_wrong.said(lang)}", file=sys.stderr)
    return min((EXIT[each.kind] for each in problems), default=0)


# --- 11. The sentences -----------------------------------------------------------------------------------------------


NOUN = re.compile(r"\{(\w+):([^{}|]+)\|([^{}|]+)\}")


def say(words: tuple[str, str], lang: int, /, **fields: Any) -> str:
    """``{size:entry|entries}`` is a number with its noun, one or several; zero is one in French, several in English."""

    def counted(found: re.Match[str]) -> str:
        is_one = fields[found[1]] in ((0, 1), (1,))[lang]
        return f"{{{found[1]}}} {found[2 if is_one else 3]}"

    return NOUN.sub(counted, words[lang]).format(**fields)


def sentences(text: str) -> dict[str, tuple[str, str]]:
    """A code with its French, and its English on the next line, by turns."""
    lines = text.split("\n")[1:-1]
    return {
        code: (french, lines[at + 1].strip())
        for at in range(0, len(lines), 2)
        for code, french in [lines[at].split(None, 1)]
    }


WORDS = sentences("""
signature       la signature de {signer} sous {file} ne tient pas
                the signature of {signer} on {file} does not hold
origin          {file} parle du journal {found} et non de {expected}
                {file} is about the log {found}, not {expected}
root            ce qui est là n’est pas ce que {file} a signé ({size:entrée|entrées})
                what is here is not what {file} signed ({size:entry|entries})
short           {size:entrée a été signée|entrées ont été signées}, il en manque à partir de l’entrée {count}
                {size:entry was|entries were} signed, and from entry {count} on some are missing
entry           l’entrée {index} n’en est pas une
                entry {index} is no entry
bundle          le fichier {file} est mal formé
                the file {file} is malformed
doubled         l’identifiant {id} sert à plusieurs entrées
                several entries have the identifier {id}
falls           à l’entrée {index} l’heure recule
                time goes backwards at entry {index}
early           l’entrée {index} est scellée plus de deux minutes avant ce qu’elle raconte
                entry {index} was sealed more than two minutes before what it tells of
after_witness   l’entrée {index} est datée d’après la signature du témoin {signer}, qui l’avait vue
                entry {index} is dated after the signature of the witness {signer}, that had seen it
part            la partie « {role} » de l’entrée {id} n’est pas celle qui a été scellée
                the part “{role}” of entry {id} is not the one that was committed to
stray           une partie divulguée ne se rattache à aucune entrée, ou n’est pas à sa place : {id}
                a disclosed part belongs to no entry, or is out of order: {id}
line            la ligne {index} de {file} est mal formée
                line {index} of {file} is malformed
tile            le fichier {file} ne correspond pas aux entrées
                the file {file} does not match the entries
longer          {file} atteste {size:entrée|entrées}, l’export n’en a que {count} : la fin du journal manque
                {file} attests {size:entry|entries}, the export has {count}: the end of the log is missing
equivocation    deux racines différentes ont été signées pour {size:entrée|entrées} ; les deux notes le prouvent, gardez-les :{notes}
                two different roots were signed for {size:entry|entries}; both notes prove it, keep them:{notes}
balance         parties « {role} » : {missing:absente|absentes}, {gone:annoncée|annoncées} par les effacements, {held:retenue|retenues} par l’expéditeur
                parts “{role}”: {missing} not there, {gone} announced by erasures, {held} withheld by the sender
erasure         une entrée d’effacement ne dit pas ce qui a été effacé
                an entry of erasure does not say what was erased
destruction     une entrée de destruction ne dit pas quel était le dernier relevé du journal
                an entry of destruction does not say what the last checkpoint of the log was
destroyed_short le journal détruit aurait eu {size:entrée|entrées}, et {file} en atteste {count}
                the destroyed log is said to have had {size:entry|entries}, and {file} attests {count}
destroyed_later le journal a été détruit à {size:entrée|entrées}, et {file} n’en montre que {count} : rien ne dit ce qui a suivi
                the log was destroyed at {size:entry|entries}, and {file} shows {count} only: nothing tells what followed
inclusion       l’entrée {index} n’est pas dans le journal signé
                entry {index} is not in the signed log
back            le journal a rétréci : {size:entrée|entrées} aujourd’hui, {old:déjà vue|déjà vues} ; gardez les deux notes :{notes}
                the log has shrunk: {size:entry|entries} today, {old} seen before; keep both notes:{notes}
inconsistent    le journal a été réécrit, dans ce qui avait été vu ({old:entrée|entrées}) ; gardez les deux notes :{notes}
                the log was rewritten, within what had been seen ({old:entry|entries}); keep both notes:{notes}
unreadable      {file} ne se lit pas
                {file} cannot be read
missing         le fichier {file} manque
                the file {file} is missing
too_large       {file} est démesuré
                {file} is absurdly large
path            l’export contient un nom de fichier interdit : {file}
                the export has a forbidden file name: {file}
manifest        manifest.json n’est pas d’un export que je connais
                manifest.json is of no export that I know
no_log          l’export ne contient aucun journal
                the export has no log in it
note            {file} n’est pas un point de contrôle
                {file} is no checkpoint
unknown_key     aucune des clés données n’a signé {file}, du journal {found}
                none of the keys you gave has signed {file}, of the log {found}
unused_key      l’export n’a pas le journal {origin}, dont vous donnez la clé
                the export does not have the log {origin}, whose key you gave
bad_key         ce n’est pas une clé : {key}
                this is no key: {key}
key_kind        je ne sais pas vérifier cette sorte de clé : {key}
                I cannot check this kind of key: {key}
other_log       {file} est d’un autre journal, {found}
                {file} is of another log, {found}
unwitnessed     aucun point de contrôle n’est signé du témoin {signer}
                no checkpoint is signed by the witness {signer}
not_compared    {file} est d’une autre taille que cet export ({size:entrée|entrées}) : comparez-les par --hub HUB/audit
                {file} has another size than this export ({size:entry|entries}): compare them by --hub HUB/audit
fetch           {file} ne répond pas
                {file} does not answer
unlisted        {file} est d’un journal que le hub ne montre plus ; s’il a été détruit à son terme, retirez ce fichier
                {file} is of a log that the hub shows no longer; if it was destroyed when its time was over, remove the file
not_taken       {file} n’a pas pris la signature ({said})
                {file} did not take the signature ({said})
no_write        {file} ne s’écrit pas
                {file} cannot be written
exists          {file} existe déjà, je n’y touche pas
                {file} exists already, I leave it alone
failed          je n’ai pas pu finir ({error})
                I could not finish ({error})
late            {count:entrée scellée|entrées scellées} plus de deux minutes après les faits, la première : {index}
                {count:entry|entries} sealed more than two minutes after the facts, the first: {index}
named           {file} est le fichier dont l’entrée {index}, signée ({event}), donne l’empreinte
                {file} is the file whose digest the signed entry {index} ({event}) tells
ignored         fichiers que je ne regarde pas : {files}
                files that I do not look at: {files}
no_tiles        {count:fichier de l’arbre manque|fichiers de l’arbre manquent} ; les entrées suffisent
                {count:tree file is|tree files are} missing; the entries suffice
first           premier passage : rien à quoi comparer
                first visit: nothing to compare with
""")  # noqa: E501

NOT_PROVED = sentences("""
nothing_held    Aucun point de contrôle gardé hors du hub n’a été comparé : qui tient la base et la clé peut avoir tout réécrit, ou coupé la fin du journal avec ses points de contrôle, sans que cela se voie ici.
                No checkpoint kept outside the hub was compared: whoever holds the database and the key may have rewritten everything, or cut the end of the log with its checkpoints, and it would not be seen here.
since_held      {log} : après l’entrée {held}, rien n’est attesté hors du hub ; qui tient la base et la clé peut avoir changé la suite.
                {log}: after entry {held} nothing is attested outside the hub; whoever holds database and key may have changed it.
split           Que tout le monde ait vu le même journal : aucun témoin n’a signé, ou vous n’avez donné la clé d’aucun.
                That everybody was shown the same log: no witness signed, or you gave the key of none.
destroyed       {log} : que ce journal détruit ait été celui-là ; vous n’avez pas gardé son dernier relevé.
                {log}: that this destroyed log was that one; you did not keep its last checkpoint.
rest            Le reste du journal : cet export ne montre que les entrées d’une personne, et peut en taire.
                The rest of the log: this export shows the entries of one person only, and may leave some out.
rest_selected   Le reste du journal : cet export ne montre que les entrées qui ont été cherchées, et peut en taire.
                The rest of the log: this export shows the entries that were looked for only, and may leave some out.
truth           Que les faits soient vrais, ni que tout ait été inscrit : le journal prouve ce qui a été écrit, non ce qui s’est passé.
                That the facts are true, or that all were recorded: the log proves what was written, not what happened.
due             Que ce qui est annoncé comme effacé devait l’être : une annonce couvre tout effacement, juste ou non.
                That what was announced as erased had to go: an announcement covers any deletion, right or wrong.
copies          Que personne n’ait copié, avant, ce qui a été effacé.
                That nobody copied, before, what was erased.
clock           L’heure exacte : c’est celle du serveur, sauf ce qu’un témoin a daté.
                The exact time: it is the server’s, but for what a witness has dated.
queue           Que rien n’ait été retiré dans la seconde entre un fait et son inscription.
                That nothing was taken away in the second between an event and its entry.
unsigned        Ce que dit manifest.json (auteur, date, parties retenues) : il n’est pas signé.
                What manifest.json says (maker, date, parts withheld): it is not signed.
""")  # noqa: E501

SAID = sentences("""
made            Export de {hub}, fait le {created}.
                Export of {hub}, made on {created}.
log             Journal {log} ({origin}) : {size:entrée signée|entrées signées}, {entries:vérifiée|vérifiées}, du {since} au {until} ; {checkpoints:point de contrôle|points de contrôle}.
                Log {log} ({origin}): {size:entry|entries} signed, {entries} checked, from {since} to {until}; {checkpoints:checkpoint|checkpoints}.
all_parts       – parties « {role} » : {shown:divulguée|divulguées}, aucune absente
                – parts “{role}”: {shown} disclosed, none missing
parts           – parties « {role} » : {shown:divulguée|divulguées}, {absent:absente|absentes}, dont {held:retenue|retenues} par l’expéditeur
                – parts “{role}”: {shown} disclosed, {absent} not there, {held} of them withheld by the sender
destroyed       Journal {log} ({origin}) : détruit, il avait {size:entrée|entrées}.
                Log {log} ({origin}): destroyed, it had {size:entry|entries}.
witness         – vu par le témoin {name} jusqu’à l’entrée {size}
                – seen by the witness {name} up to entry {size}
not_proved      Ce que cette vérification ne prouve pas :
                What this verification does not prove:
sound           SAIN : rien de ce qui est signé n’a été changé.
                SOUND: nothing that is signed was changed.
tampered        FALSIFIÉ : ce qui est là n’est pas ce qui a été signé.
                TAMPERED: what is here is not what was signed.
unknown         INDÉTERMINÉ : je ne peux rien dire de sûr.
                CANNOT TELL: I can say nothing for sure.
""")  # noqa: E501


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
