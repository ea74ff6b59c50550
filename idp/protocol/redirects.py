"""The one comparison of redirect addresses, and the one way to build the answer."""

import json
import re
from collections.abc import Collection, Mapping
from urllib.parse import quote_plus, urlencode, urlsplit

SAFE_SCHEMES = frozenset({"https", "http"})
# These hosts become sources in content policies (CSP §2.3.1), where ";", "," and "*" mean something.
HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
# Characters.  Django sends no address above 16,384, and the rest of the answer takes some.
MAX_STATE = 4096
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_registered(uri: str, registered: Collection[str]) -> bool:
    """RFC 9700 §4.1.3: whole-string match, byte for byte; a prefix or pattern match is an open redirect."""
    return bool(uri) and any(uri.encode() == known.encode() for known in registered)


def why_not_registrable(uri: str) -> str | None:
    """Why an operator may not register this address, or nothing.  Applied before it is stored, never after."""
    if any(ord(char) <= 0x20 or ord(char) == 0x7F or char in '\\<>"{}|^`' for char in uri):
        return "contains a space, a control or a forbidden character"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in SAFE_SCHEMES or not uri.startswith(f"{parts.scheme}://"):
        return "does not start with https:// (or http:// on this machine)"
    if not HOST_AND_PORT.fullmatch(parts.netloc):
        return "has no plain host name (an international one is written xn--…)"
    if "#" in uri:
        return "has a fragment (RFC 6749 §3.1.2)"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        return "uses http:// outside this machine"
    return None


def answer_uri(redirect_uri: str, parameters: Mapping[str, str]) -> str:
    """RFC 6749 §4.1.2: the answer is added to the address's own query, which stays as registered."""
    present = {name: value for name, value in parameters.items() if value}
    if not present:
        return redirect_uri
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return f"{redirect_uri}{separator}{urlencode(present)}"


def state_fits(state: str) -> bool:
    """Whether an answer can carry this state; told before anything is done that the answer would tell of.

    In an address a character becomes three or more; in a signed answer JSON makes it up to twelve, and base64url makes
    the whole a third longer.
    """
    if len(state) > MAX_STATE:
        return False
    return len(quote_plus(state, errors="replace")) <= 3 * MAX_STATE and len(json.dumps(state)) <= 2 * MAX_STATE + 2


def origin_of(uri: str) -> str:
    """As browsers write it (RFC 6454 §6.2): small letters, without the port that the scheme stands for."""
    parts = urlsplit(uri.lower())
    usual = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"
