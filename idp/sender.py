"""Who holds a token: proof of possession by DPoP (RFC 9449) or by a TLS certificate (RFC 8705 §3)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from idp import tls
from idp.clients import Authenticated
from idp.models import Tool
from idp.protocol import algorithms, dpop
from idp.protocol.errors import ProtocolError
from idp.services import replay

# A proof is good for a minute either way; its identifier is remembered for longer than that.
REMEMBERED = timedelta(minutes=3)
NONCE_HEADER = "DPoP-Nonce"


class NonceWanted(ProtocolError):
    """RFC 9449 §8: the proof is to be made again with the nonce that comes with this answer."""

    def __init__(self) -> None:
        super().__init__("use_dpop_nonce", "a DPoP nonce of this server is needed", detail="dpop_nonce")


def key_of(request: HttpRequest, tool: Tool, *, access_token: str = "") -> str:
    """The thumbprint of the key that a DPoP proof of this request by ``tool`` shows; empty without a proof.

    Raises ``ProtocolError`` for a proof that is wrong, old, for another request or token, or seen before.
    """
    proof = request.headers.get("DPoP", "")
    if not proof:
        return ""
    now = timezone.now()
    shown = _verified(request, proof, algorithms.from_tool(strict=tool.is_fapi), access_token=access_token, now=now)
    if settings.DPOP_NONCES and not dpop.nonce_is_fresh(_nonce_secret(), shown.nonce, now):
        raise NonceWanted
    if not replay.first_time("dpop", shown.jkt, shown.jti, expires_at=shown.issued_at + REMEMBERED):
        raise dpop.DPoPInvalid("the proof was used before", detail="replayed")
    return shown.jkt


def check_nonce(request: HttpRequest) -> None:
    """Before anything is used up: a tool may send its client assertion again with the nonce.

    Raises ``NonceWanted`` for a proof that is good but for that, and ``DPoPInvalid`` for one that is not.
    """
    proof, now = request.headers.get("DPoP", ""), timezone.now()
    if proof and settings.DPOP_NONCES and not dpop.nonce_is_fresh(_nonce_secret(), dpop.nonce_of(proof), now):
        _verified(request, proof, algorithms.FROM_TOOLS, now=now)
        raise NonceWanted


def binding_for(request: HttpRequest, client: Authenticated) -> str:
    """What the tokens of this request will be bound to.  Raises ``ProtocolError`` where the tool must show more."""
    tool = client.tool
    jkt = key_of(request, tool)
    if jkt:
        return f"jkt:{jkt}"
    if tool.dpop_bound_access_tokens:
        raise dpop.DPoPInvalid("this client's tokens are bound to a DPoP key", detail="missing")
    if tool.tls_client_certificate_bound_access_tokens:
        if client.certificate is None:
            raise ProtocolError("invalid_request", "a client certificate is needed", detail="certificate_missing")
        return f"x5t#S256:{client.certificate.thumbprint}"
    if tool.is_fapi:
        raise ProtocolError("invalid_request", "tokens must be sender-constrained", detail="holder_of_key")
    return ""


def check(request: HttpRequest, tool: Tool, binding: str, *, access_token: str, scheme: str) -> None:
    """RFC 9449 §7.1, RFC 8705 §3: the token is shown by ``tool``, which it was given to.  Raises ``ProtocolError``."""
    if binding.startswith("jkt:"):
        if scheme != "dpop" or f"jkt:{key_of(request, tool, access_token=access_token)}" != binding:
            raise ProtocolError("invalid_token", "the token is bound to another key", detail="dpop_binding")
        return
    if scheme != "bearer":
        raise ProtocolError("invalid_token", "the token is not bound to a key", detail="dpop_downgrade")
    if binding:
        certificate = tls.certificate_of(request)
        if certificate is None or f"x5t#S256:{certificate.thumbprint}" != binding:
            raise ProtocolError("invalid_token", "the token is bound to another certificate", detail="tls_binding")


def give_nonce(response: HttpResponse) -> None:
    """RFC 9449 §8.2: the nonce for the next proof."""
    response[NONCE_HEADER] = dpop.nonce_for(_nonce_secret(), timezone.now())


def _verified(
    request: HttpRequest, proof: str, accepted: Collection[str], *, access_token: str = "", now: datetime
) -> dpop.Proof:
    """Raises ``DPoPInvalid``.

    The request has two public names: tools with a certificate call the same paths at a host of their own.
    """
    origins = (settings.ISSUER, settings.CLIENT_CERTIFICATE_ORIGIN)
    return dpop.verify(
        proof,
        method=request.method or "",
        uris=[origin + request.path for origin in origins if origin],
        now=now,
        access_token=access_token,
        algorithms=accepted,
    )


def _nonce_secret() -> bytes:
    return sha256(b"trousseau dpop nonce\x00" + settings.SECRET_KEY.encode()).digest()
