"""Encryption at rest with a key from outside the database: a copy of the database alone opens nothing.

``KEY_ENCRYPTION_KEY`` may hold several keys, separated by spaces: the first encrypts, each of them decrypts.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256
from os import urandom
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

__all__ = ["InvalidToken", "keyed_digest", "reseal", "seal", "unseal", "unwrap", "wrap"]
NAME, NONCE = 4, 12


def seal(data: bytes, *, purpose: str = "") -> bytes:
    """What is sealed for one purpose cannot be opened for another.  The empty purpose is the signing keys'."""
    return _box(settings.KEY_ENCRYPTION_KEY, purpose).encrypt(data)


def unseal(data: bytes, *, purpose: str = "") -> bytes:
    """Raises ``InvalidToken`` for what was not sealed here for this purpose, clear text included."""
    return _box(settings.KEY_ENCRYPTION_KEY, purpose).decrypt(data)


def reseal(data: bytes, *, purpose: str = "") -> bytes:
    """The same content under the first key.  Raises ``InvalidToken``."""
    return _box(settings.KEY_ENCRYPTION_KEY, purpose).rotate(data)


def wrap(key: bytes, *, purpose: str) -> bytes:
    """As ``seal``, of a key for AES: a tenth of the time, for there is one of these for every person."""
    wrapping = _wrapping(settings.KEY_ENCRYPTION_KEY, purpose)[0]
    nonce = urandom(NONCE)
    return wrapping.name + nonce + wrapping.cipher.encrypt(nonce, key, wrapping.name)


def unwrap(wrapped: bytes, *, purpose: str) -> bytes:
    """Raises ``InvalidToken`` for what was not wrapped here for this purpose."""
    name, nonce, rest = wrapped[:NAME], wrapped[NAME : NAME + NONCE], wrapped[NAME + NONCE :]
    for wrapping in _wrapping(settings.KEY_ENCRYPTION_KEY, purpose):
        if wrapping.name == name:
            try:
                return wrapping.cipher.decrypt(nonce, rest, name)
            except (InvalidTag, ValueError):
                break
    raise InvalidToken


def keyed_digest(data: bytes, *, purpose: str) -> bytes:
    """What only this hub can compute; another one for every purpose, and once the first of its keys is another."""
    return hmac.digest(_digest_key(settings.KEY_ENCRYPTION_KEY, purpose), data, "sha256")


class _Wrapping(NamedTuple):
    """``name`` tells which of several keys it was, and nothing of the key."""

    name: bytes
    cipher: AESGCM


@lru_cache(maxsize=16)
def _wrapping(keys: str, purpose: str) -> tuple[_Wrapping, ...]:
    derived = [urlsafe_b64decode(_derived(key, f"{purpose}.wrap")) for key in keys.split()]
    return tuple(_Wrapping(sha256(b"name" + each).digest()[:NAME], AESGCM(each)) for each in derived)


@lru_cache(maxsize=16)
def _digest_key(keys: str, purpose: str) -> bytes:
    return _derived(keys.split()[0], f"{purpose}.digest")


@lru_cache(maxsize=16)
def _box(keys: str, purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key, purpose)) for key in keys.split()])


def _derived(key: str, purpose: str) -> bytes:
    if not purpose:
        return key.encode()
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(urlsafe_b64decode(key))
    return urlsafe_b64encode(derived)
