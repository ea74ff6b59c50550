# mypy: disable-error-code="misc"
"""FAPI 2.0 Security Profile: private_key_jwt and DPoP; and the same rows again with message signing (JAR, JARM)."""

import base64
import json
import secrets
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from itertools import cycle
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey

from tests.certification import jose
from tests.certification.browser import CONSENT, Arrival, Journey
from tests.certification.differences import difference
from tests.certification.fapi import FapiParty, new_key
from tests.certification.left import Left, fapi_party, wait_until
from tests.certification.party import check_error, error_of, nonce_of_43
from tests.certification.plans import FAPI
from tests.certification.providers import Provider
from tests.certification.test_basic import PERSONAL, check_says_something

ERROR_PAGE = "error page"


@pytest.fixture
def party(op: Provider, plan: str) -> FapiParty:
    return fapi_party(op, plan)


@pytest.fixture
def second(op: Provider, plan: str) -> FapiParty:
    return fapi_party(op, plan, second=True)


def row(name: str) -> pytest.MarkDecorator:
    return pytest.mark.module(f"fapi2-security-profile-final-{name}", plans=FAPI)


def refused(party: FapiParty, journey: Journey) -> str:
    """The error that the tool was told of, signed or plain, without a code; or that the person was kept on a page."""
    if not isinstance(journey.end, Arrival):
        assert journey.end.is_error, journey.end.text[:2000]
        return ERROR_PAGE
    values = journey.end.values
    if "response" in values:
        values = jose.verified(values["response"], party.op.keys(), algorithm="ES256")
    assert "code" not in values
    return check_error(values)


# RFC 9110 §12.5.1.
ACCEPTED = ("application/json", "application/json;charset=UTF-8", "application/json, application/*+json, */*")


def check_login(party: FapiParty, journey: Journey) -> None:
    assert party.works(party.tokens(party.exchange(party.code(journey))))


# The request --------------------------------------------------------------------------------------------------------


@row("happy-flow")
@pytest.mark.spec("FAPI 2.0 SP", "5.3")
def test_fapi2_security_profile_final_happy_flow(op: Provider, party: FapiParty, second: FapiParty):
    # The first tool's request object says no type; the second names its key without showing a proof.
    pushed = party.pushed(typ=None)
    first = party.code(party.visit(op.browser(), pushed))
    odd = {"state": secrets.token_urlsafe(96), "nonce": nonce_of_43(), "dpop_jkt": second.dpop_key.thumbprint()}
    other = second.code(second.visit(op.browser(), second.pushed(**odd), repeats=False))

    for tool, code in ((party, first), (second, other)):
        tokens = tool.tokens(tool.exchange(code))
        tool.claims_about(tokens)
        assert len(code) >= 22
        # FAPI 2.0 SP §5.3.2.2: a code lives a minute at most; access tokens are short-lived.
        assert tokens.raw["expires_in"] <= 3600
    assert second.asked["nonce"] == odd["nonce"]


@row("happy-flow")
@pytest.mark.spec("RFC 6750", "2.3")
def test_fapi2_security_profile_final_happy_flow_at_the_resource(op: Provider, party: FapiParty):
    url = op.endpoint("userinfo")
    token = party.login(op.browser()).access_token

    accepted = {accept: party.userinfo(token, Accept=accept).status_code for accept in ACCEPTED}
    proof = party.proof("GET", url, access_token=token)
    by_address = op.http.get(url, params={"access_token": token}, headers={"DPoP": proof}, timeout=20)

    assert set(accepted.values()) == {200}, accepted
    # FAPI 2.0 SP §5.3.4: not by query.
    assert 400 <= by_address.status_code < 500


@row("happy-flow")
@pytest.mark.spec("RFC 9449", "8")
def test_fapi2_security_profile_final_happy_flow_with_one_assertion_for_both_attempts(op: Provider, party: FapiParty):
    code = party.code(party.authorize(op.browser()))
    assertion = party.assertion()
    # So that the first attempt is answered with a nonce, where the provider wants one.
    party.nonce = ""

    tokens = party.tokens(party.exchange(code, assertion=lambda: assertion))

    assert party.works(tokens)


@row("user-rejects-authentication")
@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_fapi2_security_profile_final_user_rejects_authentication(op: Provider, party: FapiParty, second: FapiParty):
    # With data to refuse: the hub asks nothing for an identifier alone, nor of whoever agreed before.
    browser = op.newcomer()
    for tool in (party, second):
        state = secrets.token_urlsafe(96)
        journey = tool.authorize(browser, scope="openid email", state=state, consents=False)

        assert CONSENT in journey.shown
        assert tool.error(journey) == "access_denied"


@row("ensure-authorization-request-without-state-success")
@pytest.mark.spec("RFC 6749", "4.1.1")
def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(
    op: Provider, party: FapiParty
):
    journey = party.authorize(op.browser(), state=None)

    assert "state" not in party.answer(journey)
    check_login(party, journey)


@row("ensure-authorization-request-without-nonce-success")
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(
    op: Provider, party: FapiParty
):
    tokens = party.login(op.browser(), nonce=None)

    assert "nonce" not in tokens.claims


@row("ensure-authorization-request-with-64-char-nonce-success")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
    op: Provider, party: FapiParty
):
    nonce = secrets.token_urlsafe(48)
    assert len(nonce) == 64

    assert party.login(op.browser(), nonce=nonce).claims["nonce"] == nonce


@row("ensure-authorization-request-with-long-nonce")
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(op: Provider, party: FapiParty):
    nonce = secrets.token_urlsafe(288)
    assert len(nonce) == 384

    assert party.login(op.browser(), nonce=nonce).claims["nonce"] == nonce


@row("ensure-authorization-request-with-long-state")
@pytest.mark.spec("RFC 6749", "4.1.2")
def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(op: Provider, party: FapiParty):
    state = secrets.token_urlsafe(750)
    assert len(state) == 1000

    journey = party.authorize(op.browser(), state=state)

    assert party.answer(journey)["state"] == state
    check_login(party, journey)


@row("ensure-other-scope-order-succeeds")
@pytest.mark.spec("RFC 6749", "3.3")
def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(op: Provider, party: FapiParty):
    tokens = party.login(op.browser(), scope="email openid")

    assert "email" in party.claims_about(tokens)


# OpenID Connect Core §5.5.1, and a member that nobody knows.
FORMS: tuple[Any, ...] = (None, {}, {"essential": True}, {"essential": False}, {"abc": "def"})


@row("test-claims-parameter-identity-claims")
@pytest.mark.spec("OIDC Core", "5.5")
def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(op: Provider, party: FapiParty):
    standard = sorted(({"sub"} | PERSONAL) & set(op.metadata["claims_supported"]))
    each = dict(zip(standard, cycle(FORMS), strict=False))
    # Also in a place that nobody knows.
    wanted = {"id_token": each, "userinfo": each, f"X{secrets.token_hex(4)}": {"foo": None}}

    tokens = party.login(op.browser(), claims=json.dumps(wanted))
    about = party.claims_about(tokens)

    assert {"name", "email", "address"} <= set(standard)
    assert set(standard) <= about.keys()
    assert set(standard) <= tokens.claims.keys()
    check_says_something(about)


@row("test-claims-parameter-identity-claims")
@pytest.mark.spec("OIDC Core", "5.5")
def test_fapi2_security_profile_final_test_claims_parameter_identity_claims_each_in_its_place(
    op: Provider, party: FapiParty
):
    wanted = {"id_token": {"given_name": None}, "userinfo": {"family_name": {"essential": True}}}

    tokens = party.login(op.browser(), claims=json.dumps(wanted))
    about = party.claims_about(tokens)

    assert tokens.claims["given_name"]
    assert "family_name" not in tokens.claims
    assert about["family_name"]
    assert "given_name" not in about


@row("test-claims-parameter-identity-claims")
@pytest.mark.spec("OIDC Core", "5.5.1.1")
def test_fapi2_security_profile_final_test_claims_parameter_identity_claims_and_a_class(op: Provider, party: FapiParty):
    acr = "1"
    assert acr in op.metadata["acr_values_supported"]
    wanted = {"id_token": {"acr": {"essential": True, "values": [acr]}}}

    assert party.login(op.browser(), claims=json.dumps(wanted)).claims["acr"] == acr


@row("ensure-different-nonce-inside-and-outside-request-object")
@pytest.mark.spec("RFC 9101", "6.3")
def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    op: Provider, party: FapiParty
):
    journey = party.visit(op.browser(), party.pushed(), nonce=secrets.token_urlsafe(16))

    # party.tokens looks for the nonce that was pushed.
    check_login(party, journey)


@row("ensure-different-state-inside-and-outside-request-object")
@pytest.mark.spec("RFC 9101", "6.3")
def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    op: Provider, party: FapiParty
):
    journey = party.visit(op.browser(), party.pushed(), state=secrets.token_urlsafe(16))

    # party.answer looks for the state that was pushed.
    check_login(party, journey)


@row("state-only-outside-request-object-not-used")
@pytest.mark.spec("RFC 9101", "6.3")
def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(op: Provider, party: FapiParty):
    journey = party.visit(op.browser(), party.pushed(state=None), state=secrets.token_urlsafe(16))

    assert "state" not in party.answer(journey)


@row("ensure-request-object-without-redirect-uri-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(op: Provider, party: FapiParty):
    assert error_of(party.push(redirect_uri=None)) in ("invalid_request", "invalid_request_object")


@row("ensure-redirect-uri-in-authorization-request")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(op: Provider, party: FapiParty):
    # Beside the pushed request it does not count either.
    answer = party.push(redirect_uri=None)
    nothing = "urn:ietf:params:oauth:request_uri:none"
    journey = party.visit(op.browser(), nothing, redirect_uri=party.client.redirect_uri)

    assert error_of(answer) in ("invalid_request", "invalid_request_object")
    assert refused(party, journey) in ("invalid_request", "invalid_request_uri", ERROR_PAGE)


@row("plain-fapi-tolerate-unregistered-redirect-uri")
@pytest.mark.spec("RFC 9126", "2.4")
@pytest.mark.parametrize("elsewhere", [False, True], ids=["beside", "elsewhere"])
def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(
    op: Provider, party: FapiParty, elsewhere: bool
):
    # §2.4: the provider MAY allow it to a tool that authenticated; neither does.
    address = "https://elsewhere.example/callback" if elsewhere else party.client.redirect_uri
    answer = party.push(redirect_uri=f"{address}/{secrets.token_hex(4)}")

    assert error_of(answer) in ("invalid_request", "invalid_request_object")


@row("ensure-unsigned-authorization-request-without-using-par-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    op: Provider, party: FapiParty
):
    party.asked = party.request()

    journey = op.browser().walk(f"{op.endpoint('authorization')}?{urlencode(party.asked)}")

    assert journey.shown == []
    assert refused(party, journey) in ("invalid_request", ERROR_PAGE)


@row("ensure-response-type-code-idtoken-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(op: Provider, party: FapiParty):
    assert error_of(party.push(response_type="code id_token")) in ("unsupported_response_type", "invalid_request")


@row("ensure-response-type-token-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_ensure_response_type_token_fails(op: Provider, party: FapiParty):
    assert error_of(party.push(response_type="token")) in ("unsupported_response_type", "invalid_request")


# Pushed authorization requests --------------------------------------------------------------------------------------


@row("par-ensure-reused-request-uri-prior-to-auth-completion-succeeds")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    op: Provider, party: FapiParty
):
    browser, request_uri = op.browser(), party.pushed()
    # Opened once, and left at the sign-in page.
    query = urlencode({"client_id": party.client.client_id, "request_uri": request_uri})
    assert not isinstance(browser.open(f"{op.endpoint('authorization')}?{query}"), Arrival)

    journey = party.visit(browser, request_uri)

    check_login(party, journey)


@row("par-attempt-reuse-request_uri")
@pytest.mark.spec("RFC 9126", "4")
def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(op: Provider, party: FapiParty):
    browser, request_uri = op.browser(), party.pushed()
    party.code(party.visit(browser, request_uri))

    assert refused(party, party.visit(browser, request_uri)) in ("invalid_request_uri", ERROR_PAGE)


@pytest.mark.late
@row("par-attempt-to-use-expired-request_uri")
@pytest.mark.spec("RFC 9126", "4")
def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(
    op: Provider, plan: str, left: dict[str, Left]
):
    pushed = left[op.name].requests[plan].result()
    wait_until(pushed.since, pushed.seconds + 2)

    answer = refused(pushed.party, pushed.party.visit(op.browser(), pushed.value))

    assert answer in ("invalid_request_uri", ERROR_PAGE)


@row("par-attempt-to-use-request_uri-for-different-client")
@pytest.mark.spec("RFC 9126", "2.2")
def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
    op: Provider, party: FapiParty, second: FapiParty
):
    request_uri = party.pushed()

    # With the first tool's address outside.
    second.asked = party.asked
    answer = refused(second, second.visit(op.browser(), request_uri))

    assert answer in ("invalid_request", "invalid_request_object", "invalid_request_uri", ERROR_PAGE)


@row("par-authorization-request-containing-request_uri-form-param")
@pytest.mark.spec("RFC 9126", "2.1")
def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    op: Provider, party: FapiParty
):
    parameters = party.request()
    form = {"request": party.request_object(parameters)} if party.signed else parameters

    answer = party.push(form={**form, "request_uri": "urn:ietf:params:oauth:request_uri:abcdef"})

    # §2.1 forbids it and names no error.
    assert error_of(answer) == difference(
        "pushed-reference", op, hub="invalid_request", oracle="request_uri_not_supported"
    )


@row("par-attempt-invalid-http-method")
@pytest.mark.spec("RFC 9126", "2.3")
def test_fapi2_security_profile_final_par_attempt_invalid_http_method(op: Provider, party: FapiParty):
    url = op.endpoint("pushed_authorization_request")
    statuses = {
        method: op.http.request(method, url, data=party.request(), timeout=20).status_code for method in ("GET", "PUT")
    }

    # §2.3: 405 when something other than POST is used.
    assert set(statuses.values()) == difference("par-method", op, hub={405}, oracle={404})


@row("par-ensure-pkce-required")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_par_ensure_pkce_required(op: Provider, party: FapiParty):
    answer = party.push(code_challenge=None, code_challenge_method=None)

    assert error_of(answer) == "invalid_request"


@row("par-plain-pkce-rejected")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_par_plain_pkce_rejected(op: Provider, party: FapiParty):
    answer = party.push(code_challenge=party.verifier, code_challenge_method="plain")

    assert error_of(answer) == "invalid_request"


@row("par-without-duplicate-parameters")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_par_without_duplicate_parameters(op: Provider, party: FapiParty):
    # client_id and request_uri alone, as RFC 9126 §4 says.
    check_login(party, party.visit(op.browser(), party.pushed(), repeats=False))


# Client authentication ----------------------------------------------------------------------------------------------


def check_assertion(party: FapiParty, **claims: Any) -> str:
    """What the pushed request and the token endpoint answer to such an assertion: the same."""
    pushed = error_of(party.push(assertion=lambda: party.assertion(**claims)), 400, 401)
    code = party.code(party.authorize(party.op.browser()))
    redeemed = error_of(party.exchange(code, assertion=lambda: party.assertion(**claims)), 400, 401)
    assert pushed == redeemed
    return pushed


@row("ensure-client-id-in-token-endpoint")
@pytest.mark.spec("RFC 7521", "4.2")
def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(
    op: Provider, party: FapiParty, second: FapiParty
):
    # The second tool's name, signed with the first tool's key.
    code = party.code(party.authorize(op.browser()))
    answer = party.exchange(
        code,
        client_id=second.client.client_id,
        assertion=lambda: second.assertion(keys=party.client.keys),
    )

    assert error_of(answer, 400, 401) in ("invalid_client", "invalid_grant")


@row("ensure-client-id-in-token-endpoint")
@pytest.mark.spec("RFC 7521", "4.2")
def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint_beside_an_assertion(
    op: Provider, party: FapiParty, second: FapiParty
):
    # Beside an assertion the client_id is optional, and must name the client of the assertion.
    code = party.code(party.authorize(op.browser()))
    wrong = party.exchange(code, client_id=second.client.client_id)
    code = party.code(party.authorize(op.browser()))
    right = party.exchange(code, client_id=None)

    assert error_of(wrong, 400, 401) == difference(
        "other-client-id", op, hub="invalid_client", oracle="invalid_request"
    )
    assert party.works(party.tokens(right))


@row("ensure-signed-client-assertion-with-RS256-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.4.1")
def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails(op: Provider, party: FapiParty):
    assert check_assertion(party, alg="RS256") == "invalid_client"


@row("ensure-client-assertion-in-token-endpoint")
@pytest.mark.spec("RFC 7523", "2.2")
def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(op: Provider, party: FapiParty):
    code = party.code(party.authorize(op.browser()))

    answer = party.exchange(code, assertion=lambda: None)

    assert error_of(answer, 400, 401) in ("invalid_client", "invalid_request")


@row("ensure-client-assertion-with-exp-is-5-minutes-in-past-fails")
@pytest.mark.spec("RFC 7523", "3")
def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    op: Provider, party: FapiParty
):
    now = int(time.time())

    assert check_assertion(party, iat=now - 360, exp=now - 300) == "invalid_client"


@row("ensure-client-assertion-with-wrong-aud-fails")
@pytest.mark.spec("RFC 7523", "3")
def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(op: Provider, party: FapiParty):
    assert check_assertion(party, aud="https://elsewhere.example") == "invalid_client"


@row("ensure-client-assertion-with-no-sub-fails")
@pytest.mark.spec("RFC 7523", "3")
def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(op: Provider, party: FapiParty):
    assert check_assertion(party, sub=None) in ("invalid_client", "invalid_request")


# What each does to a form with a good assertion; the same at both endpoints.
ASSERTIONS: dict[str, Callable[[FapiParty], dict[str, Any]]] = {
    "none": lambda party: {"client_assertion": None, "client_assertion_type": None},
    "no type": lambda party: {"client_assertion_type": None},
    "other type": lambda party: {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:other"},
    "no sub": lambda party: {"client_assertion": party.assertion(sub=None)},
    "other sub": lambda party: {"client_assertion": party.assertion(sub="somebody")},
    "no iss": lambda party: {"client_assertion": party.assertion(iss=None)},
    "other iss": lambda party: {"client_assertion": party.assertion(iss="somebody")},
    "no aud": lambda party: {"client_assertion": party.assertion(aud=None)},
    "other aud": lambda party: {"client_assertion": party.assertion(aud="https://elsewhere.example")},
    "PAR endpoint as aud": lambda party: {
        "client_assertion": party.assertion(aud=party.op.endpoint("pushed_authorization_request"))
    },
    "token endpoint as aud": lambda party: {"client_assertion": party.assertion(aud=party.op.endpoint("token"))},
    "list as aud": lambda party: {
        "client_assertion": party.assertion(aud=[party.op.issuer, "https://elsewhere.example"])
    },
    "expired": lambda party: {"client_assertion": party.assertion(exp=int(time.time()) - 300)},
    "a minute ahead": lambda party: {
        "client_assertion": party.assertion(
            iat=int(time.time()) + 62, nbf=int(time.time()) + 62, exp=int(time.time()) + 122
        )
    },
    "RS256": lambda party: {"client_assertion": party.assertion(alg="RS256")},
    "unsigned": lambda party: {"client_assertion": party.assertion(alg="none")},
    "other signature": lambda party: {"client_assertion": jose.broken(party.assertion())},
}


@row("ensure-invalid-client-assertions-fail")
@pytest.mark.spec("RFC 7523", "3")
def test_fapi2_security_profile_final_ensure_invalid_client_assertions_fail(op: Provider, party: FapiParty):
    parameters = party.request()

    def push(**changes: Any) -> requests.Response:
        form = {"request": party.request_object(parameters)} if party.signed else parameters
        return party.push(form={**form, **changes})

    refusals = {name: error_of(push(**spoil(party)), 400, 401) for name, spoil in ASSERTIONS.items()}

    assert set(refusals.values()) <= {"invalid_client", "invalid_request"}, refusals
    # The assertion was what was refused.
    ahead = int(time.time()) + 8
    assert party.reference(push(client_assertion=party.assertion(iat=ahead, nbf=ahead)))
    assert party.reference(push())


@row("par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    op: Provider, party: FapiParty
):
    def ahead() -> str:
        return party.assertion(nbf=int(time.time()) + 8, iat=int(time.time()) + 8)

    answer = party.push(assertion=ahead)

    assert party.reference(answer)


@row("par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    op: Provider, party: FapiParty
):
    now = int(time.time())

    assert check_assertion(party, nbf=now + 70, exp=now + 200) == "invalid_client"


@row("par-test-array-as-audience-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_par_test_array_as_audience_fails(op: Provider, party: FapiParty):
    assert check_assertion(party, aud=[op.issuer, "https://elsewhere.example"]) == "invalid_client"
    assert check_assertion(party, aud=[op.issuer]) == "invalid_client"


@row("par-test-par-endpoint-url-as-audience-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(op: Provider, party: FapiParty):
    assert check_assertion(party, aud=op.endpoint("pushed_authorization_request")) == "invalid_client"


@row("par-test-token-endpoint-url-as-audience-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(op: Provider, party: FapiParty):
    assert check_assertion(party, aud=op.endpoint("token")) == "invalid_client"


# Codes --------------------------------------------------------------------------------------------------------------


@row("ensure-pkce-code-verifier-required")
@pytest.mark.spec("RFC 7636", "4.6")
def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(op: Provider, party: FapiParty):
    code = party.code(party.authorize(op.browser()))

    assert error_of(party.exchange(code, code_verifier=None)) == "invalid_grant"


@row("incorrect-pkce-code-verifier-rejected")
@pytest.mark.spec("RFC 7636", "4.6")
def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(op: Provider, party: FapiParty):
    code = party.code(party.authorize(op.browser()))

    assert error_of(party.exchange(code, code_verifier=secrets.token_urlsafe(48))) == "invalid_grant"


@row("ensure-authorization-code-is-bound-to-client")
@pytest.mark.spec("RFC 6749", "4.1.3")
def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
    op: Provider, party: FapiParty, second: FapiParty
):
    code = party.code(party.authorize(op.browser()))

    second.verifier = party.verifier
    answer = second.exchange(code, redirect_uri=party.client.redirect_uri)

    assert error_of(answer) == "invalid_grant"


@row("attempt-reuse-authorization-code-after-one-second")
@pytest.mark.spec("RFC 6749", "4.1.2")
def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(op: Provider, party: FapiParty):
    code = party.code(party.authorize(op.browser()))
    tokens = party.tokens(party.exchange(code))
    time.sleep(1)

    assert error_of(party.exchange(code)) == "invalid_grant"
    assert not party.works(tokens)


@pytest.mark.late
@row("ensure-token-endpoint-fails-with-expired-auth-code")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
    op: Provider, plan: str, left: dict[str, Left]
):
    given = left[op.name].codes[plan].result()
    wait_until(given.since, given.seconds + 2)

    assert error_of(given.party.exchange(given.value)) == "invalid_grant"


@row("refresh-token")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_refresh_token(op: Provider, party: FapiParty, second: FapiParty):
    asked = {"scope": "openid offline_access", "prompt": "consent"}
    first = party.login(op.browser(), **asked)
    foreign = second.login(op.browser(), **asked)
    time.sleep(1)
    # Tokens of a tool that proves itself are bound anew at each refresh (RFC 9449 §5).
    party.dpop_key, second.dpop_key = new_key(), new_key()

    renewed = party.refreshed(first, scope=asked["scope"])
    again = second.refreshed(foreign)
    wrong = party.refresh(foreign.refresh_token)
    with_other_key = party.userinfo(again.access_token)

    assert party.works(renewed)
    assert second.works(again)
    for old, new in ((first, renewed), (foreign, again)):
        # §5.3.2.1: "shall not use refresh token rotation except in extraordinary circumstances".
        assert new.refresh_token in ("", old.refresh_token)
    assert error_of(wrong) == "invalid_grant"
    assert with_other_key.status_code == 401


@row("refresh-token")
@pytest.mark.spec("RFC 6749", "6")
def test_fapi2_security_profile_final_refresh_token_needs_the_tool_and_its_key(op: Provider, party: FapiParty):
    scope = "openid offline_access"
    token = party.login(op.browser(), scope=scope, prompt="consent").refresh_token

    by_nobody = party.refresh(token, scope=scope, client_id=None, assertion=lambda: None)
    unbound = party.refresh(token, scope=scope, proof=lambda: None)

    assert error_of(by_nobody, 400, 401) in ("invalid_client", "invalid_grant", "invalid_request")
    assert error_of(unbound) in ("invalid_request", "invalid_grant", "invalid_dpop_proof")
    assert party.refresh(token).status_code == 200


# Proof of possession ------------------------------------------------------------------------------------------------


@row("access-token-type-header-case-sensitivity")
@pytest.mark.spec("RFC 9110", "11.1")
def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(op: Provider, party: FapiParty):
    tokens = party.login(op.browser())

    for scheme in ("DPoP", "dpop", "DPOP"):
        assert party.userinfo(tokens.access_token, scheme=scheme).status_code == 200, scheme


@row("check-dpop-proof-nbf-exp")
@pytest.mark.spec("RFC 7519", "4.1.4")
def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(op: Provider, party: FapiParty):
    url = op.endpoint("token")

    def outcome(**offsets: int) -> int:
        code = party.code(party.authorize(op.browser()))

        def proof() -> str:
            return party.proof("POST", url, **{name: int(time.time()) + offset for name, offset in offsets.items()})

        return party.exchange(code, proof=proof).status_code

    assert outcome(nbf=-10, exp=120) == 200
    assert outcome(exp=-120) == 400
    assert outcome(nbf=300) == 400


@row("ensure-dpopproof-with-iat-10seconds-before-succeeds")
@pytest.mark.spec("RFC 9449", "11.1")
def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
    op: Provider, party: FapiParty
):
    check_clock(op, party, -10)


@row("ensure-dpopproof-with-iat-10seconds-after-succeeds")
@pytest.mark.spec("RFC 9449", "11.1")
def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(
    op: Provider, party: FapiParty
):
    check_clock(op, party, 10)


def check_clock(op: Provider, party: FapiParty, offset: int) -> None:
    """A tool whose clock differs by so many seconds binds its code, gets a token and uses it."""

    def proof(method: str, endpoint: str, token: str = "") -> str:
        return party.proof(method, op.endpoint(endpoint), access_token=token, iat=int(time.time()) + offset)

    request_uri = party.pushed(proof=lambda: proof("POST", "pushed_authorization_request"))
    code = party.code(party.visit(op.browser(), request_uri))
    token = party.tokens(party.exchange(code, proof=lambda: proof("POST", "token"))).access_token
    used = party.userinfo(token, proof=lambda: proof("GET", "userinfo", token))

    assert used.status_code == 200


@row("ensure-mismatched-dpop-jkt-fails")
@pytest.mark.spec("RFC 9449", "10.1")
def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(op: Provider, party: FapiParty):
    url = op.endpoint("pushed_authorization_request")

    answer = party.push(proof=lambda: party.proof("POST", url), dpop_jkt=new_key().thumbprint())

    assert error_of(answer) in ("invalid_dpop_proof", "invalid_request")


@row("ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt")
@pytest.mark.spec("RFC 9449", "10.1")
def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    op: Provider, party: FapiParty
):
    url = op.endpoint("pushed_authorization_request")
    request_uri = party.reference(party.push(proof=lambda: party.proof("POST", url)))
    code = party.code(party.visit(op.browser(), request_uri))

    party.dpop_key = new_key()

    assert error_of(party.exchange(code)) in ("invalid_request", "invalid_grant", "invalid_dpop_proof")


@row("ensure-token-endpoint-fails-with-mismatched-dpop-jkt")
@pytest.mark.spec("RFC 9449", "10")
def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    op: Provider, party: FapiParty
):
    code = party.code(party.authorize(op.browser(), dpop_jkt=party.dpop_key.thumbprint()))

    party.dpop_key = new_key()

    assert error_of(party.exchange(code)) in ("invalid_request", "invalid_grant", "invalid_dpop_proof")


@row("ensure-dpopproof-at-par-endpoint-binding-success")
@pytest.mark.spec("RFC 9449", "10.1")
def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(op: Provider, party: FapiParty):
    url = op.endpoint("pushed_authorization_request")

    request_uri = party.reference(party.push(proof=lambda: party.proof("POST", url)))

    check_login(party, party.visit(op.browser(), request_uri))


@row("ensure-dpop-auth-code-binding-success")
@pytest.mark.spec("RFC 9449", "10")
def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(op: Provider, party: FapiParty):
    check_login(party, party.authorize(op.browser(), dpop_jkt=party.dpop_key.thumbprint()))


@row("ensure-holder-of-key-required")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_ensure_holder_of_key_required(op: Provider, party: FapiParty):
    code = party.code(party.authorize(op.browser()))

    answer = party.exchange(code, proof=lambda: None)

    assert error_of(answer) in ("invalid_grant", "invalid_request", "invalid_dpop_proof")


# RFC 9449 §4.3, by number: what each check must catch.
Spoil = Callable[..., str]
PROOFS: dict[str, Spoil] = {
    "no jti": lambda make, method, url: make(method, url, jti=None),
    "no htm": lambda make, method, url: make(method, url, htm=None),
    "no htu": lambda make, method, url: make(method, url, htu=None),
    "no iat": lambda make, method, url: make(method, url, iat=None),
    "no typ": lambda make, method, url: make(method, url, header={"typ": None}),
    "no alg": lambda make, method, url: without_alg(make(method, url)),
    "no jwk": lambda make, method, url: make(method, url, header={"jwk": None}),
    "other typ": lambda make, method, url: make(method, url, header={"typ": "dpop+jwt+other"}),
    "other method": lambda make, method, url: make("PUT", url),
    "other address": lambda make, method, url: make(method, f"{url}more"),
    "other host": lambda make, method, url: make(method, "https://elsewhere.example/token"),
    "an hour old": lambda make, method, url: make(method, url, iat=int(time.time()) - 3600),
    "an hour ahead": lambda make, method, url: make(method, url, iat=int(time.time()) + 3600),
    "unsigned": lambda make, method, url: make(method, url, header={"alg": "none"}),
    "other signature": lambda make, method, url: jose.broken(make(method, url)),
    "other key": lambda make, method, url: make(method, url, header={"jwk": new_key().as_dict(private=False)}),
    "two parts": lambda make, method, url: make(method, url).rpartition(".")[0],
    "no proof at all": lambda make, method, url: base64.urlsafe_b64encode(b"nothing").decode(),
}


def without_alg(proof: str) -> str:
    head, rest = proof.split(".", 1)
    return jose.base64url(jose.unbase64url(head).replace(b'"alg"', b'"alg2"')) + "." + rest


@row("dpop-negative-tests")
@pytest.mark.spec("RFC 9449", "4.3")
def test_fapi2_security_profile_final_dpop_negative_tests(op: Provider, party: FapiParty):
    url = op.endpoint("token")

    private = party.dpop_key.as_dict(private=True)
    spoilt: dict[str, Callable[[], str]] = {
        **{name: partial(spoil, party.proof, "POST", url) for name, spoil in PROOFS.items()},
        "private key": lambda: party.proof("POST", url, header={"jwk": private}),
    }

    answers = {name: error_of(party.exchange("no such code", proof=proof)) for name, proof in spoilt.items()}

    assert set(answers.values()) == {"invalid_dpop_proof"}, answers


@row("dpop-negative-tests")
@pytest.mark.spec("FAPI 2.0 SP", "5.4.1")
def test_fapi2_security_profile_final_dpop_negative_tests_with_a_key_of_another_kind(op: Provider, party: FapiParty):
    token_url, url = op.endpoint("token"), op.endpoint("userinfo")
    party.dpop_key = RSAKey.generate_key(2048)
    code = party.code(party.authorize(op.browser()))

    token = party.tokens(
        party.exchange(code, proof=lambda: party.proof("POST", token_url, header={"alg": "PS256"}))
    ).access_token
    statuses = {
        alg: party.userinfo(
            token, proof=partial(party.proof, "GET", url, access_token=token, header={"alg": alg})
        ).status_code
        for alg in ("PS256", "RS256")
    }

    assert statuses == {"PS256": 200, "RS256": 401}


@row("dpop-negative-tests")
@pytest.mark.spec("RFC 9449", "7.1")
def test_fapi2_security_profile_final_dpop_negative_tests_at_the_resource(op: Provider, party: FapiParty):
    url = op.endpoint("userinfo")
    token = party.login(op.browser()).access_token
    make = partial(party.proof, access_token=token)
    private, other = party.dpop_key.as_dict(private=True), new_key()
    spoilt: dict[str, Callable[[], str | None]] = {
        **{name: partial(spoil, make, "GET", url) for name, spoil in PROOFS.items()},
        "private key": lambda: make("GET", url, header={"jwk": private}),
        "no ath": lambda: party.proof("GET", url),
        "other ath": lambda: party.proof("GET", url, access_token="another"),
        "of another key": lambda: make("GET", url, key=other),
        "missing": lambda: None,
    }

    assert party.userinfo(token).status_code == 200
    statuses = {name: party.userinfo(token, proof=proof).status_code for name, proof in spoilt.items()}
    bearer = party.userinfo(token, scheme="Bearer", proof=lambda: None)
    again = make("GET", url)
    replayed = [party.userinfo(token, proof=lambda: again).status_code for _ in range(2)]

    assert {name: status for name, status in statuses.items() if status != 401} == difference(
        "no-proof-status", op, hub={}, oracle={"missing": 400}
    )
    # §7.2: a bound token is no bearer token.
    assert bearer.status_code == 401
    # §11.1: within its time a proof may be used once.
    assert replayed == [200, 401]
    assert party.userinfo(token).status_code == 200


@row("dpop-negative-tests")
@pytest.mark.spec("RFC 9449", "4.3")
def test_fapi2_security_profile_final_dpop_negative_tests_two_headers(op: Provider, party: FapiParty):
    url = op.endpoint("userinfo")
    token = party.login(op.browser()).access_token
    assert party.userinfo(token).status_code == 200

    parts, connection = urlsplit(url), HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.putrequest("GET", parts.path)
    connection.putheader("Authorization", f"DPoP {token}")
    for _ in range(2):
        connection.putheader("DPoP", party.proof("GET", url, access_token=token))
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()

    assert status in (400, 401)
    assert party.userinfo(token).status_code == 200


@row("dpop-negative-tests")
@pytest.mark.spec("RFC 9449", "4.3")
def test_fapi2_security_profile_final_dpop_negative_tests_what_must_pass(op: Provider, party: FapiParty):
    url = op.endpoint("userinfo")
    token = party.login(op.browser()).access_token
    make = partial(party.proof, "GET", access_token=token)
    upper = url.replace("http://localhost", "HTTP://LOCALHOST")
    good: dict[str, Callable[[], str]] = {
        "query and fragment": lambda: make(f"{url}?allthedoors#programmed"),
        "upper case": lambda: make(upper),
        "more claims": lambda: make(url, header={"tx_id": 1}, tx_id_key=1),
    }

    statuses = {name: party.userinfo(token, proof=proof).status_code for name, proof in good.items()}
    named = party.userinfo(token, header="DPOP").status_code

    assert set(statuses.values()) == {200}, statuses
    assert named == 200


@row("dpop-negative-tests")
@pytest.mark.spec("RFC 9449", "11.1")
def test_fapi2_security_profile_final_dpop_negative_tests_a_proof_used_twice(op: Provider, party: FapiParty):
    url = op.endpoint("token")
    # So that the proof carries the provider's nonce, where it wants one.
    party.login(op.browser())
    code = party.code(party.authorize(op.browser()))
    proof = party.proof("POST", url)

    first = party.exchange(code, proof=lambda: proof)
    code = party.code(party.authorize(op.browser()))
    second = party.exchange(code, proof=lambda: proof)

    assert first.status_code == 200
    assert error_of(second) in ("invalid_dpop_proof", "invalid_grant")
