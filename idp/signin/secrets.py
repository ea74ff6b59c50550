"""Encryption at rest of what a second factor shares with the hub."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

__all__ = ["InvalidToken", "decrypt", "encrypt"]


def encrypt(text: str) -> str:
    return _box(settings.KEY_ENCRYPTION_KEY).encrypt(text.encode()).decode("ascii")


def decrypt(text: str) -> str:
    """Raises ``InvalidToken`` for what was not encrypted here, clear text included."""
    return _box(settings.KEY_ENCRYPTION_KEY).decrypt(text.encode()).decode()


@lru_cache(maxsize=2)
def _box(key: str) -> Fernet:
    """A key of its own for factors, so that a signing key's ciphertext can never be passed off as a factor's."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"trousseau second factor").derive(
        urlsafe_b64decode(key)
    )
    return Fernet(urlsafe_b64encode(derived))
