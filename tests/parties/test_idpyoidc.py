"""Logins by idpyoidc, whose JOSE code (cryptojwt) shares nothing with the hub's."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES  # type: ignore[import-untyped]
from idpyoidc.client.oauth2.stand_alone_client import backchannel_logout  # type: ignore[import-untyped]
from idpyoidc.client.rp_handler import RPHandler  # type: ignore[import-untyped]

from tests.parties.browser import Arrival, Browser, Page
from tests.parties.conftest import BrowserOf, Hub

CALLBACK = "http://localhost:9/callback"
AFTER_LOGOUT = "http://localhost:9/au-revoir"
SCOPE = ["openid", "profile", "email", "offline_access"]
PATIENCE_SECONDS = 15


@pytest.fixture(scope="module")
def notices() -> Iterator[tuple[str, "SimpleQueue[str]"]]:
    """The tool's own address for logout notices, and what was posted there."""
    posted: SimpleQueue[str] = SimpleQueue()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing for the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", posted
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def handler(hub: Hub, notices: Any) -> RPHandler:
    given = hub.connect(
        [
            {
                "slug": "idpyoidc",
                "redirect_uris": [CALLBACK],
                "post_logout_redirect_uris": [AFTER_LOGOUT],
                "properties": {
                    "scopes": " ".join(SCOPE),
                    "offline_access": True,
                    "backchannel_logout_uri": notices[0],
                },
            }
        ]
    )["idpyoidc"]
    configuration = {
        "issuer": hub.issuer,
        "client_type": "oidc",
        "client_id": given["client_id"],
        "client_secret": given["client_secret"],
        "client_authn_methods": ["client_secret_basic"],
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [AFTER_LOGOUT],
        "preference": {
            "response_types": ["code"],
            "response_modes": ["query", "form_post"],
            "scope": SCOPE,
            "token_endpoint_auth_method": "client_secret_basic",
        },
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
            }
        },
    }
    services = {**DEFAULT_OIDC_SERVICES, "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"}}
    return RPHandler(
        base_url="http://localhost:9",
        client_configs={hub.issuer: configuration},
        services=services,
        key_conf={"key_defs": [{"type": "EC", "crv": "P-256", "use": ["sig"]}]},
    )


def login(handler: RPHandler, hub: Hub, browser: Browser, **more: str) -> Any:
    arrived = browser.go(handler.begin(hub.issuer, req_args={"scope": SCOPE, **more}))
    assert isinstance(arrived, Arrival), arrived.text[:1000]
    answer = dict(parse_qsl(arrived.body or urlsplit(arrived.url).query))
    return handler.finalize(hub.issuer, answer)


@pytest.mark.spec("OIDC Core", "3.1")
@pytest.mark.parametrize("more", [{}, {"response_mode": "form_post"}], ids=["query", "form_post"])
def test_a_login_succeeds_and_tells_who_it_is(hub, handler, browser, more):
    told = login(handler, hub, browser, **more)

    assert told["id_token"]["iss"] == hub.issuer
    assert told["userinfo"]["sub"] == told["id_token"]["sub"]
    assert told["userinfo"]["email"].endswith("@alizarine.example")


@pytest.mark.spec("OIDC Core", "12")
def test_tokens_are_renewed(hub, handler, browser):
    told = login(handler, hub, browser)

    renewed = handler.refresh_access_token(told["state"])
    about = handler.get_user_info(told["state"], access_token=renewed["access_token"])

    assert renewed["access_token"] != told["token"]
    assert about["sub"] == told["userinfo"]["sub"]


@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_a_sign_out_at_the_hub_comes_back(hub, handler, browser_of: BrowserOf):
    person = browser_of("member")
    told = login(handler, hub, person)

    landed = person.go(handler.logout(told["state"])["url"])

    assert isinstance(landed, Arrival)
    assert landed.url.startswith(f"{AFTER_LOGOUT}?state=")


@pytest.mark.spec("OIDC Back-Channel Logout", "2.6")
def test_the_notice_of_a_sign_out_is_verified_and_names_the_session(hub, handler, notices, browser_of: BrowserOf):
    _, posted = notices
    while not posted.empty():
        posted.get()
    person = browser_of("member")
    told = login(handler, hub, person)

    home = person.go(f"{hub.issuer}/")
    assert isinstance(home, Page)
    person.submit(home, next(form.id for form in home.forms if form.action.endswith("/deconnexion/")))
    notice = posted.get(timeout=PATIENCE_SECONDS)

    assert backchannel_logout(handler.issuer2rp[hub.issuer], request=notice) == told["state"]
