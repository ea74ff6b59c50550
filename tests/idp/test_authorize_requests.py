"""Parameters of the authorization request, from outside: hints, claims, levels, resources, languages, prompts."""

import json
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as configured
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from joserfc import jwt

from audit.models import Event
from directory.models import Member
from idp import claims
from idp.models import Grant, HubSession, PushedRequest, SigningKey, Tool, ToolSession
from idp.models.tools import forget_tools
from idp.services import keys, refusals
from idp.services.purge import purge_expired
from idp.signin import pending
from idp.types import ToolState
from tests.support import authorize as support
from tests.support.authorize import back_from, posted
from tests.support.cast import make_tool
from tests.support.oidc import REDIRECT, Party, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def asking(**wishes: object) -> str:
    return json.dumps({"id_token": wishes})


def id_token_of(party: Party, browser: Client) -> str:
    return party.exchange(party.code(browser)).json()["id_token"]


# Hints of who is meant ---------------------------------------------------------------------------------------


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_our_own_token_names_the_member_and_nothing_is_asked(wiki, browser):
    hint = id_token_of(wiki, browser)

    assert "code" in answer_of(wiki.authorize(browser, id_token_hint=hint, prompt="none"))


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_an_expired_token_is_still_a_hint(wiki, browser, settings):
    settings.ID_TOKEN_LIFETIME = timedelta(seconds=-600)
    hint = id_token_of(wiki, browser)

    assert "code" in answer_of(wiki.authorize(browser, id_token_hint=hint, prompt="none"))


def test_a_token_of_a_retired_key_is_still_a_hint(wiki, browser):
    hint = id_token_of(wiki, browser)
    SigningKey.objects.update(retired_at=timezone.now())
    keys.create_key(active_at=timezone.now(), now=timezone.now())
    keys.forget_registry()

    assert "code" in answer_of(wiki.authorize(browser, id_token_hint=hint, prompt="none"))


def test_a_token_made_for_another_tool_is_no_hint(wiki, agenda, browser):
    hint = id_token_of(agenda, browser)

    assert answer_of(wiki.authorize(browser, id_token_hint=hint))["error"] == "invalid_request"


def test_a_token_of_ours_that_is_no_id_token_is_no_hint(wiki, browser):
    subject = wiki.claims(id_token_of(wiki, browser))["sub"]
    said = {"iss": configured.ISSUER, "aud": wiki.tool.client_id, "sub": subject}

    for typ in ("logout+jwt", "at+jwt"):
        answer = answer_of(wiki.authorize(browser, id_token_hint=keys.sign(said, typ=typ)))
        assert answer["error"] == "invalid_request", typ


def test_signed_userinfo_and_signed_answers_are_no_hints(signing_key, browser):
    party = connect("wiki", userinfo_signed_response_alg="RS256")
    held = party.exchange(party.code(browser)).json()
    userinfo = party.userinfo(held["access_token"]).content.decode()
    answer = answer_of(party.authorize(browser, response_mode="jwt"))["response"]

    for hint in (userinfo, answer):
        assert keys.verify(hint)["aud"] == party.tool.client_id
        assert answer_of(party.authorize(browser, id_token_hint=hint))["error"] == "invalid_request"
        assert browser.get("/oidc/logout", {"id_token_hint": hint}).status_code == 400
    assert HubSession.objects.filter(ended_at=None).count() == 1


def test_a_token_signed_by_somebody_else_is_no_hint(wiki, browser):
    said = {"iss": configured.ISSUER, "aud": wiki.tool.client_id, "sub": "x"}
    kid = SigningKey.objects.filter(algorithm="RS256").get().kid
    forged = jwt.encode({"alg": "RS256", "kid": kid}, said, support.RSA_KEY)

    assert answer_of(wiki.authorize(browser, id_token_hint=forged))["error"] == "invalid_request"


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_who_the_tool_expects_is_written_in_the_sign_in_page_and_in_no_address(wiki):
    browser = Client()

    first = wiki.authorize(browser, login_hint="amelie.roux@canari.example")
    page = browser.get(first["Location"])

    assert 'value="amelie.roux@canari.example"' in page.content.decode()
    assert "amelie" not in first["Location"]
    assert re.search(r'<input[^>]*name="password"[^>]*autofocus', page.content.decode())


@pytest.mark.incident("CVE-2024-48933")
def test_a_hint_is_text_and_nothing_else_on_the_page(wiki):
    browser = Client()

    page = browser.get(wiki.authorize(browser, login_hint='"><script>alert(1)</script>')["Location"])

    assert b"<script>alert" not in page.content
    assert b"&quot;&gt;&lt;script&gt;" in page.content


def test_a_hint_of_one_request_is_not_shown_on_the_way_to_something_else(wiki):
    browser = Client()
    wiki.authorize(browser, login_hint="amelie.roux")

    page = browser.get("/compte/connexion/?next=/mes-donnees/")

    assert b"amelie" not in page.content


def test_a_hint_that_was_posted_stays_out_of_addresses(wiki, browser):
    body = urlencode(wiki.request(login_hint="amelie.roux"))

    first = Client().post("/oidc/authorize", body, content_type=FORM)

    assert first.status_code == 303
    assert "amelie" not in first["Location"]
    assert "code" in answer_of(browser.get(first["Location"]))


def test_a_kept_post_is_over_after_a_minute(wiki, browser, monkeypatch):
    body = urlencode(wiki.request(login_hint="amelie.roux"))
    first = Client().post("/oidc/authorize", body, content_type=FORM)
    later = timezone.now() + timedelta(seconds=61)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)

    response = browser.get(first["Location"])

    assert response.status_code == 400
    assert b'id="error-page"' in response.content


def test_one_network_leaves_only_so_many_posts_here(wiki, monkeypatch):
    monkeypatch.setattr("idp.views.authorize.RELAYS_A_MINUTE", 2)
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)
    short = urlencode(wiki.request(login_hint="amelie.roux"))
    long = urlencode(wiki.request(state="s" * 4000))
    for _ in range(2):
        Client().post("/oidc/authorize", short, content_type=FORM)

    by_address = Client().post("/oidc/authorize", short, content_type=FORM)
    refused = Client().post("/oidc/authorize", long, content_type=FORM)

    assert by_address["Location"].startswith("/oidc/authorize?")
    assert answer_of(refused)["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"request_uri": "u" * 513}, "too_long"),
        ({"id_token_hint": "é" * 10_000}, "too_long"),
        ({"request_uri": "\x00", "login_hint": "a"}, "control_character"),
        ({"claims": "\x00", "login_hint": "a"}, "control_character"),
    ],
)
def test_what_is_too_long_or_cannot_be_stored_is_not_kept(wiki, sent, reason):
    response = Client().post("/oidc/authorize", urlencode({**wiki.request(), **sent}), content_type=FORM)

    assert answer_of(response)["error"] == "invalid_request"
    assert support.refusals(reason) == 1
    assert not PushedRequest.objects.exists()


def test_a_kept_post_is_gone_when_its_minute_is_over(wiki):
    Client().post("/oidc/authorize", urlencode(wiki.request(login_hint="amelie.roux")), content_type=FORM)

    before, after = (purge_expired(now=timezone.now() + timedelta(seconds=late)) for late in (55, 65))

    assert (before, after) == (0, 1)


def test_a_request_that_was_gone_leads_to_no_closed_tool(wiki, browser):
    Tool.objects.filter(pk=wiki.tool.pk).update(launch_url="http://localhost:9999/", state=ToolState.CLOSED)
    forget_tools()

    response = browser.get(f"/oidc/authorize/suite/inconnue?client_id={wiki.tool.client_id}")

    assert response.status_code == 400
    assert b"Wiki" not in response.content


# States ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["s" * 4097, "é" * 1366, "😀" * 4096, "/" * 3277 + "中" * 819])
def test_a_state_that_no_answer_could_carry_is_refused_before_a_code_is_made(wiki, browser, state):
    answer = answer_of(wiki.authorize(browser, state=state))

    assert answer["error"] == "invalid_request"
    assert "state" not in answer
    assert support.refusals("too_long") == 1
    assert not Grant.objects.exists()


@pytest.mark.parametrize("mode", ["query", "jwt"])
@pytest.mark.parametrize("state", ["/" * 4096, '"' * 4096, "é" * 1365, "😀" * 682])
def test_the_longest_state_comes_back(wiki, browser, state, mode):
    answer = answer_of(wiki.authorize(browser, state=state, response_mode=mode))

    told = answer if mode == "query" else support.signed_answer(wiki, answer["response"])
    assert told["state"] == state


# Single claims -----------------------------------------------------------------------------------------------


@pytest.mark.spec("OpenID Connect Core", "5.5")
def test_single_claims_are_kept_with_the_code(wiki, browser):
    wanted = json.dumps({"userinfo": {"name": {"essential": True}}, "id_token": {"email": None}})

    wiki.code(browser, claims=wanted)

    assert Grant.objects.get().claims == wanted


@pytest.mark.spec("OpenID Connect Core", "5.5.1")
@pytest.mark.parametrize("place", ["id_token", "userinfo"])
def test_a_subject_asked_for_is_answered_for_that_member_only(wiki, browser, member, place):
    mine = claims.subject(member, wiki.tool)

    same = wiki.authorize(browser, claims=json.dumps({place: {"sub": {"value": mine}}}))
    other = wiki.authorize(browser, claims=json.dumps({place: {"sub": {"values": ["a", "b"]}}}))

    assert "code" in answer_of(same)
    assert answer_of(other)["error"] == "login_required"
    assert support.refusals("sub_mismatch") == 1


# Levels ------------------------------------------------------------------------------------------------------


def with_factor(member: Member) -> Member:
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return member


@pytest.mark.spec("OpenID Connect Core", "5.5.1.1")
def test_the_level_of_the_session_is_stated(wiki, member):
    browser = sign_in(member, methods=("pwd", "otp", "mfa"), acr="2")

    token = wiki.exchange(wiki.code(browser, claims=asking(acr={"essential": True, "values": ["2"]}))).json()

    assert wiki.claims(token["id_token"])["acr"] == "2"


@pytest.mark.spec("OpenID Connect Core", "5.5.1.1")
def test_an_essential_level_sends_to_the_second_factor(wiki, member):
    browser = sign_in(with_factor(member))

    response = wiki.authorize(browser, claims=asking(acr={"essential": True, "values": ["2"]}))

    assert response.status_code == 302
    assert response["Location"].startswith("/compte/confirmer/code/")
    assert back_from(response).startswith("/oidc/authorize/suite/")


@pytest.mark.incident("CVE-2024-52946", "CVE-2023-28862", "CVE-2026-12804")
def test_going_to_the_return_address_does_not_skip_the_second_factor(wiki, member):
    browser = sign_in(with_factor(member))
    back = back_from(wiki.authorize(browser, claims=asking(acr={"essential": True, "values": ["2"]})))

    again = browser.get(back)

    assert again["Location"].startswith("/compte/confirmer/code/")
    assert not Grant.objects.exists()


def test_after_the_second_factor_the_code_states_it(wiki, member):
    browser = sign_in(with_factor(member))
    back = back_from(wiki.authorize(browser, claims=asking(acr={"essential": True, "values": ["2"]})))
    HubSession.objects.update(acr="2", methods=["pwd", "otp", "mfa"])

    answer_of(browser.get(back))

    assert Grant.objects.get().acr == "2"


def test_a_member_without_a_second_factor_is_told_how_to_get_one(wiki, browser):
    response = wiki.authorize(browser, claims=asking(acr={"essential": True, "values": ["2"]}))

    page = response.content.decode()
    assert response.status_code == 200
    assert 'id="stopped-next" href="/compte/double-verification/choisir/"' in page
    assert "error=unmet_authentication_requirements" in page
    assert "waiting_requests" in browser.session, "after enrolment the request goes on"
    assert not Grant.objects.exists()


def test_the_operator_may_ask_for_the_second_factor_whatever_the_tool_says(signing_key, member):
    strict = connect("stricte", required_acr="2")
    browser = sign_in(with_factor(member))

    assert strict.authorize(browser)["Location"].startswith("/compte/confirmer/code/")
    assert answer_of(strict.authorize(browser, prompt="none"))["error"] == "login_required"


@pytest.mark.spec("RFC 9470", "5")
@pytest.mark.parametrize("prompt", [None, "none", "login"])
def test_a_level_that_nobody_offers_is_refused_at_once(wiki, browser, prompt):
    answer = answer_of(
        wiki.authorize(browser, prompt=prompt, claims=asking(acr={"essential": True, "values": ["urn:gold"]}))
    )

    assert answer["error"] == "unmet_authentication_requirements"


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_a_voluntary_level_is_no_obstacle(wiki, browser):
    assert "code" in answer_of(wiki.authorize(browser, acr_values="2 gold"))
    assert "code" in answer_of(wiki.authorize(browser, acr_values="2", prompt="none"))


def test_a_voluntary_level_is_asked_of_those_who_can(wiki, member):
    browser = sign_in(with_factor(member))

    assert wiki.authorize(browser, acr_values="2")["Location"].startswith("/compte/confirmer/code/")
    assert "code" in answer_of(wiki.authorize(browser, acr_values="1 2"))


# Ages and prompts --------------------------------------------------------------------------------------------


@pytest.mark.spec("OpenID Connect Registration", "2")
def test_the_tools_own_max_age_counts_where_the_request_has_none(signing_key, member):
    party = connect("pressee", default_max_age=60)
    browser = sign_in(member, at=timezone.now() - timedelta(minutes=5))

    assert party.authorize(browser).status_code == 302
    assert "code" in answer_of(party.authorize(browser, max_age="600"))


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize("changes", [{"max_age": "0"}, {"prompt": "login"}, {"prompt": "select_account"}])
def test_a_fresh_proof_cannot_be_skipped(wiki, browser, changes):
    back = back_from(wiki.authorize(browser, **changes))

    assert browser.get(back).status_code == 302
    HubSession.objects.update(auth_time=timezone.now() + timedelta(seconds=1))
    assert "code" in answer_of(browser.get(back))
    assert browser.get(back).status_code == 400, "answered, it waits no more"


def test_a_proof_for_one_request_does_not_serve_another(wiki, browser):
    one = back_from(wiki.authorize(browser, prompt="login", state="one"))
    HubSession.objects.update(auth_time=timezone.now() + timedelta(seconds=1))
    answer_of(browser.get(one))
    HubSession.objects.update(auth_time=timezone.now() - timedelta(seconds=1))

    assert wiki.authorize(browser, prompt="login", state="two").status_code == 302


def test_only_the_latest_few_requests_wait(wiki):
    browser = Client()
    ways = [back_from(wiki.authorize(browser, state=f"state-{number}")) for number in range(9)]

    assert len(browser.session[pending.WAITING]) == pending.MAX_WAITING
    assert browser.get(ways[0]).status_code == 400
    assert browser.get(ways[-1]).status_code == 302


def test_a_request_that_waits_no_more_leads_back_to_its_tool(signing_key):
    party = connect("wiki", launch_url="http://localhost:9999/")

    response = Client().get(f"/oidc/authorize/suite/{'0' * 32}?client_id={party.tool.client_id}")

    assert response.status_code == 400
    assert b'href="/outils/wiki/ouvrir/"' in response.content
    assert support.refusals("request_gone", party.tool) == 1


@pytest.mark.incident("CVE-2026-7507")
def test_one_browsers_waiting_request_is_nothing_to_another(wiki, browser):
    back = back_from(wiki.authorize(Client()))

    assert browser.get(back).status_code == 400


@pytest.mark.spec("OpenID Connect Prompt Create", "4.1")
@pytest.mark.parametrize("inside", [True, False])
def test_registering_alone_is_refused_with_a_page_that_says_whom_to_ask(wiki, member, inside):
    browser = sign_in(member) if inside else Client()

    response = wiki.authorize(browser, prompt="create")

    page = response.content.decode()
    assert response.status_code == 400
    assert "error=invalid_request" in page
    assert support.refusals("prompt_create", wiki.tool) == 1
    going_on = re.search(r'id="stopped-next" href="([^"]*)"', page)[1]
    after = browser.get(going_on.replace("&amp;", "&"))
    assert after.status_code == (303 if inside else 302)


def test_create_is_not_announced(wiki):
    announced = wiki.http.get("/.well-known/openid-configuration").json()["prompt_values_supported"]

    assert set(announced) == {"none", "login", "consent", "select_account"}


@pytest.mark.spec("OpenID Connect Core", "3.1.2.6")
@pytest.mark.parametrize("prompt", ["none login", "none create", "none consent", "dance"])
def test_contradictory_prompts_are_refused(wiki, browser, prompt):
    assert answer_of(wiki.authorize(browser, prompt=prompt))["error"] == "invalid_request"


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize(
    "extra",
    [
        {"display": "popup"},
        {"display": "hologram"},
        {"ui_locales": "se de-CH fr"},
        {"ui_locales": "\\ ?? x-" + "y" * 200},
        {"claims_locales": "se"},
        {"foo": "bar"},
        {"nonce": None},
        {"state": None},
    ],
)
def test_what_may_be_there_or_not_is_no_obstacle(wiki, browser, extra):
    assert "code" in answer_of(wiki.authorize(browser, **extra))


def test_a_long_state_comes_back_whole(wiki, browser):
    state = support.random_text(2048)

    assert answer_of(wiki.authorize(browser, state=state))["state"] == state
    assert answer_of(wiki.authorize(Client(), state=state, prompt="none"))["state"] == state


# Resources and tools -----------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8707", "2.1")
def test_resources_of_the_tools_own_list_may_be_named_several_at_once(signing_key, browser):
    party = connect("api", resources="https://api.example/ https://files.example/")

    party.code(browser, resource=["https://files.example/", "https://api.example/"])

    assert Grant.objects.get().resource == ["https://files.example/", "https://api.example/"]


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.parametrize(
    "resource", ["https://other.example/", "https://api.example", "x", ["https://api.example/", "y"]]
)
def test_another_resource_is_refused(signing_key, browser, resource):
    party = connect("api", resources="https://api.example/")

    assert answer_of(party.authorize(browser, resource=resource))["error"] == "invalid_target"


def test_pkce_cannot_be_relaxed_for_a_public_tool(signing_key, browser):
    party = connect("mobile", token_endpoint_auth_method="none", pkce_required=False)

    answer = answer_of(party.authorize(browser, code_challenge=None, code_challenge_method=None))

    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("kind", ["link", "closed"])
def test_a_tool_that_is_not_connected_is_a_page(browser, signing_key, kind):
    changes = {"kind": "link"} if kind == "link" else {"state": "closed"}
    tool = make_tool("dormant", "Dormant", redirect_uris=REDIRECT, **changes)

    response = Party(tool, "").authorize(browser)

    assert response.status_code == 400
    assert support.refusals("client_unknown") == 1


@pytest.mark.spec("OIDC Session Management", "2")
def test_a_tool_that_watches_the_session_is_told_its_state(signing_key, browser):
    watching, plain = connect("veille", session_iframe=True), connect("wiki")

    assert re.fullmatch(r"[0-9a-f]{64}\.[\w-]+", answer_of(watching.authorize(browser))["session_state"])
    assert "session_state" not in answer_of(plain.authorize(browser))


def test_prompt_none_does_not_reopen_a_tool_that_the_member_left(wiki, browser):
    wiki.code(browser)
    ToolSession.objects.update(ended_at=timezone.now())

    assert answer_of(wiki.authorize(browser, prompt="none"))["error"] == "login_required"
    assert "code" in answer_of(wiki.authorize(browser))
    assert "code" in answer_of(wiki.authorize(browser, prompt="none"))


def test_a_cookie_of_one_member_never_opens_anothers_session(wiki, browser, other_member):
    theirs = sign_in(other_member)
    mixed = browser.session
    mixed["hub_session"] = theirs.session["hub_session"]
    mixed.save()

    assert answer_of(wiki.authorize(browser, prompt="none"))["error"] == "login_required"
    assert not Grant.objects.exists()


# The journal -------------------------------------------------------------------------------------------------


@pytest.fixture
def _long_minute(monkeypatch) -> None:
    """No test fails because the clock's minute turned in the middle of it."""
    monkeypatch.setattr(refusals, "MINUTE", 1_000_000)
    cache.clear()


@pytest.mark.usefixtures("_long_minute")
def test_malformed_requests_of_one_network_write_so_many_lines_and_are_still_refused(wiki):
    for _ in range(2 * refusals.LINES + 5):
        assert wiki.authorize(Client(), client_id="nobody").status_code == 400

    lines = list(Event.objects.filter(reason="client_unknown").order_by("id").values_list("facts", flat=True))
    assert len(lines) == refusals.LINES + 1
    assert lines[-1] == {"refusals_this_minute": 2 * refusals.LINES}


@pytest.mark.usefixtures("_long_minute")
def test_another_network_still_writes_its_lines(wiki):
    for _ in range(refusals.LINES + 1):
        wiki.authorize(Client(), client_id="nobody")

    Client(REMOTE_ADDR="192.0.2.7").get("/oidc/authorize", wiki.request(client_id="nobody"))

    assert Event.objects.filter(reason="client_unknown").count() == refusals.LINES + 1


def test_no_line_holds_what_was_sent_or_where_it_came_from(wiki):
    Client(REMOTE_ADDR="192.0.2.7").get("/oidc/authorize", wiki.request(client_id="canari-client", login_hint="canari"))

    kept = json.dumps(list(Event.objects.values("reason", "facts")), default=str)
    assert "canari" not in kept
    assert "192.0.2.7" not in kept


def test_a_posted_answer_still_refuses(wiki):
    assert posted(wiki.authorize(Client(), response_mode="form_post", prompt="none"))["error"] == "login_required"


# A tool without the code grant ---------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_a_tool_without_the_code_grant_is_told_so_and_gets_no_code(signing_key, browser):
    party = connect("sonde", grant_types="client_credentials")

    answer = answer_of(party.authorize(browser))

    assert answer["error"] == "unauthorized_client"
    assert not Grant.objects.exists()
    assert Event.objects.filter(refused=True, reason="grant_not_allowed").count() == 1


@pytest.mark.spec("RFC 9126", "2.3")
def test_a_tool_without_the_code_grant_cannot_push_either(signing_key):
    party = connect("sonde", grant_types="client_credentials")

    response = support.push(party)

    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_a_request_that_was_left_waiting_is_not_served_by_a_much_later_proof(wiki, member, monkeypatch):
    browser = sign_in(member)
    waiting = back_from(wiki.authorize(browser, prompt="login"))
    later = timezone.now() + timedelta(minutes=1)
    HubSession.objects.update(auth_time=later)
    monkeypatch.setattr(timezone, "now", lambda: later + timedelta(minutes=16))

    response = browser.get(waiting)

    assert "code=" not in response["Location"]
    assert not Grant.objects.exists()
