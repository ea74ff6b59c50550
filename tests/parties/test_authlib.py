"""Logins by Authlib and joserfc, for tools in Python."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from tests.parties.browser import Arrival, Browser
from tests.parties.conftest import Hub

CALLBACK = "http://localhost:9/callback"
SCOPE = "openid profile email"
VERIFIER = "v" * 64


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(scope="module")
def metadata(hub: Hub) -> Any:
    return requests.get(f"{hub.issuer}/.well-known/openid-configuration", timeout=10).json()


def session_of(tool: dict[str, Any], *, scope: str = SCOPE, **more: Any) -> OAuth2Session:
    return OAuth2Session(
        tool["client_id"],
        tool["client_secret"] or None,
        scope=scope,
        redirect_uri=tool["redirect_uris"][0],
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if tool["client_secret"] else "none",
        **more,
    )


def begin(session: OAuth2Session, metadata: Any, browser: Browser, **more: str) -> tuple[str, str]:
    """The address that the browser arrives at, and the state that it must bring."""
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], nonce="n-1", code_verifier=VERIFIER, **more
    )
    arrived = browser.go(url)
    assert isinstance(arrived, Arrival), arrived.text[:1000]
    return arrived.url, state


def redeem(session: OAuth2Session, metadata: Any, arrived: str, state: str) -> Any:
    return session.fetch_token(
        metadata["token_endpoint"], authorization_response=arrived, state=state, code_verifier=VERIFIER
    )


def checked(id_token: str, metadata: Any, client_id: str, *algorithms: str) -> CodeIDToken:
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    decoded = jwt.decode(id_token, keys, algorithms=list(algorithms))
    wanted = {"iss": {"essential": True, "value": metadata["issuer"]}, "aud": {"essential": True, "value": client_id}}
    claims = CodeIDToken(decoded.claims, decoded.header, wanted, {"nonce": "n-1", "client_id": client_id})
    claims.validate()
    return claims


@pytest.mark.spec("OIDC Core", "3.1")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_login_succeeds_for_confidential_and_public_tools(hub, metadata, browser, number):
    tool = hub.demo.told["spare_tools"][number]
    session = session_of(tool)

    arrived, state = begin(session, metadata, browser)
    token = redeem(session, metadata, arrived, state)

    assert parse_qs(urlsplit(arrived).query)["iss"] == [metadata["issuer"]]
    claims = checked(token["id_token"], metadata, tool["client_id"], "RS256")
    about = session.get(metadata["userinfo_endpoint"]).json()
    assert about["sub"] == claims["sub"]
    assert about["email"].endswith("@alizarine.example")


@pytest.mark.spec("RFC 6749", "4.1.2")
def test_a_code_taken_by_a_second_call_is_refused(hub, metadata, browser):
    tool = hub.demo.told["spare_tools"][0]
    arrived, _ = begin(session_of(tool), metadata, browser)
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(arrived).query)["code"][0],
        "redirect_uri": tool["redirect_uris"][0],
        "code_verifier": VERIFIER,
    }
    pair = (tool["client_id"], tool["client_secret"])

    first = requests.post(metadata["token_endpoint"], form, auth=pair, timeout=10)
    second = requests.post(metadata["token_endpoint"], form, auth=pair, timeout=10)

    assert first.status_code == 200
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    bearer = {"Authorization": f"Bearer {first.json()['access_token']}"}
    assert requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=10).status_code == 401


@pytest.mark.spec("RFC 6749", "6")
@pytest.mark.spec("RFC 7009", "2")
def test_tokens_are_renewed_then_revoked(hub, metadata, browser):
    session = session_of(hub.demo.told["spare_tools"][1], scope=f"{SCOPE} offline_access")
    token = redeem(session, metadata, *begin(session, metadata, browser))

    renewed = session.refresh_token(metadata["token_endpoint"])
    before = session.get(metadata["userinfo_endpoint"])
    revoked = session.revoke_token(metadata["revocation_endpoint"], renewed["refresh_token"], "refresh_token")
    after = session.get(metadata["userinfo_endpoint"])

    assert renewed["refresh_token"] != token["refresh_token"]
    assert (before.status_code, revoked.status_code, after.status_code) == (200, 200, 401)


@pytest.mark.spec("RFC 7523", "2.2")
def test_a_tool_signs_in_with_its_own_key(hub, metadata, browser):
    key = ECKey.generate_key("P-256", private=True)
    public = {**key.as_dict(private=False), "use": "sig", "alg": "ES256"}
    given = hub.connect(
        [
            {
                "slug": "authlib-key",
                "redirect_uris": [CALLBACK],
                "properties": {
                    "token_endpoint_auth_method": "private_key_jwt",
                    "algorithm": "ES256",
                    "client_jwks": {"keys": [public]},
                },
            }
        ]
    )["authlib-key"]
    session = OAuth2Session(
        given["client_id"],
        key,
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="private_key_jwt",
    )
    # The library's own hour is more than the hub takes: an assertion must be remembered as long as it lives.
    brief = {"exp": int(time.time()) + 60}
    session.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], claims=brief, alg="ES256"))

    token = redeem(session, metadata, *begin(session, metadata, browser))

    assert checked(token["id_token"], metadata, given["client_id"], "ES256")["sub"]
