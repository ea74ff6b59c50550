"""What the provider says of itself: OpenID Connect Discovery §3, RFC 8414, RFC 9728, and its keys (RFC 7517)."""

import hashlib
import json
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from idp import capabilities
from idp.capabilities import SwitchedOn
from idp.services import keys
from idp.types import AuthMethod

# Endpoints that look at a tool's certificate.
WITH_CERTIFICATE = {
    "token_endpoint": "token",
    "userinfo_endpoint": "userinfo",
    "pushed_authorization_request_endpoint": "par",
    "device_authorization_endpoint": "device_authorization",
    "introspection_endpoint": "introspect",
    "revocation_endpoint": "revoke",
}


@require_safe
def discovery(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Discovery §4."""
    return _sent(request, _prepared(capabilities.switched_on(), "provider"), "application/json")


@require_safe
def server_metadata(request: HttpRequest) -> HttpResponse:
    """RFC 8414 §3."""
    return _sent(request, _prepared(capabilities.switched_on(), "server"), "application/json")


@require_safe
def resource_metadata(request: HttpRequest, resource: str = "") -> HttpResponse:
    """RFC 9728 §3: the hub as the resource behind userinfo, under the issuer's name and under its own address."""
    kind = "userinfo" if resource else "hub"
    return _sent(request, _prepared(capabilities.switched_on(), kind), "application/json")


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    return _sent(request, keys.published(), "application/jwk-set+json")


# Documents ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _prepared(now: SwitchedOn, kind: str) -> tuple[bytes, str]:
    """A document and its entity tag.  What may change is the key: it is made again when something is switched."""
    makers = {"provider": _provider, "server": _server, "hub": _hub, "userinfo": _userinfo}
    body = json.dumps(makers[kind](now), separators=(",", ":")).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _at(name: str) -> str:
    return settings.ISSUER + reverse(f"idp:{name}")


def _server(now: SwitchedOn) -> dict[str, Any]:
    """RFC 9728 §4 adds to RFC 8414 what the provider protects; OpenID Connect knows no such member."""
    return {**_provider(now), "protected_resources": [settings.ISSUER, _at("userinfo")]}


def _provider(now: SwitchedOn) -> dict[str, Any]:
    return {
        "issuer": settings.ISSUER,
        **_endpoints(now),
        **_requests(now),
        **_authentication(now),
        **_answers(now),
        **_logout(now),
        "scopes_supported": list(settings.SCOPES),
        "subject_types_supported": ["pairwise", "public"],
        "claims_supported": capabilities.claims(),
        "claim_types_supported": ["normal"],
        "ui_locales_supported": [code for code, _name in settings.LANGUAGES],
        **_pages(),
    }


def _endpoints(now: SwitchedOn) -> dict[str, Any]:
    return {
        "authorization_endpoint": _at("authorize"),
        "token_endpoint": _at("token"),
        "userinfo_endpoint": _at("userinfo"),
        "jwks_uri": _at("jwks"),
        "pushed_authorization_request_endpoint": _at("par"),
        "device_authorization_endpoint": _at("device_authorization"),
        "introspection_endpoint": _at("introspect"),
        "revocation_endpoint": _at("revoke"),
        **({"registration_endpoint": _at("register")} if now.registration else {}),
    }


def _requests(now: SwitchedOn) -> dict[str, Any]:
    return {
        "response_types_supported": ["code"],
        "response_modes_supported": capabilities.response_modes(),
        "grant_types_supported": capabilities.grant_types(),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": capabilities.prompts(),
        "display_values_supported": capabilities.displays(),
        "acr_values_supported": capabilities.acr_values(),
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        # By reference only what was pushed (RFC 9126): the hub fetches no request from an address.
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "require_pushed_authorization_requests": False,
        "require_signed_request_object": False,
        "request_object_signing_alg_values_supported": capabilities.request_object_algorithms(),
        "authorization_response_iss_parameter_supported": True,
    }


def _authentication(now: SwitchedOn) -> dict[str, Any]:
    methods = capabilities.auth_methods(now)
    # A public tool proves nothing, so it is told nothing of tokens.
    by_endpoint = {
        "token": methods,
        "revocation": methods,
        "introspection": [method for method in methods if method != AuthMethod.NONE],
    }
    algorithms = capabilities.assertion_algorithms()
    return {
        **{f"{name}_endpoint_auth_methods_supported": found for name, found in by_endpoint.items()},
        **{f"{name}_endpoint_auth_signing_alg_values_supported": algorithms for name in by_endpoint},
        "dpop_signing_alg_values_supported": capabilities.dpop_algorithms(),
        "tls_client_certificate_bound_access_tokens": now.certificates,
        **_aliases(now),
    }


def _aliases(now: SwitchedOn) -> dict[str, Any]:
    """RFC 8705 §5: where tools show their certificate, when browsers are to be left alone at the ordinary addresses."""
    if not now.certificate_origin:
        return {}
    return {
        "mtls_endpoint_aliases": {
            name: now.certificate_origin + reverse(f"idp:{route}") for name, route in WITH_CERTIFICATE.items()
        }
    }


def _answers(now: SwitchedOn) -> dict[str, Any]:
    signing = list(now.signing)
    encryption, methods = capabilities.encryption_algorithms(), capabilities.encryption_methods()
    return {
        **{
            f"{name}_signing_alg_values_supported": signing
            for name in ("id_token", "userinfo", "introspection", "authorization")
        },
        **{f"{name}_encryption_alg_values_supported": encryption for name in ("id_token", "userinfo")},
        **{f"{name}_encryption_enc_values_supported": methods for name in ("id_token", "userinfo")},
    }


def _logout(now: SwitchedOn) -> dict[str, Any]:
    return {
        "end_session_endpoint": _at("end_session"),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        # OpenID Connect Session Management §3.3: announced while some tool watches the session.
        **({"check_session_iframe": _at("session_iframe")} if now.session_iframe else {}),
    }


def _pages() -> dict[str, Any]:
    pages = {"service_documentation": settings.DOCUMENTATION_URL, "op_policy_uri": settings.POLICY_URL}
    return {name: address for name, address in pages.items() if address}


def _hub(now: SwitchedOn) -> dict[str, Any]:
    return _resource(now, settings.ISSUER)


def _userinfo(now: SwitchedOn) -> dict[str, Any]:
    return _resource(now, _at("userinfo"))


def _resource(now: SwitchedOn, identifier: str) -> dict[str, Any]:
    """RFC 9728 §2.  §3.3: ``resource`` is the very address under which the document was found."""
    return {
        "resource": identifier,
        "resource_name": "Trousseau",
        "authorization_servers": [settings.ISSUER],
        "jwks_uri": _at("jwks"),
        "scopes_supported": [scope for scope in settings.SCOPES if scope != "offline_access"],
        "bearer_methods_supported": ["header", "body"],
        "resource_signing_alg_values_supported": list(now.signing),
        "dpop_signing_alg_values_supported": capabilities.dpop_algorithms(),
        "dpop_bound_access_tokens_required": False,
        "tls_client_certificate_bound_access_tokens": now.certificates,
    }


def _sent(request: HttpRequest, prepared: tuple[bytes, str], content_type: str) -> HttpResponse:
    """Public, and fresh no longer than the key set is: what is announced changes with the keys."""
    body, etag = prepared
    full = HttpResponse(body, content_type=content_type)
    full["ETag"] = etag
    full["Cache-Control"] = f"public, max-age={keys.seconds_fresh(timezone.now())}"
    response: HttpResponse = get_conditional_response(request, etag=etag, response=full) or full
    response["Access-Control-Allow-Origin"] = "*"
    return response
