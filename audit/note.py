"""Signed checkpoints of the log: C2SP signed-note, tlog-checkpoint and tlog-cosignature.

A note is text and, after an empty line, one line for each signature.  Lines of keys that the reader does not know mean
nothing to it, which is how a key, an algorithm or a witness comes and goes.  Pure: keys and the time are handed in.
"""

import base64
import binascii
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

SEED = 32
MAX_NOTE = 100_000
MAX_SIGNATURES = 100
LATEST = 2**63 - 1


class NoteError(Exception):
    """Not a note, not a key, or a signature that does not hold."""


class Algorithm(IntEnum):
    """The first byte of a key, part of its identifier: one key pair signs in one way under one name."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    ML_DSA_44 = 0x06


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long a log was, and the root over it.  Lines beyond the third are nobody's promise and are not accepted."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.origin) or self.size < 0 or len(self.root) != sha256().digest_size:
            raise NoteError("this is no checkpoint")

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1], re.ASCII):
            raise NoteError("this is no checkpoint")
        return cls(lines[0], int(lines[1]), _decoded(lines[2]))


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """What everybody may know; written ``name+identifier+base64(algorithm and public key)``."""

    name: str
    algorithm: Algorithm
    public: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.public) != (
            1312 if self.algorithm is Algorithm.ML_DSA_44 else 32
        ):
            raise NoteError("this is no key")

    @property
    def identifier(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.identifier.hex()}+{_encoded(bytes([self.algorithm]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        name, _, rest = text.partition("+")
        key = cls(name, *_key_of(rest.partition("+")[2]))
        if key.text != text:
            raise NoteError("this is no key")
        return key

    def check(self, signature: bytes, text: str) -> int | None:
        """When it was signed, where the algorithm says so; raises ``NoteError`` where the signature does not hold."""
        at = None
        if self.algorithm is not Algorithm.ED25519:
            at, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = _signed(self.name, self.algorithm, text, at)
        try:
            if self.algorithm is Algorithm.ML_DSA_44:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise NoteError(f"a signature of {self.name} does not hold") from None
        return at


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Both algorithms keep a seed of 32 bytes.  ``repr`` leaves it out: errors and logs show keys that way."""

    name: str
    algorithm: Algorithm
    seed: bytes

    def __repr__(self) -> str:
        return f"<SigningKey {self.name}>"

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.algorithm, self._private.public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """As Go's ``sumdb/note`` keeps it; secret."""
        key = self.verifier
        return f"PRIVATE+KEY+{self.name}+{key.identifier.hex()}+{_encoded(bytes([self.algorithm]) + self.seed)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        name, _, rest = text.strip().partition("+KEY+")[2].partition("+")
        key = cls(name, *_key_of(rest.partition("+")[2]))
        if len(key.seed) != SEED or key.text != text.strip():
            raise NoteError("this is no signing key")
        return key

    def sign(self, text: str, at: int) -> bytes:
        timed = self.algorithm is not Algorithm.ED25519
        signature = self._private.sign(_signed(self.name, self.algorithm, text, at if timed else None))
        return struct.pack(">Q", at) + signature if timed else signature

    @property
    def _private(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        if self.algorithm is Algorithm.ML_DSA_44:
            return MLDSA44PrivateKey.from_seed_bytes(self.seed)
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """Text that somebody known has signed; when, for those who say so (0 where ML-DSA-44 says nothing)."""

    text: str
    signatures: dict[VerifierKey, int | None]

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.parse(self.text)


def sign(text: str, *keys: SigningKey, at: int) -> str:
    """A note over the text, most often a checkpoint's; ``at`` is now, in seconds: some algorithms sign it too."""
    note = text + "\n"
    for key in keys:
        note = cosign(note, key, at=at)
    return note


def cosign(note: str, key: SigningKey, *, at: int) -> str:
    """The note with one more line.  Says nothing of those that are there: open it first."""
    text, _ = _split(note)
    return note + f"— {key.name} {_encoded(key.verifier.identifier + key.sign(text, at))}\n"


def open_note(note: str, *keys: VerifierKey) -> OpenedNote:
    """Raises ``NoteError`` unless a key has signed it and every line of these keys holds."""
    text, lines = _split(note)
    # Whoever makes keys for long enough has one with the four bytes of another: neither hides the other.
    known: dict[tuple[str, bytes], list[VerifierKey]] = {}
    for key in keys:
        known.setdefault((key.name, key.identifier), []).append(key)
    found: dict[VerifierKey, int | None] = {}
    for name, signature in lines:
        found |= _held(known.get((name, signature[:4]), []), signature[4:], text)
    if not found:
        raise NoteError("no key that is known here has signed this")
    return OpenedNote(text, found)


def _held(keys: list[VerifierKey], signature: bytes, text: str) -> dict[VerifierKey, int | None]:
    """Those of these keys whose signature it is, and when; raises ``NoteError`` where it is nobody's among them."""
    held: dict[VerifierKey, int | None] = {}
    broken: NoteError | None = None
    for key in keys:
        try:
            held[key] = key.check(signature, text)
        except NoteError as error:
            broken = error
    if broken and not held:
        raise broken
    return held


def line_of(note: str, key: VerifierKey) -> str:
    """The line of this key, as it stands in the note: open it first."""
    text, signatures = _split(note)
    lines = note.rpartition("\n\n")[2].split("\n")[:-1]
    for line, (name, signature) in zip(reversed(lines), reversed(signatures), strict=True):
        if (name, signature[:4]) == (key.name, key.identifier):
            with suppress(NoteError):
                key.check(signature[4:], text)
                return line
    raise NoteError(f"{key.name} has not signed this")


def only(note: str, key: VerifierKey) -> str:
    """The note with the line of this key and no other."""
    return f"{_split(note)[0]}\n{line_of(note, key)}\n"


_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text with its last newline, and of each signature line the name and bytes."""
    text, gap, lines = note.rpartition("\n\n")
    if len(note) > MAX_NOTE or _CONTROL.search(note) or not (text and gap) or (lines and not lines.endswith("\n")):
        raise NoteError("this is no note")
    signatures: list[tuple[str, bytes]] = []
    for line in lines.split("\n")[:-1]:
        found = _LINE.fullmatch(line)
        if found is None or len(signatures) == MAX_SIGNATURES:
            raise NoteError("this is no note")
        signature = _decoded(found[2])
        if len(signature) <= 4:
            raise NoteError("this is no note")
        signatures.append((found[1], signature))
    return text + "\n", signatures


def _signed(name: str, algorithm: Algorithm, text: str, at: int | None) -> bytes:
    """The bytes under the signature; tlog-cosignature has one form for each algorithm."""
    if at is None:
        return text.encode()
    if not 0 <= at <= LATEST:
        raise NoteError("this is no time")
    if algorithm is Algorithm.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {at}\n{text}".encode()
    checkpoint = Checkpoint.parse(text)
    signer, origin = name.encode(), checkpoint.origin.encode()
    if max(len(signer), len(origin)) > 255:
        raise NoteError("a name is too long for ML-DSA-44 cosignatures")
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(signer)]) + signer,
            struct.pack(">Q", at),
            bytes([len(origin)]) + origin,
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def _key_of(text: str) -> tuple[Algorithm, bytes]:
    content = _decoded(text)
    try:
        return Algorithm(content[0]), content[1:]
    except (IndexError, ValueError):
        raise NoteError("this is no key") from None


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decoded(text: str) -> bytes:
    """One spelling only: what decodes to the same bytes and is written otherwise is refused."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("this is no base64") from None
    if _encoded(content) != text:
        raise NoteError("this is no base64")
    return content
