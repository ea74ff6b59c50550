"""Which mail server the operator named: an address in, a frozen value out."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

# RFC 8314 §7.3: TLS first.  RFC 6409 §3.1: submission, here with STARTTLS.  RFC 5321 §4.5.4.2: in clear, for a relay
# on the same machine.
PORTS = {"smtps": 465, "smtp+tls": 587, "smtp": 25}


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails go, as whom, and when TLS begins: with the connection, by STARTTLS, or not at all."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls_first: bool
    starttls: bool


def server(url: str) -> Server | None:
    """The server of ``smtps://user:password@host:port`` and the like; nothing for what cannot be told."""
    try:
        told = urlsplit(url)
        port = told.port
    except ValueError:
        return None
    # A scheme misspelt would send passwords in clear; a path is the rest of a password with a "/" in it.
    if told.scheme not in PORTS or not told.hostname or told.path.strip("/") or told.query or told.fragment:
        return None
    return Server(
        host=told.hostname,
        port=port or PORTS[told.scheme],
        user=unquote(told.username or ""),
        password=unquote(told.password or ""),
        tls_first=told.scheme == "smtps",
        starttls=told.scheme == "smtp+tls",
    )
