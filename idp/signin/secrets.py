"""Encryption at rest of what a second factor shares with the hub."""

from audit.sealing import InvalidToken, seal, unseal

__all__ = ["PURPOSE", "InvalidToken", "decrypt", "encrypt"]

# A key of its own for factors, so that a signing key's ciphertext can never be passed off as a factor's.
PURPOSE = "trousseau second factor"


def encrypt(text: str) -> str:
    return seal(text.encode(), purpose=PURPOSE).decode("ascii")


def decrypt(text: str) -> str:
    """Raises ``InvalidToken`` for what was not encrypted here, clear text included."""
    return unseal(text.encode(), purpose=PURPOSE).decode()
