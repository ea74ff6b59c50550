"""What JWT access tokens and signed introspection answers hold."""

from datetime import UTC, datetime, timedelta

import pytest

from idp.protocol.access_tokens import cnf, introspection_payload, payload, token_type

NOW = datetime(2026, 11, 23, 9, 0, 0, 750_000, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def make(**changes):
    given = {
        "issuer": "https://hub.example",
        "subject": "s",
        "client_id": "wiki",
        "audience": ["https://api.example/"],
        "scope": "openid email",
        "now": NOW,
        "lifetime": timedelta(minutes=10),
        "jti": "j",
    }
    return payload(**{**given, **changes})


@pytest.mark.spec("RFC 9068", "2.2")
def test_the_claims_that_every_token_must_have_are_there_and_nothing_empty_is():
    assert make() == {
        "iss": "https://hub.example",
        "sub": "s",
        "aud": "https://api.example/",
        "client_id": "wiki",
        "scope": "openid email",
        "iat": SECONDS,
        "exp": SECONDS + 600,
        "jti": "j",
    }


@pytest.mark.spec("RFC 9068", "2.2.1")
def test_how_the_member_signed_in_is_said_when_it_is_known():
    claims = make(auth_time=NOW - timedelta(hours=1), acr="2")

    assert (claims["auth_time"], claims["acr"]) == (SECONDS - 3600, "2")


@pytest.mark.spec("RFC 9068", "3")
def test_several_audiences_are_a_list_and_none_is_an_error():
    assert make(audience=["https://a.example/", "https://b.example/"])["aud"] == [
        "https://a.example/",
        "https://b.example/",
    ]
    with pytest.raises(ValueError, match="audience"):
        make(audience=[])


def test_a_token_without_scope_says_none():
    assert "scope" not in make(scope="")


@pytest.mark.spec("RFC 9449", "6.1")
def test_a_token_bound_to_a_key_says_so():
    assert make(binding="jkt:abc")["cnf"] == {"jkt": "abc"}
    assert token_type("jkt:abc") == "DPoP"


@pytest.mark.spec("RFC 8705", "3.1")
def test_a_token_bound_to_a_certificate_says_so_and_is_called_bearer():
    assert make(binding="x5t#S256:abc")["cnf"] == {"x5t#S256": "abc"}
    assert (token_type("x5t#S256:abc"), token_type("")) == ("Bearer", "Bearer")


@pytest.mark.parametrize("binding", ["jkt", "jkt:", "jwk:abc", ":abc", "x5t:abc", "JKT:abc"])
def test_a_binding_that_nobody_can_check_is_never_given_out(binding):
    with pytest.raises(ValueError, match="binding"):
        make(binding=binding)


def test_without_a_binding_there_is_nothing_to_confirm():
    assert cnf("") == {}
    assert "cnf" not in make()


@pytest.mark.spec("RFC 8693", "4.1")
def test_the_tool_that_acts_for_a_member_is_named():
    assert make(actor="agenda")["act"] == {"sub": "agenda"}
    assert "act" not in make()


@pytest.mark.spec("RFC 9701", "5")
def test_an_introspection_answer_stays_inside_its_member():
    answer = {"active": True, "sub": "s", "exp": SECONDS, "scope": "openid"}

    signed = introspection_payload(issuer="https://hub.example", audience="wiki", now=NOW, answer=answer)

    assert signed == {"iss": "https://hub.example", "aud": "wiki", "iat": SECONDS, "token_introspection": answer}


@pytest.mark.spec("RFC 9701", "5")
@pytest.mark.parametrize("answer", [{}, {"active": False, "sub": "s"}, {"sub": "s"}, {"active": "true", "sub": "s"}])
def test_of_a_token_that_is_not_active_nothing_is_told(answer):
    signed = introspection_payload(issuer="i", audience="wiki", now=NOW, answer=answer)

    assert signed["token_introspection"] == {"active": False}
