"""RP-Initiated Logout: who is signed out of what, where the browser goes, and what a person is asked."""

import base64
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from idp.models import DeviceGrant, HubSession, SigningKey, Tool, ToolSession
from idp.services import keys
from idp.services.tools import set_access
from idp.types import ToolState
from tests.support.oidc import AFTER_LOGOUT, answer_of, sign_in

pytestmark = pytest.mark.django_db
NAME = "OIDC RP-Initiated Logout"
NOW = timezone.now


def hint_of(party, browser) -> str:
    return party.exchange(party.code(browser)).json()["id_token"]


def asked_again(party, browser) -> str:
    """What a silent request brings after all."""
    return answer_of(party.authorize(browser, prompt="none")).get("error", "code")


def unsigned(token: str) -> str:
    """The same content with ``alg`` none."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def stays(response) -> bool:
    """No redirect to anybody's address."""
    return not response.get("Location", "/").startswith("http")


# What certification asks (rp-initiated-logout-*) --------------------------------------------------------------


@pytest.mark.spec(NAME, "2.1")
def test_the_address_is_announced(client):
    document = client.get("/.well-known/openid-configuration").json()

    assert document["end_session_endpoint"] == "http://localhost:8000/oidc/logout"


@pytest.mark.spec(NAME, "2")
@pytest.mark.spec(NAME, "3")
def test_a_valid_request_signs_out_goes_back_with_state_and_a_silent_one_finds_nobody(wiki, browser):
    hint = hint_of(wiki, browser)

    response = browser.get(
        "/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s t&=ä"}
    )

    assert response.status_code == 303
    assert response["Location"] == AFTER_LOGOUT + "?state=s+t%26%3D%C3%A4"
    assert asked_again(wiki, browser) == "login_required"


@pytest.mark.spec(NAME, "3")
@pytest.mark.parametrize(
    "address", ["https://evil.example/", AFTER_LOGOUT + "?x=1", AFTER_LOGOUT + "/", "javascript:1"]
)
def test_an_address_that_is_not_registered_is_never_followed(wiki, browser, address):
    hint = hint_of(wiki, browser)

    response = browser.get("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": address, "state": "s"})

    assert response.status_code == 400
    assert stays(response)
    assert asked_again(wiki, browser) == "code"


@pytest.mark.spec(NAME, "2")
@pytest.mark.parametrize("bend", [unsigned, lambda hint: hint[:-4] + "AAAA", lambda hint: "x", lambda hint: hint + "."])
def test_a_hint_that_was_tampered_with_ends_nothing(wiki, browser, bend):
    hint = bend(hint_of(wiki, browser))

    response = browser.get("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT})

    assert response.status_code == 400
    assert stays(response)
    assert asked_again(wiki, browser) == "code"
    assert Event.objects.filter(action=Action.LOGOUT_REFUSED, reason="hint_not_ours").count() == 1


@pytest.mark.spec(NAME, "2")
def test_an_address_without_a_hint_is_not_followed(browser):
    response = browser.get("/oidc/logout", {"post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"})

    assert response.status_code == 400
    assert stays(response)


@pytest.mark.spec(NAME, "2")
@pytest.mark.parametrize("form", [{}, {"state": "s"}])
def test_without_parameters_a_person_is_asked_and_then_told(wiki, browser, form):
    response = browser.get("/oidc/logout", form)
    assert b'id="logout-confirm"' in response.content
    assert asked_again(wiki, browser) == "code"

    told = browser.post("/deconnexion/", follow=True)

    assert b'id="logged-out"' in told.content
    assert asked_again(wiki, browser) == "login_required"


@pytest.mark.spec(NAME, "2")
def test_without_an_address_the_member_is_signed_out_and_told(wiki, browser):
    response = browser.get("/oidc/logout", {"id_token_hint": hint_of(wiki, browser)}, follow=True)

    assert b'id="logged-out"' in response.content
    assert "Wiki" in response.content.decode()
    assert b"data-automatic" not in response.content, "nowhere to go to"
    assert asked_again(wiki, browser) == "login_required"


@pytest.mark.spec(NAME, "3")
def test_without_state_none_is_made_up(wiki, browser):
    response = browser.get(
        "/oidc/logout", {"id_token_hint": hint_of(wiki, browser), "post_logout_redirect_uri": AFTER_LOGOUT}
    )

    assert response["Location"] == AFTER_LOGOUT


# The hint ----------------------------------------------------------------------------------------------------


@pytest.mark.spec(NAME, "2")
def test_an_expired_hint_counts_and_so_does_a_retired_key(wiki, browser, settings):
    settings.ID_TOKEN_LIFETIME = timedelta(seconds=-3600)
    hint = hint_of(wiki, browser)
    SigningKey.objects.update(retired_at=NOW())
    keys.forget_registry()

    response = browser.get("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT})

    assert response["Location"] == AFTER_LOGOUT


@pytest.mark.spec("RFC 8725", "3.11")
@pytest.mark.parametrize("typ", ["logout+jwt", "at+jwt", "oauth-authz-req+jwt"])
def test_another_token_of_ours_is_no_hint(wiki, browser, typ):
    claims = wiki.claims(hint_of(wiki, browser))

    response = browser.get("/oidc/logout", {"id_token_hint": keys.sign(claims, typ=typ)})

    assert response.status_code == 400
    assert HubSession.objects.get().ended_at is None


@pytest.mark.parametrize(
    "bend", [{"sid": "unknown"}, {"sid": None}, {"aud": "another"}, {"iss": "https://evil.example"}]
)
def test_a_hint_with_the_wrong_content_is_refused(wiki, browser, bend):
    claims = {**wiki.claims(hint_of(wiki, browser)), **bend}

    response = browser.get("/oidc/logout", {"id_token_hint": keys.sign(claims)})

    assert response.status_code == 400
    assert HubSession.objects.get().ended_at is None


@pytest.mark.parametrize("extra", [("client_id", "a"), ("state", "b"), ("id_token_hint", "c")])
def test_a_repeated_parameter_is_refused(wiki, browser, extra):
    hint = hint_of(wiki, browser)
    query = [("id_token_hint", hint), ("state", "s"), ("client_id", wiki.tool.client_id), extra]

    response = browser.get(f"/oidc/logout?{urlencode(query)}")

    assert response.status_code == 400
    assert Event.objects.filter(action=Action.LOGOUT_REFUSED, reason="repeated_parameter").count() == 1


@pytest.mark.spec(NAME, "2")
def test_what_else_may_be_sent_is_accepted(wiki, browser):
    form = {"id_token_hint": hint_of(wiki, browser), "logout_hint": "odile", "ui_locales": "en fr", "unknown": "1"}

    response = browser.get("/oidc/logout", form, follow=True)

    assert b'<html lang="en">' in response.content
    assert asked_again(wiki, browser) == "login_required"


def test_the_page_that_asks_speaks_the_language_the_tool_asked_for(browser):
    assert b'lang="en"' in browser.get("/oidc/logout", {"ui_locales": "xx en-GB"}).content
    assert b'lang="fr"' in browser.get("/oidc/logout", {"ui_locales": "xx"}).content


def test_a_form_of_another_site_without_cookie_and_without_hint_signs_nobody_out(wiki, browser):
    hint_of(wiki, browser)

    response = Client().post("/oidc/logout", {"client_id": wiki.tool.client_id, "state": "s"})

    assert response.status_code == 303
    assert response["Location"].startswith("/oidc/logout?")
    assert not response.cookies
    assert asked_again(wiki, browser) == "code"


@pytest.mark.parametrize("state", ["s" * 4097, "😀" * 4096, "é" * 1366, "/" * 3277 + "中" * 819])
def test_a_state_that_no_answer_could_carry_is_refused_before_anything_ends(wiki, browser, state):
    form = {"id_token_hint": hint_of(wiki, browser), "post_logout_redirect_uri": AFTER_LOGOUT, "state": state}

    response = browser.post("/oidc/logout", form)

    assert response.status_code == 400
    assert asked_again(wiki, browser) == "code"
    assert Event.objects.filter(action=Action.LOGOUT_REFUSED, reason="state_too_long").count() == 1


@pytest.mark.parametrize("state", ["/" * 4096, "😀" * 682])
def test_the_longest_state_comes_back(wiki, browser, state):
    form = {"id_token_hint": hint_of(wiki, browser), "post_logout_redirect_uri": AFTER_LOGOUT, "state": state}

    assert browser.post("/oidc/logout", form)["Location"] == f"{AFTER_LOGOUT}?{urlencode({'state': state})}"


# Closed tools ------------------------------------------------------------------------------------------------


@pytest.fixture
def closed(wiki, browser):
    """A tool that was opened, and closed since by the operator; its hint."""
    hint = hint_of(wiki, browser)
    set_access(slug="wiki", state=ToolState.CLOSED, everyone=False, collectives=[], actor=SYSTEM, now=NOW())
    return {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}


def says_nothing_of_it(page) -> bool:
    return page.status_code == 200 and b"Wiki" not in page.content and AFTER_LOGOUT.encode() not in page.content


def test_a_closed_tool_ends_its_session_and_gets_nobody_back(wiki, browser, closed):
    page = browser.get("/oidc/logout", closed, follow=True)

    assert b'id="logged-out"' in page.content
    assert says_nothing_of_it(page)
    assert b"data-automatic" not in page.content
    assert HubSession.objects.get().ended_reason == "tool_asked"


def test_a_closed_tool_s_server_ends_its_session_under_its_own_line(wiki, browser, closed):
    Client().get("/oidc/logout", closed)

    line = Event.objects.get(action=Action.SIGN_OUT)
    assert (line.reason, line.actor_tool_id) == ("tool_asked", wiki.tool.pk)


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_closed_tool_is_named_to_nobody_and_leads_nowhere(wiki, browser, closed, signed_in):
    form = {"client_id": wiki.tool.client_id, "post_logout_redirect_uri": AFTER_LOGOUT}

    assert says_nothing_of_it((browser if signed_in else Client()).get("/oidc/logout", form))
    assert says_nothing_of_it(browser.post("/deconnexion/", form, follow=True))


# One tool alone ----------------------------------------------------------------------------------------------


def asked_without_proof(party, browser):
    form = {"client_id": party.tool.client_id, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}
    return browser.get("/oidc/logout", form)


@pytest.mark.spec(NAME, "2")
def test_without_proof_the_person_chooses_between_the_tool_and_everything(wiki, agenda, browser):
    hint_of(wiki, browser)
    tokens = agenda.exchange(agenda.code(browser)).json()
    page = asked_without_proof(wiki, browser)
    assert b'id="logout-alone"' in page.content

    form = {"client_id": wiki.tool.client_id, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}
    told = browser.post("/outils/wiki/fermer/", form, follow=True)

    assert b'id="logged-out"' in told.content
    assert f'href="{AFTER_LOGOUT}?state=s"'.encode() in told.content
    assert b"data-automatic" not in told.content
    assert agenda.userinfo(tokens["access_token"]).status_code == 200
    assert HubSession.objects.get().ended_at is None
    line = Event.objects.get(action=Action.TOOL_SESSION_ENDED)
    assert (line.reason, line.tool_id, line.refused) == ("member_closed", wiki.tool.pk, False)


def test_a_tool_that_was_left_does_not_let_itself_back_in(wiki, agenda, browser):
    hint_of(wiki, browser)
    hint_of(agenda, browser)

    browser.post("/outils/wiki/fermer/")

    assert asked_again(wiki, browser) == "login_required"
    assert asked_again(agenda, browser) == "code"
    hint_of(wiki, browser)
    assert asked_again(wiki, browser) == "code", "the member opened it again"


def test_leaving_one_tool_is_no_way_to_another_s_session(wiki, member, browser):
    elsewhere = sign_in(member)
    tokens = wiki.exchange(wiki.code(elsewhere)).json()

    assert browser.post("/outils/wiki/fermer/").status_code == 404
    assert browser.get("/outils/wiki/fermer/").status_code == 405
    assert Client().post("/outils/wiki/fermer/").status_code == 302

    assert wiki.userinfo(tokens["access_token"]).status_code == 200


def test_a_tool_that_is_closed_already_is_said_to_be(wiki, browser):
    hint_of(wiki, browser)
    browser.post("/outils/wiki/fermer/")

    response = browser.post("/outils/wiki/fermer/", follow=True)

    assert "n’est plus ouvert" in response.content.decode()
    assert Event.objects.filter(action=Action.TOOL_SESSION_ENDED).count() == 1


def test_the_page_of_open_tools_shows_what_this_browser_opened(wiki, agenda, member, browser):
    hint_of(wiki, browser)
    hint_of(agenda, sign_in(member))

    shown = browser.get("/outils/ouverts/", follow=True).content.decode()

    assert "/outils/wiki/fermer/" in shown
    assert "/outils/agenda/fermer/" not in shown
    assert f'href="{reverse("idp:sessions")}"' in browser.get(reverse("mfa_index")).content.decode()
    browser.post("/outils/wiki/fermer/")
    assert 'id="no-open-tools"' in browser.get("/outils/ouverts/", follow=True).content.decode()


def test_the_choice_is_not_offered_for_a_tool_that_is_not_open(wiki, browser):
    assert b'id="logout-alone"' not in asked_without_proof(wiki, browser).content


def test_an_address_that_was_not_registered_cannot_be_slipped_into_the_answer(wiki, browser):
    form = {"client_id": wiki.tool.client_id, "post_logout_redirect_uri": "https://evil.example/"}

    told = browser.post("/deconnexion/", form, follow=True)

    assert b'id="logged-out"' in told.content
    assert b"evil.example" not in told.content


def test_the_page_that_asks_offers_the_way_back_as_a_link_and_keeps_no_hint(wiki, member):
    hint = hint_of(wiki, sign_in(member))
    here = sign_in(member)

    page = here.get("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT}).content.decode()

    assert hint not in page
    assert f'name="client_id" value="{wiki.tool.client_id}"' in page
    assert f'name="post_logout_redirect_uri" value="{AFTER_LOGOUT}"' in page


def test_a_withdrawal_is_in_the_journal_for_each_session_that_it_ends(wiki, browser):
    hint_of(wiki, browser)

    browser.post("/outils/wiki/retrait/")

    line = Event.objects.get(action=Action.TOOL_SESSION_ENDED)
    assert line.session == HubSession.objects.get().pk
    assert line.subject_id == HubSession.objects.get().member_id
    assert line.reason
    assert asked_again(wiki, browser) == "login_required"


def test_a_sign_out_ends_tools_under_its_own_line(wiki, browser):
    hint_of(wiki, browser)

    browser.post("/deconnexion/")

    assert ToolSession.objects.filter(ended_at=None).count() == 0
    assert not Event.objects.filter(action=Action.TOOL_SESSION_ENDED).exists()


def test_somebody_who_is_signed_in_is_not_told_that_they_are_out(browser):
    assert browser.get("/deconnexion/faite/")["Location"] == "/"


def test_the_tool_that_is_left_takes_its_device_codes_along(wiki, member, browser):
    hint_of(wiki, browser)
    DeviceGrant.objects.create(
        user=member, tool=wiki.tool, client_id=wiki.tool.client_id, device_code="d", user_code="u", scope="openid",
        expires=NOW() + timedelta(minutes=5), interval=5, created_at=NOW(), tool_session=ToolSession.objects.get(),
    )  # fmt: skip

    browser.post("/outils/wiki/fermer/")

    assert not DeviceGrant.objects.exists()
    assert Tool.objects.filter(pk=wiki.tool.pk).exists()
