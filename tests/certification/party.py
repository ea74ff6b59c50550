"""The tool's side: it asks, it reads answers with suspicion, it exchanges codes."""

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests

from tests.certification import jose
from tests.certification.browser import Arrival, Browser, Journey
from tests.certification.providers import Provider

CLOCK_SECONDS = 5
YEAR_SECONDS = 365 * 24 * 3600
Request = dict[str, str]
# RFC 6749 §4.1.2.1, §5.2; the official rows let a line break or a tab pass with a warning.
DESCRIPTION = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]+")
ERROR_MEMBERS = {"error", "error_description", "error_uri", "state", "session_state", "iss"}
# What an ID token may say where nothing else was asked for: OpenID Connect Core §2, RFC 7519 §4.1, and the session.
OF_ITSELF = {
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp"),
    *("at_hash", "nbf", "jti", "sid"),
}
# RFC 6749 §A.12, §A.17.
TOKEN = re.compile(r"[\x20-\x7E]+")


def kept(pairs: Mapping[str, Any]) -> Request:
    """Without what a test took out by saying None."""
    return {name: str(value) for name, value in pairs.items() if value is not None}


def nonce_of_43() -> str:
    """As the official rows make it for the second tool: every kind of character that needs no encoding."""
    return secrets.token_urlsafe(32)[:39] + "-._~"


def check_error(values: Mapping[str, Any]) -> str:
    assert re.fullmatch(r"[a-z_]+", values["error"]), values
    if "error_description" in values:
        assert DESCRIPTION.fullmatch(values["error_description"]), values
    return str(values["error"])


def error_of(response: requests.Response, *statuses: int) -> str:
    """RFC 6749 §5.2: the error that a tool is told of where it posts."""
    assert response.status_code in (statuses or (400,)), response.text
    assert response.headers["Content-Type"].partition(";")[0] == "application/json"
    values = response.json()
    assert "access_token" not in values
    return check_error(values)


@dataclass(frozen=True)
class Tokens:
    """A token answer that was checked, and the claims of its ID token."""

    access_token: str
    id_token: str
    refresh_token: str
    claims: dict[str, Any]
    raw: dict[str, Any]


@dataclass
class Party:
    """One tool at one provider, with the browser of one person.  ``response_mode`` empty: the provider's default."""

    op: Provider
    name: str = "basic"
    response_mode: str = ""
    asked: Request = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.op.clients[self.name]
        self.http = self.op.http

    # Asking -----------------------------------------------------------------------------------------------------

    def request(self, **changes: Any) -> Request:
        """OpenID Connect Core §3.1.2.1; what a test gives wins, None leaves a parameter out."""
        usual = {
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            **({"response_mode": self.response_mode} if self.response_mode else {}),
        }
        return kept({**usual, **changes})

    def authorize(self, browser: Browser, *, consents: bool = True, **changes: Any) -> Journey:
        self.asked = self.request(**changes)
        url = f"{self.op.endpoint('authorization')}?{urlencode(self.asked)}"
        return browser.walk(url, consents=consents)

    # Reading the answer -----------------------------------------------------------------------------------------

    def answer(self, journey: Journey) -> Request:
        """The parameters of an answer that came as asked: to this address, in this mode, from this provider."""
        arrival = journey.arrival
        values = self.sent_back(arrival)
        self._check_mode(arrival)
        assert values.get("state") == self.asked.get("state")
        # RFC 9207 §2.4: on success and on error.
        assert values.get("iss") == self.op.issuer
        return values

    def sent_back(self, arrival: Arrival) -> Request:
        """What came to the tool's address, without what its address says of itself (RFC 6749 §3.1.2)."""
        address = urlsplit(self.asked.get("redirect_uri", self.client.redirect_uri))
        assert arrival.address == address._replace(query="").geturl()
        own, values = dict(parse_qsl(address.query)), arrival.values
        assert {name: values.pop(name, None) for name in own} == own
        return values

    def _check_mode(self, arrival: Arrival) -> None:
        if self.response_mode == "form_post":
            assert arrival.method == "POST"
            assert arrival.query == ""
        else:
            assert arrival.method == "GET"
            assert "#" not in arrival.url

    def code(self, journey: Journey) -> str:
        answer = self.answer(journey)
        assert "error" not in answer, answer
        return answer["code"]

    def error(self, journey: Journey) -> str:
        answer = self.answer(journey)
        assert answer.keys() <= ERROR_MEMBERS, answer
        return check_error(answer)

    # The token endpoint -----------------------------------------------------------------------------------------

    def login(self, browser: Browser, **changes: Any) -> Tokens:
        """All of it: the request, the pages, the answer, the exchange."""
        return self.tokens(self.exchange(self.code(self.authorize(browser, **changes))))

    def exchange(self, code: str, **changes: Any) -> requests.Response:
        return self.token_request(
            {"grant_type": "authorization_code", "code": code, "redirect_uri": self.client.redirect_uri, **changes}
        )

    def refresh(self, refresh_token: str, **changes: Any) -> requests.Response:
        return self.token_request({"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    def refreshed(self, tokens: Tokens, **changes: Any) -> Tokens:
        """What a refresh gave, no sooner than a second after ``tokens``: OpenID Connect Core §12.2."""
        new = self.tokens(self.refresh(tokens.refresh_token, **changes), renewed=True)
        assert new.access_token != tokens.access_token
        for name in ("iss", "sub", "aud", "auth_time", "azp"):
            assert new.claims.get(name) == tokens.claims.get(name), name
        assert new.claims["iat"] > tokens.claims["iat"]
        return new

    def token_request(self, form: Mapping[str, Any]) -> requests.Response:
        client = self.client
        headers: dict[str, str] = {}
        credentials: Request = {}
        if client.auth_method == "client_secret_basic":
            pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            credentials = {"client_id": client.client_id, "client_secret": client.client_secret}
        return self.http.post(
            self.op.endpoint("token"), data=kept({**credentials, **form}), headers=headers, timeout=20
        )

    def tokens(self, response: requests.Response, *, renewed: bool = False) -> Tokens:
        """OpenID Connect Core §3.1.3.3; ``renewed``, by a refresh token, §12.2."""
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"].startswith("application/json")
        assert "no-store" in response.headers["Cache-Control"]
        raw = response.json()
        assert raw["token_type"].lower() == self.token_type
        assert isinstance(raw["expires_in"], int)
        assert raw["expires_in"] > 0
        assert all(TOKEN.fullmatch(raw.get(name, "x")) for name in ("access_token", "refresh_token"))
        claims = self.check_id_token(raw["id_token"], access_token=raw["access_token"], renewed=renewed)
        return Tokens(raw["access_token"], raw["id_token"], raw.get("refresh_token", ""), claims, raw)

    token_type = "bearer"
    id_token_algorithm = "RS256"

    def check_id_token(self, id_token: str, *, access_token: str, renewed: bool = False) -> dict[str, Any]:
        """OpenID Connect Core §3.1.3.7."""
        claims = jose.verified(id_token, self.op.keys(), algorithm=self.id_token_algorithm)
        now = time.time()
        assert claims["iss"] == self.op.issuer
        assert claims["aud"] in (self.client.client_id, [self.client.client_id])
        assert claims.get("azp", self.client.client_id) == self.client.client_id
        assert claims["exp"] > now
        assert now - 300 < claims["iat"] <= now + CLOCK_SECONDS
        assert 0 < len(claims["sub"]) <= 255
        if not renewed or "nonce" in claims:
            assert claims.get("nonce") == self.asked.get("nonce")
        assert claims.keys() <= OF_ITSELF | self._wanted_in_id_token()
        assert claims.get("acr", "1").strip()
        if "auth_time" in claims:
            assert now - YEAR_SECONDS < claims["auth_time"] <= now + CLOCK_SECONDS
        if "at_hash" in claims:
            assert claims["at_hash"] == jose.half_hash(access_token)
        return claims

    def _wanted_in_id_token(self) -> set[str]:
        wanted: set[str] = set(json.loads(self.asked.get("claims", "{}")).get("id_token", {}))
        return wanted

    # Userinfo ---------------------------------------------------------------------------------------------------

    def userinfo(self, access_token: str) -> requests.Response:
        return self.http.get(
            self.op.endpoint("userinfo"), headers={"Authorization": f"Bearer {access_token}"}, timeout=20
        )

    def claims_about(self, tokens: Tokens) -> dict[str, Any]:
        """OpenID Connect Core §5.3.2: the same subject as in the ID token."""
        response = self.userinfo(tokens.access_token)
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"].startswith("application/json")
        claims: dict[str, Any] = response.json()
        assert claims["sub"] == tokens.claims["sub"]
        return claims

    # Signing out ------------------------------------------------------------------------------------------------

    def sign_out(self, browser: Browser, **parameters: Any) -> Journey:
        return browser.walk(f"{self.op.endpoint('end_session')}?{urlencode(kept(parameters))}")

    def check_signed_out(self, browser: Browser) -> None:
        """OpenID Connect RP-Initiated Logout §2: a silent request finds nobody."""
        assert self.error(self.authorize(browser, prompt="none")) == "login_required"

    def check_signed_in(self, browser: Browser) -> None:
        self.code(self.authorize(browser, prompt="none"))
