"""Config OP, and the discovery rows of the logout plans: what is announced, over TLS, is well formed and complete."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.certification.differences import difference
from tests.certification.left import basic_party
from tests.certification.metadata import BASE64URL, addresses, wrong
from tests.certification.plans import (
    BACKCHANNEL_OP,
    BASIC_OP,
    CONFIG_OP,
    FAPI,
    FAPI_MS,
    FRONTCHANNEL_OP,
    RP_LOGOUT_OP,
    SESSION_OP,
    SIGNED,
)
from tests.certification.providers import Provider

# OpenID Connect Discovery §3: what must be there, and what is recommended.
REQUIRED = {
    *("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"),
    *("subject_types_supported", "id_token_signing_alg_values_supported", "grant_types_supported"),
    *("userinfo_endpoint", "scopes_supported", "claims_supported", "code_challenge_methods_supported"),
    *("claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"),
}
NUMBERS = {"n", "e", "x", "y", "x5t", "x5t#S256"}
PRIVATE_PARTS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def discovered(op: Provider) -> dict[str, Any]:
    """What every discovery row begins with."""
    answer = op.http.get(f"{op.issuer}/.well-known/openid-configuration", timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
    metadata: dict[str, Any] = answer.json()
    assert urlsplit(op.issuer).scheme == "https"
    assert metadata["issuer"] == op.issuer
    assert wrong(metadata) == []
    assert {urlsplit(address).scheme for address in addresses(metadata)} == {"https"}
    return metadata


@pytest.mark.module("oidcc-discovery-endpoint-verification", plans=[CONFIG_OP])
@pytest.mark.spec("OIDC Discovery", "4.3")
def test_oidcc_discovery_endpoint_verification(secure_op: Provider):
    metadata = discovered(secure_op)

    assert metadata.keys() >= REQUIRED
    assert "code" in metadata["response_types_supported"]
    assert set(metadata["subject_types_supported"]) <= {"pairwise", "public"}
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "authorization_code" in metadata["grant_types_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert "sub" in metadata["claims_supported"]
    if metadata["request_parameter_supported"]:
        assert "RS256" in metadata["request_object_signing_alg_values_supported"]


@pytest.mark.module("oidcc-discovery-endpoint-verification", plans=[CONFIG_OP])
@pytest.mark.spec("OIDC Core", "10.1")
def test_oidcc_discovery_endpoint_verification_keys(secure_op: Provider):
    answer = secure_op.http.get(discovered(secure_op)["jwks_uri"], timeout=20)
    keys = answer.json()["keys"]

    assert answer.status_code == 200
    assert {key["kty"] for key in keys} >= {"RSA", "EC"}
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert not PRIVATE_PARTS & key.keys()
        assert key.get("use") == "sig"
        # RFC 7515 §2: without padding.
        assert all(BASE64URL.fullmatch(key[part]) for part in NUMBERS & key.keys())


@pytest.mark.module("oidcc-server", plans=[BASIC_OP])
@pytest.mark.spec("OIDC Core", "16.17")
def test_oidcc_server_over_tls(secure_op: Provider, plan: str):
    party = basic_party(secure_op, plan)
    browser = secure_op.browser()

    tokens = party.login(browser)

    party.claims_about(tokens)
    assert all(cookie.secure for cookie in browser.http.cookies)


@pytest.mark.module("oidcc-rp-initiated-logout-discovery-endpoint-verification", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "2.1")
def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(secure_op: Provider):
    assert discovered(secure_op)["end_session_endpoint"]


@pytest.mark.module("oidcc-backchannel-logout-discovery-endpoint-verification", plans=[BACKCHANNEL_OP])
@pytest.mark.spec("OIDC Back-Channel Logout", "2.1")
def test_oidcc_backchannel_logout_discovery_endpoint_verification(secure_op: Provider):
    metadata = discovered(secure_op)

    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"]


@pytest.mark.module("oidcc-frontchannel-logout-discovery-endpoint-verification", plans=[FRONTCHANNEL_OP])
@pytest.mark.spec("OIDC Front-Channel Logout", "3.1")
def test_oidcc_frontchannel_logout_discovery_endpoint_verification(secure_op: Provider):
    metadata = discovered(secure_op)

    announced = {
        name: metadata.get(name) for name in ("frontchannel_logout_supported", "frontchannel_logout_session_supported")
    }

    assert set(announced.values()) == difference("front-channel", secure_op, hub={True}, oracle={None})
    assert metadata["end_session_endpoint"]


@pytest.mark.module("oidcc-session-management-discovery-endpoint-verification", plans=[SESSION_OP])
@pytest.mark.spec("OIDC Session Management", "3.3")
def test_oidcc_session_management_discovery_endpoint_verification(secure_op: Provider):
    metadata = discovered(secure_op)

    assert ("check_session_iframe" in metadata) is difference("session-iframe", secure_op, hub=True, oracle=False)
    assert metadata["end_session_endpoint"]


@pytest.mark.module("fapi2-security-profile-final-discovery-end-point-verification", plans=FAPI)
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_discovery_end_point_verification(secure_op: Provider, plan: str):
    metadata = discovered(secure_op)

    assert metadata["pushed_authorization_request_endpoint"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert "plain" not in metadata["code_challenge_methods_supported"]
    assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"]
    assert {"PS256", "ES256"} <= set(metadata["token_endpoint_auth_signing_alg_values_supported"])
    assert {"PS256", "ES256"} <= set(metadata["id_token_signing_alg_values_supported"])
    assert {"PS256", "ES256"} & set(metadata["dpop_signing_alg_values_supported"])
    assert "none" not in {
        algorithm for name, found in metadata.items() if "_alg_values_supported" in name for algorithm in found
    }
    if plan in SIGNED:
        # FAPI 2.0 MS §5.3.1.
        assert metadata["request_parameter_supported"] is True
        assert {"PS256", "ES256"} <= set(metadata["request_object_signing_alg_values_supported"])
    if plan == FAPI_MS:
        # §5.4.1.
        assert {"PS256", "ES256"} <= set(metadata["authorization_signing_alg_values_supported"])
        assert "jwt" in metadata["response_modes_supported"]
