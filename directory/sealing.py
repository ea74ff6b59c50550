"""Encryption at rest with a key from outside the database: a copy of the database alone opens nothing.

``KEY_ENCRYPTION_KEY`` may hold several keys, separated by spaces: the first encrypts, each of them decrypts.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

__all__ = ["InvalidToken", "reseal", "seal", "unseal"]


def seal(data: bytes, *, purpose: str = "") -> bytes:
    """What is sealed for one purpose cannot be opened for another.  The empty purpose is the signing keys'."""
    return _box(settings.KEY_ENCRYPTION_KEY, purpose).encrypt(data)


def unseal(data: bytes, *, purpose: str = "") -> bytes:
    """Raises ``InvalidToken`` for what was not sealed here for this purpose, clear text included."""
    return _box(settings.KEY_ENCRYPTION_KEY, purpose).decrypt(data)


def reseal(data: bytes, *, purpose: str = "") -> bytes:
    """The same content under the first key.  Raises ``InvalidToken``."""
    return _box(settings.KEY_ENCRYPTION_KEY, purpose).rotate(data)


@lru_cache(maxsize=16)
def _box(keys: str, purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key, purpose)) for key in keys.split()])


def _derived(key: str, purpose: str) -> bytes:
    if not purpose:
        return key.encode()
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(urlsafe_b64decode(key))
    return urlsafe_b64encode(derived)
