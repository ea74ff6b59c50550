"""Signed authorization requests: what the client signed, and nothing beside it."""

import json
import warnings
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from idp.protocol.jose import MAX_TOKEN_CHARS
from idp.protocol.request_objects import RequestObjectInvalid, parse, read
from tests.support.signed import (
    AMBIGUOUS,
    NEARLY_TOKENS,
    ODD_VALUES,
    public_key,
    signed_with_public_key,
    token,
    unsigned,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://hub.example"
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519")
ABOUT = {"iss": "wiki", "aud": ISSUER, "exp": SECONDS + 300, "nbf": SECONDS, "iat": SECONDS, "jti": "j"}
ASKED = {"client_id": "wiki", "response_type": "code", "redirect_uri": "https://wiki.example/cb", "scope": "openid"}


def body(**changes):
    return {name: value for name, value in {**ABOUT, **ASKED, **changes}.items() if value is not None}


def signed(*, alg="PS256", head=None, **changes):
    return token({"alg": alg, "typ": "oauth-authz-req+jwt", **(head or {})}, body(**changes), sign_as=alg)


def asked(sent, **changes):
    given_ = {
        "keys": [public_key("PS256")],
        "algorithms": ALGORITHMS,
        "client_id": "wiki",
        "issuer": ISSUER,
        "now": NOW,
        "strict": False,
    }
    return read(parse(sent), **{**given_, **changes})


def why_refused(sent, **changes):
    with pytest.raises(RequestObjectInvalid) as refused:
        asked(sent, **changes)
    assert refused.value.code == "invalid_request_object"
    return refused.value.detail.removeprefix("request_object_")


@pytest.mark.spec("RFC 9101", "4")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"])
@pytest.mark.parametrize("strict", [False, True])
def test_a_signed_request_says_what_an_ordinary_one_says(alg, strict):
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        pairs = asked(signed(alg=alg), keys=[public_key(alg)], strict=strict)

    assert sorted(pairs) == sorted(ASKED.items())


@pytest.mark.spec("RFC 9101", "4")
def test_values_that_are_not_strings_become_the_text_of_a_parameter():
    claims = {"userinfo": {"name": {"essential": True}}, "id_token": {"acr": {"values": ["é"]}}}

    pairs = dict(asked(signed(max_age=300, claims=claims)))

    assert pairs["max_age"] == "300"
    assert json.loads(pairs["claims"]) == claims


def test_claims_that_come_as_text_stay_that_text():
    assert dict(asked(signed(claims='{"userinfo":{}}')))["claims"] == '{"userinfo":{}}'


@pytest.mark.spec("RFC 8707", "2")
def test_several_resources_are_several_parameters():
    pairs = asked(signed(resource=["https://a.example/", "https://b.example/"]))

    assert [value for name, value in pairs if name == "resource"] == ["https://a.example/", "https://b.example/"]


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": ["login"]},
        {"state": {"a": 1}},
        {"max_age": 1.5},
        {"max_age": True},
        {"max_age": 10**40},
        {"nonce": False},
        {"claims": 5.5},
        {"resource": [1]},
        {"resource": {"a": 1}},
    ],
)
@pytest.mark.spec("RFC 9101", "4")
def test_a_value_that_is_no_parameter_is_refused(changes):
    assert why_refused(signed(**changes)) == "parameter_malformed"


def test_null_is_no_value():
    sent = token({"alg": "PS256"}, {**body(), "state": None})

    assert why_refused(sent) == "parameter_malformed"


@pytest.mark.spec("RFC 9101", "4")
@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_a_request_in_a_request_is_refused(name):
    assert why_refused(signed(**{name: "urn:x"})) == "nested"
    assert why_refused(token({"alg": "PS256"}, {**body(), name: None})) == "nested"


@pytest.mark.spec("RFC 9101", "6.3")
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"iss": "agenda"}, "iss"),
        ({"iss": 5}, "iss_malformed"),
        ({"client_id": "agenda"}, "client_id"),
        ({"client_id": ["wiki"]}, "client_id_malformed"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": [ISSUER, 5]}, "aud_malformed"),
        ({"aud": f"{ISSUER}/"}, "aud"),
        ({"exp": SECONDS}, "exp"),
        ({"exp": SECONDS - 1}, "exp"),
        ({"exp": "soon"}, "exp_malformed"),
        ({"exp": True}, "exp_malformed"),
        ({"nbf": SECONDS + 61}, "nbf"),
        ({"iat": SECONDS + 61}, "iat"),
        ({"iat": -1}, "iat_malformed"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_who_it_is_from_and_for_and_until_when_is_checked(changes, detail, strict):
    assert why_refused(signed(**changes), strict=strict) == detail


@pytest.mark.spec("RFC 9101", "10.8")
def test_a_client_assertion_is_no_request_and_a_request_no_assertion():
    assert why_refused(signed(sub="wiki")) == "sub"
    assert "sub" not in dict(asked(signed(sub="somebody")))
    for typ in ("client-authentication+jwt", "dpop+jwt", "at+jwt"):
        assert why_refused(signed(head={"typ": typ})) == "typ"


@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"exp": None}, "times_missing"),
        ({"nbf": None}, "times_missing"),
        ({"aud": None}, "aud"),
        ({"client_id": None}, "client_id"),
        ({"exp": SECONDS + 3601}, "too_long_lived"),
        ({"nbf": SECONDS - 3601, "exp": SECONDS + 1}, "too_long_lived"),
        ({"nbf": SECONDS - 3599, "exp": SECONDS + 60}, "too_long_lived"),
    ],
)
def test_message_signing_asks_for_more_than_the_ordinary_rules(changes, detail):
    assert why_refused(signed(**changes), strict=True) == detail
    assert dict(asked(signed(**changes), strict=False))["client_id"] == "wiki"


@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"nbf": SECONDS + 8},
        {"nbf": SECONDS + 10, "iat": SECONDS + 10},
        {"exp": SECONDS + 3600},
        {"nbf": SECONDS - 3590, "exp": SECONDS + 10},
        {"aud": ["https://other.example", ISSUER]},
        {"iss": None},
    ],
)
def test_what_message_signing_allows_passes(changes):
    assert dict(asked(signed(**changes), strict=True))["client_id"] == "wiki"


def test_the_type_may_be_left_out_or_be_plain_jwt():
    for head in ({"typ": "JWT"}, {"typ": ""}, {"typ": "application/oauth-authz-req+jwt"}):
        assert dict(asked(signed(head=head), strict=True))["scope"] == "openid"


@pytest.mark.spec("RFC 9101", "10.1")
def test_an_unsigned_request_object_is_refused():
    assert why_refused(unsigned(body())) == "alg"
    assert why_refused(unsigned(body()), algorithms=("none",)) == "alg"
    assert why_refused(signed().rpartition(".")[0] + ".") == "signature"


@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_an_algorithm_that_was_not_allowed_here_is_refused():
    assert why_refused(signed(alg="RS256"), algorithms=("PS256", "ES256", "Ed25519")) == "alg"


@pytest.mark.spec("RFC 8725", "3.1")
def test_the_keys_are_the_client_s_published_ones_only():
    own = ECKey.generate_key("P-256")
    head = {"alg": "ES256", "jwk": own.as_dict(private=False), "jku": "https://evil.example/"}

    assert why_refused(token(head, body(), key=own), keys=[public_key("ES256")]) == "signature"
    assert why_refused(signed(), keys=[]) == "no_key"
    pem = public_key("PS256").as_pem(private=False)
    assert why_refused(signed_with_public_key(body(), pem), algorithms=("HS256", "PS256")) == "no_key"


@pytest.mark.spec("RFC 7515", "4.1.11")
def test_extensions_that_must_be_understood_are_refused():
    assert why_refused(signed(head={"crit": ["x"], "x": 1})) == "crit"


@pytest.mark.parametrize("name", sorted(AMBIGUOUS))
def test_json_with_two_meanings_is_refused(name):
    assert why_refused(token({"alg": "PS256"}, AMBIGUOUS[name](body()))) == "malformed"


def test_limits_of_length_and_number():
    assert why_refused(signed(state="x" * MAX_TOKEN_CHARS)) == "too_long"
    assert why_refused(signed(**{f"p{number}": "x" for number in range(101)})) == "too_many"


def test_an_encrypted_request_object_is_refused():
    assert why_refused(f"{signed()}.AAAA.AAAA") == "malformed"


def test_the_key_id_can_be_looked_at_before_there_are_keys():
    assert (parse(signed(head={"kid": "k1"})).kid, parse(signed()).kid) == ("k1", "")
    with pytest.raises(RequestObjectInvalid):
        parse("x")


@given(NEARLY_TOKENS)
def test_no_text_raises_anything_but_the_documented_error(sent):
    with pytest.raises(RequestObjectInvalid):
        asked(sent)


NAMES = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "client_id",
    "claims",
    "resource",
    "state",
    "request",
    "max_age",
    "é",
]


@given(st.dictionaries(st.sampled_from(NAMES), ODD_VALUES, max_size=4), st.booleans())
def test_no_signed_content_raises_anything_but_the_documented_error(changes, strict):
    sent = token({"alg": "ES256"}, json.dumps({**body(), **changes}))

    with suppress(RequestObjectInvalid):
        pairs = asked(sent, keys=[public_key("ES256")], strict=strict)
        assert pairs[0] == ("client_id", "wiki")
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in pairs)
        assert not {name for name, _ in pairs} & {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "request"}
