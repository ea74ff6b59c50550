"""A login by a client library that nobody here wrote (Authlib), over real HTTP, against the running demonstration."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.demo import Demo

SCOPE = "openid profile email"


def browser_signed_in(demo: Demo, role: str) -> requests.Session:
    """What a browser does on the sign-in page, without one."""
    browser = requests.Session()
    page = browser.get(demo.hub, timeout=10)
    username, password = demo.account(role)
    form = {"csrfmiddlewaretoken": hidden(page.text, "csrfmiddlewaretoken"), "login": username, "password": password}
    answer = browser.post(page.url, form, headers={"Referer": page.url}, timeout=10)
    assert answer.status_code == 200
    return browser


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html)
    assert found, f"no {name} on the page"
    return found.group(1)


def client_of(demo: Demo, number: int, metadata: dict[str, str]) -> tuple[OAuth2Session, dict[str, object]]:
    tool = demo.told["spare_tools"][number]
    session = OAuth2Session(
        tool["client_id"],
        tool["client_secret"] or None,
        scope=SCOPE,
        redirect_uri=tool["redirect_uris"][0],
        code_challenge_method="S256",
        token_endpoint_auth_method=tool.get("token_endpoint_auth_method")
        or ("client_secret_basic" if tool["client_secret"] else "none"),
    )
    return session, tool


def authorize(browser: requests.Session, url: str) -> str:
    """Follow the authorization to the tool's address, reading the notice on the way if there is one."""
    answer = browser.get(url, allow_redirects=False, timeout=10)
    if answer.status_code == 200:
        fields = {name: hidden(answer.text, name) for name in ("csrfmiddlewaretoken", "request", "notice")}
        consent = urlsplit(answer.url)._replace(path="/oidc/consent", query="").geturl()
        answer = browser.post(
            consent, {**fields, "answer": "accept"}, headers={"Referer": consent}, allow_redirects=False, timeout=10
        )
    assert answer.status_code == 303, answer.text[:500]
    return answer.headers["Location"]


@pytest.mark.spec("OpenID Connect Core", "3.1")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_login_by_authlib_succeeds_for_confidential_and_public_tools(demo: Demo, number, monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    metadata = requests.get(f"{demo.hub}/.well-known/openid-configuration", timeout=10).json()
    client, tool = client_of(demo, number, metadata)
    verifier = "v" * 64

    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], nonce="n-1", code_verifier=verifier
    )
    callback = authorize(browser_signed_in(demo, "lead"), url)
    answer = parse_qs(urlsplit(callback).query)
    token = client.fetch_token(
        metadata["token_endpoint"], authorization_response=callback, state=state, code_verifier=verifier
    )

    assert answer["iss"] == [metadata["issuer"]]
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(decoded.claims, decoded.header, {"iss": {"value": metadata["issuer"]}}, {"nonce": "n-1"})
    claims.validate()
    assert claims["aud"] == tool["client_id"]
    about = client.get(metadata["userinfo_endpoint"]).json()
    assert about["sub"] == claims["sub"]
    assert about["email"].endswith("@alizarine.example")


def test_a_code_taken_by_a_second_call_is_refused(demo: Demo, monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    metadata = requests.get(f"{demo.hub}/.well-known/openid-configuration", timeout=10).json()
    client, tool = client_of(demo, 0, metadata)
    url, _ = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier="v" * 64)
    code = parse_qs(urlsplit(authorize(browser_signed_in(demo, "lead"), url)).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": tool["redirect_uris"][0],
        "code_verifier": "v" * 64,
    }
    pair = (tool["client_id"], tool["client_secret"])

    first = requests.post(metadata["token_endpoint"], form, auth=pair, timeout=10)
    second = requests.post(metadata["token_endpoint"], form, auth=pair, timeout=10)

    assert first.status_code == 200
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    bearer = {"Authorization": f"Bearer {first.json()['access_token']}"}
    assert requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=10).status_code == 401
