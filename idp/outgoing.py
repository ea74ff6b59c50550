"""The one way the hub calls an address that somebody else chose (back-channel logout)."""

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import urllib3
from django.conf import settings

TIMEOUT = urllib3.Timeout(connect=2.0, read=5.0)
MAX_ANSWER_BYTES = 4096


class OutgoingRefused(Exception):
    """The address may not be called: not public, and not in a network the operator allowed."""


class OutgoingFailed(Exception):
    """The address did not answer as it should; the text is a short code without any value."""


def post_form(url: str, form: Mapping[str, str]) -> int:
    """POST a form and return the status.  No redirect is followed and little is read.

    Raises ``OutgoingRefused`` or ``OutgoingFailed``.  The checked address is the one called: resolving once
    closes the door that a second look-up would open (DNS rebinding).
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = _resolve(host, port)
    headers = {"Host": parts.netloc, "Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Trousseau"}
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            address, port, timeout=TIMEOUT, retries=False, server_hostname=host, assert_hostname=host
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=TIMEOUT, retries=False)
    path = parts.path or "/"
    try:
        response = pool.urlopen(
            "POST",
            f"{path}?{parts.query}" if parts.query else path,
            body=urlencode(form),
            headers=headers,
            redirect=False,
            preload_content=False,
        )
        response.read(MAX_ANSWER_BYTES)
        return int(response.status)
    except urllib3.exceptions.NewConnectionError as error:
        # Named first: the library counts it among the time-outs.
        raise OutgoingFailed("unreachable") from error
    except urllib3.exceptions.TimeoutError as error:
        raise OutgoingFailed("timeout") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise OutgoingFailed("unreachable") from error
    finally:
        pool.close()


def _resolve(host: str, port: int) -> str:
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
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
    return address.is_global and not address.is_multicast
