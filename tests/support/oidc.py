"""A relying party in a few lines, speaking to the hub through Django's test client."""

import base64
import secrets
from dataclasses import dataclass, field
from functools import cache
from unittest.mock import patch
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from audit.types import SYSTEM
from idp.models import Tool
from idp.protocol.authorization import challenge_of
from idp.services import keys, sessions
from idp.services.keys import lifecycle
from idp.services.tools import register_tool
from idp.types import AuthMethod

REDIRECT = "http://localhost:9999/callback"
AFTER_LOGOUT = "http://localhost:9999/bye"


@dataclass
class Party:
    """One tool's side of the conversation."""

    tool: Tool
    secret: str
    http: Client = field(default_factory=Client)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    def request(self, **changes: object) -> dict[str, object]:
        pairs = {
            "client_id": self.tool.client_id,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": "openid profile email",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in pairs.items() if value is not None}

    def authorize(self, browser: Client, **changes: object):
        return browser.get("/oidc/authorize", self.request(**changes))

    def code(self, browser: Client, **changes: object) -> str:
        return answer_of(self.authorize(browser, **changes))["code"]

    def headers(self) -> dict[str, str]:
        if self.tool.token_endpoint_auth_method != AuthMethod.BASIC:
            return {}
        pair = base64.b64encode(f"{self.tool.client_id}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def post(self, path: str, form: dict[str, object], headers: dict[str, str] | None = None):
        return self.http.post(
            path,
            urlencode({name: value for name, value in form.items() if value is not None}),
            content_type="application/x-www-form-urlencoded",
            headers=self.headers() if headers is None else headers,
        )

    def credentials(self) -> dict[str, object]:
        """What a tool that does not use the header puts into the form."""
        if self.tool.token_endpoint_auth_method == AuthMethod.BASIC:
            return {}
        secret = {"client_secret": self.secret} if self.tool.token_endpoint_auth_method == AuthMethod.POST else {}
        return {"client_id": self.tool.client_id, **secret}

    def exchange(self, code: str, headers: dict[str, str] | None = None, **changes: object):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
        }
        return self.post("/oidc/token", {**form, **self.credentials(), **changes}, headers)

    def refresh(self, refresh_token: str, **changes: object):
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post("/oidc/token", {**form, **self.credentials(), **changes})

    def userinfo(self, access_token: str):
        return self.http.get("/oidc/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    def claims(self, id_token: str) -> dict[str, object]:
        published = KeySet.import_key_set(self.http.get("/oidc/jwks").json())
        return dict(jwt.decode(id_token, published, algorithms=["RS256"]).claims)


def answer_of(response) -> dict[str, str]:
    """The parameters of an answer that was sent to the tool's address."""
    assert response.status_code == 303, response.content[:400]
    assert response["Location"].startswith(REDIRECT + "?"), response["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def sign_in(member, *, methods=("pwd",), acr="1", at=None) -> Client:
    """A browser with a hub session, without the page (which has its own tests)."""
    browser = Client()
    browser.force_login(member, backend="directory.backends.DirectoryBackend")
    request = RequestFactory().get("/")
    request.session, request.user = browser.session, member
    sessions.start_session(request, member=member, methods=methods, acr=acr, now=at or timezone.now())
    request.session.save()
    return browser


def connect(slug: str, **properties: object) -> Party:
    registered = register_tool(
        slug=slug,
        name=slug.capitalize(),
        actor=SYSTEM,
        now=timezone.now(),
        redirect_uris=[REDIRECT],
        post_logout_redirect_uris=[AFTER_LOGOUT],
        properties={"everyone": True, "scopes": "openid profile email groups", **properties},
    )
    return Party(registered.tool, registered.client_secret)


# Making RSA keys takes longer than most tests: the first key of an algorithm is the same in all of them.
_made_once = cache(lifecycle.generate)


@pytest.fixture
def signing_key(db):
    """One signing key per algorithm."""
    keys.forget_registry()
    with patch.object(lifecycle, "generate", _made_once):
        keys.ensure_keys(now=timezone.now())
    yield
    keys.forget_registry()


@pytest.fixture
def wiki(signing_key) -> Party:
    """A confidential tool that everyone may enter and that declared nothing: it gets its identifiers only."""
    return connect("wiki")


@pytest.fixture
def agenda(signing_key) -> Party:
    """Another confidential tool, with refresh tokens."""
    return connect("agenda", offline_access=True, token_endpoint_auth_method=AuthMethod.POST)


@pytest.fixture
def mobile(signing_key) -> Party:
    """A public tool."""
    return connect("mobile", token_endpoint_auth_method=AuthMethod.NONE)


@pytest.fixture
def browser(member) -> Client:
    return sign_in(member)
