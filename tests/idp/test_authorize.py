"""The authorization endpoint, from outside."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory.types import MemberState
from idp.models import Grant, HubSession, ToolSession
from idp.protocol.tokens import digest
from tests.support.oidc import REDIRECT, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db


def refusals(reason: str) -> int:
    return Event.objects.filter(action=Action.AUTHORIZATION_REFUSED, reason=reason, refused=True).count()


def test_a_signed_in_member_gets_a_code_with_state_and_issuer(wiki, browser):
    answer = answer_of(wiki.authorize(browser))

    assert answer["state"] == "state-1"
    assert answer["iss"] == settings.ISSUER
    assert len(answer["code"]) >= 43


def test_a_code_is_stored_as_a_digest_only(wiki, browser):
    code = wiki.code(browser)

    assert Grant.objects.get().code == digest(code)
    assert Event.objects.filter(action=Action.CODE_ISSUED).count() == 1


@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_the_request_may_come_by_post_without_a_token_of_ours(wiki, member):
    browser = sign_in(member)
    browser.handler.enforce_csrf_checks = True

    response = browser.post("/oidc/authorize", wiki.request())

    assert response.status_code in (303, 400)
    body = "&".join(f"{name}={value}" for name, value in wiki.request().items()).replace(" ", "+")
    response = browser.post("/oidc/authorize", body, content_type="application/x-www-form-urlencoded")
    assert "code" in answer_of(response)


@pytest.mark.incident("django-oauth-toolkit#1719")
@pytest.mark.spec("RFC 9700", "2.1")
@pytest.mark.parametrize("prompt", [None, "none"])
def test_an_unknown_client_gets_a_page_and_never_a_redirect(wiki, browser, prompt):
    response = wiki.authorize(browser, client_id="nobody", prompt=prompt)

    assert response.status_code == 400
    assert b'id="error-page"' in response.content
    assert refusals("client_unknown") == 1


@pytest.mark.incident("django-oauth-toolkit#1719")
@pytest.mark.parametrize("prompt", [None, "none"])
@pytest.mark.parametrize(
    "uri", ["https://evil.example/cb", REDIRECT + "/", REDIRECT + "?x", "http://localhost:9998/callback"]
)
def test_a_foreign_address_gets_a_page_and_never_a_redirect(wiki, browser, uri, prompt):
    response = wiki.authorize(browser, redirect_uri=uri, prompt=prompt)

    assert response.status_code == 400
    assert refusals("redirect_uri_foreign") == 1


@pytest.mark.spec("RFC 9207", "2")
def test_an_error_goes_to_the_tool_with_state_and_issuer(wiki, browser):
    answer = answer_of(wiki.authorize(browser, response_type="token"))

    assert (answer["error"], answer["state"], answer["iss"]) == (
        "unsupported_response_type",
        "state-1",
        settings.ISSUER,
    )
    assert refusals("unsupported_response_type") == 1


@pytest.mark.spec("RFC 7636", "4.4.1")
def test_a_request_without_challenge_is_refused(wiki, browser):
    answer = answer_of(wiki.authorize(browser, code_challenge=None, code_challenge_method=None))

    assert answer["error"] == "invalid_request"
    assert refusals("pkce_missing") == 1


def test_an_operator_may_relax_the_challenge_for_one_tool(signing_key, browser):
    old = connect("vieux", pkce_required=False)

    assert "code" in answer_of(old.authorize(browser, code_challenge=None, code_challenge_method=None))


def test_a_stranger_is_sent_to_sign_in_and_back_to_this_very_request(wiki):
    response = wiki.authorize(Client())

    assert response.status_code == 302
    back = parse_qs(urlsplit(response["Location"]).query)["next"][0]
    assert urlsplit(response["Location"]).path.startswith("/compte/")
    # What the tool sent waits in the browser's session and is in no address.
    assert back.startswith("/oidc/authorize/suite/")
    assert "nonce-1" not in back


@pytest.mark.spec("OIDC Core", "3.1.2.6")
def test_prompt_none_without_a_session_answers_login_required(wiki):
    assert answer_of(wiki.authorize(Client(), prompt="none"))["error"] == "login_required"


def test_prompt_none_with_a_session_answers_without_a_word(wiki, browser):
    assert "code" in answer_of(wiki.authorize(browser, prompt="none"))


@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_prompt_login_cannot_be_skipped_by_going_to_the_return_address(wiki, browser):
    first = wiki.authorize(browser, prompt="login")
    back = parse_qs(urlsplit(first["Location"]).query)["next"][0]

    second = browser.get(back)

    assert second.status_code == 302
    assert urlsplit(second["Location"]).path.startswith("/compte/")


def test_prompt_login_is_satisfied_by_a_proof_given_after_it_was_asked(wiki, browser):
    first = wiki.authorize(browser, prompt="login")
    back = parse_qs(urlsplit(first["Location"]).query)["next"][0]
    HubSession.objects.update(auth_time=timezone.now() + timedelta(seconds=1))

    answer = answer_of(browser.get(back))

    assert "code" in answer
    assert wiki.authorize(browser, prompt="login").status_code == 302, "one proof serves one request"


def test_max_age_asks_again_when_the_sign_in_is_too_old(wiki, member):
    browser = sign_in(member, at=timezone.now() - timedelta(minutes=5))

    assert wiki.authorize(browser, max_age="60").status_code == 302
    assert "code" in answer_of(wiki.authorize(browser, max_age="600"))
    assert answer_of(wiki.authorize(browser, max_age="60", prompt="none"))["error"] == "login_required"


def test_a_hint_that_names_somebody_else_is_not_answered(wiki, browser, other_member):
    theirs = wiki.exchange(wiki.code(sign_in(other_member))).json()["id_token"]

    answer = answer_of(wiki.authorize(browser, prompt="none", id_token_hint=theirs))

    assert answer["error"] == "login_required"


def test_a_hint_that_is_not_ours_is_refused(wiki, browser):
    assert answer_of(wiki.authorize(browser, id_token_hint="e30.e30.e30"))["error"] == "invalid_request"


@pytest.mark.parametrize("prompt", [None, "none", "login", "consent"])
def test_a_member_outside_the_collectives_gets_no_code_by_any_prompt(signing_key, browser, prompt):
    closed = connect("ferme", everyone=False)

    response = closed.authorize(browser, prompt=prompt)

    assert response.status_code in (302, 303, 403)
    assert "code=" not in response.get("Location", "").replace("code_challenge=", "")
    assert not Grant.objects.exists()


def test_refused_access_is_a_page_that_says_whom_to_ask(signing_key, browser):
    response = connect("ferme", everyone=False).authorize(browser)

    assert response.status_code == 403
    assert refusals("not_in_group") == 1


def test_a_member_who_left_gets_no_code(wiki, member, browser):
    member.state = MemberState.LEFT
    member.save()

    assert answer_of(wiki.authorize(browser, prompt="none"))["error"] == "login_required"


def test_a_session_ended_elsewhere_opens_nothing(wiki, browser):
    HubSession.objects.update(ended_at=timezone.now())

    assert answer_of(wiki.authorize(browser, prompt="none"))["error"] == "login_required"


def test_sid_is_random_and_differs_per_tool_and_is_not_the_cookie(wiki, agenda, browser):
    wiki.code(browser)
    agenda.code(browser)

    sids = set(ToolSession.objects.values_list("sid", flat=True))
    assert len(sids) == 2
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value not in sids


def test_authorize_with_a_session_costs_few_statements(wiki, browser, django_assert_max_num_queries):
    wiki.code(browser)

    with django_assert_max_num_queries(12):
        wiki.code(browser)
