"""``deploy/``'s own nginx, Debian's package, between tools with certificates and a hub (RFC 8705)."""

import base64
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from playwright.sync_api import Page, Playwright
from pydantic import AliasChoices

from hub.env import Env
from idp.protocol.encoding import base64url
from tests.support import nginx as support
from tests.support.apache import free_port
from tests.support.demo import CHROMIUM_ARGUMENTS
from tests.support.nginx import CERTIFICATES, NAME, ROOT, Answer, Front, Holder, Mint

ISSUER = f"https://{NAME}"
REDIRECT = "https://outil.example.org/retour"
SIGN_IN = "/compte/connexion/"
# In deploy/hub.env they stand behind a "#": what deploy/nginx.conf hands over, from where, and under which name.
PROXY = [f"TROUSSEAU_CLIENT_CERTIFICATE_{name}" for name in ("HEADER", "VERIFY_HEADER", "PROXIES", "ORIGIN")]
# Not the proxy's: another program on the machine, or another machine.
ELSEWHERE = "127.0.0.2"
# RFC 7636, appendix B
VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass(frozen=True)
class World:
    """The proxy, the hub behind it, tools with their certificates, and a member who is signed in."""

    front: Front
    hub_port: int
    holders: dict[str, Holder]
    tools: dict[str, dict[str, str]]
    cookie: str

    def credentials(self, tool: str) -> dict[str, str]:
        return {"client_id": self.tools[tool]["client_id"]}

    def code(self, tool: str) -> dict[str, str]:
        """A sign-in in the browser, which knows the ordinary name only."""
        asked = {
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": "openid",
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **self.credentials(tool),
        }
        answer = self.front.ask("GET", f"/oidc/authorize?{urlencode(asked)}", headers=[("Cookie", self.cookie)])
        assert answer.status == 303, answer.text
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        return {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}

    def token(self, tool: str, holder: str, form: dict[str, str] | None = None, **how: Any) -> Answer:
        """At the name for certificates, unless told otherwise; without a form the tool asks for itself."""
        form = {**(form or {"grant_type": "client_credentials"}), **self.credentials(tool)}
        return self.front.ask(
            "POST", "/oidc/token", form=form, **{"name": CERTIFICATES, "holder": self.holders.get(holder), **how}
        )

    def userinfo(self, token: str, holder: str, **how: Any) -> Answer:
        bearer = [("Authorization", f"Bearer {token}")]
        how = {"name": CERTIFICATES, "holder": self.holders.get(holder), **how}
        return self.front.ask("GET", "/oidc/userinfo", headers=bearer, **how)

    def introspect(self, token: str, tool: str) -> dict[str, Any]:
        form = {"token": token, **self.credentials(tool)}
        answer = self.front.ask("POST", "/oidc/introspect", name=CERTIFICATES, holder=self.holders[tool], form=form)
        return dict(answer.json())

    def straight(self, tool: str, source: str, headers: list[tuple[str, str]]) -> Answer:
        """Past the proxy, at the port where the hub itself listens."""
        connection = HTTPConnection("127.0.0.1", self.hub_port, timeout=15, source_address=(source, 0))
        form = {"grant_type": "client_credentials", **self.credentials(tool)}
        return support.ask(connection, "POST", "/oidc/token", form=form, headers=[("Host", NAME), *headers])


def thumbprint(holder: Holder) -> str:
    return base64url(sha256(holder.certificate.public_bytes(Encoding.DER)).digest())


def minted(folder: Path) -> dict[str, Holder]:
    mint = Mint(folder)
    authority = mint.make("Autorité", authority=True)
    between = mint.make("Intermédiaire", by=authority, authority=True)
    stranger = mint.make("Autorité", authority=True)
    own = mint.make("atelier")
    server = mint.make(NAME, by=authority, names=[NAME, CERTIFICATES], purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    return {
        "authority": authority,
        "server": server,
        "louty": mint.make("louty", by=authority),
        "louty, renewed": mint.make("louty", by=between, chain=[between]),
        "atelier": own,
        "atelier, renewed": mint.make("atelier", key=own.key),
        "another tool": mint.make("agenda", by=authority),
        "unknown authority": mint.make("louty", by=stranger, chain=[stranger]),
        "no authority": mint.make("louty"),
        "expired": mint.make("louty", by=authority, days=(-30, -1)),
        "not yet": mint.make("louty", by=authority, days=(1, 30)),
        "for servers": mint.make("louty", by=authority, purpose=ExtendedKeyUsageOID.SERVER_AUTH),
        "atelier, expired": mint.make("atelier", key=own.key, days=(-30, -1)),
        "atelier, by an authority": mint.make("atelier", by=authority),
    }


def orders(holders: dict[str, Holder]) -> dict[str, Any]:
    numbers = ECKey.import_key(holders["atelier"].secret.read_bytes())
    bound = {
        "everyone": True,
        "scopes": "openid api",
        "grant_types": "authorization_code client_credentials",
        "tls_client_certificate_bound_access_tokens": True,
    }
    by_name = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=louty,O=Coopérative"}
    by_key = {
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "client_jwks": {"keys": [{**numbers.as_dict(private=False), "kid": "atelier", "use": "sig"}]},
    }
    return {
        "louty": {"redirect_uris": [REDIRECT], "properties": {**bound, **by_name}},
        "atelier": {"redirect_uris": [REDIRECT], "properties": {**bound, **by_key}},
        "signed": {"redirect_uris": [REDIRECT], "properties": {**bound, **by_name, "access_token_format": "jwt"}},
    }


def environment(folder: Path) -> dict[str, str]:
    """``deploy/hub.env`` with a folder and secrets of its own, and nothing that it would have to call."""
    nobody = dict.fromkeys(("CACHE_URL", "DATABASE_URL", "TROUSSEAU_LDAP_URI", "TROUSSEAU_MAIL_URL"), "")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("TROUSSEAU_", "DJANGO_"))}
    return {
        **outer,
        **support.settings(),
        **nobody,
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "TROUSSEAU_DATA_DIR": str(folder / "data"),
        "TROUSSEAU_SECRET_KEY": secrets.token_urlsafe(50),
        "TROUSSEAU_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "TROUSSEAU_PAIRWISE_SALT": secrets.token_urlsafe(32),
    }


@pytest.fixture(scope="module")
def holders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Holder]:
    return minted(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def world(holders: dict[str, Holder], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "data").mkdir()
    hub_environment = environment(folder)
    prepared = subprocess.run(
        [sys.executable, "-m", "tests.support.nginx"],
        cwd=ROOT,
        env=hub_environment,
        input=json.dumps(orders(holders)),
        capture_output=True,
        text=True,
    )
    assert prepared.returncode == 0, prepared.stderr[-3000:]
    root = holders["authority"].chain
    with ExitStack() as stack:
        port = stack.enter_context(support.hub(hub_environment, folder))
        front = stack.enter_context(support.nginx(port, holders["server"], root, root))
        yield World(front, port, holders, **json.loads(prepared.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def alone(holders: dict[str, Holder]) -> Iterator[Front]:
    """The proxy of a hub that is down."""
    root = holders["authority"].chain
    with support.nginx(free_port(), holders["server"], root, root) as front:
        yield front


@pytest.fixture
def chromium_of(playwright: Playwright) -> Iterator[Callable[[Front], tuple[Page, list[str]]]]:
    """Makes a page whose browser knows the deployment's name and no other, and the list of what it complains of."""
    with ExitStack() as stack:

        def make(front: Front) -> tuple[Page, list[str]]:
            names = f"--host-resolver-rules=MAP {NAME}:443 127.0.0.1:{front.secure}, MAP * ~NOTFOUND"
            arguments = [*CHROMIUM_ARGUMENTS, names]
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
            stack.callback(browser.close)
            page, problems = browser.new_page(ignore_https_errors=True, locale="fr-FR"), []
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
            return page, problems

        yield make


# Tools with certificates -------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8705", "3")
@pytest.mark.parametrize(
    ("tool", "holder"),
    [
        pytest.param("louty", "louty", marks=pytest.mark.spec("RFC 8705", "2.1")),
        pytest.param("louty", "louty, renewed", marks=pytest.mark.spec("RFC 8705", "2.1")),
        pytest.param("atelier", "atelier", marks=pytest.mark.spec("RFC 8705", "2.2")),
        pytest.param("atelier", "atelier, renewed", marks=pytest.mark.spec("RFC 8705", "2.2")),
    ],
)
def test_a_tool_gets_tokens_with_its_certificate_and_only_that_certificate_may_show_them(world, tool, holder):
    answer = world.token(tool, holder, world.code(tool))

    assert answer.status == 200, answer.text
    token = answer.json()["access_token"]
    assert answer.json()["token_type"] == "Bearer"
    assert world.userinfo(token, holder).status == 200
    for wrong in (
        world.userinfo(token, "another tool"),
        world.userinfo(token, "expired"),
        world.userinfo(token, "nobody's"),
        world.userinfo(token, holder, name=NAME),
    ):
        assert wrong.status == 401, wrong.text
        assert wrong.json()["error"] == "invalid_token"
        assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


@pytest.mark.spec("RFC 8705", "3.1")
def test_a_signed_token_carries_the_thumbprint_of_the_certificate(world):
    answer = world.token("signed", "louty")

    keys = KeySet.import_key_set(world.front.ask("GET", "/oidc/jwks").json())
    claims = jwt.decode(answer.json()["access_token"], keys, algorithms=["RS256"]).claims
    assert claims["cnf"] == {"x5t#S256": thumbprint(world.holders["louty"])}
    assert claims["iss"] == ISSUER


@pytest.mark.spec("RFC 8705", "3.2")
@pytest.mark.parametrize("holder", ["louty", "atelier"])
def test_introspection_tells_the_thumbprint_of_the_certificate(world, holder):
    token = world.token(holder, holder, world.code(holder)).json()["access_token"]

    told = world.introspect(token, holder)

    assert told["active"] is True
    assert told["cnf"] == {"x5t#S256": thumbprint(world.holders[holder])}


@pytest.mark.spec("RFC 8705", "2.1")
@pytest.mark.parametrize(
    "holder",
    ["nobody's", "another tool", "unknown authority", "no authority", "expired", "not yet", "for servers", "atelier"],
)
def test_no_other_certificate_proves_a_tool_that_is_known_by_its_name(world, holder):
    answer = world.token("louty", holder)

    assert (answer.status, answer.json()["error"]) == (401, "invalid_client"), answer.text
    assert answer.headers.get_all("X-Request-Id"), "the hub itself refused, and has a line in its journal"


@pytest.mark.spec("RFC 8705", "2.2")
@pytest.mark.parametrize("holder", ["nobody's", "louty", "atelier, expired", "atelier, by an authority"])
def test_no_other_certificate_proves_a_tool_that_is_known_by_its_key(world, holder):
    answer = world.token("atelier", holder)

    assert (answer.status, answer.json()["error"]) == (401, "invalid_client"), answer.text
    assert answer.headers.get_all("X-Request-Id")


@pytest.mark.spec("RFC 8705", "6.5")
def test_a_certificate_is_of_no_use_at_the_ordinary_name(world):
    answer = world.token("louty", "louty", name=NAME)

    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("RFC 8705", "3")
def test_a_renewed_certificate_proves_the_tool_but_not_the_tokens_of_the_old_one(world):
    old = world.token("atelier", "atelier", world.code("atelier")).json()["access_token"]

    renewed = world.token("atelier", "atelier, renewed", world.code("atelier")).json()["access_token"]

    assert world.userinfo(old, "atelier").status == 200
    assert world.userinfo(old, "atelier, renewed").status == 401
    assert world.userinfo(renewed, "atelier, renewed").status == 200


@pytest.mark.spec("RFC 8705", "2")
def test_a_tool_pushes_and_revokes_with_its_certificate_and_not_without(world):
    def call(path: str, form: dict[str, str], holder: str) -> Answer:
        form = {**form, **world.credentials("atelier")}
        return world.front.ask("POST", path, name=CERTIFICATES, holder=world.holders.get(holder), form=form)

    token = world.token("atelier", "atelier", world.code("atelier")).json()["access_token"]
    request = {"response_type": "code", "redirect_uri": REDIRECT, "scope": "openid"}
    request |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

    assert call("/oidc/par", request, "louty").status == 401
    assert call("/oidc/par", request, "atelier").status == 201
    assert call("/oidc/revoke", {"token": token}, "nobody's").status == 401
    assert world.introspect(token, "atelier")["active"] is True
    assert call("/oidc/revoke", {"token": token}, "atelier").status == 200
    assert world.introspect(token, "atelier") == {"active": False}


# What a caller claims ----------------------------------------------------------------------------------------


def claimed(holder: Holder, between: str = "-") -> list[tuple[str, str]]:
    """The two headers of the proxy, in a caller's hand; ``between`` is what WSGI cannot tell from "-"."""
    told = support.settings()
    first, second = (told[name].replace("-", between) for name in PROXY[:2])
    return [(first, quote(holder.pem)), (second, "SUCCESS")]


@pytest.mark.spec("RFC 8705", "6.5")
@pytest.mark.parametrize("between", ["-", "_"])
@pytest.mark.parametrize("name", [NAME, CERTIFICATES])
@pytest.mark.parametrize("own", ["nobody's", "no authority"])
@pytest.mark.parametrize("tool", ["louty", "atelier"])
def test_the_proxy_believes_no_certificate_in_a_header(world, tool, own, name, between):
    headers = claimed(world.holders[tool], between)

    form = {"grant_type": "client_credentials", **world.credentials(tool)}
    answer = world.front.ask(
        "POST", "/oidc/token", name=name, holder=world.holders.get(own), form=form, headers=headers
    )

    assert (answer.status, answer.json()["error"]) == (401, "invalid_client"), answer.text


@pytest.mark.spec("RFC 8705", "6.5")
@pytest.mark.parametrize("tool", ["louty", "atelier"])
def test_the_hub_believes_a_certificate_in_a_header_from_its_proxy_only(world, tool):
    headers = claimed(world.holders[tool])

    # The header is one that the hub would believe: what is refused afterwards is refused for its sender.
    assert world.straight(tool, "127.0.0.1", headers).status == 200
    for further in ([], [("X-Forwarded-For", "127.0.0.1")], [("Forwarded", "for=127.0.0.1")]):
        answer = world.straight(tool, ELSEWHERE, [*headers, *further])
        assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("RFC 8705", "6.5")
def test_a_certificate_shown_to_one_name_is_not_carried_to_the_other(world):
    """The name of the handshake and the one in Host may differ, and the certificate belongs to the first."""
    to_ordinary = world.token("louty", "louty", headers=[("Host", NAME)])
    to_certificates = world.token("louty", "louty", name=NAME, headers=[("Host", CERTIFICATES)])

    assert (to_ordinary.status, to_ordinary.json()["error"]) == (401, "invalid_client")
    assert to_certificates.status == 421


FORWARDED = [
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Host", "voleur.example"),
    ("X-Forwarded-Port", "8080"),
    ("X-Forwarded-For", "198.51.100.7"),
    ("Forwarded", "for=198.51.100.7;host=voleur.example;proto=http"),
]


@pytest.mark.spec("OIDC Discovery", "4.3")
def test_no_forwarding_header_of_a_caller_changes_the_issuer_or_unlocks_a_cookie(world):
    document = world.front.ask("GET", "/.well-known/openid-configuration", headers=FORWARDED).json()
    page = world.front.ask("GET", SIGN_IN, headers=FORWARDED)

    assert document["issuer"] == ISSUER
    endpoints = {name: address for name, address in document.items() if name.endswith(("_endpoint", "_uri"))}
    assert {name for name, address in endpoints.items() if not address.startswith(f"{ISSUER}/")} == set()
    assert "voleur" not in json.dumps(document) + page.text + str(page.headers)
    assert page.status == 200
    assert "Strict-Transport-Security" in page.headers
    assert all("Secure" in cookie for cookie in page.headers.get_all("Set-Cookie", ["none"]))


def test_no_neighbour_under_the_same_domain_can_plant_the_cookies_that_count(world):
    """Browsers keep a cookie of this prefix only where it is Secure, for one host and for every path."""
    page = world.front.ask("GET", SIGN_IN)

    (cookie,) = page.headers.get_all("Set-Cookie", [])
    assert cookie.startswith("__Host-trousseau_csrf=")
    assert {"path=/", "secure"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "domain" not in cookie.lower()
    assert world.cookie.startswith("__Host-trousseau_session=")


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", SIGN_IN])
def test_a_name_that_is_not_the_hubs_is_refused(world, path):
    answer = world.front.ask("GET", path, headers=[("Host", "voleur.example")])

    assert answer.status == 400
    assert "voleur" not in answer.text + str(answer.headers)


def test_whoever_claims_other_addresses_is_throttled_all_the_same(world):
    """Sixty sign-ins a minute from one address, whatever it says in its headers."""
    page = world.front.ask("GET", SIGN_IN)
    token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    cookies = "; ".join(cookie.partition(";")[0] for cookie in page.headers.get_all("Set-Cookie", []))
    form = {"csrfmiddlewaretoken": token, "login": "x"}
    own = [("Cookie", cookies), ("Origin", ISSUER)]

    def attempt(number: int, source: str) -> int:
        claimed = [(name, f"198.51.100.{number}") for name in ("X-Forwarded-For", "X-Forwarded-For", "X-Real-IP")]
        return world.front.ask("POST", SIGN_IN, form=form, headers=[*own, *claimed], source=source).status

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda number: attempt(number, "127.0.0.3"), range(64)))

    assert sorted(statuses) == [200] * 60 + [429] * 4
    assert attempt(0, "127.0.0.4") == 200


# Browsers ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8705", "5")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_only_the_name_for_certificates_asks_for_one(world, version):
    """A browser that is asked shows its user a list to choose from."""

    def asked(name: str) -> str:
        command = ["openssl", "s_client", "-msg", version, "-connect", f"127.0.0.1:{world.front.secure}"]
        done = subprocess.run([*command, "-servername", name], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert "ServerHello" in done.stdout, done.stderr
        return done.stdout

    assert "CertificateRequest" not in asked(NAME)
    assert "CertificateRequest" in asked(CERTIFICATES)
    # A list of authorities would make a tool hold a self-signed certificate back.
    assert "No client certificate CA names sent" in asked(CERTIFICATES)


def test_a_real_browser_shows_the_page_styled_and_sends_its_form(world, chromium_of):
    """Chromium's own Origin, cookies and content policy, at the deployment's own address."""
    page, problems = chromium_of(world.front)

    page.goto(ISSUER + SIGN_IN)
    page.click("form[action$='/langue/'] button")
    page.wait_for_load_state()

    assert page.url == ISSUER + SIGN_IN
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.evaluate("document.styleSheets.length") >= 1
    cookies = {cookie["name"]: cookie["secure"] for cookie in page.context.cookies()}
    assert cookies["__Host-trousseau_csrf"]
    assert cookies["__Host-trousseau_language"]
    assert problems == []


@pytest.mark.spec("RFC 8705", "5")
def test_the_metadata_send_tools_with_a_certificate_to_the_other_name_and_nobody_else(world):
    document = world.front.ask("GET", "/.well-known/openid-configuration").json()

    aliases = document["mtls_endpoint_aliases"]
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(document["token_endpoint_auth_methods_supported"])
    for name, address in aliases.items():
        url = urlsplit(address)
        assert (url.scheme, url.netloc) == ("https", CERTIFICATES)
        assert document[name] == ISSUER + url.path
        answer = world.front.ask("POST", url.path, name=CERTIFICATES, form={})
        assert answer.headers.get_all("X-Request-Id"), f"{name} is not led to the hub"


def test_a_witness_gets_its_answers_and_a_flood_does_not(world):
    statuses = [world.front.ask("GET", "/audit/keys").status for _ in range(300)]

    assert statuses[:200] == [200] * 200
    assert 429 in statuses


@pytest.mark.parametrize("holder", ["nobody's", "louty", "expired"])
@pytest.mark.parametrize("path", ["/", SIGN_IN, "/oidc/authorize", "/oidc/token/", "/healthz", "/oidc/register"])
def test_the_name_for_certificates_has_no_pages(world, path, holder):
    answer = world.front.ask("GET", path, name=CERTIFICATES, holder=world.holders.get(holder))

    assert answer.status == 404
    assert "X-Request-Id" not in answer.headers


def test_what_comes_without_tls_is_sent_to_the_hubs_own_name(world):
    answer = world.front.ask_plainly("/oidc/authorize?state=a%20b", headers=[("Host", "voleur.example")])

    assert answer.status == 301
    assert answer.headers.get_all("Location") == [f"{ISSUER}/oidc/authorize?state=a%20b"]


@pytest.mark.spec("FAPI 2.0 SP", "5.2.1")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("name", [NAME, CERTIFICATES])
def test_old_versions_of_tls_are_refused_whatever_else_the_machine_allows(world, name):
    def speak(version: ssl.TLSVersion) -> str | None:
        context = world.front.tls()
        # Without this the client itself would not try, and prove nothing.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        bare = socket.create_connection(("127.0.0.1", world.front.secure), 5)
        with bare, context.wrap_socket(bare, server_hostname=name) as spoken:
            return spoken.version()

    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
            speak(old)
    assert speak(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert speak(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"


@pytest.mark.spec("RFC 9325", "4.2")
@pytest.mark.parametrize("name", [NAME, CERTIFICATES])
def test_tls_1_2_is_spoken_with_the_recommended_cipher_suites_only(world, name):
    def agreed(suite: str) -> str:
        context = world.front.tls()
        context.set_ciphers(suite)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        bare = socket.create_connection(("127.0.0.1", world.front.secure), 5)
        with bare, context.wrap_socket(bare, server_hostname=name) as spoken:
            return str((spoken.cipher() or [""])[0])

    assert agreed("ECDHE-ECDSA-AES128-GCM-SHA256") == "ECDHE-ECDSA-AES128-GCM-SHA256"
    for old in ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"):
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            agreed(old)


ONCE = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "nginx",
}
GUARDED = ("Content-Security-Policy", "X-Frame-Options", "X-Request-Id", "Content-Type", "Date")


@pytest.mark.parametrize(
    ("path", "name"),
    [(SIGN_IN, NAME), ("/oidc/authorize", NAME), ("/oidc/jwks", NAME), ("/oidc/userinfo", CERTIFICATES)],
)
def test_every_answer_has_its_security_headers_exactly_once(world, path, name):
    answer = world.front.ask("GET", path, name=name)

    assert {header: answer.headers.get_all(header) for header in ONCE} == {
        name: [value] for name, value in ONCE.items()
    }
    assert {header: len(answer.headers.get_all(header, [])) for header in GUARDED} == dict.fromkeys(GUARDED, 1)
    assert len(answer.headers.get_all("Cache-Control", [])) <= 1


def test_static_files_are_kept_for_good_and_come_compressed(world):
    page = world.front.ask("GET", SIGN_IN)
    path = re.search(r'href="(/static/[^"]+\.css)"', page.text)
    assert path, page.text[:1000]

    plain = world.front.ask("GET", path[1])
    packed = world.front.ask("GET", path[1], headers=[("Accept-Encoding", "gzip")])

    assert plain.status == packed.status == 200
    [kept] = plain.headers.get_all("Cache-Control", [])
    assert "public" in kept
    assert "immutable" in kept
    assert plain.headers.get_all("Strict-Transport-Security") == [ONCE["Strict-Transport-Security"]]
    assert packed.headers.get_all("Content-Encoding") == ["gzip"]
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"])


def test_pages_with_secrets_in_them_are_not_compressed(world):
    page = world.front.ask("GET", SIGN_IN, headers=[("Accept-Encoding", "gzip, br")])

    assert "Content-Encoding" not in page.headers


@pytest.mark.spec("RFC 9101", "4")
def test_a_signed_request_as_long_as_they_come_reaches_the_hub(world):
    answer = world.front.ask("GET", f"/oidc/authorize?client_id=louty&request={'e' * 16_384}")

    assert answer.status == 400
    assert answer.headers.get_all("X-Request-Id")


def test_the_longest_state_comes_back_whole(world):
    """Three times as long in an address, it fills more than the four kilobytes that nginx takes of an answer's head."""
    state = "/" * 4_000
    asked = {"response_type": "code", "redirect_uri": REDIRECT, "scope": "openid", "state": state}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", **world.credentials("louty")}

    answer = world.front.ask("GET", f"/oidc/authorize?{urlencode(asked)}", headers=[("Cookie", world.cookie)])

    assert answer.status == 303, answer.text
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["state"] == [state]


def test_what_is_too_big_is_refused_before_the_hub_sees_it(world):
    address = world.front.ask("GET", f"/?{'a' * 40_000}")
    header = world.front.ask("GET", "/", headers=[("X-Long", "a" * 40_000)])
    # The length is enough to be refused: none of it need be sent.
    body = world.front.ask("POST", "/oidc/token", headers=[("Content-Length", "1100000")])

    assert (address.status, header.status, body.status) == (414, 400, 413)
    assert not any(answer.headers.get_all("X-Request-Id") for answer in (address, header, body))


@pytest.mark.parametrize("address", ["/compte/coordonnees/", "/demandes/D-2026-001/", "/registre/importer/"])
def test_a_file_that_is_too_heavy_reaches_the_hub_which_says_so_beside_the_form(world, address):
    heavy = {"photo": "x" * 1_500_000}

    answer = world.front.ask("POST", address, form=heavy, headers=[("Cookie", world.cookie)])

    assert answer.status != 413
    assert answer.headers["X-Request-Id"]


def test_callers_who_send_slowly_are_cut_off_and_keep_nobody_waiting(world):
    """Many more of them than the hub has threads: none of their requests is whole, so the hub sees none."""
    begun = time.monotonic()
    with ExitStack() as stack:
        slow = []
        for half in ["GET / HTTP/1.1\r\nX-Slow: ", "POST /oidc/token HTTP/1.1\r\nContent-Length: 99\r\n\r\ngrant"] * 12:
            bare = stack.enter_context(socket.create_connection(("127.0.0.1", world.front.secure), 30))
            spoken = stack.enter_context(world.front.tls().wrap_socket(bare, server_hostname=NAME))
            spoken.sendall(half.replace("\r\n", f"\r\nHost: {NAME}\r\n", 1).encode())
            slow.append(spoken)
        asked_at = time.monotonic()

        answer = world.front.ask("GET", "/healthz")

        assert answer.status == 200
        assert time.monotonic() - asked_at < 3
        assert all(is_closed(each) for each in slow)
        assert time.monotonic() - begun < 20


def is_closed(connection: ssl.SSLSocket) -> bool:
    """Read to the end of what the server says; raises ``TimeoutError`` when it says nothing and does not hang up."""
    with suppress(ConnectionError, ssl.SSLError):
        while connection.recv(4096):
            pass
    return True


def test_codes_states_and_mailed_secrets_stay_out_of_the_access_log(world):
    canary = secrets.token_hex(8)

    world.front.ask("GET", f"/oidc/authorize?state={canary}")
    world.front.ask("POST", f"/oidc/token?code={canary}", name=CERTIFICATES, form={"code": canary})
    world.front.ask_plainly(f"/oidc/authorize?state={canary}")
    for mailed in ("compte/lien", "effacement", "breves/flux", "breves/desabonnement"):
        world.front.ask("GET", f"/{mailed}/{canary}/")

    log = (world.front.folder / "trousseau.log").read_text()
    assert "/oidc/authorize" in log
    assert canary not in log


# A hub that is down ------------------------------------------------------------------------------------------


def test_a_person_reads_that_the_hub_is_down(alone):
    answer = alone.ask("GET", SIGN_IN)

    assert answer.status == 503
    assert answer.headers.get_all("Content-Type") == ["text/html; charset=utf-8"]
    assert answer.headers.get_all("Retry-After") == ["15"]
    assert answer.headers.get_all("Cache-Control") == ["no-store"]
    assert answer.headers.get_all("Strict-Transport-Security") == [ONCE["Strict-Transport-Security"]]
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert '<html lang="fr">' in answer.text
    assert "n’est pas disponible" in answer.text
    assert 'lang="en"' in answer.text


@pytest.mark.spec("RFC 9110", "15.6.4")
@pytest.mark.parametrize("holder", ["nobody's", "louty", "expired"])
@pytest.mark.parametrize("name", [NAME, CERTIFICATES])
def test_a_tool_is_told_as_a_program_that_the_hub_is_down(alone, holders, name, holder):
    answer = alone.ask("POST", "/oidc/token", name=name, holder=holders.get(holder), form={"client_id": "louty"})

    assert answer.status == 503
    assert answer.headers.get_all("Content-Type") == ["application/json"]
    assert answer.headers.get_all("Retry-After") == ["15"]
    assert answer.headers.get_all("Cache-Control") == ["no-store"]
    assert answer.json() == {"error": "temporarily_unavailable"}


# The other files ---------------------------------------------------------------------------------------------


def test_every_setting_of_the_example_is_one_of_the_hub():
    known = {
        str(field.validation_alias.choices[0])
        if isinstance(field.validation_alias, AliasChoices)
        else f"TROUSSEAU_{name.upper()}"
        for name, field in Env.model_fields.items()
    }

    told = support.settings()
    assert {"TROUSSEAU_ORIGIN", "TROUSSEAU_TRUSTED_PROXIES", "CACHE_URL", *PROXY} <= set(told)
    assert set(told) - known == set()


def test_every_secret_of_the_units_is_one_of_the_hub():
    for unit in ("trousseau-hub.service", "trousseau-worker.service"):
        lines = (support.DEPLOY / unit).read_text(encoding="utf-8")
        loaded = re.findall(r"^(?:# )?LoadCredential=(\w+):\S+/(\w+)$", lines, re.MULTILINE)
        assert loaded
        assert {name.removeprefix("trousseau_") for pair in loaded for name in pair} <= set(Env.model_fields)
