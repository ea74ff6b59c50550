"""The token, userinfo, introspection and revocation endpoints, from outside."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from consent.models import Disclosure
from directory.types import MemberState
from idp.models import AccessToken, Grant, RefreshToken, Tool
from idp.services import refusals, sessions
from idp.types import ToolState
from tests.support.cost import counted
from tests.support.oidc import connect

pytestmark = pytest.mark.django_db


@pytest.fixture
def offline(agenda, browser):
    """Tokens of a tool that may refresh, fresh from the exchange."""
    return agenda.exchange(agenda.code(browser, scope="openid offline_access")).json()


def refused(response, error="invalid_grant"):
    assert response.status_code in (400, 401), response.content
    assert response.json()["error"] == error
    assert "no-store" in response["Cache-Control"]
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).exists()


def test_a_code_becomes_tokens(wiki, browser):
    response = wiki.exchange(wiki.code(browser))

    body = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert body["token_type"] == "Bearer"
    assert isinstance(body["expires_in"], int)
    assert "refresh_token" not in body


def test_the_id_token_says_who_when_and_how(wiki, browser):
    claims = wiki.claims(wiki.exchange(wiki.code(browser)).json()["id_token"])

    assert claims["aud"] == wiki.tool.client_id
    assert claims["nonce"] == "nonce-1"
    assert claims["amr"] == ["pwd"]
    assert isinstance(claims["sub"], str)
    assert claims["sid"]
    assert claims["auth_time"] <= claims["iat"] < claims["exp"]


def test_every_signed_token_names_its_key(wiki, browser):
    import base64
    import json

    head = wiki.exchange(wiki.code(browser)).json()["id_token"].split(".")[0]

    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    assert header["kid"] in {key["kid"] for key in wiki.http.get("/oidc/jwks").json()["keys"]}
    assert header["alg"] == "RS256"


def test_two_tools_know_the_same_member_by_two_subjects(wiki, agenda, browser):
    one = wiki.claims(wiki.exchange(wiki.code(browser)).json()["id_token"])["sub"]
    two = agenda.claims(agenda.exchange(agenda.code(browser)).json()["id_token"])["sub"]

    assert one != two


def test_nothing_is_stored_in_clear(agenda, offline):
    stored = [*AccessToken.objects.values_list("token", "token_checksum")]
    stored += [*RefreshToken.objects.values_list("token", "token_checksum")]

    assert all(token == "" for token, _ in stored)
    assert not {offline["access_token"], offline["refresh_token"]} & {digest for _, digest in stored}
    assert agenda.secret not in (Tool.objects.get(pk=agenda.tool.pk).client_secret,)


def test_a_replayed_code_is_refused_and_revokes_what_it_gave(agenda, browser):
    code = agenda.code(browser, scope="openid offline_access")
    body = agenda.exchange(code).json()

    refused(agenda.exchange(code))

    assert agenda.userinfo(body["access_token"]).status_code == 401
    refused(agenda.refresh(body["refresh_token"]))
    assert Event.objects.filter(action=Action.CODE_REPLAYED).count() == 1


@pytest.mark.spec("RFC 7636", "4.6")
@pytest.mark.parametrize("verifier", ["x" * 43, "", None])
def test_a_wrong_or_missing_verifier_is_refused(wiki, browser, verifier):
    response = wiki.exchange(wiki.code(browser), code_verifier=verifier)

    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_grant", "invalid_request")


@pytest.mark.spec("RFC 9700", "4.8.2")
def test_a_code_asked_for_without_challenge_takes_no_verifier(signing_key, browser):
    old = connect("vieux", pkce_required=False)
    code = old.code(browser, code_challenge=None, code_challenge_method=None)

    refused(old.exchange(code))


def test_an_expired_code_is_refused(wiki, browser):
    code = wiki.code(browser)
    Grant.objects.update(expires=timezone.now() - timedelta(seconds=1))

    refused(wiki.exchange(code))


@pytest.mark.parametrize("uri", ["http://localhost:9999/callback/", "https://evil.example/", None])
def test_the_exchange_names_the_same_address(wiki, browser, uri):
    response = wiki.exchange(wiki.code(browser), redirect_uri=uri)

    assert response.status_code == 400


def test_a_code_belongs_to_its_tool(wiki, agenda, browser):
    code = wiki.code(browser)

    refused(agenda.exchange(code, code_verifier=wiki.verifier))

    assert wiki.exchange(code).status_code == 200, "another tool's attempt does not spend the code"


def test_only_one_cell_of_the_matrix_opens(wiki, agenda, browser):
    for party in (wiki, agenda):
        for verifier in (wiki.verifier, agenda.verifier):
            code = wiki.code(browser)
            ok = party.exchange(code, code_verifier=verifier).status_code == 200
            assert ok == (party is wiki and verifier == wiki.verifier)


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": "wiki", "client_secret": "wrong"},
        {"client_id": "nobody", "client_secret": "x"},
        {},
    ],
)
def test_a_tool_that_does_not_prove_itself_is_refused(agenda, browser, form):
    code = agenda.code(browser)
    form = {"client_id": None, "client_secret": None, **form}

    response = agenda.exchange(code, headers={}, **form)

    refused(response, "invalid_client")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Basic")


def test_a_tool_is_pinned_to_its_method(wiki, browser):
    code = wiki.code(browser)

    refused(wiki.exchange(code, headers={}, client_id=wiki.tool.client_id, client_secret=wiki.secret), "invalid_client")


def test_two_methods_at_once_are_refused(wiki, browser):
    refused(
        wiki.exchange(wiki.code(browser), client_id=wiki.tool.client_id, client_secret=wiki.secret), "invalid_client"
    )


def test_a_public_tool_needs_no_secret_and_may_send_none(mobile, browser):
    assert mobile.exchange(mobile.code(browser)).status_code == 200
    refused(mobile.exchange(mobile.code(browser), client_secret="guess"), "invalid_client")


@pytest.mark.spec("RFC 9700", "2.4")
@pytest.mark.parametrize(
    ("grant", "error"),
    [
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("client_credentials", "unauthorized_client"),
        ("urn:ietf:params:oauth:grant-type:device_code", "unauthorized_client"),
        ("urn:ietf:params:oauth:grant-type:token-exchange", "unauthorized_client"),
    ],
)
def test_a_grant_that_nobody_offers_or_this_tool_may_not_use_is_refused(wiki, grant, error):
    response = wiki.post("/oidc/token", {"grant_type": grant, "username": "x", "password": "y", "device_code": "z"})

    assert (response.status_code, response.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    "body", ["code=a&code=b&grant_type=authorization_code", "code=%00&grant_type=x", "", "%", "a" * 9000]
)
def test_a_malformed_token_request_is_a_400(wiki, body):
    response = wiki.http.post(
        "/oidc/token", body, content_type="application/x-www-form-urlencoded", headers=wiki.headers()
    )

    assert response.status_code in (400, 401)
    assert response.json()["error"]


@pytest.mark.spec("RFC 8707", "2.2")
def test_a_resource_that_no_tool_has_is_refused(wiki, browser):
    refused(wiki.exchange(wiki.code(browser), resource="https://api.example/"), "invalid_target")


def test_json_is_not_a_token_request(wiki):
    assert wiki.http.post("/oidc/token", {}, content_type="application/json").status_code == 400


# Refresh -----------------------------------------------------------------------------------------------------


def test_refresh_tokens_come_only_with_offline_access(agenda, browser):
    assert "refresh_token" not in agenda.exchange(agenda.code(browser, scope="openid")).json()


def test_a_refresh_rotates_and_keeps_the_time_of_sign_in(agenda, offline):
    first = agenda.claims(offline["id_token"])

    body = agenda.refresh(offline["refresh_token"]).json()

    again = agenda.claims(body["id_token"])
    assert body["refresh_token"] != offline["refresh_token"]
    assert (again["sub"], again["auth_time"], again["sid"]) == (first["sub"], first["auth_time"], first["sid"])


@pytest.mark.spec("RFC 9700", "4.14.2")
def test_a_reused_refresh_token_ends_the_family(agenda, offline):
    new = agenda.refresh(offline["refresh_token"]).json()

    refused(agenda.refresh(offline["refresh_token"]))

    refused(agenda.refresh(new["refresh_token"]))
    assert agenda.userinfo(new["access_token"]).status_code == 401


def test_a_refresh_token_belongs_to_its_tool(agenda, offline, signing_key):
    thief = connect("voleur", offline_access=True)

    refused(thief.refresh(offline["refresh_token"]))

    assert agenda.refresh(offline["refresh_token"]).status_code == 200


def test_scope_never_grows_and_shrinks_with_the_tool(agenda, offline):
    refused(agenda.refresh(offline["refresh_token"], scope="openid email offline_access"), "invalid_scope")


def test_a_scope_taken_from_the_tool_is_gone_at_the_next_refresh(agenda, browser):
    body = agenda.exchange(agenda.code(browser, scope="openid email offline_access")).json()
    Tool.objects.filter(pk=agenda.tool.pk).update(scopes="openid")

    assert "email" not in agenda.refresh(body["refresh_token"]).json()["scope"].split()


def ended_member(member, tool):
    member.state = MemberState.LEFT
    member.save()


def ended_sessions(member, tool):
    sessions.end_member([member.pk], reason="test", now=timezone.now())


def closed_tool(member, tool):
    Tool.objects.filter(pk=tool.pk).update(state=ToolState.CLOSED)


def left_the_collective(member, tool):
    Tool.objects.filter(pk=tool.pk).update(everyone=False)


@pytest.mark.parametrize("end", [ended_member, ended_sessions, closed_tool, left_the_collective])
def test_what_is_ended_is_dead_on_every_path(agenda, offline, browser, member, end):
    code = agenda.code(browser)

    end(member, agenda.tool)

    assert agenda.refresh(offline["refresh_token"]).status_code in (400, 401)
    assert agenda.exchange(code).status_code in (400, 401)
    assert agenda.userinfo(offline["access_token"]).status_code == 401
    form = {"token": offline["access_token"], "client_id": agenda.tool.client_id, "client_secret": agenda.secret}
    assert not agenda.post("/oidc/introspect", form).json().get("active")


# Userinfo, introspection, revocation -------------------------------------------------------------------------


@pytest.mark.spec("OIDC Core", "5.3.1")
def test_userinfo_by_get_by_post_and_by_form(wiki, browser):
    body = wiki.exchange(wiki.code(browser)).json()
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    sub = wiki.claims(body["id_token"])["sub"]

    assert wiki.userinfo(body["access_token"]).json()["sub"] == sub
    assert wiki.post("/oidc/userinfo", {}, headers=bearer).json()["sub"] == sub
    assert wiki.post("/oidc/userinfo", {"access_token": body["access_token"]}, headers={}).json()["sub"] == sub


@pytest.mark.spec("RFC 9700", "4.3.2")
def test_a_token_in_the_address_is_never_read(wiki, browser):
    token = wiki.exchange(wiki.code(browser)).json()["access_token"]

    assert wiki.http.get("/oidc/userinfo", {"access_token": token}).status_code == 401


def test_an_expired_or_foreign_token_is_refused_as_bearer(wiki, browser):
    body = wiki.exchange(wiki.code(browser)).json()
    AccessToken.objects.update(expires=timezone.now())

    for token in (body["access_token"], body["id_token"], "nonsense"):
        response = wiki.userinfo(token)
        assert response.status_code == 401
        assert "invalid_token" in response["WWW-Authenticate"]


@pytest.mark.gdpr("G8")
def test_without_a_sheet_a_tool_gets_its_identifiers_and_nothing_else(wiki, browser):
    body = wiki.exchange(wiki.code(browser)).json()

    known = {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash", "acr", "amr"}
    assert set(wiki.claims(body["id_token"])) <= known
    assert set(wiki.userinfo(body["access_token"]).json()) == {"sub"}


def test_every_answer_is_on_the_ledger(wiki, browser):
    body = wiki.exchange(wiki.code(browser)).json()
    wiki.userinfo(body["access_token"])

    channels = list(Disclosure.objects.order_by("id").values_list("channel", flat=True))
    assert channels == ["id_token", "userinfo"]
    assert Event.objects.filter(action=Action.DISCLOSED).count() == 2


def test_only_its_own_tool_learns_of_a_token(wiki, agenda, browser):
    token = wiki.exchange(wiki.code(browser)).json()["access_token"]

    mine = wiki.post("/oidc/introspect", {"token": token}).json()
    theirs = agenda.post(
        "/oidc/introspect", {"token": token, "client_id": agenda.tool.client_id, "client_secret": agenda.secret}
    ).json()

    assert mine["active"] is True
    assert theirs == {"active": False}


def test_introspection_is_for_tools_with_a_secret(mobile, browser):
    token = mobile.exchange(mobile.code(browser)).json()["access_token"]

    response = mobile.post("/oidc/introspect", {"token": token, "client_id": mobile.tool.client_id})

    assert response.status_code == 401


@pytest.mark.spec("RFC 7009", "2.1")
def test_a_tool_revokes_its_own_tokens_and_no_others(wiki, agenda, offline):
    foreign = wiki.post("/oidc/revoke", {"token": offline["refresh_token"]})
    assert foreign.status_code == 200
    own = {"client_id": agenda.tool.client_id, "client_secret": agenda.secret}
    assert agenda.userinfo(offline["access_token"]).status_code == 200

    agenda.post("/oidc/revoke", {"token": offline["refresh_token"], **own})

    assert agenda.userinfo(offline["access_token"]).status_code == 401
    refused(agenda.refresh(offline["refresh_token"], **own))


def test_code_exchange_costs_few_statements(wiki, browser, django_assert_max_num_queries):
    wiki.exchange(wiki.code(browser))
    code = wiki.code(browser)

    with django_assert_max_num_queries(10):
        wiki.exchange(code)


def test_a_refresh_and_userinfo_cost_few_statements(agenda, offline, django_assert_max_num_queries):
    with django_assert_max_num_queries(11):
        body = agenda.refresh(offline["refresh_token"]).json()

    agenda.userinfo(body["access_token"])
    with counted() as cost:
        agenda.userinfo(body["access_token"])
    assert 0 < len(cost.statements) <= 5


def test_keys_and_discovery_cost_none(wiki, django_assert_num_queries):
    wiki.http.get("/oidc/jwks")
    wiki.http.get("/.well-known/openid-configuration")

    with django_assert_num_queries(0):
        wiki.http.get("/oidc/jwks")
        wiki.http.get("/.well-known/openid-configuration")


def test_discovery_tells_the_truth(wiki):
    document = wiki.http.get("/.well-known/openid-configuration").json()

    assert document["issuer"] == "http://localhost:8000"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["backchannel_logout_session_supported"] is True
    for name, url in document.items():
        if name.endswith("_endpoint"):
            assert url.startswith(document["issuer"] + "/oidc/"), name
    jwks = wiki.http.get("/oidc/jwks").json()["keys"]
    assert all({"kid", "kty", "use", "alg"} <= set(key) and "d" not in key for key in jwks)
    assert {key["alg"] for key in jwks} == set(document["id_token_signing_alg_values_supported"])


# Strangers do not fill the journal ------------------------------------------------------------------------------


@pytest.fixture
def _long_minute(monkeypatch) -> None:
    """No test fails because the clock's minute turned in the middle of it."""
    monkeypatch.setattr(refusals, "MINUTE", 1_000_000)
    cache.clear()


def lines_of(act, *, action) -> int:
    for _ in range(refusals.LINES + 10):
        act()
    return Event.objects.filter(action=action, refused=True).count()


@pytest.mark.usefixtures("_long_minute")
def test_many_wrong_tokens_at_userinfo_are_few_lines(wiki):
    assert lines_of(lambda: wiki.userinfo("x"), action=Action.TOKEN_REFUSED) == refusals.LINES


@pytest.mark.usefixtures("_long_minute")
def test_many_wrong_codes_of_a_public_tool_are_few_lines(mobile):
    assert lines_of(lambda: mobile.exchange("x"), action=Action.TOKEN_REFUSED) == refusals.LINES


@pytest.mark.usefixtures("_long_minute")
def test_every_wrong_code_of_a_tool_that_proved_itself_is_a_line(wiki):
    assert lines_of(lambda: wiki.exchange("x"), action=Action.TOKEN_REFUSED) == refusals.LINES + 10


@pytest.mark.usefixtures("_long_minute")
def test_many_wrong_requests_to_sign_out_are_few_lines(wiki):
    def asks():
        assert wiki.http.get("/oidc/logout", {"id_token_hint": "x"}).status_code == 400

    assert lines_of(asks, action=Action.LOGOUT_REFUSED) == refusals.LINES


@pytest.mark.spec("RFC 7636", "4.1")
@pytest.mark.parametrize("verifier", ["court", "a" * 42, "a" * 129, "é" * 43, "a" * 42 + " "])
def test_a_verifier_that_is_none_is_refused(wiki, browser, verifier):
    wiki.verifier = verifier

    response = wiki.exchange(wiki.code(browser))

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert Event.objects.filter(reason="pkce_verifier", refused=True).count() == 1


@pytest.mark.usefixtures("_long_minute")
def test_a_flood_of_one_kind_hides_no_refusal_of_another(wiki):
    for _ in range(refusals.LINES + 5):
        wiki.http.get("/oidc/logout", {"id_token_hint": "x"})

    wiki.userinfo("x")

    assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).count() == 1


@pytest.mark.spec("RFC 7636", "4.6")
def test_a_code_with_a_challenge_is_not_redeemed_without_a_verifier(wiki, browser):
    response = wiki.exchange(wiki.code(browser), code_verifier=None)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert Event.objects.filter(reason="pkce_missing", refused=True).count() == 1
