"""Logins by openid-client and oauth4webapi, two certified libraries for JavaScript, each on its own code path.

Both check what the specifications let a client check: state, nonce, issuer, audience, times, algorithms, signatures.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from tests.parties.browser import Browser, Page
from tests.parties.conftest import BrowserOf, Hub
from tests.parties.program import run

CALLBACK = "http://localhost:9/callback"
AFTER_LOGOUT = "http://localhost:9/au-revoir"
SCOPE = "openid profile email"
OFFLINE = f"{SCOPE} offline_access"
RESOURCE = "https://factures.example.org/api"
CODE, DEVICE = "authorization_code", "urn:ietf:params:oauth:grant-type:device_code"
MACHINE, EXCHANGE = "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"
HASHES = {"RS256": "sha256", "PS256": "sha256", "ES256": "sha256", "Ed25519": "sha512"}


def new_key(alg: str, **more: str) -> dict[str, Any]:
    """A private key of a tool, as JWK."""
    key: Key
    if alg.startswith("ES"):
        key = ECKey.generate_key("P-256", private=True)
    elif alg == "Ed25519":
        key = OKPKey.generate_key("Ed25519", private=True)
    else:
        key = RSAKey.generate_key(2048, private=True)
    return {**key.as_dict(private=True), "kid": key.thumbprint(), "alg": alg, "use": "sig", **more}


def public(*keys: dict[str, Any]) -> dict[str, Any]:
    return {"keys": [{n: v for n, v in key.items() if n not in ("d", "p", "q", "dp", "dq", "qi")} for key in keys]}


KEYS = {
    "ES256": new_key("ES256"),
    "PS256": new_key("PS256"),
    "Ed25519": new_key("Ed25519"),
    "sealing": new_key("RSA-OAEP-256", use="enc"),
}
# What the operator chose for each tool, and what the library is told of it.
TOOLS: dict[str, dict[str, Any]] = {
    "simple": {"offline_access": True, "scopes": OFFLINE, "grant_types": f"{CODE} {EXCHANGE}"},
    "post": {"token_endpoint_auth_method": "client_secret_post", "algorithm": "PS256"},
    "public": {"token_endpoint_auth_method": "none", "algorithm": "ES256", "offline_access": True, "scopes": OFFLINE},
    "secret-jwt": {"token_endpoint_auth_method": "client_secret_jwt"},
    "key-jwt": {
        "token_endpoint_auth_method": "private_key_jwt",
        "algorithm": "Ed25519",
        "client_jwks": public(KEYS["Ed25519"]),
    },
    "sealed": {
        "client_jwks": public(KEYS["sealing"]),
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "id_token_encrypted_response_enc": "A256GCM",
        "userinfo_signed_response_alg": "ES256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_encrypted_response_enc": "A256GCM",
    },
    "bound": {
        "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": True,
        "offline_access": True,
        "scopes": OFFLINE,
        "access_token_format": "jwt",
        "resources": RESOURCE,
    },
    "bank": {
        "token_endpoint_auth_method": "private_key_jwt",
        "client_jwks": public(KEYS["PS256"]),
        "algorithm": "PS256",
        "authorization_signed_response_alg": "PS256",
        "security_profile": "fapi2_signed",
        "require_pushed_authorization_requests": True,
        "require_signed_request_object": True,
        "dpop_bound_access_tokens": True,
        "offline_access": True,
        "scopes": OFFLINE,
    },
    "asked": {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": public(KEYS["ES256"])},
    "invoices": {"resource_identifier": RESOURCE, "introspection_signed_response_alg": "ES256"},
    "caller": {"resources": RESOURCE, "offline_access": True, "scopes": OFFLINE},
    "robot": {
        "grant_types": f"{CODE} {MACHINE}",
        "resources": RESOURCE,
        "access_token_format": "jwt",
        "token_endpoint_auth_method": "private_key_jwt",
        "client_jwks": public(KEYS["ES256"]),
    },
    "television": {"token_endpoint_auth_method": "none", "grant_types": f"{CODE} {DEVICE}"},
}
TOLD: dict[str, dict[str, Any]] = {
    "post": {"method": "client_secret_post", "metadata": {"id_token_signed_response_alg": "PS256"}},
    "public": {"method": "none", "metadata": {"id_token_signed_response_alg": "ES256"}},
    "secret-jwt": {"method": "client_secret_jwt"},
    "key-jwt": {
        "method": "private_key_jwt",
        "key": KEYS["Ed25519"],
        "metadata": {"id_token_signed_response_alg": "Ed25519"},
    },
    "sealed": {
        "metadata": {"userinfo_signed_response_alg": "ES256"},
        "decryption": {"key": KEYS["sealing"], "enc": "A256GCM"},
    },
    "bound": {"method": "none"},
    "bank": {
        "method": "private_key_jwt",
        "key": KEYS["PS256"],
        "metadata": {"id_token_signed_response_alg": "PS256", "authorization_signed_response_alg": "PS256"},
    },
    "asked": {"method": "private_key_jwt", "key": KEYS["ES256"]},
    "invoices": {"metadata": {"introspection_signed_response_alg": "ES256"}},
    "robot": {"method": "private_key_jwt", "key": KEYS["ES256"]},
    "television": {"method": "none"},
}


@pytest.fixture(scope="session")
def parties(hub: Hub) -> dict[str, dict[str, Any]]:
    """What each party needs to know of itself."""
    tools = [
        {
            "slug": slug,
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [AFTER_LOGOUT],
            "properties": properties,
        }
        for slug, properties in TOOLS.items()
    ]
    given = hub.connect(tools, [{"source": "simple", "target": "invoices", "scopes": SCOPE}])
    return {
        slug: {
            "id": given[slug]["client_id"],
            "secret": given[slug]["client_secret"],
            "method": "client_secret_basic",
            "metadata": {},
            **TOLD.get(slug, {}),
        }
        for slug in TOOLS
    }


@pytest.fixture(params=["openid_client", "oauth4webapi"])
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Play:
    """Runs scenarios of one library for the person of one browser."""

    def __init__(self, hub: Hub, library: str, parties: dict[str, dict[str, Any]], browser: Browser) -> None:
        self.hub, self.library, self.parties, self.browser = hub, library, parties, browser

    def __call__(self, scenario: str, slug: str, *then: str, deeds: Any = None, **more: Any) -> Any:
        orders = {
            "scenario": scenario,
            "issuer": self.hub.issuer,
            "party": self.parties[slug],
            "redirect_uri": CALLBACK,
            "after_logout": AFTER_LOGOUT,
            "scope": SCOPE,
            "then": then,
            **more,
        }
        return run(self.library, orders, self.browser, deeds)


@pytest.fixture
def play(hub: Hub, library: str, parties: dict[str, dict[str, Any]], browser: Browser) -> Play:
    return Play(hub, library, parties, browser)


def half_hash(token: str, alg: str) -> str:
    """OpenID Connect Core §3.1.3.6; neither library compares it in the code flow."""
    digest = hashlib.new(HASHES[alg], token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.spec("OIDC Core", "3.1")
@pytest.mark.parametrize(
    ("slug", "alg"),
    [("simple", "RS256"), ("post", "PS256"), ("public", "ES256"), ("secret-jwt", "RS256"), ("key-jwt", "Ed25519")],
)
def test_a_login_succeeds_with_each_way_to_authenticate_and_each_signature(play, slug, alg):
    told = play("login", slug, "userinfo")

    assert (told["header"]["alg"], told["claims"]["iss"]) == (alg, play.hub.issuer)
    assert told["claims"]["at_hash"] == half_hash(told["tokens"]["access_token"], alg)
    assert told["userinfo"]["sub"] == told["claims"]["sub"]
    assert told["userinfo"]["email"].endswith("@alizarine.example")


@pytest.mark.spec("RFC 9207", "2.4")
@pytest.mark.spec("RFC 7636", "4.6")
def test_what_was_changed_on_the_way_is_refused_by_the_library_or_by_the_hub(play):
    told = play("tampered", "simple")

    assert all(told[name] for name in ("state", "no state", "iss", "no iss"))
    assert all("iss" in json.dumps(told[name]) for name in ("iss", "no iss"))
    assert told["verifier"]["error"] == "invalid_grant"


@pytest.mark.spec("RFC 6749", "4.1.2")
def test_a_code_used_twice_is_refused_and_takes_its_first_token_along(play):
    told = play("replayed", "simple")

    assert told["second"]["error"] == "invalid_grant"
    assert told["userinfo"]["status"] == 401


@pytest.mark.spec("OIDC Core", "12")
@pytest.mark.spec("RFC 7009", "2")
@pytest.mark.parametrize("slug", ["simple", "public"])
def test_tokens_are_renewed_then_revoked_with_all_that_came_of_them(play, slug):
    told = play("login", slug, "refresh", "userinfo", "revoke", "userinfo_after", scope=OFFLINE)

    renewed = told["refresh"]
    assert renewed["tokens"]["refresh_token"] != told["tokens"]["refresh_token"]
    assert renewed["tokens"]["access_token"] != told["tokens"]["access_token"]
    assert told["userinfo"]["sub"] == told["claims"]["sub"]
    assert told["revoke"]["error"] == "invalid_grant"
    assert told["userinfo_after"]["status"] == 401


@pytest.mark.spec("OIDC Core", "12.2")
def test_a_renewed_id_token_speaks_of_the_same_sign_in(play):
    told = play("login", "simple", "refresh", scope=OFFLINE, max_age=3600)

    first, second = told["claims"], told["refresh"]["claims"]
    assert second is not None
    assert {name: second[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: first[name] for name in ("iss", "sub", "aud", "auth_time")
    }


@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_max_age_makes_the_person_prove_themselves_again_and_the_library_sees_when(play):
    before = play("login", "simple", max_age=10_000)["claims"]["auth_time"]
    typed = play.browser.passwords_typed

    after = play("login", "simple", max_age=0)["claims"]["auth_time"]

    assert after >= before
    assert play.browser.passwords_typed == typed + 1


@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_a_sign_out_at_the_hub_comes_back_and_leaves_no_session(hub, library, parties, browser_of: BrowserOf):
    play = Play(hub, library, parties, browser_of("member"))

    told = play("login", "simple", "logout", "silent")

    assert told["logout"] == f"{AFTER_LOGOUT}?state=till-next-time"
    assert told["silent"]["error"] == "login_required"


@pytest.mark.spec("OAuth Form Post", "2")
def test_an_answer_by_form_is_read_by_the_library(play):
    told = play("login", "simple", parameters={"response_mode": "form_post"})

    assert told["answered"] == "POST"
    assert told["claims"]["aud"] == play.parties["simple"]["id"]


@pytest.mark.spec("OIDC Core", "5.5")
@pytest.mark.parametrize("signed", [False, True])
def test_a_claim_asked_for_by_name_comes_where_it_was_asked(play, signed):
    wishes = {"userinfo": {"email": {"essential": True}}, "id_token": {"name": None}}

    told = play("login", "asked", "userinfo", scope="openid", parameters={"claims": json.dumps(wishes)}, signed=signed)

    assert told["claims"]["name"]
    assert "email" not in told["claims"]
    assert told["userinfo"]["email"]
    assert "name" not in told["userinfo"]


@pytest.mark.spec("RFC 9126", "2")
def test_a_request_is_pushed_and_the_browser_carries_its_name_only(play):
    told = play("login", "simple", "userinfo", pushed=True)

    assert set(parse_qs(urlsplit(told["asked"]).query)) == {"client_id", "request_uri"}
    assert told["userinfo"]["sub"] == told["claims"]["sub"]


@pytest.mark.spec("RFC 9101", "5.1")
@pytest.mark.parametrize("pushed", [False, True])
def test_a_signed_request_is_taken_in_the_address_and_pushed(play, pushed):
    told = play("login", "asked", signed=True, pushed=pushed)

    assert told["claims"]["aud"] == play.parties["asked"]["id"]


@pytest.mark.spec("JARM", "2.3")
def test_a_signed_answer_is_verified_by_the_library(play):
    told = play("login", "simple", jarm=True)

    assert set(parse_qs(urlsplit(told["answered"]).query)) == {"response"}
    assert told["claims"]["iss"] == play.hub.issuer


@pytest.mark.spec("JARM", "2.3.3")
@pytest.mark.parametrize("library", ["oauth4webapi"], indirect=True)
def test_a_signed_answer_comes_by_form_where_the_library_can_ask_for_that(play):
    told = play("login", "simple", jarm=True, parameters={"response_mode": "form_post.jwt"})

    assert told["answered"] == "POST"
    assert told["claims"]["iss"] == play.hub.issuer


@pytest.mark.spec("OIDC Core", "16.14")
def test_an_encrypted_id_token_and_userinfo_open_with_the_tools_key(play):
    told = play("login", "sealed", "userinfo")

    assert told["outer"]["enc"] == "A256GCM"
    assert told["header"]["alg"] == "RS256"
    assert told["userinfo"]["sub"] == told["claims"]["sub"]


@pytest.mark.spec("RFC 9449", "5")
@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
def test_tokens_bound_to_a_key_work_with_proofs_and_not_without(play, alg):
    told = play("login", "bound", "userinfo", "refresh", "userinfo_after", "stolen", dpop=alg, scope=OFFLINE)

    assert told["tokens"]["token_type"] == "dpop"
    assert told["userinfo"]["sub"] == told["claims"]["sub"]
    assert told["refresh"]["tokens"]["token_type"] == "dpop"
    assert told["userinfo_after"] is None
    assert told["stolen"]["status"] == 401


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2")
@pytest.mark.spec("FAPI 2.0 MS", "5")
def test_the_hardest_profile_is_passed_with_every_part_of_it(play):
    told = play(
        "login", "bank", "userinfo", "refresh", dpop="ES256", signed=True, pushed=True, jarm=True, scope=OFFLINE
    )

    assert set(parse_qs(urlsplit(told["answered"]).query)) == {"response"}
    assert told["header"]["alg"] == "PS256"
    assert told["tokens"]["token_type"] == "dpop"
    assert told["userinfo"]["sub"] == told["claims"]["sub"]
    assert told["refresh"]["tokens"]["token_type"] == "dpop"


@pytest.mark.spec("RFC 7662", "2")
@pytest.mark.spec("RFC 9701", "5")
def test_a_resource_learns_of_a_token_meant_for_it_in_a_signed_answer(play):
    told = play(
        "login",
        "caller",
        "introspect",
        resource_server=play.parties["invoices"],
        parameters={"resource": RESOURCE},
        token_parameters={"resource": RESOURCE},
    )

    about = told["introspect"]
    assert about["active"] is True
    assert about["client_id"] == play.parties["caller"]["id"]


@pytest.mark.spec("RFC 7662", "2.2")
def test_a_resource_learns_nothing_of_a_token_meant_for_another(play):
    told = play("login", "simple", "introspect", resource_server=play.parties["invoices"])

    assert told["introspect"] == {"active": False}


@pytest.mark.spec("RFC 6749", "4.4")
def test_a_tool_gets_a_token_of_its_own(play):
    told = play("machine", "robot", "introspect", resource_server=play.parties["invoices"])

    assert "refresh_token" not in told["tokens"]
    assert "id_token" not in told["tokens"]


@pytest.mark.spec("RFC 9068", "4")
@pytest.mark.parametrize("library", ["oauth4webapi"], indirect=True)
def test_a_resource_verifies_an_access_token_by_itself(play):
    resource = {"token_parameters": {"resource": RESOURCE}, "audience": RESOURCE}

    alone = play("machine", "robot", "resource", **resource)
    bound = play("login", "bound", "resource", dpop="ES256", parameters={"resource": RESOURCE}, **resource)

    assert alone["resource"]["client_id"] == play.parties["robot"]["id"]
    assert bound["resource"]["client_id"] == play.parties["bound"]["id"]
    assert bound["resource"]["cnf"]["jkt"]


@pytest.mark.spec("RFC 8693", "2")
def test_a_token_is_exchanged_for_one_of_a_paired_tool_that_says_who_acts(play):
    invoices = play.parties["invoices"]

    told = play(
        "login", "simple", "exchange", "introspect", exchange={"audience": invoices["id"]}, resource_server=invoices
    )

    assert told["exchange"]["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert told["exchange"]["access_token"] != told["tokens"]["access_token"]
    assert told["introspect"]["active"] is True
    assert told["introspect"]["act"]["sub"] == play.parties["simple"]["id"]


@pytest.mark.spec("RFC 8628", "3")
def test_a_device_without_a_browser_is_let_in_by_a_person_with_one(play):
    def approve(started: dict[str, Any]) -> None:
        page = play.browser.go(started["verification_uri_complete"])
        for _ in range(3):
            form = next((each for each in page.forms if each.id.startswith("device")), None)
            if form is None:
                return
            page = play.browser.submit(page, form.id, answer="accept")
            assert isinstance(page, Page)

    told = play("device", "television", deeds={"approve": approve})

    assert told["userinfo"]["sub"] == told["claims"]["sub"]
    assert told["started"]["user_code"] in told["started"]["verification_uri_complete"]
    if play.library == "oauth4webapi":
        # The other library asks again by itself, and tells only of the end.
        assert (told["early"]["error"], told["again"]["error"]) == ("authorization_pending", "invalid_grant")


@pytest.fixture(scope="module")
def registering(hub: Hub) -> Iterator[str]:
    """The issuer of a hub at which programs may register tools."""
    with hub.beside(TROUSSEAU_DYNAMIC_REGISTRATION="true") as issuer:
        yield issuer


@pytest.mark.spec("RFC 7591", "3")
def test_a_tool_registers_itself_and_members_can_enter(hub, library, registering):
    token = hub.run("tests.parties.connect", {"registration": 1})["initial_access_token"]
    wanted = {
        "client_name": "Outil venu seul",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "ES256",
    }
    orders = {
        "scenario": "register",
        "issuer": registering,
        "initial_access_token": token,
        "metadata": wanted,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "then": ["userinfo"],
    }

    told = run(library, orders, Browser(registering, hub.demo.account("lead")))

    assert {name: told["metadata"][name] for name in wanted} == wanted
    assert (told["header"]["alg"], told["claims"]["aud"]) == ("ES256", told["metadata"]["client_id"])
    assert told["userinfo"]["sub"] == told["claims"]["sub"]


def test_the_keys_of_the_parties_are_really_used() -> None:
    """A tool's set must hold public parts only, or the tests above would prove less than they say."""
    published = KeySet.import_key_set(public(*KEYS.values()))

    assert not any(key.is_private for key in published.keys)
