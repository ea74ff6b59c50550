"""The certificate that a tool showed to the front proxy (RFC 8705)."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

from idp.protocol import certificates
from idp.protocol.certificates import Certificate


def certificate_of(request: HttpRequest) -> Certificate | None:
    """What the proxy hands over in its header; nothing unless this very peer is a proxy of ours.

    A header that anybody can send proves nothing: it counts only from the networks of ``CLIENT_CERTIFICATE_PROXIES``,
    and those proxies must set it themselves on every request, empty when there was no certificate.
    """
    name = settings.CLIENT_CERTIFICATE_HEADER
    value = request.headers.get(name, "") if name else ""
    if not value or not _from_our_proxy(request):
        return None
    return certificates.parse(value)


def chain_verified(request: HttpRequest) -> bool:
    """Whether the proxy verified the certificate's chain (nginx: ``$ssl_client_verify`` is SUCCESS).

    A proxy that also lets self-signed certificates in verifies nothing by itself: without this word of its own, anybody
    could sign a certificate with a tool's name.
    """
    name = settings.CLIENT_CERTIFICATE_VERIFY_HEADER
    return bool(name) and request.headers.get(name) == "SUCCESS" and _from_our_proxy(request)


def _from_our_proxy(request: HttpRequest) -> bool:
    try:
        peer = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(peer in network for network in settings.CLIENT_CERTIFICATE_PROXIES)
