"""``session_state`` (OpenID Connect Session Management §3.2): lets a tool's page ask whether the session changed."""

import hashlib
from urllib.parse import urlsplit

DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def session_state(*, client_id: str, origin: str, browser_state: str, salt: str) -> str:
    """The hash in hexadecimal, a dot, the salt: what the page behind ``check_session_iframe`` computes again.

    ``origin`` is the redirect address's; ``browser_state`` is in a cookie that scripts of the hub's own page may read,
    and is therefore worth nothing elsewhere.  Raises ``ValueError`` for a part with a space, which the recipe uses
    between its parts: two different sessions could share a state.
    """
    parts = (client_id, as_browsers_write(origin), browser_state, salt)
    if not all(parts) or any(" " in part for part in parts) or "." in salt:
        raise ValueError("session_state needs four parts without spaces")
    return f"{hashlib.sha256(' '.join(parts).encode()).hexdigest()}.{salt}"


def as_browsers_write(origin: str) -> str:
    """RFC 6454 §6.2: in small letters, without the default port; what ``event.origin`` says in the iframe."""
    small = origin.lower()
    return small.removesuffix(DEFAULT_PORTS.get(urlsplit(small).scheme, "\n"))
