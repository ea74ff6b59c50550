"""What a tool's properties must be together.  Each rule names the property that has to change, and why."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from idp.protocol.acr import LEVELS
from idp.protocol.algorithms import ENCRYPTION, ENCRYPTION_METHODS
from idp.protocol.redirects import origin_of, why_not_registrable
from idp.types import AuthMethod, GrantType, SecurityProfile, SigningAlgorithm, ToolKind

if TYPE_CHECKING:
    from idp.models.tools import Tool

Problem = tuple[str, str]
BY_KEY = frozenset({AuthMethod.PRIVATE_KEY_JWT, AuthMethod.SELF_SIGNED_TLS})
# FAPI 2.0 Security Profile §5.3.2.1
FAPI_METHODS = frozenset({AuthMethod.PRIVATE_KEY_JWT, AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS})
# A lost answer is asked for again within seconds; for longer, an old refresh token would be worth as much as a new one.
MAX_GRACE_SECONDS = 120
CLIENT_ID = re.compile(r"[\x21-\x7e]{1,100}")
LISTS = ("redirect_uris", "post_logout_redirect_uris")
ADDRESSES = (
    *("backchannel_logout_uri", "frontchannel_logout_uri", "launch_url", "client_jwks_uri"),
    *("client_uri", "logo_uri", "policy_uri", "tos_uri"),
)


def problems_of(tool: "Tool") -> dict[str, list[str]]:
    """Empty for a tool that may be stored."""
    found: dict[str, list[str]] = {}
    for rule in (_identifier, _addresses, _grants, _proof, _keys, _encryption, _resources, _levels, _fapi):
        for name, why in rule(tool):
            found.setdefault(name, []).append(why)
    return found


def _identifier(tool: "Tool") -> Iterator[Problem]:
    if not CLIENT_ID.fullmatch(tool.client_id):
        # RFC 6749 appendix A.1, but for the space, which OIDC Session Management §3.2 leaves out.
        yield "client_id", "1 to 100 printable ASCII characters without a space"


def _addresses(tool: "Tool") -> Iterator[Problem]:
    for name in LISTS:
        yield from ((name, f"{uri} {why}") for uri in getattr(tool, name).split() if (why := why_not_registrable(uri)))
    for name in ADDRESSES:
        uri = getattr(tool, name)
        if uri and (why := why_not_registrable(uri)):
            yield name, f"{uri} {why}"
    front = tool.frontchannel_logout_uri
    if front and not why_not_registrable(front):
        # OIDC Front-Channel Logout §2
        known = {origin_of(uri) for uri in tool.redirect_uri_list if not why_not_registrable(uri)}
        if origin_of(front) not in known:
            yield "frontchannel_logout_uri", f"{front} has not the scheme, host and port of a redirect URI"


def _grants(tool: "Tool") -> Iterator[Problem]:
    grants = frozenset(tool.grant_types.split())
    known = frozenset(GrantType.values) - {GrantType.REFRESH}
    if unknown := sorted(grants - known):
        yield "grant_types", f"unknown: {', '.join(unknown)} (refresh tokens follow offline_access)"
    if tool.kind == ToolKind.OIDC and not grants:
        yield "grant_types", "a connected tool needs at least one"
    if tool.kind == ToolKind.OIDC and GrantType.CODE in grants and not tool.redirect_uri_list:
        yield "redirect_uris", "a connected tool needs at least one"
    if tool.token_endpoint_auth_method == AuthMethod.NONE and grants & {
        GrantType.CLIENT_CREDENTIALS,
        GrantType.EXCHANGE,
    }:
        # RFC 6749 §4.4
        yield "grant_types", "a public tool cannot prove itself: no client credentials, no token exchange"
    if tool.refresh_grace_seconds > MAX_GRACE_SECONDS:
        yield "refresh_grace_seconds", f"at most {MAX_GRACE_SECONDS}"


def _proof(tool: "Tool") -> Iterator[Problem]:
    names = ("tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri")
    given = [name for name in names if getattr(tool, name)]
    if tool.token_endpoint_auth_method == AuthMethod.TLS and len(given) != 1:
        # RFC 8705 §2.1.2
        yield "tls_client_auth_subject_dn", f"exactly one of {', '.join(names)}"
    if tool.token_endpoint_auth_method != AuthMethod.TLS and given:
        yield given[0], f"means nothing without {AuthMethod.TLS}"


def _keys(tool: "Tool") -> Iterator[Problem]:
    if tool.client_jwks and tool.client_jwks_uri:
        # RFC 7591 §2
        yield "client_jwks_uri", "a key set or the address of one, not both"
    if _has_keys(tool):
        return
    if tool.token_endpoint_auth_method in BY_KEY:
        yield "client_jwks", f"{tool.token_endpoint_auth_method} needs a key set or the address of one"
    if tool.require_signed_request_object or tool.security_profile == SecurityProfile.FAPI2_SIGNED:
        yield "client_jwks", "signed requests need a key set or the address of one"


def _encryption(tool: "Tool") -> Iterator[Problem]:
    for answer in ("id_token", "userinfo"):
        alg_name, enc_name = (f"{answer}_encrypted_response_{part}" for part in ("alg", "enc"))
        alg, enc = getattr(tool, alg_name), getattr(tool, enc_name)
        if alg and alg not in ENCRYPTION:
            yield alg_name, f"one of {', '.join(sorted(ENCRYPTION))}"
        if enc and enc not in ENCRYPTION_METHODS:
            yield enc_name, f"one of {', '.join(sorted(ENCRYPTION_METHODS))}"
        if bool(alg) != bool(enc):
            # OpenID Connect Registration §2
            yield enc_name, "alg and enc go together"
        if alg and not _has_keys(tool):
            yield alg_name, "encryption needs a key set or the address of one"


def _resources(tool: "Tool") -> Iterator[Problem]:
    """RFC 8707 §2: an absolute URI without fragment; compared as a string, so never two ways of writing one."""
    own = (tool.resource_identifier,) if tool.resource_identifier else ()
    for name, uris in (("resource_identifier", own), ("resources", tool.resource_list)):
        yield from ((name, f"{uri} {why}") for uri in uris if (why := _why_no_resource(uri)))


def _why_no_resource(uri: str) -> str | None:
    if any(ord(char) <= 0x20 or ord(char) >= 0x7F or char in '\\<>"{}|^`' for char in uri):
        return "contains a space, a control or a forbidden character"
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "is not an address"
    if not parts.scheme or not (parts.netloc or parts.path):
        return "is not an absolute URI"
    if parts.scheme.lower() in ("javascript", "data", "vbscript", "blob", "file"):
        return "names nothing that could be called"
    return "has a fragment (RFC 8707 §2)" if "#" in uri else None


def _levels(tool: "Tool") -> Iterator[Problem]:
    if tool.required_acr and tool.required_acr not in LEVELS:
        yield "required_acr", f"one of {', '.join(LEVELS)}"


def _fapi(tool: "Tool") -> Iterator[Problem]:
    """FAPI 2.0 Security Profile §5.3.2 and §5.4.1.  Pushed requests, PKCE and JARM follow from the profile itself."""
    if not tool.is_fapi:
        return
    if tool.token_endpoint_auth_method not in FAPI_METHODS:
        yield "token_endpoint_auth_method", f"FAPI 2.0 allows {', '.join(sorted(FAPI_METHODS))}"
    if not (tool.dpop_bound_access_tokens or tool.tls_client_certificate_bound_access_tokens):
        yield "dpop_bound_access_tokens", "FAPI 2.0 binds access tokens to a DPoP key or to a certificate"
    for name in (
        *("algorithm", "userinfo_signed_response_alg"),
        *("introspection_signed_response_alg", "authorization_signed_response_alg"),
    ):
        if getattr(tool, name) == SigningAlgorithm.RS256:
            yield name, "FAPI 2.0 allows PS256, ES256 and Ed25519"
    if GrantType.DEVICE in tool.grant_types.split():
        # Its two screens are what FAPI's attacker needs: nothing binds one to the other.
        yield "grant_types", "FAPI 2.0 has no device grant"


def _has_keys(tool: "Tool") -> bool:
    return bool(tool.client_jwks or tool.client_jwks_uri)
