"""OAuth 2.0 Form Post Response Mode: the answer leaves in a form."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from tests.support.authorize import posted, random_text
from tests.support.oidc import REDIRECT, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
FORM_POST = "OAuth Form Post"


@pytest.mark.spec(FORM_POST, "2")
def test_the_code_leaves_in_a_form_and_nothing_is_in_the_address(wiki, browser):
    response = wiki.authorize(browser, response_mode="form_post")

    fields = posted(response)
    assert set(fields) == {"code", "state", "iss"}
    assert (fields["state"], fields["iss"]) == ("state-1", settings.ISSUER)
    assert f'action="{REDIRECT}" method="post"' in response.content.decode()
    assert "Location" not in response
    assert wiki.exchange(fields["code"]).status_code == 200


@pytest.mark.spec(FORM_POST, "2")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "email"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_an_error_leaves_in_a_form_too(wiki, browser, changes, error):
    fields = posted(wiki.authorize(browser, response_mode="form_post", **changes))

    assert (fields["error"], fields["state"], fields["iss"]) == (error, "state-1", settings.ISSUER)


@pytest.mark.spec("OIDC Core", "3.1.2.6")
def test_silence_is_kept_by_form_as_well(wiki):
    fields = posted(wiki.authorize(Client(), response_mode="form_post", prompt="none"))

    assert fields["error"] == "login_required"


@pytest.mark.spec("OAuth Multiple Response Types", "2.1")
@pytest.mark.parametrize("mode", ["fragment", "web_message", "form_post.jwk", "Query", "query form_post"])
def test_a_mode_that_is_not_understood_is_answered_by_query(wiki, browser, mode):
    answer = answer_of(wiki.authorize(browser, response_mode=mode))

    assert (answer["error"], answer["state"]) == ("invalid_request", "state-1")


def test_a_repeated_mode_is_answered_by_query(wiki, browser):
    pairs = [*wiki.request().items(), ("response_mode", "form_post"), ("response_mode", "form_post")]

    answer = answer_of(browser.get("/oidc/authorize", query_params=pairs_of(pairs)))

    assert answer["error"] == "invalid_request"


def pairs_of(pairs):
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def test_the_page_may_send_to_the_tool_and_to_nobody_else(wiki, browser):
    response = wiki.authorize(browser, response_mode="form_post")

    policy = {part.split()[0]: part.split()[1:] for part in response["Content-Security-Policy"].split(";")}
    assert policy["form-action"] == ["http://localhost:9999"]
    assert policy["script-src"] == ["'self'"]
    assert "unsafe" not in response["Content-Security-Policy"]


def test_the_page_works_without_a_script_and_is_kept_nowhere(wiki, browser):
    response = wiki.authorize(browser, response_mode="form_post")

    page = response.content.decode()
    assert 'type="submit"' in page
    assert page.count("<form") == 1
    assert "<script>" not in page
    assert "onload" not in page
    assert response["Cache-Control"] == "no-store"
    # "no-referrer" would make browsers send "Origin: null", which tools refuse.
    assert response["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("state", ['"><script>alert(1)</script>', "a&amp;b", "é ☕ \u202e", random_text(2048)])
def test_any_state_comes_back_as_it_was(wiki, browser, state):
    fields = posted(wiki.authorize(browser, response_mode="form_post", state=state))

    assert fields["state"] == state


def test_after_sign_in_the_answer_still_leaves_in_a_form(wiki, member):
    browser = Client()
    first = wiki.authorize(browser, response_mode="form_post")
    back = parse_qs(urlsplit(first["Location"]).query)["next"][0]
    inside = sign_in(member)
    waiting = browser.session
    moved = inside.session
    moved["waiting_requests"] = waiting["waiting_requests"]
    moved.save()

    assert "code" in posted(inside.get(back))


def test_the_way_back_from_a_refusal_is_a_form_of_its_own(signing_key, browser):
    closed = connect("ferme", everyone=False)

    response = closed.authorize(browser, response_mode="form_post")

    page = response.content.decode()
    assert response.status_code == 403
    assert 'id="stopped-back"' in page
    assert 'name="error" value="access_denied"' in page
    policy = response["Content-Security-Policy"]
    action = next(part for part in policy.split(";") if part.strip().startswith("form-action"))
    assert action.split()[1:] == ["'self'", "http://localhost:9999"]
