"""The code that a person copies from a device's screen (RFC 8628 §6.1)."""

import secrets

# Consonants only: no words, nothing that looks like a digit.  20^8 is 34.5 bits.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
MAX_TYPED_CHARS = 64


def new_user_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalise(text: str) -> str:
    """What somebody typed, as it was made; empty when it cannot be a code.

    Case and punctuation do not count (§6.1).  A wrong letter is not dropped: it makes the code a wrong one.
    """
    if len(text) > MAX_TYPED_CHARS:
        return ""
    code = "".join(char for char in text if char.isalnum()).upper()
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else ""


def shown(code: str) -> str:
    """In two groups, easier to read and to type."""
    return f"{code[:4]}-{code[4:]}"
