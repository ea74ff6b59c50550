"""A demonstration tool in its own process, against a provider that lies on demand."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from demo.run import ROOT, Child, Ports, stop_children

EVENT = "http://schemas.openid.net/event/backchannel-logout"
CLIENT = "formation-test"


class Provider:
    """Keys, tokens and userinfo of a provider whose next answers a test may bend."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.other_key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://localhost:{self.server.server_address[1]}"
        self.id_token: str = ""
        self.userinfo: dict[str, Any] = {}
        self.token_requests: list[dict[str, list[str]]] = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(provider) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = provider.userinfo
                if self.path == "/oidc/jwks":
                    answer = {"keys": [provider.key.as_dict(private=False)]}
                self.reply(answer)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.token_requests.append(parse_qs(body))
                self.reply({"access_token": "opaque", "token_type": "Bearer", "id_token": provider.id_token})

            def reply(self, answer: dict[str, Any]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                """Silence: pytest shows what matters."""

        return Handler

    def signed(self, claims: dict[str, Any], *, key: RSAKey | None = None, typ: str = "JWT") -> str:
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "one", "typ": typ}, present, key or self.key)

    def identity(self, **bent: Any) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.issuer, "aud": CLIENT, "sub": "s-1", "sid": "sid-1", "iat": now, "exp": now + 600, **bent}

    def logout(self, **bent: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": os.urandom(8).hex()}
        return {**claims, "sub": "s-1", "sid": "sid-1", "events": {EVENT: {}}, **bent}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(scope="module")
def tool(provider, tmp_path_factory) -> Iterator[str]:
    """The address of the training software, in a process of its own."""
    folder = tmp_path_factory.mktemp("tool")
    ports = Ports()
    origin = f"http://localhost:{ports.any()}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TROUSSEAU_", "DJANGO_"))},
        "TOOL_NAME": "formation",
        "TOOL_ORIGIN": origin,
        "TOOL_HUB": provider.issuer,
        "TOOL_DATA_DIR": str(folder),
        "TOOL_SECRET_KEY": "tests-only-tool-key-0123456789-0123456789-0123456789",
        "TOOL_CLIENT_ID": CLIENT,
        "TOOL_CLIENT_SECRET": "secret",
        "TOOL_SCOPES": "openid profile email",
        "TOOL_BASIC_AUTH": "no",
    }
    child = Child("tool", [sys.executable, "-m", "demo.tools.serve"], environment, folder / "log")
    child.start()
    deadline = time.monotonic() + 60
    while not answers(origin):
        assert child.exit_code is None, child.told()
        assert time.monotonic() < deadline, child.told()
        time.sleep(0.1)
    yield origin
    stop_children([child])
    ports.release()


def answers(origin: str) -> bool:
    try:
        return requests.get(f"{origin}/sante", timeout=2).ok
    except requests.ConnectionError:
        return False


class Person:
    """Somebody's browser at the tool."""

    def __init__(self, tool: str, provider: Provider) -> None:
        self.tool, self.provider, self.http = tool, provider, requests.Session()

    def asks(self) -> dict[str, str]:
        """Go to the launch address; return what the tool asks of the hub."""
        step = self.http.get(f"{self.tool}/connexion/", allow_redirects=False)
        step = self.http.get(self.tool + step.headers["Location"], allow_redirects=False)
        assert step.headers["Location"].startswith(f"{self.provider.issuer}/oidc/authorize?")
        return {name: values[0] for name, values in parse_qs(urlsplit(step.headers["Location"]).query).items()}

    def returns(self, asked: dict[str, str], **query: str) -> requests.Response:
        return self.http.get(f"{self.tool}/oidc/callback/", params={"code": "c", "state": asked["state"], **query})

    def enters(self, *, userinfo: dict[str, Any] | None = None, key: RSAKey | None = None, **bent: Any):
        asked = self.asks()
        claims = self.provider.identity(**{"nonce": asked["nonce"], **bent})
        self.provider.id_token = self.provider.signed(claims, key=key)
        self.provider.userinfo = {"sub": "s-1", "email": "a@alizarine.example"} if userinfo is None else userinfo
        return self.returns(asked)

    @property
    def is_in(self) -> bool:
        return 'id="received"' in self.http.get(self.tool).text

    def leaves(self) -> requests.Response:
        token = self.http.cookies["formation_csrf"]
        return self.http.post(f"{self.tool}/deconnexion/", data={"csrfmiddlewaretoken": token}, allow_redirects=False)


@pytest.fixture
def person(tool, provider) -> Person:
    return Person(tool, provider)


def told(tool: str, token: str) -> requests.Response:
    return requests.post(f"{tool}/deconnexion/hub/", data={"logout_token": token}, timeout=10)


# Signing in -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7636", "4.3")
def test_the_request_carries_state_nonce_and_a_pkce_challenge(person):
    asked = person.asks()

    assert asked["code_challenge_method"] == "S256"
    assert asked["state"] != asked["nonce"]
    assert asked["redirect_uri"] == f"{person.tool}/oidc/callback/"


def test_the_verifier_sent_with_the_code_is_the_one_of_the_challenge(person, provider):
    asked = person.asks()
    provider.id_token = provider.signed(provider.identity(nonce=asked["nonce"]))

    person.returns(asked)

    verifier = provider.token_requests[-1]["code_verifier"][0]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert challenge == asked["code_challenge"]


def test_the_page_shows_exactly_what_came_and_by_which_channel(person):
    page = person.enters(email="a@alizarine.example", userinfo={"sub": "s-1", "name": "Ada <b>"}).text

    assert page.count('data-claim="email"') == page.count('data-claim="name"') == 1
    assert "Ada &lt;b&gt;" in page
    row = page.split('data-claim="name"')[1].split("</tr>")[0]
    assert "userinfo" in row
    assert "jeton" not in row
    assert 'data-claim="phone_number"' not in page


@pytest.mark.spec("OIDC Core", "3.1.3.7")
@pytest.mark.parametrize(
    "bent",
    [
        {"iss": "http://localhost:1"},
        {"aud": "louty"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_700_000_000},
    ],
    ids=["issuer", "audience", "nonce", "no nonce", "expired"],
)
def test_a_wrong_id_token_signs_nobody_in(person, bent):
    page = person.enters(**bent)

    assert page.status_code == 403
    assert 'id="sign-in-failed"' in page.text
    assert not person.is_in


def test_an_id_token_signed_by_somebody_else_signs_nobody_in(person, provider):
    page = person.enters(key=provider.other_key)

    assert page.status_code == 403
    assert not person.is_in


@pytest.mark.spec("OIDC Core", "5.3.2")
def test_userinfo_about_another_person_signs_nobody_in(person):
    person.enters(userinfo={"sub": "s-2"})

    assert not person.is_in


def test_an_answer_nobody_asked_for_signs_nobody_in(person):
    person.asks()

    page = person.returns({"state": "made-up"})

    assert page.status_code == 403
    assert not person.is_in


def test_a_refusal_is_told_calmly_and_ends_an_earlier_session(person):
    person.enters()
    asked = person.asks()

    page = person.http.get(f"{person.tool}/oidc/callback/", params={"error": "access_denied", "state": asked["state"]})

    assert "Vous n’êtes pas entré·e" in page.text
    assert not person.is_in


# Signing out ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_leaving_ends_the_session_here_and_asks_the_hub_to_end_its_own(person, provider):
    person.enters()

    answer = person.leaves()

    assert not person.is_in
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["id_token_hint"] == [provider.id_token]
    assert query["post_logout_redirect_uri"] == [f"{person.tool}/au-revoir/"]
    assert query["state"]


def test_coming_back_with_the_state_says_goodbye_and_only_once(person):
    person.enters()
    state = parse_qs(urlsplit(person.leaves().headers["Location"]).query)["state"][0]

    first = person.http.get(f"{person.tool}/au-revoir/", params={"state": state})
    second = person.http.get(f"{person.tool}/au-revoir/", params={"state": state})

    assert 'id="left"' in first.text
    assert 'id="left"' not in second.text


@pytest.mark.spec("OIDC Back-Channel Logout", "2.7")
def test_a_logout_token_ends_the_session_of_its_sid_and_no_other(tool, provider):
    one, two = Person(tool, provider), Person(tool, provider)
    one.enters(sid="sid-one")
    two.enters(sid="sid-two")

    answer = told(tool, provider.signed(provider.logout(sid="sid-one"), typ="logout+jwt"))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (one.is_in, two.is_in) == (False, True)


def test_a_logout_token_without_sid_ends_every_session_of_the_person(tool, provider):
    one, two = Person(tool, provider), Person(tool, provider)
    one.enters(sid="sid-three")
    two.enters(sid="sid-four")

    told(tool, provider.signed(provider.logout(sid=None)))

    assert (one.is_in, two.is_in) == (False, False)


@pytest.mark.spec("OIDC Back-Channel Logout", "2.6")
@pytest.mark.parametrize(
    "bent",
    [
        {"iss": "http://localhost:1"},
        {"aud": "louty"},
        {"exp": 1_700_000_000},
        {"iat": 4_000_000_000, "exp": 4_000_000_100},
        {"exp": None},
        {"jti": None},
        {"events": None},
        {"events": [EVENT]},
        {"events": {EVENT: []}},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"nonce": "n"},
        {"sid": None, "sub": None},
    ],
    ids=lambda bent: ",".join(f"{name}={value!r:.20}" for name, value in bent.items()),
)
def test_a_wrong_logout_token_is_refused_and_ends_nothing(person, provider, bent):
    person.enters()

    answer = told(person.tool, provider.signed(provider.logout(**bent)))

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert person.is_in


@pytest.mark.parametrize("token", ["", "no.token.here", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_signed_token_is_refused(tool, token):
    assert told(tool, token).status_code == 400


def test_a_logout_token_signed_by_somebody_else_is_refused(person, provider):
    person.enters()

    answer = told(person.tool, provider.signed(provider.logout(), key=provider.other_key))

    assert answer.status_code == 400
    assert person.is_in


def test_an_id_token_is_no_logout_token(person, provider):
    person.enters()

    assert told(person.tool, provider.id_token).status_code == 400
    assert person.is_in


def test_a_logout_token_counts_once(tool, provider):
    token = provider.signed(provider.logout(sid="sid-once"))

    assert [told(tool, token).status_code for _ in range(2)] == [200, 400]


# The page -------------------------------------------------------------------------------------------------------


def test_the_tool_speaks_the_readers_language(tool):
    page = requests.get(tool, headers={"Accept-Language": "en-GB"}, timeout=10)

    assert 'lang="en"' in page.text
    assert "Sign in with Trousseau" in page.text


def test_its_policy_lets_the_sign_out_form_reach_the_hub_and_nothing_else(tool, provider):
    policy = requests.get(tool, timeout=10).headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert f"form-action 'self' {provider.issuer}" in policy


def test_two_tools_with_one_host_name_keep_their_cookies_apart():
    names = set()
    for name in ("louty", "formation"):
        environment = dict.fromkeys(("TOOL_SECRET_KEY", "TOOL_CLIENT_ID", "TOOL_CLIENT_SECRET", "TOOL_SCOPES"), "x")
        environment |= {"TOOL_NAME": name, "TOOL_ORIGIN": "http://localhost:1", "TOOL_HUB": "http://localhost:2"}
        environment |= {"TOOL_DATA_DIR": "/nowhere", "TOOL_BASIC_AUTH": "no"}
        code = "from demo.tools import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        names |= set(done.stdout.split())

    assert len(names) == 4
    assert not names & {"trousseau_session", "trousseau_csrf"}
