"""Which of a directory's addresses is spoken to first: one that is away should not be waited for again and again.

libldap goes on to the next where one refuses.  Where one drops packets, or takes the connection and falls silent, it
waits for all of a time-out first; and 2.5, which connects asynchronously here, asks no second one at all.
"""

import socket
import ssl
from contextlib import suppress
from time import monotonic
from urllib.parse import urlsplit

PORTS = {"ldap": 389, "ldaps": 636}
# What every server answers, whatever it answers: may this connection be secured? (RFC 4511 §4.14.1)
START_TLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
# For so long nobody waits for an address that did not answer.
AWAY_SECONDS = 15.0
_away_until: dict[str, float] = {}


def in_order(uri: str, seconds: float) -> str:
    """The same addresses, the first that answers before the others; one alone is asked nothing.

    Each gets a part of the time, so that some is left for the directory itself.
    """
    uris = uri.split()
    if len(uris) < 2 or not all(urlsplit(each).scheme in PORTS for each in uris):
        return uri
    for each in uris:
        if monotonic() < _away_until.get(each, 0):
            continue
        try:
            check_answers(each, seconds / (len(uris) + 1))
        except OSError:
            _away_until[each] = monotonic() + AWAY_SECONDS
            continue
        return " ".join([each, *(other for other in uris if other != each)])
    return uri


def check_answers(uri: str, seconds: float) -> None:
    """That somebody speaks there, and not who: whatever comes is thrown away.  Raises ``OSError``."""
    end = monotonic() + seconds
    with connected(uri, seconds) as plain:
        plain.settimeout(max(end - monotonic(), 0.001))
        plain.sendall(START_TLS if uri.startswith("ldap:") else _client_hello(urlsplit(uri).hostname or "localhost"))
        if not plain.recv(1):
            raise ConnectionAbortedError


def _client_hello(host: str) -> bytes:
    """How a TLS connection begins (RFC 8446 §4.1.2); this one goes no further."""
    sent = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), sent, server_hostname=host).do_handshake()
    return sent.read()


def connected(uri: str, seconds: float) -> socket.socket:
    """Raises ``OSError``."""
    url = urlsplit(uri)
    return socket.create_connection((url.hostname or "", url.port or PORTS.get(url.scheme, 389)), timeout=seconds)
