"""Where a browser may be sent after sign-in."""

from urllib.parse import urlsplit

from django.utils.http import url_has_allowed_host_and_scheme

MAX_LENGTH = 8_000


def is_own_path(url: str) -> bool:
    """A path of the hub, never an address: ``//evil``, ``\\\\evil``, ``https:evil`` and ``https://hub@evil`` are not.

    RFC 9700 §4.11: an open redirect at the provider hands members to whoever wrote the link.
    """
    if not url.startswith("/") or url.startswith("//") or len(url) > MAX_LENGTH:
        return False
    # Browsers read a backslash as a slash, and drop tabs and line ends before reading at all.
    if "\\" in url or any(ord(character) < 33 or ord(character) == 127 for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
