"""Basic OP and Form Post OP: the same rows, with the answer in the query or posted by a form."""

import secrets
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from joserfc.errors import BadSignatureError

from tests.certification import jose
from tests.certification.browser import SIGN_IN, Arrival, Journey
from tests.certification.differences import difference
from tests.certification.left import Left, basic_party, wait_until
from tests.certification.party import Party, Tokens, error_of, nonce_of_43
from tests.certification.plans import BASIC
from tests.certification.providers import CLAIMS, Provider

# OpenID Connect Core §5.4: the claims of each scope, with their types (§5.1).
SCOPES: dict[str, dict[str, Any]] = {
    "profile": {
        "name": str,
        "family_name": str,
        "given_name": str,
        "middle_name": str,
        "nickname": str,
        "preferred_username": str,
        "profile": str,
        "picture": str,
        "website": str,
        "gender": str,
        "birthdate": str,
        "zoneinfo": str,
        "locale": str,
        "updated_at": (int, float),
    },
    "email": {"email": str, "email_verified": bool},
    "address": {"address": dict},
    "phone": {"phone_number": str, "phone_number_verified": bool},
}
# §5.1.1.
ADDRESS_PARTS = {"formatted", "street_address", "locality", "region", "postal_code", "country"}
PERSONAL = {claim for claims in SCOPES.values() for claim in claims}


@pytest.fixture
def party(op: Provider, plan: str) -> Party:
    return basic_party(op, plan)


def refused(party: Party, journey: Journey) -> str:
    """The error's code, from the answer or from a page of the provider's that sends nobody on."""
    if isinstance(journey.end, Arrival):
        return party.error(journey)
    assert journey.end.is_error, journey.end.text[:2000]
    return "error page"


@pytest.mark.module("oidcc-server", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1")
def test_oidcc_server(op: Provider, party: Party):
    journey = party.authorize(op.browser())
    code = party.code(journey)
    tokens = party.tokens(party.exchange(code))

    assert SIGN_IN in journey.shown
    # RFC 6749 §10.10: 2⁻¹²⁸ at most; 22 characters of base64url hold 128 bits.
    assert len(code) >= 22
    assert not PERSONAL & tokens.claims.keys()
    party.claims_about(tokens)


@pytest.mark.module("oidcc-response-type-missing", plans=BASIC)
@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_oidcc_response_type_missing(op: Provider, party: Party):
    journey = party.authorize(op.browser(), response_type=None)

    assert refused(party, journey) in ("invalid_request", "unsupported_response_type", "error page")


@pytest.mark.module("oidcc-idtoken-signature", plans=BASIC)
@pytest.mark.spec("OIDC Core", "15.1")
def test_oidcc_idtoken_signature(op: Provider, party: Party):
    # The official row registers a tool that names no algorithm; this one was connected so.
    assert "id_token_signed_response_alg" not in party.client.metadata

    tokens = party.login(op.browser())

    header = jose.header_of(tokens.id_token)
    assert header["alg"] == "RS256"
    assert header["kid"]
    with pytest.raises(BadSignatureError):
        jose.verified(jose.broken(tokens.id_token), op.keys(), algorithm="RS256")


@pytest.mark.module("oidcc-idtoken-unsigned", plans=BASIC)
@pytest.mark.spec("OIDC Core", "2")
def test_oidcc_idtoken_unsigned(op: Provider, party: Party):
    # Only a tool that was registered for it may get an unsigned token; neither provider registers one.
    assert "none" not in op.metadata["id_token_signing_alg_values_supported"]


@pytest.mark.module("oidcc-userinfo-get", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.3.1")
def test_oidcc_userinfo_get(op: Provider, party: Party):
    tokens = party.login(op.browser())

    claims = party.claims_about(tokens)

    assert isinstance(claims["sub"], str)


def check_userinfo(answer: requests.Response, tokens: Tokens) -> None:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
    assert answer.json()["sub"] == tokens.claims["sub"]


@pytest.mark.module("oidcc-userinfo-post-header", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.3.1")
def test_oidcc_userinfo_post_header(op: Provider, party: Party):
    tokens = party.login(op.browser())

    # Announced as a form, and empty.
    headers = {"Authorization": f"Bearer {tokens.access_token}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = op.http.post(op.endpoint("userinfo"), headers=headers, data=b"", timeout=20)

    check_userinfo(answer, tokens)


@pytest.mark.module("oidcc-userinfo-post-body", plans=BASIC)
@pytest.mark.spec("RFC 6750", "2.2")
def test_oidcc_userinfo_post_body(op: Provider, party: Party):
    tokens = party.login(op.browser())

    answer = op.http.post(op.endpoint("userinfo"), data={"access_token": tokens.access_token}, timeout=20)

    check_userinfo(answer, tokens)


@pytest.mark.module("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(op: Provider, party: Party):
    tokens = party.login(op.browser(), nonce=None)

    assert "nonce" not in tokens.claims


def check_scopes(op: Provider, party: Party, *scopes: str) -> None:
    """Exactly these scopes' claims, as far as the provider says that it knows them, and of the right types.

    The official rows compare with all that OpenID Connect Core §5.4 lists, and warn of what no provider here holds.
    """
    assert {"openid", *scopes} <= set(op.metadata["scopes_supported"])
    check_claims(op, party, party.login(op.browser(), scope=" ".join(("openid", *scopes))), *scopes)


def check_claims(op: Provider, party: Party, tokens: Tokens, *scopes: str) -> None:
    wanted = {claim: type_ for scope in scopes for claim, type_ in SCOPES[scope].items()}
    claims = party.claims_about(tokens)

    assert wanted.keys() & set(op.metadata["claims_supported"]) <= claims.keys()
    assert PERSONAL & claims.keys() <= wanted.keys()
    # The tool gets its claims from userinfo alone.
    assert not PERSONAL & tokens.claims.keys()
    check_says_something(claims)
    for claim in wanted.keys() & claims.keys():
        assert isinstance(claims[claim], wanted[claim]), claim
    if "address" in claims:
        assert claims["address"].keys() <= ADDRESS_PARTS
        assert all(isinstance(part, str) for part in claims["address"].values())


def check_says_something(claims: dict[str, Any]) -> None:
    """OpenID Connect Core §5.3.2: what is not known is left out, at whatever depth."""
    assert claims
    for name, value in claims.items():
        if isinstance(value, dict):
            check_says_something(value)
        else:
            assert str(value).strip().lower() not in ("", "null", "none"), name


@pytest.mark.module("oidcc-scope-profile", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.4")
def test_oidcc_scope_profile(op: Provider, party: Party):
    check_scopes(op, party, "profile")


@pytest.mark.module("oidcc-scope-email", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.4")
def test_oidcc_scope_email(op: Provider, party: Party):
    check_scopes(op, party, "email")


@pytest.mark.module("oidcc-scope-address", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.1.1")
def test_oidcc_scope_address(op: Provider, party: Party):
    check_scopes(op, party, "address")


@pytest.mark.module("oidcc-scope-address", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.3.2")
def test_oidcc_scope_address_of_which_a_part_is_known(op: Provider, party: Party):
    tokens = party.login(op.half_known(), scope="openid address")

    check_claims(op, party, tokens, "address")
    address = party.claims_about(tokens)["address"]
    assert (address.keys() == {"formatted"}) if op.is_hub else (address == CLAIMS["address"])


@pytest.mark.module("oidcc-scope-phone", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.4")
def test_oidcc_scope_phone(op: Provider, party: Party):
    check_scopes(op, party, "phone")


@pytest.mark.module("oidcc-scope-all", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.4")
def test_oidcc_scope_all(op: Provider, party: Party):
    check_scopes(op, party, "profile", "email", "address", "phone")


@pytest.mark.module("oidcc-alternate-happy-flow", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_alternate_happy_flow(op: Provider, party: Party):
    party.asked = dict(reversed(party.request(scope="email openid").items()))
    journey = op.browser().walk(f"{op.endpoint('authorization')}?{urlencode(party.asked)}")
    tokens = party.tokens(party.exchange(party.code(journey)))

    check_claims(op, party, tokens, "email")


@pytest.mark.module("oidcc-display-page", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_display_page(op: Provider, party: Party):
    assert party.login(op.browser(), display="page").claims["sub"]


@pytest.mark.module("oidcc-display-popup", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_display_popup(op: Provider, party: Party):
    assert party.login(op.browser(), display="popup").claims["sub"]


@pytest.mark.module("oidcc-prompt-login", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_prompt_login(op: Provider, party: Party):
    browser = op.browser()
    first = party.login(browser)
    time.sleep(1.1)

    journey = party.authorize(browser, prompt="login")
    second = party.tokens(party.exchange(party.code(journey)))

    assert SIGN_IN in journey.shown
    assert second.claims["auth_time"] > first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]


@pytest.mark.module("oidcc-prompt-none-not-logged-in", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.6")
def test_oidcc_prompt_none_not_logged_in(op: Provider, party: Party):
    state = secrets.token_urlsafe(96)
    assert len(state) == 128

    journey = party.authorize(op.browser(), prompt="none", state=state)

    assert journey.shown == []
    assert party.error(journey) == "login_required"


@pytest.mark.module("oidcc-prompt-none-logged-in", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_prompt_none_logged_in(op: Provider, party: Party):
    browser = op.browser()
    first = party.login(browser)
    time.sleep(1.1)

    journey = party.authorize(browser, prompt="none")
    second = party.tokens(party.exchange(party.code(journey)))

    assert journey.shown == []
    assert second.claims["sub"] == first.claims["sub"]
    assert second.claims["auth_time"] == first.claims["auth_time"]


@pytest.mark.module("oidcc-max-age-1", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_max_age_1(op: Provider, party: Party):
    browser = op.browser()
    first = party.login(browser)
    time.sleep(2.1)

    journey = party.authorize(browser, max_age=1)
    second = party.tokens(party.exchange(party.code(journey)))

    assert SIGN_IN in journey.shown
    assert second.claims["auth_time"] > first.claims["auth_time"]
    assert time.time() - second.claims["auth_time"] < 30


@pytest.mark.module("oidcc-max-age-10000", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_max_age_10000(op: Provider, party: Party):
    browser = op.browser()
    first = party.login(browser, max_age=15000)
    time.sleep(1.1)

    journey = party.authorize(browser, max_age=10000)
    second = party.tokens(party.exchange(party.code(journey)))

    assert journey.shown == []
    assert second.claims["auth_time"] == first.claims["auth_time"]


@pytest.mark.module("oidcc-ensure-request-with-unknown-parameter-succeeds", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_ensure_request_with_unknown_parameter_succeeds(op: Provider, party: Party):
    assert party.login(op.browser(), extra="foobar").claims["sub"]


@pytest.mark.module("oidcc-id-token-hint", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_id_token_hint(op: Provider, party: Party):
    browser = op.browser()
    first = party.login(browser)

    journey = party.authorize(browser, prompt="none", id_token_hint=first.id_token)
    second = party.tokens(party.exchange(party.code(journey)))

    assert journey.shown == []
    assert second.claims["sub"] == first.claims["sub"]


@pytest.mark.module("oidcc-login-hint", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_login_hint(op: Provider, party: Party):
    assert party.login(op.browser(), login_hint="buffy@alizarine.example").claims["sub"]


@pytest.mark.module("oidcc-ui-locales", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_ui_locales(op: Provider, party: Party):
    assert party.login(op.browser(), ui_locales="se fr en").claims["sub"]


@pytest.mark.module("oidcc-claims-locales", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.2")
def test_oidcc_claims_locales(op: Provider, party: Party):
    assert party.login(op.browser(), claims_locales="se").claims["sub"]


@pytest.mark.module("oidcc-ensure-request-with-acr-values-succeeds", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_ensure_request_with_acr_values_succeeds(op: Provider, party: Party):
    wanted = op.metadata.get("acr_values_supported") or ["1", "2"]

    tokens = party.login(op.browser(), acr_values=" ".join(wanted))

    assert tokens.claims["acr"] in wanted


@pytest.mark.module("oidcc-codereuse", plans=BASIC)
@pytest.mark.spec("RFC 6749", "4.1.2")
def test_oidcc_codereuse(op: Provider, party: Party):
    code = party.code(party.authorize(op.browser()))
    party.tokens(party.exchange(code))

    again = party.exchange(code)

    assert error_of(again) == "invalid_grant"


@pytest.mark.late
@pytest.mark.module("oidcc-codereuse-30seconds", plans=BASIC)
@pytest.mark.spec("RFC 6749", "4.1.2")
def test_oidcc_codereuse_30seconds(op: Provider, plan: str, left: dict[str, Left]):
    used = left[op.name].used_codes[plan].result()
    wait_until(used.since, 30)
    works = used.party.userinfo(used.tokens.access_token).status_code

    again = used.party.exchange(used.code)

    assert works == 200
    assert error_of(again) == "invalid_grant"
    # "SHOULD revoke (when possible) all tokens previously issued based on that authorization code".
    assert used.party.userinfo(used.tokens.access_token).status_code == 401


@pytest.mark.module("oidcc-ensure-registered-redirect-uri", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_ensure_registered_redirect_uri(op: Provider, party: Party):
    journey = party.authorize(op.browser(), redirect_uri=f"{party.client.redirect_uri}/{secrets.token_hex(4)}")

    assert journey.page.is_error
    assert journey.shown == []


@pytest.mark.module("oidcc-ensure-post-request-succeeds", plans=BASIC)
@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_oidcc_ensure_post_request_succeeds(op: Provider, party: Party):
    browser = op.browser()
    party.asked = party.request()
    if difference("request-by-post", op, hub=False, oracle=True):
        answer = browser.http.post(op.endpoint("authorization"), data=party.asked, allow_redirects=False, timeout=20)
        assert answer.status_code == 404
        return

    journey = browser.walk(op.endpoint("authorization"), form=party.asked, from_elsewhere=True)
    first = party.tokens(party.exchange(party.code(journey)))
    party.asked = party.request()
    again = browser.walk(op.endpoint("authorization"), form=party.asked, from_elsewhere=True)
    second = party.tokens(party.exchange(party.code(again)))

    assert SIGN_IN in journey.shown
    # The form comes from the tool's page, and no SameSite=Lax cookie with it: the session is found all the same.
    assert again.shown == []
    assert first.claims["sub"] == second.claims["sub"]


@pytest.mark.module("oidcc-server-client-secret-post", plans=BASIC)
@pytest.mark.spec("OIDC Core", "9")
def test_oidcc_server_client_secret_post(op: Provider, plan: str):
    party = basic_party(op, plan, "post")

    tokens = party.login(op.browser())

    party.claims_about(tokens)


@pytest.mark.module("oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", plans=BASIC)
@pytest.mark.spec("OIDC Core", "6.2")
def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(op: Provider, party: Party):
    # Absent means true (OpenID Connect Discovery §3).
    assert op.metadata["request_uri_parameter_supported"] is False

    journey = party.authorize(op.browser(), request_uri="https://localhost:9998/request.jwt")

    assert refused(party, journey) == "request_uri_not_supported"


@pytest.mark.module("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", plans=BASIC)
@pytest.mark.spec("RFC 9101", "10.5")
def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(op: Provider, party: Party):
    parameters = party.request()
    unsigned = jose.unsigned({**parameters, "iss": party.client.client_id, "aud": op.issuer})
    assert op.metadata["request_parameter_supported"] is True
    assert "none" not in op.metadata["request_object_signing_alg_values_supported"]

    journey = party.authorize(op.browser(), **parameters, request=unsigned)

    assert refused(party, journey) == "invalid_request_object"


@pytest.mark.module("oidcc-claims-essential", plans=BASIC)
@pytest.mark.spec("OIDC Core", "5.5")
def test_oidcc_claims_essential(op: Provider, party: Party):
    tokens = party.login(op.browser(), claims='{"userinfo": {"name": {"essential": true}}}')

    assert PERSONAL & party.claims_about(tokens).keys() == {"name"}
    assert not PERSONAL & tokens.claims.keys()


@pytest.mark.module("oidcc-ensure-request-object-with-redirect-uri", plans=BASIC)
@pytest.mark.spec("RFC 9101", "6.3")
def test_oidcc_ensure_request_object_with_redirect_uri(op: Provider, party: Party):
    assert party.client.keys is not None
    parameters, key = party.request(), party.client.keys.rsa
    payload = {**parameters, "iss": party.client.client_id, "aud": op.issuer, "exp": int(time.time()) + 300}
    request_object = jose.signed({"alg": "RS256", "kid": key.kid, "typ": "oauth-authz-req+jwt"}, payload, key)
    outside = {"client_id": party.client.client_id, "scope": "openid", "response_type": "code"}
    foreign = f"{party.client.redirect_uri}/{secrets.token_hex(4)}"
    query = urlencode({**outside, "redirect_uri": foreign, "request": request_object})
    journey = op.browser().walk(f"{op.endpoint('authorization')}?{query}")
    party.asked = parameters

    assert party.tokens(party.exchange(party.code(journey))).claims["sub"]


@pytest.mark.module("oidcc-refresh-token", plans=BASIC)
@pytest.mark.spec("OIDC Core", "12.2")
def test_oidcc_refresh_token(op: Provider, plan: str, party: Party):
    browser, other = op.browser(), basic_party(op, plan, "basic-second")
    assert "refresh_token" in op.metadata["grant_types_supported"]
    asked = {"scope": "openid offline_access", "prompt": "consent"}
    first = party.login(browser, **asked)
    second = other.login(browser, **asked, nonce=nonce_of_43())
    time.sleep(1)

    renewed = party.refreshed(first, scope=asked["scope"])
    foreign = other.refreshed(second)
    wrong = party.refresh(foreign.refresh_token or second.refresh_token, scope=asked["scope"])

    assert party.userinfo(renewed.access_token).status_code == 200
    assert other.userinfo(foreign.access_token).status_code == 200
    assert error_of(wrong) == "invalid_grant"


@pytest.mark.module("oidcc-ensure-request-with-valid-pkce-succeeds", plans=BASIC)
@pytest.mark.spec("RFC 7636", "4.6")
def test_oidcc_ensure_request_with_valid_pkce_succeeds(op: Provider, party: Party):
    verifier = secrets.token_urlsafe(48)

    journey = party.authorize(op.browser(), code_challenge=jose.whole_hash(verifier), code_challenge_method="S256")
    answer = party.exchange(party.code(journey), code_verifier=verifier)

    assert party.tokens(answer).claims["sub"]
