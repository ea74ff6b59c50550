"""Signed authorization requests (RFC 9101), by value and at the authorization endpoint."""

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client

from idp import outgoing
from idp.models import Grant
from tests.support.authorize import (
    FOREIGN_KEY,
    RSA_KEY,
    back_from,
    query_of,
    random_text,
    refusals,
    seconds,
    signed_request,
    unsigned,
    with_keys,
)
from tests.support.oidc import REDIRECT, Party, answer_of, connect

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def signing(signing_key) -> Party:
    """A tool with registered keys."""
    return with_keys("signe")


def ask(party: Party, browser: Client, request: str, **outer: object):
    return browser.get("/oidc/authorize", {"client_id": party.tool.client_id, "request": request, **outer})


@pytest.mark.spec("RFC 9101", "5.1")
def test_a_signed_request_needs_nothing_beside_it_but_its_client(signing, browser):
    answer = answer_of(ask(signing, browser, signed_request(signing)))

    assert answer["state"] == "state-1"
    assert signing.exchange(answer["code"]).status_code == 200


@pytest.mark.spec("OIDC Core", "6.1")
@pytest.mark.parametrize("typ", ["JWT", "oauth-authz-req+jwt"])
@pytest.mark.parametrize(("alg", "key"), [("RS256", RSA_KEY), ("PS256", RSA_KEY)])
def test_rsa_keys_sign_as_well(signing, browser, typ, alg, key):
    assert "code" in answer_of(ask(signing, browser, signed_request(signing, alg=alg, key=key, typ=typ)))


@pytest.mark.spec("RFC 9101", "6.3")
def test_what_stands_beside_the_object_is_not_looked_at(signing, browser):
    response = ask(
        signing,
        browser,
        signed_request(signing, state="inside", nonce="inside"),
        state="outside",
        nonce="outside",
        scope="openid email",
        redirect_uri="https://evil.example/",
        response_type="code",
    )

    assert answer_of(response)["state"] == "inside"
    assert Grant.objects.get().nonce == "inside"


@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_a_state_outside_only_is_not_used(signing, browser):
    answer = answer_of(ask(signing, browser, signed_request(signing, state=None), state="outside"))

    assert "code" in answer
    assert "state" not in answer


@pytest.mark.spec("RFC 9101", "6.3")
def test_another_client_outside_is_refused(signing, agenda, browser):
    response = browser.get("/oidc/authorize", {"client_id": agenda.tool.client_id, "request": signed_request(signing)})

    assert response.status_code == 400
    assert b"request_not_supported" in response.content


@pytest.mark.spec("OIDC Core", "6.1")
def test_a_response_type_outside_must_be_the_one_inside(signing, browser):
    response = ask(
        signing, browser, signed_request(signing, response_type="code"), response_type="token", redirect_uri=REDIRECT
    )

    assert answer_of(response)["error"] == "invalid_request_object"


@pytest.mark.spec("RFC 9101", "6.2")
@pytest.mark.parametrize(
    "bad",
    [
        lambda party: signed_request(party, key=FOREIGN_KEY),
        lambda party: signed_request(party)[:-6] + "AAAAAA",
        lambda party: unsigned(dict(party.request())),
        lambda party: signed_request(party, exp=seconds() - 5),
        lambda party: signed_request(party, aud="https://other.example"),
        lambda party: signed_request(party, iss="somebody"),
        lambda party: signed_request(party, nbf=seconds() + 120),
        lambda party: signed_request(party, client_id="somebody"),
        lambda party: signed_request(party, request="e30.e30."),
        lambda party: signed_request(party, request_uri="https://tool.example/r"),
        lambda party: signed_request(party, typ="dpop+jwt"),
        lambda party: signed_request(party, nonce={"a": 1}),
        lambda party: "e30.e30.e30",
        lambda party: "x",
    ],
)
def test_an_object_that_is_not_right_is_refused_where_the_request_can_be_answered(signing, browser, bad):
    answer = answer_of(ask(signing, browser, bad(signing), redirect_uri=REDIRECT, state="outside"))

    assert (answer["error"], answer["state"], answer["iss"]) == ("invalid_request_object", "outside", settings.ISSUER)
    assert not Grant.objects.exists()


def test_an_object_that_is_not_right_is_a_page_where_no_address_is_known(signing, browser):
    response = ask(signing, browser, signed_request(signing, key=FOREIGN_KEY))

    assert response.status_code == 400
    assert b"invalid_request_object" in response.content
    assert refusals("request_object_signature") == 1


@pytest.mark.spec("RFC 9101", "5")
def test_an_object_without_an_address_is_refused_although_one_stands_beside(signing, browser):
    response = ask(signing, browser, signed_request(signing, redirect_uri=None), redirect_uri=REDIRECT)

    assert response.status_code == 400
    assert refusals("redirect_uri_missing") == 1


def test_a_foreign_address_inside_is_a_page_and_never_a_redirect(signing, browser):
    response = ask(
        signing, browser, signed_request(signing, redirect_uri="https://evil.example/"), redirect_uri=REDIRECT
    )

    assert response.status_code == 400
    assert refusals("redirect_uri_foreign") == 1


@pytest.mark.spec("OIDC Core", "3.1.2.6")
def test_a_tool_without_keys_is_told_that_it_cannot_sign(wiki, browser):
    answer = answer_of(wiki.authorize(browser, request=unsigned(dict(wiki.request()))))

    assert answer["error"] == "request_not_supported"


@pytest.mark.incident("CVE-2026-4366")
@pytest.mark.spec("OIDC Core", "3.1.2.6")
@pytest.mark.parametrize("uri", ["https://tool.example/r", "http://169.254.169.254/", "urn:ietf:params:oauth:x", "x"])
def test_no_address_is_ever_fetched(wiki, browser, uri):
    assert answer_of(wiki.authorize(browser, request_uri=uri))["error"] == "request_uri_not_supported"


@pytest.mark.spec("OIDC Core", "3.1.2.6")
def test_a_registration_in_the_request_is_refused_by_name(wiki, browser):
    assert answer_of(wiki.authorize(browser, registration="{}"))["error"] == "registration_not_supported"


@pytest.mark.spec("RFC 9101", "5")
def test_an_object_and_an_address_together_are_refused(signing, browser):
    response = ask(
        signing,
        browser,
        signed_request(signing),
        request_uri="urn:ietf:params:oauth:request_uri:x",
        redirect_uri=REDIRECT,
    )

    assert answer_of(response)["error"] == "invalid_request"


@pytest.mark.spec("RFC 9101", "10.5")
def test_a_tool_that_must_sign_is_refused_without(signing_key, browser):
    party = with_keys("stricte", require_signed_request_object=True)

    plain = answer_of(party.authorize(browser))
    signed = answer_of(ask(party, browser, signed_request(party)))

    assert plain["error"] == "invalid_request"
    assert refusals("not_signed", party.tool) == 1
    assert "code" in signed


def test_values_of_the_object_are_checked_like_any_other(signing, browser):
    answer = answer_of(ask(signing, browser, signed_request(signing, code_challenge_method="plain")))

    assert answer["error"] == "invalid_request"
    assert refusals("pkce_method") == 1


def test_numbers_and_claims_may_be_json_inside(signing, browser):
    request = signed_request(signing, max_age=600, claims={"id_token": {"acr": {"essential": True}}})

    answer_of(ask(signing, browser, request))

    assert "essential" in Grant.objects.get().claims


def test_a_signed_request_waits_for_its_member_as_it_was_signed(signing):
    browser = Client()

    back = back_from(ask(signing, browser, signed_request(signing, state="inside")))

    assert "inside" not in back
    assert len(back) < 120
    (waiting,) = browser.session["waiting_requests"].values()
    assert ["state", "inside"] in waiting["request"][0]
    assert waiting["request"][2] is True


# Long ones ---------------------------------------------------------------------------------------------------


def test_a_long_request_by_post_is_fetched_again_by_a_short_address(signing, browser):
    request = signed_request(signing, state=random_text(2048), nonce=random_text(2048))
    body = urlencode({"client_id": signing.tool.client_id, "request": request})
    assert len(body) > 5000

    first = Client().post("/oidc/authorize", body, content_type=FORM)

    assert first.status_code == 303
    assert len(first["Location"]) < 100
    assert settings.SESSION_COOKIE_NAME not in first.cookies
    assert "code" in answer_of(browser.get(first["Location"]))


def test_a_long_request_is_kept_for_a_known_tool_only(signing):
    body = urlencode({"client_id": "nobody", "redirect_uri": REDIRECT, "state": random_text(4000)})

    response = Client().post("/oidc/authorize", body, content_type=FORM)

    assert response.status_code == 400
    assert refusals("too_long") == 1


def test_an_object_of_any_length_is_refused_calmly(signing, browser):
    answer = query_of(
        browser.post(
            "/oidc/authorize",
            urlencode({"client_id": signing.tool.client_id, "redirect_uri": REDIRECT, "request": "a" * 200_000}),
            content_type=FORM,
        )
    )

    assert answer["error"] == "invalid_request"


def test_a_tool_whose_keys_cannot_be_had_is_told_so(signing_key, browser):
    party = connect("muet", client_jwks_uri="http://127.0.0.1:9/jwks")

    answer = answer_of(ask(party, browser, signed_request(party), redirect_uri=REDIRECT))

    assert answer["error"] == "invalid_request_object"
    assert refusals("request_object_keys_unavailable") == 1


def test_a_tool_that_publishes_an_odd_key_set_is_told_so_and_asked_once(signing_key, browser, monkeypatch):
    party, asked = connect("bizarre", client_jwks_uri="http://localhost:9/odd"), []
    odd = {"keys": [{"kty": "EC", "crv": ["P-256"], "x": "A", "y": "A"}]}
    monkeypatch.setattr(outgoing, "get_json", lambda uri, **_: asked.append(uri) or odd)

    answers = [answer_of(ask(party, browser, signed_request(party), redirect_uri=REDIRECT)) for _ in range(5)]

    assert {answer["error"] for answer in answers} == {"invalid_request_object"}
    assert refusals("request_object_keys_unavailable") == 5
    assert len(asked) == 1
