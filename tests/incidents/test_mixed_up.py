"""Codes, tokens and clients mixed up: what one was given, used by another, for more, or in another way."""

import ast
import re
from collections import Counter
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from consent.models import Disclosure
from idp.models import AccessToken, DeviceGrant, Grant, PushedRequest, RefreshToken, Tool, ToolPair
from idp.protocol.device import ALPHABET
from idp.types import AuthMethod, GrantType
from tests.support.authorize import back_from, open_pushed, push, signed_request, with_keys
from tests.support.incidents import (
    approve_device,
    connect_with_every_grant,
    exchange_token,
    given,
    noted,
    nothing_given,
    redeem_device,
    refused_token,
    start_device,
    stays_here,
)
from tests.support.oidc import REDIRECT, Party, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("hub", "launcher", "news", "collectives", "idp", "consent", "branding", "directory", "audit")
SECOND = "http://localhost:9999/second"
API = "https://api.example/louty"


def sources():
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture
def rich(signing_key) -> Party:
    """A tool that may use every grant, with half of the scopes there are."""
    return connect_with_every_grant("riche", scopes="openid profile api:lire", resources=API)


# A code for another client -----------------------------------------------------------------------------------


@pytest.mark.incident("GHSA-qh6q-598w-w6m2")
@pytest.mark.spec("RFC 6749", "4.1.3")
def test_of_two_clients_two_addresses_and_two_verifiers_one_combination_opens(wiki, agenda, browser):
    Tool.objects.update(redirect_uris=f"{REDIRECT} {SECOND}")
    opened, refused = [], 0

    for party, uri, verifier in product((wiki, agenda), (REDIRECT, SECOND), (wiki.verifier, agenda.verifier)):
        code = wiki.code(browser)
        response = party.exchange(code, redirect_uri=uri, code_verifier=verifier)
        if response.status_code == 200:
            opened.append((party, uri, verifier))
        else:
            refused += 1
            assert response.json()["error"] in ("invalid_grant", "invalid_request")
            assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).count() == refused

    assert opened == [(wiki, REDIRECT, wiki.verifier)]
    assert AccessToken.objects.count() == 1
    assert set(AccessToken.objects.values_list("application", flat=True)) == {wiki.tool.pk}


@pytest.mark.incident("GHSA-xqxv-4jc2-x56x", "CVE-2026-16089")
@pytest.mark.parametrize("thief_is_public", [True, False])
def test_whatever_one_client_holds_is_nothing_to_another(rich, signing_key, browser, thief_is_public):
    """Code, refresh token, device code and access token, at a client that may use each of these grants."""
    if thief_is_public:
        grants = f"{GrantType.CODE} {GrantType.DEVICE}"
        thief = connect("voleur", offline_access=True, grant_types=grants, token_endpoint_auth_method=AuthMethod.NONE)
    else:
        thief = connect_with_every_grant("voleur")
    held = rich.exchange(rich.code(browser, scope="openid offline_access")).json()
    code, device = rich.code(browser), start_device(rich)
    approve_device(browser, device["user_code"])
    before = given()

    refused_token(thief.exchange(code, code_verifier=rich.verifier), "invalid_grant", "code_unknown")
    refused_token(thief.refresh(held["refresh_token"]), "invalid_grant", "refresh_unknown")
    refused_token(redeem_device(thief, device["device_code"]), "invalid_grant", "device_code_unknown")
    if not thief_is_public:
        stolen = exchange_token(thief, held["access_token"], rich)
        refused_token(stolen, "invalid_grant", "subject_token_foreign")

    assert given() == before
    assert rich.exchange(code).status_code == 200
    assert rich.refresh(held["refresh_token"]).status_code == 200
    assert redeem_device(rich, device["device_code"]).status_code == 200


@pytest.mark.incident("GHSA-xqxv-4jc2-x56x")
@pytest.mark.spec("RFC 9126", "4")
def test_a_pushed_request_of_one_client_is_nothing_to_another(wiki, agenda, browser):
    pushed = push(wiki)

    response = open_pushed(wiki, browser, pushed, client_id=agenda.tool.client_id)

    stays_here(response)
    assert noted("request_uri", Action.AUTHORIZATION_REFUSED) == 1
    nothing_given()
    assert "code" in answer_of(open_pushed(wiki, browser, pushed))


@pytest.mark.incident("GHSA-hjj4-hfjm-fmrj")
@pytest.mark.parametrize("change", [str.upper, str.title, " {}".format, "{} ".format, "{}\x00".format, "{}%00".format])
def test_a_client_has_one_spelling_of_its_name(agenda, browser, change):
    """In a header or a form, at each endpoint alike: rules, limits and journal are about the one it registered."""
    code, name = agenda.code(browser), change(agenda.tool.client_id)

    by_form = agenda.exchange(code, client_id=name)
    at_the_door = agenda.authorize(browser, client_id=name)

    assert by_form.status_code in (400, 401)
    assert by_form.json()["error"] in ("invalid_client", "invalid_request")
    stays_here(at_the_door)
    assert noted("client_unknown") + noted("nul") == 1
    assert noted("client_unknown", Action.AUTHORIZATION_REFUSED) == 1
    assert given() == (1, 0, 0)


# Revoking and looking ----------------------------------------------------------------------------------------


@pytest.mark.incident("django-oauth-toolkit#727")
@pytest.mark.spec("RFC 7009", "2.1")
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "code"])
def test_a_client_that_revokes_or_reads_what_is_anothers_changes_and_learns_nothing(agenda, wiki, browser, hint):
    held = agenda.exchange(agenda.code(browser, scope="openid offline_access")).json()
    before = given()

    for token in (held["access_token"], held["refresh_token"], held["id_token"], "x" * 43):
        revoked = wiki.post("/oidc/revoke", {"token": token, "token_type_hint": hint})
        told = wiki.post("/oidc/introspect", {"token": token, "token_type_hint": hint})

        assert (revoked.status_code, revoked.json()) == (200, {})
        assert (told.status_code, told.json()) == (200, {"active": False})

    assert given() == before
    assert not Event.objects.filter(action=Action.TOKEN_REVOKED).exists()
    assert agenda.userinfo(held["access_token"]).status_code == 200
    assert agenda.refresh(held["refresh_token"]).status_code == 200


# Time --------------------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2024-22403")
@pytest.mark.spec("RFC 6749", "4.1.2")
def test_every_code_has_an_end_by_the_clock(wiki, browser, monkeypatch):
    code, real = wiki.code(browser), timezone.now
    assert settings.CODE_LIFETIME.total_seconds() <= 60

    monkeypatch.setattr(timezone, "now", lambda: real() + settings.CODE_LIFETIME + timedelta(seconds=1))

    refused_token(wiki.exchange(code), "invalid_grant", "code_expired")
    assert not AccessToken.objects.exists()


# Asking for more ---------------------------------------------------------------------------------------------

EVERYTHING = "openid profile email phone address groups api:lire api:écrire admin offline_access"


@pytest.mark.incident("CVE-2024-52287")
@pytest.mark.spec("RFC 6749", "3.3")
def test_whoever_asks_for_every_scope_gets_those_of_the_tool_by_every_grant(rich, signing_key, browser):
    target = connect("louty-api", resource_identifier=API)
    ToolPair.objects.create(source=rich.tool, target=target.tool, scopes="lire", created_at=timezone.now())
    allowed = {"openid", "profile", "api:lire", "offline_access"}

    by_code = rich.exchange(rich.code(browser, scope=EVERYTHING)).json()
    by_refresh = rich.refresh(by_code["refresh_token"], scope=EVERYTHING)
    device = start_device(rich, EVERYTHING)
    approve_device(browser, device["user_code"])
    by_device = redeem_device(rich, device["device_code"]).json()
    own = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": EVERYTHING, **rich.credentials()}
    by_itself = rich.post("/oidc/token", own)
    more = {
        "grant_type": GrantType.EXCHANGE,
        "subject_token": by_code["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": target.tool.client_id,
        "scope": EVERYTHING,
        **rich.credentials(),
    }
    by_exchange = rich.post("/oidc/token", more)

    assert set(by_code["scope"].split()) <= allowed
    assert set(by_device["scope"].split()) <= allowed
    for response in (by_refresh, by_itself, by_exchange):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).count() == 3
    for scope in AccessToken.objects.values_list("scope", flat=True):
        assert set(scope.split()) <= allowed
    assert {item for line in Disclosure.objects.all() for item in line.items}.isdisjoint({"email", "phone"})


@pytest.mark.incident("CVE-2024-47077")
@pytest.mark.spec("RFC 8707", "2.2")
@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_token_of_one_tool_is_no_token_of_another(signing_key, browser, token_format):
    api = connect("louty-api", resource_identifier=API)
    party = connect("wiki", resources=API, access_token_format=token_format)
    other = connect("autre", resource_identifier="https://other.example/api")
    for_api = party.exchange(party.code(browser, resource=API)).json()["access_token"]
    for_hub = party.exchange(party.code(browser)).json()["access_token"]

    def told(reader: Party, token: str) -> bool:
        return bool(reader.post("/oidc/introspect", {"token": token}).json()["active"])

    assert [told(reader, for_api) for reader in (api, party, other)] == [True, False, False]
    assert [told(reader, for_hub) for reader in (api, party, other)] == [False, True, False]
    assert party.userinfo(for_hub).status_code == 200
    response = party.userinfo(for_api)
    assert response.status_code == 401
    assert "invalid_token" in response["WWW-Authenticate"]
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True, facts__endpoint="userinfo").count() == 1


# Another way of answering ------------------------------------------------------------------------------------

IMPLICIT = ["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none"]


@pytest.mark.incident("CVE-2026-7571")
@pytest.mark.spec("RFC 9700", "2.1.2")
@pytest.mark.parametrize("kind", IMPLICIT)
def test_no_token_ever_leaves_at_the_authorization_endpoint(signing_key, browser, kind):
    """Plain, signed and pushed; then beside a request that was signed or pushed as a code request."""
    party = with_keys("louty")

    plain = answer_of(party.authorize(browser, response_type=kind))
    signed = browser.get("/oidc/authorize", {**party.request(), "request": signed_request(party, response_type=kind)})
    pushed = push(party, response_type=kind)
    beside_signed = browser.get(
        "/oidc/authorize", {**party.request(response_type=kind), "request": signed_request(party)}
    )

    assert plain["error"] == "unsupported_response_type"
    assert pushed.json()["error"] == "unsupported_response_type"
    for response in (signed, beside_signed):
        assert answer_of(response)["error"] == "invalid_request_object"
    assert noted("unsupported_response_type", Action.AUTHORIZATION_REFUSED) == 1
    assert noted("request_object_response_type_differs", Action.AUTHORIZATION_REFUSED) == 2
    assert noted("unsupported_response_type") == 1
    nothing_given()
    assert not PushedRequest.objects.exists()


@pytest.mark.incident("CVE-2026-7571")
@pytest.mark.parametrize("kind", IMPLICIT)
def test_what_stands_beside_a_pushed_request_changes_nothing_of_it(wiki, browser, kind):
    response = open_pushed(
        wiki, browser, push(wiki), response_type=kind, response_mode="fragment", scope="openid email"
    )

    assert set(answer_of(response)) == {"code", "state", "iss"}
    assert Grant.objects.get().scope == "email openid profile", "the scope that was pushed"


@pytest.mark.incident("CVE-2026-7571")
@pytest.mark.parametrize("kind", IMPLICIT)
def test_a_request_that_was_changed_while_it_was_stored_is_read_again_in_full(wiki, member, browser, kind):
    """As if somebody had written to the table of pushed requests, or to a session that waits for its member."""
    pushed = push(wiki)
    row = PushedRequest.objects.get()
    changed = [[name, kind if name == "response_type" else value] for name, value in row.pairs["pairs"]]
    PushedRequest.objects.update(pairs={**row.pairs, "pairs": changed})
    back = back_from(wiki.authorize(browser, prompt="login"))
    session = browser.session
    for entry in session["waiting_requests"].values():
        pairs, *rest = entry["request"]
        entry["request"] = [[[n, kind if n == "response_type" else v] for n, v in pairs], *rest]
    session.save()

    from_table = answer_of(open_pushed(wiki, browser, pushed))
    from_session = answer_of(browser.get(back))

    assert from_table["error"] == from_session["error"] == "unsupported_response_type"
    assert noted("unsupported_response_type", Action.AUTHORIZATION_REFUSED) == 2
    nothing_given()


# A group, asked silently -------------------------------------------------------------------------------------


@pytest.mark.incident("GHSA-2wvm-8mvp-22qv", "CVE-2024-38371")
@pytest.mark.parametrize("way", ["query", "pushed", "signed"])
def test_silence_is_no_way_round_the_list_of_those_let_in(signing_key, browser, way):
    closed = with_keys("ferme", everyone=False)

    if way == "pushed":
        response = open_pushed(closed, browser, push(closed, prompt="none"))
    elif way == "signed":
        signed = signed_request(closed, prompt="none")
        response = browser.get("/oidc/authorize", {"client_id": closed.tool.client_id, "request": signed})
    else:
        response = closed.authorize(browser, prompt="none")

    assert answer_of(response)["error"] == "access_denied"
    assert noted("not_in_group", Action.AUTHORIZATION_REFUSED) == 1
    nothing_given()


@pytest.mark.incident("CVE-2024-38371")
def test_the_rule_of_who_may_enter_holds_on_every_grant(rich, signing_key, browser):
    target = connect("louty-api", resource_identifier=API)
    ToolPair.objects.create(source=rich.tool, target=target.tool, scopes="lire", created_at=timezone.now())
    held = rich.exchange(rich.code(browser, scope="openid offline_access")).json()
    code, device = rich.code(browser), start_device(rich)
    approve_device(browser, device["user_code"])
    Tool.objects.filter(pk=rich.tool.pk).update(everyone=False)

    answers = [
        rich.exchange(code),
        rich.refresh(held["refresh_token"]),
        redeem_device(rich, device["device_code"]),
        exchange_token(rich, held["access_token"], target),
    ]

    assert {response.status_code for response in answers} == {400}
    assert noted("access_denied") == 4
    assert AccessToken.objects.count() == 1, "the one from before, which opens nothing"
    assert rich.userinfo(held["access_token"]).status_code == 401


# Devices -----------------------------------------------------------------------------------------------------


@pytest.mark.incident("django-oauth-toolkit#1819")
@pytest.mark.spec("RFC 8628", "5.4")
def test_somebody_else_neither_sees_nor_answers_what_a_member_has_opened(rich, browser, other_member):
    device = start_device(rich)
    browser.post("/appareil/", {"user_code": device["user_code"]})
    stranger = sign_in(other_member)

    for answer in ({}, {"answer": "approve"}, {"answer": "accept", "notice": "1"}, {"answer": "deny"}):
        page = stranger.post("/appareil/", {"user_code": device["user_code"], **answer})

        assert page.status_code == 400
        assert rich.tool.name not in page.content.decode()

    assert noted("opened_elsewhere", Action.DEVICE_REFUSED) == 4
    assert DeviceGrant.objects.get().status == DeviceGrant.AUTHORIZATION_PENDING
    assert redeem_device(rich, device["device_code"]).json()["error"] == "authorization_pending"
    assert not AccessToken.objects.exists()


@pytest.mark.incident("django-oauth-toolkit#1734")
@pytest.mark.spec("RFC 8628", "6.1")
def test_letters_of_user_codes_are_as_frequent_as_chance_has_them(rich, monkeypatch):
    """400 codes at the endpoint: chi-squared over 20 letters stays under 60 but once in a hundred thousand times."""
    monkeypatch.setattr("idp.views.device.STARTS", 1_000)

    codes = [start_device(rich)["user_code"].replace("-", "") for _ in range(400)]

    letters = Counter("".join(codes))
    expected = len(codes) * 8 / len(ALPHABET)
    assert set(letters) == set(ALPHABET)
    assert len(set(codes)) == len(codes)
    assert sum((count - expected) ** 2 / expected for count in letters.values()) < 60


WEAK = re.compile(r"\b(uuid\.uuid1|uuid1|random\.\w+|os\.getpid|time\.time\(\)\.hex)\b")


@pytest.mark.incident("django-oauth-toolkit#1734")
def test_no_code_of_the_hub_uses_a_weak_generator():
    """``secrets`` and ``uuid4`` are the system's generator; ``random`` is a formula that can be computed forward."""
    found = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and any(name.name.partition(".")[0] == "random" for name in node.names):
                found.append(f"{path}:{node.lineno}")
            if isinstance(node, ast.ImportFrom) and node.module in ("random", "numpy.random"):
                found.append(f"{path}:{node.lineno}")
            if isinstance(node, ast.Attribute | ast.Name) and WEAK.fullmatch(ast.unparse(node)):
                found.append(f"{path}:{node.lineno}")

    assert found == []


# Downgrade ---------------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2024-23647")
@pytest.mark.spec("RFC 9700", "4.8.2")
@pytest.mark.parametrize("way", ["challenge", "method", "plain"])
@pytest.mark.parametrize("kind", ["confidential", "public"])
def test_the_challenge_cannot_be_lost_on_the_way(wiki, mobile, browser, kind, way):
    party = {"confidential": wiki, "public": mobile}[kind]
    lost = {
        "challenge": {"code_challenge": None, "code_challenge_method": None},
        "method": {"code_challenge_method": None},
        "plain": {"code_challenge": party.verifier, "code_challenge_method": "plain"},
    }[way]

    answer = answer_of(party.authorize(browser, **lost))

    assert answer["error"] == "invalid_request"
    assert noted("pkce_missing" if way == "challenge" else "pkce_method", Action.AUTHORIZATION_REFUSED) == 1
    nothing_given()


@pytest.mark.incident("CVE-2024-23647")
@pytest.mark.spec("RFC 9700", "4.8.2")
def test_a_relaxed_tool_that_sends_a_verifier_notices_that_its_challenge_was_taken_away(signing_key, browser):
    old = connect("vieux", pkce_required=False, offline_access=True)
    code = old.code(browser, code_challenge=None, code_challenge_method=None)

    refused_token(old.exchange(code), "invalid_grant", "pkce_downgrade")

    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.exists()
