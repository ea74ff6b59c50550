"""JARM: the answer leaves as a signed token."""

import pytest
from django.conf import settings
from django.test import Client

from tests.support.authorize import posted, query_of, seconds, signed_answer
from tests.support.oidc import REDIRECT, connect

pytestmark = pytest.mark.django_db


@pytest.mark.spec("JARM", "2.1")
@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_the_code_leaves_in_a_token_that_names_issuer_and_client(wiki, browser, mode):
    response = wiki.authorize(browser, response_mode=mode)

    answer = query_of(response)
    assert response.status_code == 303
    assert response["Location"].startswith(REDIRECT + "?")
    assert set(answer) == {"response"}, "nothing travels beside the signature"
    claims = signed_answer(wiki, answer["response"])
    assert (claims["iss"], claims["aud"], claims["state"]) == (settings.ISSUER, wiki.tool.client_id, "state-1")
    assert seconds() < claims["exp"] <= seconds() + 600
    assert wiki.exchange(claims["code"]).status_code == 200


@pytest.mark.spec("JARM", "2.3.3")
def test_the_token_may_leave_in_a_form(wiki, browser):
    fields = posted(wiki.authorize(browser, response_mode="form_post.jwt"))

    assert set(fields) == {"response"}
    assert "code" in signed_answer(wiki, fields["response"])


@pytest.mark.spec("JARM", "2.1")
def test_an_error_is_signed_too(wiki):
    answer = query_of(wiki.authorize(Client(), response_mode="jwt", prompt="none"))

    claims = signed_answer(wiki, answer["response"])
    assert (claims["error"], claims["state"], claims["iss"]) == ("login_required", "state-1", settings.ISSUER)


@pytest.mark.spec("JARM", "3")
@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "Ed25519"])
def test_the_tool_chooses_the_algorithm(signing_key, browser, algorithm):
    party = connect("choisi", authorization_signed_response_alg=algorithm)

    answer = query_of(party.authorize(browser, response_mode="jwt"))

    assert "code" in signed_answer(party, answer["response"], [algorithm])


def test_a_signed_answer_is_no_id_token(wiki, browser):
    """Signed by the same keys, for the same audience: it must not pass for a hint."""
    answer = query_of(wiki.authorize(browser, response_mode="jwt"))

    again = query_of(wiki.authorize(browser, id_token_hint=answer["response"]))

    assert again["error"] == "invalid_request"
