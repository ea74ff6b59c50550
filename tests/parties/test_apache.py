"""Logins and sign-outs through Apache's mod_auth_openidc, Debian's package, a certified relying party in C."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

from tests.parties.browser import Browser, Page
from tests.parties.conftest import BrowserOf, Hub
from tests.support.apache import apache, free_port

PATIENCE_SECONDS = 15
REQUEST_OBJECT = {
    "copy_from_request": [
        *("redirect_uri", "response_type", "response_mode", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    ],
    "crypto": {"sign_alg": "RS256"},
    "request_object_type": "request",
}


@dataclass(frozen=True, slots=True)
class Site:
    """A folder that only members may see."""

    origin: str
    log: Path

    @property
    def page(self) -> str:
        return f"{self.origin}/members/"

    def hook(self, **parameters: str) -> str:
        """The module's own address, with an order in the query."""
        return f"{self.origin}/members/callback?{urlencode(parameters)}"


def tool(slug: str, port: int, **properties: Any) -> dict[str, Any]:
    origin = f"http://localhost:{port}"
    return {
        "slug": slug,
        "redirect_uris": [f"{origin}/members/callback"],
        "post_logout_redirect_uris": [f"{origin}/bye.html"],
        "properties": {
            "scopes": "openid profile email offline_access",
            "offline_access": True,
            "backchannel_logout_uri": f"http://127.0.0.1:{port}/members/callback?logout=backchannel",
            **properties,
        },
    }


@pytest.fixture(scope="module")
def sites(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """The same folder three times: with a secret and no more, with all that the module can sign, told by a frame."""
    simple, signing, front = free_port(), free_port(), free_port()
    key = RSAKey.generate_key(2048, {"kid": "apache", "use": "sig", "alg": "RS256"}, private=True)
    folder = tmp_path_factory.mktemp("apache")
    (folder / "key.pem").write_bytes(key.as_pem(private=True))
    (folder / "certificate.pem").write_bytes(certificate_of(key))
    given = hub.connect(
        [
            tool("apache", simple),
            tool(
                "apache-signing",
                signing,
                token_endpoint_auth_method="private_key_jwt",
                client_jwks={"keys": [key.as_dict(private=False)]},
                algorithm="PS256",
                userinfo_signed_response_alg="ES256",
                require_signed_request_object=True,
            ),
            tool(
                "apache-front",
                front,
                backchannel_logout_uri="",
                frontchannel_logout_uri=f"http://localhost:{front}/members/callback?logout=get",
            ),
        ]
    )
    common = {
        "OIDCProviderMetadataURL": f"{hub.issuer}/.well-known/openid-configuration",
        "OIDCScope": '"openid profile email offline_access"',
        "OIDCPKCEMethod": "S256",
        "OIDCRemoteUserClaim": "sub",
        "OIDCInfoHook": "access_token access_token_expires id_token userinfo refresh_token session",
    }
    directives = {
        simple: {
            **common,
            "OIDCClientID": given["apache"]["client_id"],
            "OIDCClientSecret": given["apache"]["client_secret"],
            "OIDCProviderTokenEndpointAuth": "client_secret_basic",
            "OIDCDefaultLoggedOutURL": f"http://localhost:{simple}/bye.html",
        },
        signing: {
            **common,
            "OIDCClientID": given["apache-signing"]["client_id"],
            # The module takes the method only where it has read a key before, and crashes without its certificate.
            "OIDCPrivateKeyFiles": f"apache#{folder}/key.pem",
            "OIDCPublicKeyFiles": f"apache#{folder}/certificate.pem",
            "OIDCProviderTokenEndpointAuth": "private_key_jwt",
            "OIDCRequestObject": quoted(REQUEST_OBJECT),
            "OIDCResponseMode": "form_post",
            "OIDCIDTokenSignedResponseAlg": "PS256",
            "OIDCUserInfoSignedResponseAlg": "ES256",
            "OIDCDefaultLoggedOutURL": f"http://localhost:{signing}/bye.html",
        },
    }
    directives[front] = {
        **directives[simple],
        "OIDCClientID": given["apache-front"]["client_id"],
        "OIDCClientSecret": given["apache-front"]["client_secret"],
    }
    ports = {"simple": simple, "signing": signing, "front": front}
    with apache(directives) as log:
        yield {name: Site(f"http://localhost:{port}", log) for name, port in ports.items()}


def certificate_of(key: RSAKey) -> bytes:
    """A self-signed certificate, as PEM: the module wants its thumbprint."""
    private = serialization.load_pem_private_key(key.as_pem(private=True), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apache")]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
    lasting = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return lasting.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def quoted(value: object) -> str:
    """A JSON value as one word of Apache's configuration."""
    return '"' + json.dumps(value).replace('"', '\\"') + '"'


@pytest.fixture(params=["simple", "signing"])
def site(request: pytest.FixtureRequest, sites: dict[str, Site]) -> Site:
    return sites[request.param]


@pytest.fixture
def person(browser_of: BrowserOf, site: Site) -> Browser:
    """Somebody who has not opened the site yet."""
    return browser_of("lead", site.origin)


def text_of(page: Page, id_: str) -> str:
    found = re.search(rf'id="{id_}">([^<]*)<', page.text)
    assert found, page.text[:1000]
    return found.group(1)


def enter(person: Browser, site: Site) -> Page:
    page = person.go(site.page)
    assert isinstance(page, Page), page
    assert (page.url, page.status) == (site.page, 200), f"{page.url}\n{page.text[:1000]}\n{site.log.read_text()}"
    return page


def asks_for_a_login(person: Browser, site: Site) -> bool:
    """Whether the site sends this browser to the hub."""
    answer = person.session.get(site.page, allow_redirects=False, timeout=10)
    return answer.status_code == 302 and answer.headers["Location"].startswith(f"{person.hub}/oidc/authorize")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.2)


@pytest.mark.spec("OIDC Core", "3.1")
def test_apache_lets_a_member_in_and_knows_who_it_is(person, site):
    page = enter(person, site)

    assert text_of(page, "who")
    assert text_of(page, "email").endswith("@alizarine.example")


@pytest.mark.spec("OIDC Core", "12")
def test_apache_renews_its_tokens(person, site):
    enter(person, site)
    before = person.session.get(site.hook(info="json"), timeout=10).json()

    person.session.get(
        site.hook(refresh=f"{site.origin}/bye.html", access_token=before["access_token"]), timeout=10
    ).raise_for_status()

    after = person.session.get(site.hook(info="json"), timeout=10).json()
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert after["userinfo"]["sub"] == before["userinfo"]["sub"]


@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_signing_out_at_apache_signs_out_of_the_hub(person, site):
    enter(person, site)

    page = person.go(site.hook(logout=f"{site.origin}/bye.html"))

    assert isinstance(page, Page)
    assert page.url == f"{site.origin}/bye.html", page.text[:2000]
    assert asks_for_a_login(person, site)
    typed = person.passwords_typed
    enter(person, site)
    assert person.passwords_typed == typed + 1


@pytest.mark.spec("OIDC Back-Channel Logout", "2.5")
def test_signing_out_at_the_hub_ends_the_session_at_apache(person, site):
    enter(person, site)
    assert not asks_for_a_login(person, site)

    home = person.go(f"{person.hub}/")
    assert isinstance(home, Page)
    person.submit(home, sign_out_form(home))

    wait_until(lambda: asks_for_a_login(person, site))


@pytest.mark.spec("OIDC Back-Channel Logout", "2.4")
def test_one_persons_sign_out_leaves_the_others_session_at_apache(person, site, browser_of: BrowserOf):
    colleague = browser_of("member", site.origin)
    enter(person, site)
    enter(colleague, site)

    home = person.go(f"{person.hub}/")
    assert isinstance(home, Page)
    person.submit(home, sign_out_form(home))

    wait_until(lambda: asks_for_a_login(person, site))
    assert not asks_for_a_login(colleague, site)


@pytest.mark.spec("OIDC Front-Channel Logout", "2")
def test_a_frame_of_the_signed_out_page_ends_the_session_at_apache(sites, browser_of: BrowserOf):
    site = sites["front"]
    person = browser_of("lead", site.origin)
    enter(person, site)

    home = person.go(f"{person.hub}/")
    assert isinstance(home, Page)
    page = person.submit(home, sign_out_form(home))
    assert isinstance(page, Page)
    frames = [unescape(source) for source in re.findall(r'<iframe[^>]*\ssrc="([^"]*)"', page.text)]
    mine = [source for source in frames if source.startswith(site.origin)]
    assert not asks_for_a_login(person, site)
    # Without the browser's cookies, which it may hold back from a frame: issuer and session are in the address.
    requests.get(mine[0], timeout=10).raise_for_status()

    assert len(mine) == 1
    assert asks_for_a_login(person, site)


def sign_out_form(page: Page) -> str:
    return next(form.id for form in page.forms if form.action.endswith("/deconnexion/"))
