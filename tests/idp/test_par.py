"""Pushed authorization requests (RFC 9126)."""

import base64
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone
from joserfc import jwk, jwt

from idp.models import Grant, HubSession, PushedRequest
from idp.protocol.tokens import digest
from idp.services import pushed as pushed_service
from tests.support.authorize import (
    CLIENT_KEY,
    FOREIGN_KEY,
    ISSUER,
    RSA_KEY,
    back_from,
    open_pushed,
    push,
    query_of,
    random_text,
    refusals,
    seconds,
    signed_answer,
    signed_request,
    with_keys,
)
from tests.support.oidc import REDIRECT, Party, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
PAR = f"{ISSUER}/oidc/par"
FAPI = {"token_endpoint_auth_method": "private_key_jwt", "algorithm": "PS256", "dpop_bound_access_tokens": True}


def assertion(party: Party, key=CLIENT_KEY, alg="ES256", **changes) -> dict[str, str]:
    claims = {
        "iss": party.tool.client_id,
        "sub": party.tool.client_id,
        "aud": ISSUER,
        "jti": random_text(20),
        "exp": seconds() + 60,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])
    return {
        "client_assertion": token,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }


def proof(key, **changes) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims = {"jti": random_text(20), "htm": "POST", "htu": PAR, "iat": seconds(), **changes}
    return jwt.encode(header, claims, key, algorithms=["ES256"])


def send(party: Party, form: dict[str, object], headers: dict[str, str] | None = None):
    return party.http.post("/oidc/par", urlencode(form, doseq=True), content_type=FORM, headers=headers or {})


@pytest.fixture
def fapi(signing_key) -> Party:
    return with_keys("fapi", security_profile="fapi2", **FAPI)


@pytest.fixture
def fapi_signed(signing_key) -> Party:
    return with_keys("fapis", security_profile="fapi2_signed", **FAPI)


# Pushing -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9126", "2.2")
def test_a_pushed_request_is_answered_with_a_reference_for_a_minute(wiki):
    response = push(wiki)

    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(body["request_uri"]) >= 34 + 43
    assert body["expires_in"] == 60
    assert response["Cache-Control"] == "no-store"
    assert PushedRequest.objects.get().digest == digest(body["request_uri"]), "the reference is not in the database"


@pytest.mark.spec("RFC 9126", "4")
def test_the_browser_carries_client_and_reference_only(wiki, browser):
    answer = answer_of(open_pushed(wiki, browser, push(wiki, state="pushed")))

    assert answer["state"] == "pushed"
    assert wiki.exchange(answer["code"]).status_code == 200


@pytest.mark.spec("RFC 9126", "2.1")
@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_only_post_pushes(wiki, method):
    assert getattr(wiki.http, method)("/oidc/par").status_code == 405


@pytest.mark.spec("RFC 9126", "2.1")
def test_a_tool_that_does_not_prove_itself_pushes_nothing(wiki):
    wrong = base64.b64encode(f"{wiki.tool.client_id}:wrong".encode()).decode()

    without, bad = push(wiki, {"Authorization": ""}), push(wiki, {"Authorization": f"Basic {wrong}"})

    assert [(each.status_code, each.json()["error"]) for each in (without, bad)] == [(401, "invalid_client")] * 2
    assert not PushedRequest.objects.exists()


@pytest.mark.spec("RFC 9126", "2.1")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"resource": "https://api.example/"}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"nonce": "a\x00b"}, "invalid_request"),
        ({"state": "a\nb"}, "invalid_request"),
        ({"state": "s" * 5000}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"response_mode": "fragment"}, "invalid_request"),
    ],
)
def test_what_would_be_refused_later_is_refused_now(wiki, changes, error):
    response = push(wiki, **changes)

    assert (response.status_code, response.json()["error"]) == (400, error)
    assert not PushedRequest.objects.exists()


@pytest.mark.spec("RFC 9126", "2.1")
def test_a_reference_cannot_be_pushed(wiki):
    response = push(wiki, request_uri="urn:ietf:params:oauth:request_uri:x")

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert refusals("request_uri_pushed", wiki.tool) == 1


@pytest.mark.spec("RFC 9126", "2.1")
@pytest.mark.parametrize("name", ["state", "scope", "client_id", "redirect_uri", "nonce"])
def test_a_repeated_parameter_is_refused(wiki, name):
    pairs = [*wiki.request().items(), (name, "again")]

    response = wiki.http.post("/oidc/par", urlencode(pairs), content_type=FORM, headers=wiki.headers())

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_request_in_the_name_of_another_client_is_refused(wiki, agenda):
    response = send(wiki, wiki.request(client_id=agenda.tool.client_id), wiki.headers())

    assert response.status_code in (400, 401)
    assert not PushedRequest.objects.exists()


def test_a_body_that_is_no_form_is_refused(wiki):
    response = wiki.http.post("/oidc/par", "{}", content_type="application/json", headers=wiki.headers())

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
@pytest.mark.parametrize("length", [64, 128, 2048])
def test_long_states_and_nonces_come_through_whole(wiki, browser, length):
    state, nonce = random_text(length), random_text(length)

    answer = answer_of(open_pushed(wiki, browser, push(wiki, state=state, nonce=nonce)))

    assert answer["state"] == state
    assert wiki.claims(wiki.exchange(answer["code"]).json()["id_token"])["nonce"] == nonce


# Opening -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9126", "2.2")
def test_a_reference_belongs_to_its_client(wiki, agenda, browser):
    left = push(wiki)

    response = open_pushed(wiki, browser, left, client_id=agenda.tool.client_id)

    assert response.status_code == 400
    assert b"invalid_request_uri" in response.content
    assert not Grant.objects.exists()


@pytest.mark.spec("RFC 9126", "2.2")
def test_a_reference_is_over_after_its_minute(wiki, browser):
    left = push(wiki)
    PushedRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    response = open_pushed(wiki, browser, left)

    assert response.status_code == 400
    assert b"invalid_request_uri" in response.content


@pytest.mark.spec("RFC 9126", "7.3")
def test_an_answered_reference_answers_no_more(wiki, browser):
    left = push(wiki)
    answer_of(open_pushed(wiki, browser, left))

    again = open_pushed(wiki, browser, left)

    assert again.status_code == 400
    assert Grant.objects.count() == 1


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_a_reference_may_be_opened_again_until_it_is_answered(wiki, member):
    left, stranger = push(wiki), Client()
    open_pushed(wiki, stranger, left)

    second = open_pushed(wiki, stranger, left)

    assert second.status_code == 302
    assert "code" in answer_of(open_pushed(wiki, sign_in(member), left))


def test_one_reference_opened_in_two_browsers_gives_one_code(wiki, member, other_member):
    left = push(wiki, prompt="login")
    one, two = sign_in(member), sign_in(other_member)
    ways = [back_from(open_pushed(wiki, each, left)) for each in (one, two)]
    HubSession.objects.update(auth_time=timezone.now() + timedelta(seconds=1))

    first, second = answer_of(one.get(ways[0])), answer_of(two.get(ways[1]))

    assert "code" in first
    assert second["error"] == "invalid_request_uri"
    assert Grant.objects.count() == 1


def test_a_sign_in_may_take_longer_than_the_reference_lives(wiki, browser):
    back = back_from(open_pushed(wiki, browser, push(wiki, prompt="login")))
    PushedRequest.objects.update(expires_at=timezone.now() - timedelta(minutes=10))
    HubSession.objects.update(auth_time=timezone.now() + timedelta(seconds=1))

    assert "code" in answer_of(browser.get(back))


@pytest.mark.parametrize(
    "reference", ["urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:a\x00b"]
)
def test_an_invented_reference_is_refused(wiki, browser, reference):
    answer = answer_of(wiki.authorize(browser, request_uri=reference))

    assert answer["error"] == "invalid_request_uri"


def test_a_relayed_post_is_no_pushed_request(wiki, browser):
    """What anybody can leave here must never pass for what a tool pushed."""
    key = pushed_service.relay(tool=wiki.tool, pairs=list(wiki.request().items()), now=timezone.now())

    for reference in (key, f"relay:{key}"):
        uri = f"urn:ietf:params:oauth:request_uri:{reference}"
        answer = answer_of(wiki.authorize(browser, request_uri=uri))
        assert answer["error"] == "invalid_request_uri"


@pytest.mark.spec("RFC 9126", "6")
def test_a_tool_that_must_push_is_refused_without(signing_key, browser):
    party = connect("pousse", require_pushed_authorization_requests=True)

    assert answer_of(party.authorize(browser))["error"] == "invalid_request"
    assert refusals("not_pushed", party.tool) == 1
    assert "code" in answer_of(open_pushed(party, browser, push(party)))


def test_a_post_kept_for_a_tool_that_must_push_does_not_count_as_pushed(signing_key, browser):
    party = connect("pousse", require_pushed_authorization_requests=True)
    body = urlencode(party.request(state=random_text(4000)))

    first = Client().post("/oidc/authorize", body, content_type=FORM)

    assert answer_of(browser.get(first["Location"]))["error"] == "invalid_request"


def test_public_tools_may_push_too(mobile, browser):
    assert "code" in answer_of(open_pushed(mobile, browser, push(mobile)))


# Signed and pushed -------------------------------------------------------------------------------------------


def test_as_a_public_tool_nobody_pushes_without_end(mobile, wiki, monkeypatch):
    """Anybody can come as one; a tool that proves itself is not counted with them."""
    monkeypatch.setattr("idp.views.par.PUSHES_A_MINUTE", 3)
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)

    answers = [push(mobile) for _ in range(4)]
    proved = push(wiki)

    assert [answer.status_code for answer in answers] == [201, 201, 201, 503]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert answers[-1]["Retry-After"]
    assert PushedRequest.objects.count() == 4
    assert refusals("throttled") == 1
    assert proved.status_code == 201


@pytest.mark.spec("RFC 9126", "3")
def test_a_signed_request_may_be_pushed(signing_key, browser):
    party = with_keys("deux", require_signed_request_object=True)

    left = send(
        party, {"client_id": party.tool.client_id, "request": signed_request(party, state="in")}, party.headers()
    )

    assert answer_of(open_pushed(party, browser, left))["state"] == "in"


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_a_fapi_tool_cannot_come_without_pushing(fapi, browser):
    assert answer_of(fapi.authorize(browser))["error"] == "invalid_request"
    assert refusals("not_pushed", fapi.tool) == 1


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_a_fapi_tool_pushes_with_its_key_and_gets_a_code(fapi, browser):
    left = send(fapi, {**fapi.request(), **assertion(fapi)})

    assert "code" in answer_of(open_pushed(fapi, browser, left))


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
@pytest.mark.parametrize(
    "changes", [{"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}]
)
def test_pkce_cannot_be_relaxed_for_a_fapi_tool(fapi, changes):
    fapi.tool.pkce_required = False
    fapi.tool.save()

    response = send(fapi, {**fapi.request(**changes), **assertion(fapi)})

    assert response.json()["error"] == "invalid_request"


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
@pytest.mark.parametrize(
    "bad", [{"aud": PAR}, {"aud": f"{ISSUER}/oidc/token"}, {"aud": [ISSUER]}, {"exp": None}, {"sub": None}]
)
def test_an_assertion_for_the_wrong_audience_pushes_nothing(fapi, bad):
    response = send(fapi, {**fapi.request(), **assertion(fapi, **bad)})

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert not PushedRequest.objects.exists()


@pytest.mark.spec("FAPI 2.0 MS", "5.3")
def test_a_message_signing_tool_pushes_signed_requests_and_gets_signed_answers(fapi_signed, browser):
    form = {"client_id": fapi_signed.tool.client_id, "request": signed_request(fapi_signed, response_mode="jwt")}
    left = send(fapi_signed, {**form, **assertion(fapi_signed)})

    answer = query_of(open_pushed(fapi_signed, browser, left))

    assert "code" in signed_answer(fapi_signed, answer["response"], ["PS256"])


@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"nbf": None},
        {"aud": None},
        {"aud": "https://other.example/"},
        {"exp": seconds() + 8000},
        {"nbf": seconds() - 8000},
        # Far ahead: these are made when the tests are gathered.
        {"nbf": seconds() + 8000, "exp": seconds() + 8050},
        {"exp": seconds() - 10},
        {"key": FOREIGN_KEY},
        {"key": RSA_KEY, "alg": "RS256"},
    ],
)
def test_a_request_object_of_a_message_signing_tool_is_read_strictly(fapi_signed, changes):
    form = {
        "client_id": fapi_signed.tool.client_id,
        "request": signed_request(fapi_signed, **{"response_mode": "jwt", **changes}),
    }

    response = send(fapi_signed, {**form, **assertion(fapi_signed)})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request_object")


@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
@pytest.mark.parametrize("changes", [{"aud": [ISSUER, "https://other.example"]}, {"nbf": seconds() + 8}])
def test_several_audiences_and_clocks_a_little_ahead_are_accepted(fapi_signed, changes):
    form = {
        "client_id": fapi_signed.tool.client_id,
        "request": signed_request(fapi_signed, **{"response_mode": "jwt", **changes}),
    }

    assert send(fapi_signed, {**form, **assertion(fapi_signed)}).status_code == 201


@pytest.mark.spec("FAPI 2.0 MS", "5.3")
def test_a_message_signing_tool_cannot_push_unsigned_nor_ask_for_plain_answers(fapi_signed):
    unsigned = send(fapi_signed, {**fapi_signed.request(response_mode="jwt"), **assertion(fapi_signed)})
    form = {"client_id": fapi_signed.tool.client_id, "request": signed_request(fapi_signed)}
    plain = send(fapi_signed, {**form, **assertion(fapi_signed)})

    assert [each.json()["error"] for each in (unsigned, plain)] == ["invalid_request"] * 2
    assert (refusals("not_signed"), refusals("not_jarm")) == (1, 1)


# DPoP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def key():
    return jwk.ECKey.generate_key("P-256", private=True)


@pytest.fixture
def no_nonces(settings):
    settings.DPOP_NONCES = False


@pytest.mark.spec("RFC 9449", "10.1")
def test_a_proof_binds_the_code_to_its_key(wiki, browser, key, no_nonces):
    answer_of(open_pushed(wiki, browser, push(wiki, {"DPoP": proof(key)})))

    assert Grant.objects.get().dpop_jkt == key.thumbprint()


@pytest.mark.spec("RFC 9449", "10")
def test_a_named_key_binds_the_code(wiki, browser, key):
    answer_of(wiki.authorize(browser, dpop_jkt=key.thumbprint()))

    assert Grant.objects.get().dpop_jkt == key.thumbprint()


@pytest.mark.spec("RFC 9449", "10.1")
def test_a_proof_of_another_key_than_the_named_one_is_refused(wiki, key, no_nonces):
    other = jwk.ECKey.generate_key("P-256", private=True)

    matching = push(wiki, {"DPoP": proof(key)}, dpop_jkt=key.thumbprint())
    differing = push(wiki, {"DPoP": proof(key)}, dpop_jkt=other.thumbprint())

    assert matching.status_code == 201
    assert (differing.status_code, differing.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    "changes",
    [{"htm": "GET"}, {"htu": f"{ISSUER}/oidc/token"}, {"iat": -300}, {"iat": 300}, {"jti": ""}],
)
def test_a_proof_for_something_else_is_refused(wiki, key, changes, no_nonces):
    # Counted from this moment, not from when the file was read: a whole run takes longer than five minutes.
    if "iat" in changes:
        changes = {"iat": seconds() + changes["iat"]}

    response = push(wiki, {"DPoP": proof(key, **changes)})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")
    assert not PushedRequest.objects.exists()


@pytest.mark.spec("RFC 9449", "8")
def test_a_proof_without_a_nonce_is_answered_with_one(wiki, key, settings):
    settings.DPOP_NONCES = True

    first = push(wiki, {"DPoP": proof(key)})
    second = push(wiki, {"DPoP": proof(key, nonce=first["DPoP-Nonce"])})

    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    assert second.status_code == 201


# What is kept ------------------------------------------------------------------------------------------------


def test_no_secret_of_the_tool_is_kept_with_its_request(signing_key):
    party = connect("poste", token_endpoint_auth_method="client_secret_post")
    push(party)

    kept = str(PushedRequest.objects.get().pairs)

    assert party.secret not in kept
    assert "client_secret" not in kept
    assert REDIRECT in kept
    assert configured.ISSUER not in kept
