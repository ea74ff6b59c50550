"""Levels of sign-in: what a request asks for, whether a session will do, and what is stated."""

import json

import pytest

from idp.protocol import acr
from idp.protocol.acr import Need
from idp.protocol.authorization import Rules, challenge_of, parse


def need(*, minimum="", acr_values="", claims=None) -> Need:
    pairs = {
        "client_id": "wiki",
        "redirect_uri": "https://wiki.example/cb",
        "response_type": "code",
        "scope": "openid",
        "code_challenge": challenge_of("a" * 43),
        "code_challenge_method": "S256",
        "acr_values": acr_values,
        "claims": json.dumps({"id_token": {"acr": claims}}) if claims else "",
    }
    request = parse(list(pairs.items()), rules=Rules(scopes=frozenset({"openid"})))
    return acr.need_of(request, minimum=minimum)


def test_without_a_word_any_session_will_do_and_states_its_own_level():
    wanted = need()

    assert acr.suffices("", wanted)
    assert acr.stated("1", wanted) == "1"
    assert not acr.wished("1", wanted)


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_a_voluntary_value_refuses_nobody():
    wanted = need(acr_values="2 1")

    assert acr.suffices("1", wanted)
    assert acr.wished("1", wanted)
    assert acr.stated("1", wanted) == "1"
    assert acr.stated("2", wanted) == "2"


def test_the_first_choice_alone_is_wished_for():
    assert not acr.wished("1", need(acr_values="1 2"))
    assert acr.wished("1", need(acr_values="gold 2"))


@pytest.mark.spec("OpenID Connect Core", "5.5.1.1")
@pytest.mark.parametrize(
    ("values", "held", "enough"),
    [(["2"], "1", False), (["2"], "2", True), (["1", "2"], "1", True), (["1"], "2", True), (["gold"], "2", False)],
)
def test_an_essential_value_must_be_met(values, held, enough):
    assert acr.suffices(held, need(claims={"essential": True, "values": values})) is enough


def test_the_stated_level_is_one_of_those_asked_for():
    assert acr.stated("2", need(claims={"essential": True, "value": "1"})) == "1"
    assert acr.stated("2", need(acr_values="1")) == "1"


def test_a_voluntary_claim_is_a_wish_and_not_a_demand():
    wanted = need(claims={"values": ["gold"]})

    assert acr.attainable(wanted)
    assert acr.suffices("1", wanted)


def test_essential_without_a_value_is_met_by_any_level():
    assert acr.suffices("1", need(claims={"essential": True}))


def test_what_nobody_offers_cannot_be_attained():
    assert not acr.attainable(need(claims={"essential": True, "values": ["gold"]}))
    assert not acr.attainable(need(claims={"essential": True, "values": [2, None]}))
    assert not acr.attainable(need(minimum="gold"))


def test_the_operators_word_is_a_minimum_beside_what_is_asked():
    wanted = need(minimum="2", claims={"essential": True, "values": ["1"]})

    assert not acr.suffices("1", wanted)
    assert acr.suffices("2", wanted)
    assert acr.stated("2", wanted) == "1"
