"""Whatever is sent to the authorization and the pushing endpoints, the answer is the specification's, never a fault."""

import json
from urllib.parse import parse_qs, quote_from_bytes, urlsplit

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.models import Grant, PushedRequest
from idp.protocol.authorization import KNOWN
from tests.support.authorize import CLIENT_KEY, signed_request, with_keys
from tests.support.oidc import REDIRECT, Party, sign_in

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
NAMES = [*sorted(KNOWN), "request", "request_uri", "registration", "x", ""]
ERRORS = {
    "access_denied",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "unmet_authentication_requirements",
    "unsupported_response_type",
}
FUZZ = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

sensible = st.sampled_from(
    [
        b"code",
        b"form_post",
        b"jwt",
        b"query",
        b"fragment",
        b"openid",
        b"none",
        b"login",
        b"consent create",
        b"0",
        b"-1",
        b"9" * 30,
        b"2 1",
        b'{"id_token":{"acr":{"essential":true,"values":["2"]}}}',
        b'{"userinfo":{"sub":{"value":"\\ud800"}}}',
        b'{"id_token":{"sub":{"value":{"a":[1,null]}}}}',
        b"[[[[",
        b"S256",
        b"urn:ietf:params:oauth:request_uri:x",
        b"eyJhbGciOiJub25lIn0.e30.",
        b"\x00",
        b"\xed\xa0\x80",
        b"\xff\xfe",
        b"\r\nLocation: https://evil.example/",
        "é\u202e\U0001f600".encode(),
        b"a" * 2048,
        b"a" * 30_000,
        b"",
    ]
)
values = st.one_of(
    sensible, st.binary(max_size=80), st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
)
changes = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=5)


@pytest.fixture
def party(signing_key) -> Party:
    return with_keys("cible")


def raw(party: Party, extra: list[tuple[str, bytes]], *, replacing: bool) -> str:
    """A right request with these changes, as bytes on the wire."""
    replaced = {name for name, _value in extra} if replacing else set()
    kept = [(name, str(value).encode()) for name, value in party.request().items() if name not in replaced]
    return "&".join(f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}" for name, value in [*kept, *extra])


def check(response) -> None:
    assert response.status_code in (200, 302, 303, 400, 403), response.status_code
    assert "\n" not in response.get("Location", "")
    location = response.get("Location", "")
    if response.status_code == 303 and not location.startswith("/"):
        assert location.startswith(REDIRECT + "?"), location
        answer = parse_qs(urlsplit(location).query, keep_blank_values=True)
        assert answer.keys() & {"code", "error", "response"}
        assert set(answer.get("error", [])) <= ERRORS, answer
        assert "response" in answer or answer["iss"]


@FUZZ
@given(extra=changes, replacing=st.booleans(), inside=st.booleans())
def test_any_request_by_get_is_answered(party, member, extra, replacing, inside):
    browser = sign_in(member) if inside else Client()

    check(browser.get("/oidc/authorize?" + raw(party, extra, replacing=replacing)))


@FUZZ
@given(extra=changes, replacing=st.booleans(), inside=st.booleans())
def test_any_request_by_post_is_answered(party, member, extra, replacing, inside):
    browser = sign_in(member) if inside else Client()

    response = browser.post("/oidc/authorize", raw(party, extra, replacing=replacing), content_type=FORM)

    check(response)
    if response.get("Location", "").startswith("/oidc/authorize"):
        assert len(response["Location"]) < 4000
        check(browser.get(response["Location"]))


@FUZZ
@given(body=st.binary(max_size=200), query=st.binary(max_size=100))
def test_any_bytes_are_answered(party, body, query):
    client = Client()

    for response in (
        client.post("/oidc/authorize", body, content_type=FORM),
        client.get("/oidc/authorize", QUERY_STRING=query.decode("latin-1")),
        client.post("/oidc/par", body, content_type=FORM, headers=party.headers()),
    ):
        assert response.status_code in (302, 303, 400, 401), response.status_code


@FUZZ
@given(extra=changes, replacing=st.booleans())
def test_any_pushed_request_is_answered(party, extra, replacing):
    response = party.http.post(
        "/oidc/par", raw(party, extra, replacing=replacing), content_type=FORM, headers=party.headers()
    )

    assert response.status_code in (201, 400, 401)
    if response.status_code == 201:
        check(Client().get("/oidc/authorize", {"client_id": party.tool.client_id, **reference(response)}))
    else:
        assert response.json()["error"] in ERRORS | {"invalid_client"}


def reference(response) -> dict[str, str]:
    return {"request_uri": response.json()["request_uri"]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@FUZZ
@given(
    members=st.dictionaries(
        st.sampled_from(sorted(KNOWN | {"exp", "nbf", "aud", "iss", "sub"})), json_values, max_size=4
    )
)
def test_any_signed_request_is_answered(party, members):
    try:
        request = signed_request(party, key=CLIENT_KEY, **members)
    except UnicodeEncodeError:
        return
    response = Client().get("/oidc/authorize", {"client_id": party.tool.client_id, "request": request})

    check(response)


@FUZZ
@given(text=st.text(max_size=200) | json_values.map(lambda value: json.dumps({"id_token": value, "userinfo": value})))
def test_any_claims_are_answered(party, member, text):
    check(
        sign_in(member).get(
            "/oidc/authorize?" + raw(party, [("claims", text.encode("utf-8", "replace"))], replacing=True)
        )
    )


def test_the_fuzz_reaches_both_ends(party, member):
    """A sentinel: with nothing changed a code leaves and a request is pushed."""
    check(sign_in(member).get("/oidc/authorize?" + raw(party, [], replacing=True)))
    party.http.post("/oidc/par", raw(party, [], replacing=True), content_type=FORM, headers=party.headers())

    assert Grant.objects.count() == 1
    assert PushedRequest.objects.count() == 1
