"""Octets as text."""

import base64


def base64url(octets: bytes) -> str:
    """RFC 7515 §2: without padding."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
