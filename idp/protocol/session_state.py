"""``session_state`` (OpenID Connect Session Management §3.2): lets a tool's page ask whether the session changed."""

import hashlib


def session_state(*, client_id: str, origin: str, browser_state: str, salt: str) -> str:
    """ "hash.salt", the hash in hexadecimal, as the page behind ``check_session_iframe`` computes it again.

    ``origin`` is the redirect address's (scheme, host, port where not the default); ``browser_state`` is in a cookie
    that scripts of the hub's own page may read, and is therefore worth nothing elsewhere.  Raises ``ValueError`` for a
    part with a space, which the recipe uses between its parts: two different sessions could share a state.
    """
    parts = (client_id, origin, browser_state, salt)
    if not all(parts) or any(" " in part for part in parts) or "." in salt:
        raise ValueError("session_state needs four parts without spaces")
    return f"{hashlib.sha256(' '.join(parts).encode()).hexdigest()}.{salt}"
