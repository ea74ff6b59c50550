"""The authorization request as a value: every malformed one gets the specification's error."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.authorization import KNOWN, Rules, challenge_of, destination, parse
from idp.protocol.errors import ProtocolError

SCOPES = frozenset({"openid", "profile", "email"})
CHALLENGE = challenge_of("a" * 43)
GOOD = {
    "client_id": "wiki",
    "redirect_uri": "https://wiki.example/cb",
    "response_type": "code",
    "scope": "openid email",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def request_with(**changes):
    pairs = {**GOOD, **changes}
    return [(name, value) for name, value in pairs.items() if value is not None]


def parsed(**changes):
    return parse(request_with(**changes), rules=Rules(scopes=SCOPES))


def test_a_plain_request_is_read_as_sent():
    asked = parsed()

    assert asked.scopes == {"openid", "email"}
    assert (asked.state, asked.nonce, asked.code_challenge) == ("s", "n", CHALLENGE)


@pytest.mark.spec("RFC 7636", "4.2")
def test_the_challenge_is_the_one_of_the_specification():
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "ten"}, "invalid_request"),
        ({"max_age": "١٠"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[" * 4000}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"resource": "https://api.example/"}, "invalid_target"),
        ({"nonce": "n" * 5000}, "invalid_request"),
        ({"nonce": "a\x00b"}, "invalid_request"),
    ],
)
def test_a_malformed_value_gets_the_error_of_the_specification(changes, code):
    with pytest.raises(ProtocolError) as refused:
        parsed(**changes)

    assert refused.value.code == code


@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_unknown_parameters_and_scopes_are_ignored():
    asked = parsed(foo="bar", scope="openid email telepathy")

    assert asked.scopes == {"openid", "email"}
    assert "foo" not in asked.query


@pytest.mark.spec("RFC 6749", "3.1")
@pytest.mark.parametrize("name", ["scope", "state", "nonce", "code_challenge", "prompt"])
def test_a_repeated_parameter_is_refused(name):
    with pytest.raises(ProtocolError) as refused:
        parse([*request_with(), (name, "x"), (name, "y")], rules=Rules(scopes=SCOPES))

    assert refused.value.detail == "repeated_parameter"


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
@pytest.mark.parametrize("times", [0, 2])
def test_without_one_client_and_one_address_nothing_is_redirected(name, times):
    pairs = [pair for pair in request_with() if pair[0] != name] + [(name, GOOD[name])] * times

    with pytest.raises(ProtocolError):
        destination(pairs)


def test_the_way_back_carries_the_same_request():
    asked = parsed(prompt="login", max_age="60")

    assert "prompt=login" in asked.query
    assert "max_age=60" in asked.query


@given(st.lists(st.tuples(st.sampled_from([*sorted(KNOWN), "request", "x"]), st.text(max_size=60)), max_size=20))
def test_no_request_raises_anything_but_a_protocol_error(pairs):
    with suppress(ProtocolError):
        destination(pairs)
        asked = parse(pairs, rules=Rules(scopes=SCOPES))
        assert asked.scopes <= SCOPES
        assert asked.code_challenge
