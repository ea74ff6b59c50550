"""Addresses of the web that somebody shows: only what a browser opens, and where it leads is seen.  No Django."""

from urllib.parse import urlsplit

LONGEST = 200


def read(text: str) -> str:
    """The address as it is kept, or nothing where it is none; ``exemple.fr`` is one, as people write it."""
    text = text.strip()
    if not text or len(text) > LONGEST or any(sign.isspace() or ord(sign) < 32 for sign in text):
        return ""
    whole = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(whole)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return ""
    # A name before the host says that the link leads elsewhere than it does.
    if parts.scheme not in ("https", "http") or "." not in host.strip(".") or parts.username or "\\" in whole:
        return ""
    return whole


def shown(address: str) -> str:
    """What is read of it: host and path, without what only machines read."""
    parts = urlsplit(address)
    return f"{(parts.hostname or '').removeprefix('www.')}{parts.path.rstrip('/')}"
