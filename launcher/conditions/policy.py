"""When a tool is looked at, and when it counts as away.  Values in, values out."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

EVERY = timedelta(minutes=2)
# One look in vain may be a restart; two are four minutes of somebody's work.
TO_BE_AWAY = 2


def is_plain_address(url: str) -> bool:
    """Whole, without credentials; clear text is for networks that the operator allowed, and the call itself asks."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    has_host = bool(parts.hostname) and not parts.username and not parts.password and port != 0
    is_text = url.isascii() and url.isprintable() and " " not in url
    return parts.scheme in ("https", "http") and has_host and is_text and not parts.fragment


def is_there(status: int) -> bool:
    """A tool that wants a sign-in, or sends on to one, answers."""
    return status < 500


def since(result: str, *, failures: int, before: datetime | None, now: datetime) -> datetime | None:
    """Since when it is away, after so many looks in vain; nothing where it is there."""
    if not result or failures < TO_BE_AWAY:
        return None
    return before or now
