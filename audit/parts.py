"""What an entry of the log is made of: bytes that hold no personal data, and the parts they commit to, kept elsewhere.

A commitment is to the salted text, not to its ciphertext: keys may change, a checker needs none, and AES-GCM, which two
keys can be made to open differently (it does not commit to its key), cannot be used to tell two stories.
"""

import json
import os
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from itertools import combinations
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT = 32
NONCE = 12
VERSION = 1
SAFE_INTEGERS = 2**53  # RFC 8785 knows numbers as JavaScript does

# In the common part.  ``at``: when it happened, in microseconds since 1970.  ``gone``, of entries that announce that
# parts were erased: how many of each role in each log, ``{"access-2026h2": {"s": 3, "x": 2}}``.
AT = "at"
GONE = "gone"
ERASING = frozenset({"audit:person:erase", "audit:retention:run"})


class PartsError(Exception):
    """Not what an entry or a part may be, or a part that this key does not open."""


class Role(StrEnum):
    """Each has a life of its own.  An entry names its parts in this order, each at most once."""

    COMMON = "c"
    SUBJECT = "s"
    ACTOR = "a"
    NETWORK = "x"


class Part(NamedTuple):
    """``text`` is canonical JSON; what is committed to is these bytes and no other spelling of them."""

    role: Role
    salt: bytes
    text: str

    @property
    def facts(self) -> Any:
        return json.loads(self.text)

    @property
    def commitment(self) -> bytes:
        return sha256(b"\x10" + self.salt + self.text.encode()).digest()


class LogEntry(NamedTuple):
    """What the bytes of an entry say; ``at`` is the time of its batch in whole seconds, shared on purpose."""

    reference: UUID
    event: str
    at: int
    retention: str
    commitments: tuple[tuple[Role, bytes], ...]


def canonical(value: Any) -> str:
    """RFC 8785 for what a part may hold: text, integers below 2⁵³, truth values, nothing, lists, and ASCII names."""
    _check(value)
    text = _encode(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise PartsError("half a character is no text") from None
    return text


def make_part(role: Role, facts: Any) -> Part:
    return Part(role, os.urandom(SALT), canonical(facts))


def entry_bytes(
    *, reference: UUID, event: str, at: int, retention: str, commitments: Iterable[tuple[Role, bytes]]
) -> bytes:
    """The leaf.  Its canonical JSON has one shape, so it is written, and read, as that shape."""
    named = [*commitments]
    parts = ",".join(f'["{role}","{base64url(digest)}"]' for role, digest in named)
    entry = f'{{"id":"{reference}","p":[{parts}],"rc":"{retention}","ts":{at},"ty":"{event}","v":{VERSION}}}'.encode()
    if _ENTRY.fullmatch(entry) is None or "".join(role for role, _ in named) not in _ROLES:
        raise PartsError("this is no entry")
    return entry


def parse_entry(entry: bytes) -> LogEntry:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise PartsError("this is no entry")
    reference, parts, retention, at, event = found.groups()
    roles = parts[2::_PART_LENGTH].decode()
    if roles not in _ROLES:
        raise PartsError("this is no entry")
    digests = (from_base64url(parts[start : start + 43].decode()) for start in range(6, len(parts), _PART_LENGTH))
    return LogEntry(
        reference=UUID(reference.decode()),
        event=event.decode(),
        at=int(at),
        retention=retention.decode(),
        commitments=tuple(zip(map(Role, roles), digests, strict=True)),
    )


def seal_part(key: bytes, part: Part, *, reference: UUID) -> bytes:
    """AES-256-GCM under a nonce of its own; bound to its entry and role, so that no part passes for another."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, part.salt + part.text.encode(), _bound_to(reference, part.role))


def open_part(key: bytes, sealed: bytes, *, role: Role, reference: UUID) -> Part:
    try:
        opened = AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], _bound_to(reference, role))
    except (InvalidTag, ValueError):
        raise PartsError(f"part {role} of {reference} does not open") from None
    return Part(role, opened[:SALT], opened[SALT:].decode())


def base64url(content: bytes) -> str:
    return b2a_base64(content, newline=False).rstrip(b"=").translate(_TO_URL).decode()


def from_base64url(text: str) -> bytes:
    return a2b_base64(text.translate(_FROM_URL) + "=" * (-len(text) % 4), strict_mode=True)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = str.maketrans("-_", "+/")
_PART = rb'\["[csax]","[\w-]{42}[AEIMQUYcgkosw048]"\]'
_ENTRY = re.compile(
    rb'\{"id":"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})",'
    rb'"p":\[(' + _PART + rb"(?:," + _PART + rb')*)\],"rc":"([a-z0-9_-]{1,40})","ts":(0|[1-9][0-9]{0,14}),'
    rb'"ty":"([a-z0-9_:.-]{1,60})","v":1\}'
)
_PART_LENGTH = len('["c",""],') + 43
_ROLES = frozenset("".join(some) for count in range(1, 5) for some in combinations(Role, count))


def _bound_to(reference: UUID, role: Role) -> bytes:
    return reference.bytes + role.encode()


def _check(value: Any) -> None:
    if value is None or isinstance(value, str):
        return
    if isinstance(value, int):
        if not -SAFE_INTEGERS < value < SAFE_INTEGERS:
            raise PartsError("an integer is too large to be read everywhere")
    elif isinstance(value, dict):
        for name, content in value.items():
            if not (isinstance(name, str) and name.isascii()):
                raise PartsError("a name is not ASCII text")
            _check(content)
    elif isinstance(value, list | tuple):
        for content in value:
            _check(content)
    else:
        raise PartsError(f"{type(value).__name__} is not kept in a part")
