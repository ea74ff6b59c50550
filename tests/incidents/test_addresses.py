"""Addresses: each way by which a code once left another provider for a place that nobody had registered."""

import html

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.types import SYSTEM, Action
from idp.models import Tool
from idp.services.tools import register_tool
from tests.support.authorize import signed_request, with_keys
from tests.support.incidents import noted, nothing_given, stays_here
from tests.support.oidc import AFTER_LOGOUT, REDIRECT, Party, answer_of, connect

pytestmark = pytest.mark.django_db
HOME = "https://wiki.example/cb?a=1"


@pytest.fixture
def distant(wiki: Party) -> Party:
    """A tool on another machine, at one address with a query of its own."""
    Tool.objects.filter(pk=wiki.tool.pk).update(redirect_uris=HOME)
    return wiki


def foreign(party: Party, browser, uri: str, **changes: object) -> None:
    stays_here(party.authorize(browser, redirect_uri=uri, **changes))
    assert noted("redirect_uri_foreign", Action.AUTHORIZATION_REFUSED) == 1
    nothing_given()


def test_the_registered_address_is_answered(distant, browser):
    response = distant.authorize(browser, redirect_uri=HOME)

    assert response.status_code == 303
    assert response["Location"].startswith(HOME + "&code=")


@pytest.mark.incident("CVE-2026-7504")
@pytest.mark.spec("RFC 9700", "4.1.3")
@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example@wiki.example/cb?a=1",
        "https://wiki.example@evil.example/cb?a=1",
        "https://wiki.example@x@evil.example/cb?a=1",
        "https://a@b@wiki.example/cb?a=1",
        "https://evil.example%40wiki.example/cb?a=1",
        "https://wiki.example%40evil.example/cb?a=1",
        "https://@wiki.example/cb?a=1",
        "https://:@wiki.example/cb?a=1",
        "https://evil.example\\@wiki.example/cb?a=1",
    ],
)
def test_whoever_is_named_before_the_host_moves_no_answer(distant, browser, uri):
    foreign(distant, browser, uri)


@pytest.mark.incident("CVE-2026-3872")
@pytest.mark.spec("RFC 9700", "4.1.3")
@pytest.mark.parametrize(
    "uri",
    [
        "https://wiki.example/..;/cb?a=1",
        "https://wiki.example/cb/..;/evil?a=1",
        "https://wiki.example/cb;/../evil?a=1",
        "https://wiki.example/x/../cb?a=1",
        "https://wiki.example/./cb?a=1",
        "https://wiki.example/%2e%2e/cb?a=1",
        "https://wiki.example/%252e%252e/cb?a=1",
        "https://wiki.example/cb/%2e%2e%2fevil?a=1",
        "https://wiki.example/cb/%252e%252e%252fevil?a=1",
        "https://wiki.example/%63b?a=1",
        "https://wiki.example//cb?a=1",
        "https://wiki.example/cb\\..\\evil?a=1",
    ],
)
def test_no_other_spelling_of_the_path_is_answered(distant, browser, uri):
    foreign(distant, browser, uri)


@pytest.mark.incident("CVE-2024-8883")
@pytest.mark.spec("RFC 9700", "2.1")
@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost/callback",
        "http://localhost:1/callback",
        "http://127.0.0.1:9999/callback",
        "http://127.1:9999/callback",
        "http://2130706433:9999/callback",
        "http://[::1]:9999/callback",
        "http://[::ffff:127.0.0.1]:9999/callback",
        "http://0.0.0.0:9999/callback",
        "http://localhost.:9999/callback",
        "http://localhost.evil.example:9999/callback",
        "http://localhost:9999.evil.example/callback",
        "http://127.0.0.1.evil.example:9999/callback",
        "http://evil.example:9999/callback",
        "http://evil.example/callback",
        "https://localhost:9999/callback",
    ],
)
def test_a_tool_on_this_machine_opens_no_other_address(mobile, browser, uri):
    foreign(mobile, browser, uri)


@pytest.mark.incident("django-oauth-toolkit 3.4.1")
@pytest.mark.spec("RFC 6749", "3.1.2.3")
@pytest.mark.parametrize(
    "uri",
    [
        "https://wiki.example/cb",
        "https://wiki.example/cb?",
        "https://wiki.example/cb?a=2",
        "https://wiki.example/cb?A=1",
        "https://wiki.example/cb?a=1&b=2",
        "https://wiki.example/cb?b=2&a=1",
        "https://wiki.example/cb?a=1&a=1",
        "https://wiki.example/cb?a=1&",
        "https://wiki.example/cb?a=%31",
        "https://wiki.example/cb;x=1?a=1",
        "https://wiki.example/cb;?a=1",
        "https://user@wiki.example/cb?a=1",
        "https://user:word@wiki.example/cb?a=1",
        "https://wiki.example/cb?a=1#",
        "https://wiki.example/cb?a=1#x",
        "https://wiki.example/cb?a=1%23x",
        "https://wiki.example/CB?a=1",
        "https://WIKI.example/cb?a=1",
        "HTTPS://wiki.example/cb?a=1",
        "http://wiki.example/cb?a=1",
        "https://wiki.example:443/cb?a=1",
        " https://wiki.example/cb?a=1",
        "https://wiki.example/cb?a=1 ",
        "https://wiki.example/cb?a=1\n",
        "https://wiki.example/cb?a=1\x00",
    ],
)
def test_each_part_of_the_address_must_be_the_registered_one(distant, browser, uri):
    foreign(distant, browser, uri)


@pytest.mark.incident("CVE-2024-52289", "CVE-2026-41569")
@pytest.mark.parametrize(
    "uri",
    [
        "https://wikixexample/cb?a=1",
        "https://wiki-example/cb?a=1",
        "https://wiki.example.evil.example/cb?a=1",
        "https://wiki.example:evil.example/cb?a=1",
        "https://evilwiki.example/cb?a=1",
        "https://wiki.example/cb?a=1.evil",
        "https://wiki.example/cb?a=1/more",
        "https://wiki.example/ccb?a=1",
        "https://evil.example/?x=https://wiki.example/cb?a=1",
        "https://wiki.example/cbb?a=1",
        ".*",
        "https://.*",
    ],
)
def test_the_registered_address_is_neither_a_pattern_nor_a_prefix(distant, browser, uri):
    foreign(distant, browser, uri)


@pytest.mark.incident("CVE-2024-52289")
def test_a_star_that_somebody_registered_stands_for_itself(distant, browser):
    Tool.objects.filter(pk=distant.tool.pk).update(redirect_uris="https://*.wiki.example/.*")

    foreign(distant, browser, "https://evil.wiki.example/cb")


@pytest.mark.incident("LemonLDAP::NG, clients without addresses")
@pytest.mark.parametrize("uri", [REDIRECT, "https://evil.example/", "", None])
def test_a_tool_without_addresses_is_answered_nowhere(wiki, browser, uri):
    Tool.objects.filter(pk=wiki.tool.pk).update(redirect_uris="")

    stays_here(wiki.authorize(browser, redirect_uri=uri), "evil.example")

    reason = "redirect_uri_missing" if uri is None else "redirect_uri_foreign"
    assert noted(reason, Action.AUTHORIZATION_REFUSED) == 1
    nothing_given()


# Every way to answer, every way to fail -----------------------------------------------------------------------

MODES = [None, "query", "fragment", "form_post", "jwt", "query.jwt", "form_post.jwt", "web_message"]
FAULTS = {
    "none": {},
    "silence": {"prompt": "none"},
    "type": {"response_type": "token"},
    "scope": {"scope": "profile"},
    "prompt": {"prompt": "none login"},
    "challenge": {"code_challenge": None},
    "resource": {"resource": "https://api.example/"},
    "hint": {"id_token_hint": "e30.e30.e30"},
    "create": {"prompt": "create"},
    "object": {"request": "e30.e30.e30"},
    "reference": {"request_uri": "https://evil.example/request"},
}


@pytest.mark.incident("GHSA-9vm7-v8wj-3fqw")
@pytest.mark.parametrize("fault", FAULTS)
def test_no_mode_and_no_fault_answers_at_a_foreign_address(wiki, browser, fault):
    for mode in MODES:
        response = wiki.authorize(browser, redirect_uri="https://evil.example/cb", response_mode=mode, **FAULTS[fault])

        stays_here(response, "evil.example")
    reasons = ("redirect_uri_foreign", "request_not_supported", "request_uri_not_supported")
    assert sum(noted(reason, Action.AUTHORIZATION_REFUSED) for reason in reasons) == len(MODES)
    nothing_given()


@pytest.mark.incident("GHSA-9vm7-v8wj-3fqw")
@pytest.mark.parametrize("mode", ["query", "form_post", "jwt", "form_post.jwt"])
def test_a_signed_or_pushed_request_takes_no_answer_elsewhere(signing_key, browser, mode):
    party = with_keys("louty")
    changes = {"redirect_uri": "https://evil.example/cb", "response_mode": mode}
    inside = signed_request(party, **changes)

    signed = browser.get("/oidc/authorize", {"client_id": party.tool.client_id, "request": inside})
    beside = browser.get("/oidc/authorize", {**party.request(), "request": inside})
    pushed = party.post("/oidc/par", {**party.request(**changes), **party.credentials()})

    for response in (signed, beside):
        stays_here(response, "evil.example")
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")
    assert noted("redirect_uri_foreign", Action.AUTHORIZATION_REFUSED) == 2
    assert noted("redirect_uri_foreign") == 1
    nothing_given()


SCRIPTS = ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "java\tscript:alert(1)"]


@pytest.mark.incident("CVE-2024-21637")
@pytest.mark.parametrize("uri", SCRIPTS)
def test_no_form_ever_posts_to_a_script(wiki, browser, uri):
    foreign(wiki, browser, uri, response_mode="form_post")
    assert uri not in html.unescape(wiki.authorize(browser, redirect_uri=uri).content.decode())


@pytest.mark.incident("CVE-2026-9086", "CVE-2024-21637")
@pytest.mark.parametrize(
    "field",
    [
        *("redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "frontchannel_logout_uri"),
        *("launch_url", "client_jwks_uri", "client_uri", "logo_uri", "policy_uri", "tos_uri"),
    ],
)
def test_an_operator_cannot_register_a_script_by_mistake(db, field):
    for uri in [*SCRIPTS, "DATA:text/html,x", "\x01javascript:alert(1)", "//evil.example", "https:evil.example"]:
        addresses = {"redirect_uris": [REDIRECT], "post_logout_redirect_uris": [AFTER_LOGOUT]}
        single = {} if field in addresses else {field: uri}
        addresses |= {field: [uri]} if field in addresses else {}

        with pytest.raises(ValidationError) as told:
            register_tool(
                slug="carnet", name="Carnet", actor=SYSTEM, now=timezone.now(), properties=single, **addresses
            )

        assert field in told.value.message_dict, uri
    assert not Tool.objects.exists()


# The hub's own addresses --------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2023-49097", "GHSA-93m4-mfpg-c3xf", "CVE-2025-64101", "GHSA-pfrf-9r5f-73f5")
@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Server": "evil.example", "X-Original-Host": "evil.example"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"X-Forwarded-Prefix": "/evil.example", "X-Forwarded-Port": "666"},
    ],
)
def test_a_header_does_not_change_the_addresses_that_the_hub_writes(signing_key, browser, header):
    party = connect("ecran", grant_types="authorization_code urn:ietf:params:oauth:grant-type:device_code")
    party.http.defaults = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in header.items()}

    device = party.post("/oidc/device_authorization", {"scope": "openid"}).json()
    answer = answer_of(browser.get("/oidc/authorize", party.request(), headers=header))
    tokens = party.exchange(answer["code"]).json()
    discovery = party.http.get("/.well-known/openid-configuration").json()

    assert device["verification_uri_complete"].startswith("http://localhost:8000/appareil/?")
    assert answer["iss"] == party.claims(tokens["id_token"])["iss"] == discovery["issuer"] == "http://localhost:8000"
    assert "evil.example" not in str(discovery)


@pytest.mark.incident("CVE-2023-49097")
def test_a_host_that_is_not_the_hubs_gets_no_answer_at_all(signing_key, wiki):
    for path in ("/.well-known/openid-configuration", "/oidc/jwks", "/compte/connexion/"):
        response = wiki.http.get(path, headers={"Host": "evil.example"})

        assert response.status_code == 400
        assert b"evil.example" not in response.content
