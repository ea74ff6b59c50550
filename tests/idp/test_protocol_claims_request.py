"""The ``claims`` parameter as a value."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.claims_request import EMPTY, MAX_CHARS, ClaimWish, parse
from idp.protocol.errors import ProtocolError
from tests.support.signed import ODD_VALUES


@pytest.mark.spec("OIDC Core", "5.5")
def test_claims_are_asked_for_by_name_and_by_place():
    asked = parse(
        json.dumps(
            {
                "userinfo": {"given_name": {"essential": True}, "nickname": None, "email": {}},
                "id_token": {
                    "auth_time": {"essential": True},
                    "acr": {"values": ["urn:2", "urn:1"]},
                    "sub": {"value": "s"},
                },
            }
        )
    )

    assert asked.userinfo == {"given_name": ClaimWish(True), "nickname": ClaimWish(), "email": ClaimWish()}
    assert asked.id_token == {
        "auth_time": ClaimWish(True),
        "acr": ClaimWish(values=("urn:2", "urn:1")),
        "sub": ClaimWish(values=("s",)),
    }
    assert asked.names == {"given_name", "nickname", "email", "auth_time", "acr", "sub"}


@pytest.mark.parametrize("text", ["", "{}", '{"userinfo":null}', '{"userinfo":{},"id_token":{}}', '{"other":[1]}'])
@pytest.mark.spec("OIDC Core", "5.5")
def test_members_that_are_not_understood_and_empty_ones_ask_for_nothing(text):
    asked = parse(text)

    assert asked == EMPTY
    assert not asked
    assert asked.names == frozenset()


@pytest.mark.spec("OIDC Core", "5.5.1")
def test_members_of_a_wish_that_are_not_understood_are_ignored():
    assert parse('{"userinfo":{"email":{"purpose":"why not","essential":false}}}').userinfo == {"email": ClaimWish()}


@pytest.mark.spec("OIDC Core", "5.2")
def test_a_language_tag_asks_for_the_claim_without_it():
    asked = parse('{"userinfo":{"family_name#ja-Kana-JP":null,"family_name":{"essential":true}}}')

    assert asked.userinfo == {"family_name": ClaimWish(True)}


@pytest.mark.spec("OIDC Core", "5.5.1")
def test_a_value_is_accepted_when_it_is_one_of_those_asked_for():
    assert ClaimWish().accepts("anything")
    assert ClaimWish(values=("a", "b")).accepts("b")
    assert not ClaimWish(values=("a", "b")).accepts("c")
    assert not ClaimWish(values=(1,)).accepts(True)
    assert ClaimWish(values=({"a": 1, "b": 2},)).accepts({"b": 2, "a": 1})


def test_the_value_null_is_a_value():
    assert not parse('{"userinfo":{"email":{"value":null}}}').userinfo["email"].accepts("a@b.example")


@pytest.mark.spec("OIDC Core", "5.5")
@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"userinfo"',
        "{",
        '{"userinfo":[]}',
        '{"userinfo":"email"}',
        '{"id_token":{"acr":true}}',
        '{"id_token":{"acr":"1"}}',
        '{"id_token":{"acr":["1"]}}',
        '{"id_token":{"acr":{"essential":"true"}}}',
        '{"id_token":{"acr":{"essential":1}}}',
        '{"id_token":{"acr":{"values":"1"}}}',
        '{"id_token":{"acr":{"values":[]}}}',
        '{"id_token":{"acr":{"values":null}}}',
        '{"id_token":{"acr":{"value":"1","values":["2"]}}}',
        '{"id_token":{"sub":{"value":"me"},"sub":{"value":"you"}}}',
        '{"id_token":{"acr":{"value":NaN}}}',
        '{"id_token":' + "[" * 3000,
        json.dumps({"userinfo": {f"claim{number}": None for number in range(101)}}),
        json.dumps({"id_token": {"acr": {"values": ["x"] * 51}}}),
        json.dumps({"userinfo": {"x" * MAX_CHARS: None}}),
    ],
)
def test_a_malformed_request_gets_the_error_of_the_specification(text):
    with pytest.raises(ProtocolError) as refused:
        parse(text)

    assert (refused.value.code, refused.value.detail) == ("invalid_request", "claims_malformed")


def test_nobody_can_add_to_a_request_that_was_read():
    asked = parse('{"userinfo":{"email":null}}')

    with pytest.raises(TypeError):
        asked.userinfo["phone_number"] = ClaimWish()
    with pytest.raises(TypeError):
        EMPTY.userinfo["phone_number"] = ClaimWish()


@given(
    st.text(max_size=200)
    | st.recursive(
        ODD_VALUES,
        lambda inner: st.dictionaries(
            st.sampled_from(["userinfo", "id_token", "acr", "essential", "value", "values", "a#b", ""]), inner
        ),
    ).map(json.dumps)
)
def test_no_text_raises_anything_but_the_documented_error(text):
    with suppress(ProtocolError):
        asked = parse(text)
        for wish in (*asked.id_token.values(), *asked.userinfo.values()):
            assert isinstance(wish.essential, bool)
            assert wish.accepts("x") in (True, False)
