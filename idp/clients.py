"""Client authentication: at the token endpoint and wherever else a tool speaks from server to server."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from joserfc.jwk import KeySet, OctKey

from audit import sealing
from idp import tls
from idp.models import Tool
from idp.protocol import algorithms, assertions, jose
from idp.protocol.certificates import Certificate
from idp.protocol.errors import ProtocolError
from idp.protocol.tokens import digest
from idp.selectors import tool_by_client_id
from idp.services import client_keys, replay
from idp.types import AuthMethod, ToolKind, ToolState

# What a sealed client secret is for: another purpose's ciphertext does not open here.
SECRET_PURPOSE = "trousseau client secret"  # noqa: S105
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BY_SECRET = frozenset({AuthMethod.BASIC, AuthMethod.POST})
BY_ASSERTION = frozenset({AuthMethod.SECRET_JWT, AuthMethod.PRIVATE_KEY_JWT})
BY_CERTIFICATE = frozenset({AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS})


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A tool that proved itself by the one method it is pinned to, and the certificate it came with, if any."""

    tool: Tool
    method: AuthMethod
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class _Presented:
    """What the request brought as a proof; at most one kind of it."""

    client_id: str
    secret: str = ""
    by_header: bool = False
    assertion: jose.Signed | None = None


class ClientRefused(ProtocolError):
    """RFC 6749 §5.2, ``invalid_client``; the reason stays in the journal."""

    def __init__(self, reason: str, tool: Tool | None = None) -> None:
        super().__init__("invalid_client", "client authentication failed", detail=reason)
        self.tool = tool


def authenticate(request: HttpRequest, *, endpoint: str) -> Authenticated:
    """The tool that sent this request.  ``endpoint`` is the full address it called, an audience of its assertion.

    Raises ``ClientRefused``: for an unknown or closed tool, for any method but its own, for two methods at once
    (RFC 6749 §2.3), for a secret sent by a public tool, and for an assertion that was seen before.
    """
    presented = _presented(request)
    tool = tool_by_client_id(presented.client_id)
    if tool is None or tool.kind != ToolKind.OIDC or tool.state == ToolState.CLOSED:
        raise ClientRefused("client_unknown")
    certificate = tls.certificate_of(request)
    method = _method(tool, presented)
    now = timezone.now()
    if method in BY_SECRET and not _secret_matches(tool, presented.secret, now):
        raise ClientRefused("client_secret", tool)
    if presented.assertion is not None:
        _check_assertion(tool, method, presented.assertion, endpoint, now)
    if method in BY_CERTIFICATE:
        _check_certificate(request, tool, method, certificate, now)
    return Authenticated(tool, method, certificate)


def _presented(request: HttpRequest) -> _Presented:
    form = request.POST
    body_id, body_secret = form.get("client_id", ""), form.get("client_secret", "")
    assertion, kind = form.get("client_assertion", ""), form.get("client_assertion_type", "")
    authorization = request.headers.get("Authorization", "")
    if sum(map(bool, (authorization, body_secret, assertion or kind))) > 1:
        raise ClientRefused("two_methods")
    if authorization:
        client_id, secret = _basic(authorization)
        if body_id and body_id != client_id:
            raise ClientRefused("two_clients")
        return _Presented(client_id, secret, by_header=True)
    if assertion or kind:
        if kind != ASSERTION_TYPE:
            raise ClientRefused("assertion_type")
        claimed = _named_by(assertion)
        if body_id and body_id != claimed.client_id:
            raise ClientRefused("two_clients")
        return claimed
    if not body_id:
        raise ClientRefused("no_client")
    return _Presented(body_id, body_secret)


def _named_by(assertion: str) -> _Presented:
    try:
        signed = assertions.parse(assertion)
        return _Presented(assertions.client_id_of(signed), assertion=signed)
    except ProtocolError as error:
        raise ClientRefused(error.detail) from error


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise ClientRefused("authorization_scheme")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ClientRefused("basic_malformed") from error
    client_id, colon, secret = pair.partition(":")
    if not colon:
        raise ClientRefused("basic_malformed")
    # RFC 6749 §2.3.1: both halves are form-encoded; our own identifiers and secrets need no encoding.
    return unquote_plus(client_id), unquote_plus(secret)


def _method(tool: Tool, presented: _Presented) -> AuthMethod:
    """The tool's own method, if that is what the request brought.  Raises ``ClientRefused``."""
    pinned = AuthMethod(tool.token_endpoint_auth_method)
    if presented.assertion is not None:
        offered = BY_ASSERTION
    elif presented.secret:
        offered = frozenset({AuthMethod.BASIC if presented.by_header else AuthMethod.POST})
    else:
        offered = frozenset({AuthMethod.NONE}) | BY_CERTIFICATE
    if pinned == AuthMethod.EITHER and offered <= BY_SECRET:
        (pinned,) = offered
    if presented.by_header and pinned != AuthMethod.BASIC:
        raise ClientRefused("method_not_pinned", tool)
    if pinned not in offered:
        raise ClientRefused("method_not_pinned", tool)
    return pinned


def _secret_matches(tool: Tool, secret: str, now: datetime) -> bool:
    offered = digest(secret)
    known = [tool.client_secret] if tool.client_secret else []
    if tool.previous_client_secret and tool.previous_client_secret_until and tool.previous_client_secret_until > now:
        known.append(tool.previous_client_secret)
    return any(hmac.compare_digest(offered, each) for each in known)


def _check_assertion(tool: Tool, method: AuthMethod, assertion: jose.Signed, endpoint: str, now: datetime) -> None:
    """RFC 7523 §3.  The issuer is always an audience; a FAPI tool's assertion names it alone (FAPI 2.0 SP §5.3.2.1)."""
    audiences = {settings.ISSUER} if tool.is_fapi else {settings.ISSUER, endpoint, f"{settings.ISSUER}/oidc/token"}
    try:
        keys: KeySet = _assertion_keys(tool, method, assertion)
        proved = assertions.verify(
            assertion,
            keys=keys,
            algorithms=_assertion_algorithms(tool, method),
            client_id=tool.client_id,
            audiences=frozenset(audiences),
            now=now,
            single_audience=tool.is_fapi,
        )
    except client_keys.KeysUnavailable as error:
        raise ClientRefused("keys_unavailable", tool) from error
    except ProtocolError as error:
        raise ClientRefused(error.detail, tool) from error
    if not replay.first_time("assertion", tool.client_id, proved.jti, expires_at=proved.expires_at):
        raise ClientRefused("assertion_replayed", tool)


def _assertion_algorithms(tool: Tool, method: AuthMethod) -> frozenset[str]:
    if method == AuthMethod.SECRET_JWT:
        return frozenset({"HS256"})
    return algorithms.from_tool(strict=tool.is_fapi)


def _assertion_keys(tool: Tool, method: AuthMethod, assertion: jose.Signed) -> KeySet:
    if method == AuthMethod.PRIVATE_KEY_JWT:
        return client_keys.verification_keys(tool, kid=assertion.kid)
    sealed = [tool.sealed_client_secret]
    if tool.previous_client_secret_until and tool.previous_client_secret_until > timezone.now():
        sealed.append(tool.previous_sealed_client_secret)
    try:
        secrets = [sealing.unseal(bytes(each), purpose=SECRET_PURPOSE) for each in sealed if each is not None]
    except sealing.InvalidToken as error:
        # The key that sealed it is lost or was taken from the list: the operator reads why in the journal.
        raise ClientRefused("secret_cannot_be_unsealed", tool) from error
    return KeySet([OctKey.import_key(secret) for secret in secrets])


def _check_certificate(
    request: HttpRequest, tool: Tool, method: AuthMethod, certificate: Certificate | None, now: datetime
) -> None:
    """RFC 8705 §2: a subject that the operator named, of a chain the proxy verified; or a key the tool registered."""
    if certificate is None:
        raise ClientRefused("certificate_missing", tool)
    if not certificate.is_valid_at(now):
        raise ClientRefused("certificate_expired", tool)
    if method == AuthMethod.TLS:
        known = tls.chain_verified(request) and certificate.matches(
            subject_dn=tool.tls_client_auth_subject_dn,
            san_dns=tool.tls_client_auth_san_dns,
            san_uri=tool.tls_client_auth_san_uri,
        )
    else:
        known = _is_registered(tool, certificate)
    if not known:
        raise ClientRefused("certificate_foreign", tool)


def _is_registered(tool: Tool, certificate: Certificate) -> bool:
    try:
        return certificate.has_key_of(client_keys.verification_keys(tool).keys)
    except client_keys.KeysUnavailable as error:
        raise ClientRefused("keys_unavailable", tool) from error
