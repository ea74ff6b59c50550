"""The one way the hub calls an address that somebody else chose: back-channel logout, keys, is it there?, a cloud."""

import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
# RFC 4291 §2.4: what is public is in here.  Outside are NAT64 and IPv4 in IPv6, ways back to a private address.
# Public by their range, answered by the machine's own host: Azure's metadata, and the old 6to4 relay.
HOSTS_OF_CLOUDS = frozenset({"168.63.129.16", "192.88.99.1"})
PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
UNTOUCHED = "%/:?#[]@!$&'()*+,;=~"


class OutgoingRefused(Exception):
    """The address may not be called: not public, and not in a network the operator allowed."""


class OutgoingFailed(Exception):
    """The address did not answer as it should; the text is a short code without any value."""


def post_form(url: str, form: Mapping[str, str]) -> int:
    """POST a form and return the status.  No redirect is followed and the answer's body is not read.

    Raises ``OutgoingRefused`` or ``OutgoingFailed``.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with _answered("POST", url, urlencode(form), headers) as response:
        return response.status


def get_status(url: str) -> int:
    """GET and return the status.  No redirect is followed, nothing but the address is sent, the body is not read.

    Raises ``OutgoingRefused`` or ``OutgoingFailed``.
    """
    with _answered("GET", url, None, {"Accept": "*/*"}) as response:
        return response.status


def get_json(url: str, *, max_bytes: int) -> dict[str, object]:
    """GET a JSON object of at most this size, in clear text or TLS as the address says.  No redirect is followed.

    Raises ``OutgoingRefused`` or ``OutgoingFailed``.
    """
    with _answered("GET", url, None, {"Accept": "application/jwk-set+json, application/json"}) as response:
        if response.status != 200:
            raise OutgoingFailed(f"http_{response.status}")
        body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise OutgoingFailed("too_large")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OutgoingFailed("not_json") from error
    if not isinstance(document, dict):
        raise OutgoingFailed("not_an_object")
    return document


def ask_dav(method: str, url: str, body: str, *, authorization: str, max_bytes: int) -> bytes:
    """Ask a cloud (RFC 4918) and return its multi-status, of at most this size.  No redirect is followed.

    Raises ``OutgoingRefused`` or ``OutgoingFailed``.
    """
    headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": "1", "Authorization": authorization}
    with _answered(method, url, body, headers) as response:
        if response.status != 207:
            raise OutgoingFailed(f"http_{response.status}")
        found = response.read(max_bytes + 1)
    if len(found) > max_bytes:
        raise OutgoingFailed("too_large")
    return found


@contextmanager
def _answered(method: str, url: str, body: str | None, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
    """One request, its answer read within the deadline.

    The checked address is the one called: resolving once closes the door that a second look-up would open
    (DNS rebinding).
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = _resolve(host, port)
    path = quote(parts.path or "/", safe=UNTOUCHED)
    query = f"?{quote(parts.query, safe=UNTOUCHED)}" if parts.query else ""
    named = {"Host": parts.netloc, "User-Agent": "Trousseau", **headers}
    try:
        with (
            socket.create_connection((address, port), CONNECT_SECONDS) as plain,
            _answered_in_time(plain),
            closing(HTTPConnection(host, port)) as connection,
        ):
            connection.sock = _secured(plain, host) if parts.scheme == "https" else plain
            connection.request(method, path + query, body, named)
            with closing(connection.getresponse()) as response:
                yield response
    except TimeoutError as error:
        raise OutgoingFailed("timeout") from error
    except (OSError, HTTPException, UnicodeError) as error:
        raise OutgoingFailed("unreachable") from error


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


@contextmanager
def _answered_in_time(connection: socket.socket) -> Iterator[None]:
    """Cut the connection at the deadline: a socket's own time-out starts again at each byte of a trickling answer."""
    connection.settimeout(ANSWER_SECONDS)
    handle, late = connection.dup(), threading.Event()

    def cut() -> None:
        late.set()
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(ANSWER_SECONDS, cut)
    timer.start()
    try:
        yield
    except (OSError, HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
        timer.join()
        handle.close()
    if late.is_set():
        raise TimeoutError


def _resolve(host: str, port: int) -> str:
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise OutgoingFailed("unknown_host") from error
    allowed = [str(address) for address in found if _may_call(str(address))]
    if not allowed or len(allowed) != len(found):
        # One forbidden address among several is enough: the name is not trusted.
        raise OutgoingRefused("address")
    # IPv4 first: small tools often listen on it alone.
    return sorted(allowed, key=lambda address: ":" in address)[0]


def _may_call(text: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if any(address.version == network.version and address in network for network in settings.OUTGOING_NETWORKS):
        return True
    if address.version == 6 and address not in PUBLIC_IPV6:
        return False
    return address.is_global and not address.is_multicast and str(address) not in HOSTS_OF_CLOUDS
