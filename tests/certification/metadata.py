"""What a provider may say of itself: every member of the specifications that the two of them follow, and its type."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

# RFC 8414 §2 and, where the same name is there too, OpenID Connect Discovery §3.
ADDRESSES = {
    *("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "registration_endpoint", "jwks_uri"),
    *("revocation_endpoint", "introspection_endpoint", "service_documentation", "op_policy_uri", "op_tos_uri"),
    # RFC 9126 §5, RFC 8628 §4, and the logout specifications.
    *("pushed_authorization_request_endpoint", "device_authorization_endpoint", "end_session_endpoint"),
    "check_session_iframe",
}
LISTS = {
    *("scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported"),
    *("code_challenge_methods_supported", "ui_locales_supported", "claims_locales_supported", "acr_values_supported"),
    *("subject_types_supported", "display_values_supported", "claim_types_supported", "claims_supported"),
    *(f"{name}_endpoint_auth_methods_supported" for name in ("token", "revocation", "introspection")),
    *(f"{name}_endpoint_auth_signing_alg_values_supported" for name in ("token", "revocation", "introspection")),
    # JARM §4 and RFC 9701 §7 after the pattern of OpenID Connect Discovery.
    *(
        f"{name}_{what}_values_supported"
        for name in ("id_token", "userinfo", "request_object", "authorization", "introspection")
        for what in ("signing_alg", "encryption_alg", "encryption_enc")
    ),
    # RFC 9449 §5.1, and Initiating User Registration §4.
    *("dpop_signing_alg_values_supported", "prompt_values_supported"),
}
FLAGS = {
    *("claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"),
    *("require_request_uri_registration", "require_pushed_authorization_requests", "require_signed_request_object"),
    *("tls_client_certificate_bound_access_tokens", "authorization_response_iss_parameter_supported"),
    *(f"{channel}channel_logout_{what}supported" for channel in ("front", "back") for what in ("", "session_")),
}
# RFC 6749 §3.3.
SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
# RFC 5646 §2.1, as it is written there: language, script, region, variants.
LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?(-([a-z\d]{5,8}|\d[a-z\d]{3}))*")
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


def wrong(metadata: dict[str, Any]) -> list[str]:
    """The members that no specification knows, or that are not what it says."""
    return [name for name, value in metadata.items() if not _fits(name, value)]


def addresses(metadata: dict[str, Any]) -> Iterator[str]:
    """RFC 8705 §5: those for tools with a certificate are among them."""
    yield from (metadata[name] for name in ADDRESSES & metadata.keys())
    yield from metadata.get("mtls_endpoint_aliases", {}).values()


def _fits(name: str, value: Any) -> bool:
    if name in ADDRESSES or name == "issuer":
        parts = urlsplit(value)
        return bool(parts.netloc) and not parts.fragment and (name != "issuer" or not parts.query)
    if name in LISTS:
        return isinstance(value, list) and _is_a_set_of_words(value) and all(map(_rule_of(name), value))
    if name == "mtls_endpoint_aliases":
        return value.keys() <= ADDRESSES and all(urlsplit(each).netloc for each in value.values())
    return name in FLAGS and isinstance(value, bool)


def _is_a_set_of_words(value: list[Any]) -> bool:
    """RFC 8414 §3.2: an empty one is left out."""
    return 0 < len(value) == len(set(value)) and all(isinstance(each, str) and each.strip() for each in value)


def _rule_of(name: str) -> Any:
    if name == "scopes_supported":
        return SCOPE.fullmatch
    return LOCALE.fullmatch if name.endswith("_locales_supported") else bool
