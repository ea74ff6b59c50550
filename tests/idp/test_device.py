"""The device grant (RFC 8628), as a device, a member and somebody else see it."""

from datetime import timedelta
from functools import partial

import pytest
from django.core.cache import cache
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from consent import selectors as consent_selectors
from consent import services as consent_services
from directory.types import MemberState
from idp.models import AccessToken, DeviceGrant, HubSession, Tool
from idp.protocol.errors import ProtocolError
from idp.protocol.tokens import digest
from idp.services import device, sessions
from idp.services.purge import purge_expired
from idp.services.tokens import Audience
from idp.types import AuthMethod, GrantType
from tests.support.cast import FORMATION, LOUTY
from tests.support.oidc import Party, connect, sign_in

pytestmark = pytest.mark.django_db
GRANTS = f"{GrantType.CODE} {GrantType.DEVICE}"


@pytest.fixture
def screen(signing_key) -> Party:
    """A public tool on a device without a browser."""
    return connect("ecran", grant_types=GRANTS, token_endpoint_auth_method=AuthMethod.NONE, offline_access=True)


@pytest.fixture
def printer(signing_key) -> Party:
    """A confidential one."""
    return connect("imprimante", grant_types=GRANTS)


def start(party: Party, **changes: object):
    form = {"scope": "openid profile", **party.credentials(), **changes}
    return party.post("/oidc/device_authorization", form)


def poll(party: Party, device_code: str, **changes: object):
    form = {"grant_type": GrantType.DEVICE, "device_code": device_code, **party.credentials(), **changes}
    return party.post("/oidc/token", form)


def approve(browser, user_code: str):
    browser.post("/appareil/", {"user_code": user_code})
    return browser.post("/appareil/", {"user_code": user_code, "answer": "approve"})


def patient(device_code: str) -> None:
    """As if the device had waited."""
    DeviceGrant.objects.filter(device_code=digest(device_code)).update(last_checked=None)


def refusals(reason: str) -> int:
    return Event.objects.filter(refused=True, reason=reason).count()


# Asking --------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8628", "3.2")
def test_a_device_is_given_two_codes_that_are_stored_as_digests_only(screen):
    response = start(screen)

    told = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert told["verification_uri"] == "http://localhost:8000/appareil/"
    assert told["verification_uri_complete"] == f"http://localhost:8000/appareil/?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)
    assert len(told["device_code"]) == 43
    row = DeviceGrant.objects.get()
    assert row.device_code == digest(told["device_code"])
    assert row.user_code == digest(told["user_code"].replace("-", ""))


def test_what_a_tool_asks_is_in_the_journal_from_its_first_proof(screen, printer, browser):
    """Anybody can come as a public tool, again and again: its first line is that of the member who opens the code."""
    started = start(printer) and start(screen).json()
    asked = Event.objects.get(action=Action.DEVICE_STARTED)

    browser.post("/appareil/", {"user_code": started["user_code"]})

    opened = Event.objects.get(action=Action.DEVICE_OPENED)
    assert (asked.tool_id, opened.tool_id) == (printer.tool.pk, screen.tool.pk)
    assert asked.facts["scopes"] == opened.facts["scopes"] == ["openid", "profile"]
    assert opened.facts["device"] == DeviceGrant.objects.get(tool=screen.tool).pk


@pytest.mark.spec("RFC 8628", "3.1")
def test_a_confidential_tool_proves_itself_when_it_asks(printer):
    assert start(printer).status_code == 200

    response = printer.post("/oidc/device_authorization", {"scope": "openid", "client_id": printer.tool.client_id}, {})

    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"


@pytest.mark.spec("RFC 8628", "3.1")
def test_only_a_tool_that_was_given_this_grant_may_ask(wiki):
    response = start(wiki)

    assert response.status_code == 400
    assert response.json()["error"] == "unauthorized_client"
    assert refusals("grant_not_given") == 1


@pytest.mark.spec("RFC 6749", "3.3")
def test_scopes_are_cut_down_to_the_tools_own(screen):
    Tool.objects.filter(pk=screen.tool.pk).update(scopes="openid profile")

    start(screen, scope="openid profile email phone address groups secret")

    assert DeviceGrant.objects.get().scope == "openid profile"


@pytest.mark.parametrize("scope", [None, "", "secret admin"])
def test_a_request_for_nothing_known_is_refused(screen, scope):
    assert start(screen, scope=scope).json()["error"] == "invalid_scope"


def test_a_parameter_that_comes_twice_is_refused(screen):
    body = f"client_id={screen.tool.client_id}&scope=openid&scope=email"

    response = screen.http.post("/oidc/device_authorization", body, content_type="application/x-www-form-urlencoded")

    assert response.json()["error"] == "invalid_request"
    assert screen.http.get("/oidc/device_authorization").status_code == 405


def test_one_network_cannot_ask_without_end(screen, monkeypatch):
    monkeypatch.setattr("idp.views.device.STARTS", 2)

    answers = [start(screen).status_code for _ in range(3)]

    assert answers == [200, 200, 503]
    assert refusals("throttled") == 1


# Typing --------------------------------------------------------------------------------------------------------


def test_a_visitor_signs_in_first_and_comes_back_with_the_code(screen, client):
    told = start(screen).json()

    response = client.get("/appareil/", {"user_code": told["user_code"]})

    assert response.status_code == 302
    assert response["Location"].startswith("/compte/")
    assert "user_code%3D" in response["Location"]


@pytest.mark.spec("RFC 8628", "6.1")
@pytest.mark.parametrize("typed", ["{}", " {} ", "{}.", "{} -"])
def test_case_dashes_and_spaces_do_not_count(screen, browser, typed):
    code = start(screen).json()["user_code"]

    for variant in (code.lower(), code.replace("-", ""), code.replace("-", " ")):
        page = browser.post("/appareil/", {"user_code": typed.format(variant)})

        assert b'id="device-confirm"' in page.content, variant


@pytest.mark.spec("RFC 8628", "5.4")
def test_the_page_says_which_tool_asks_for_what_and_from_where(screen, browser):
    consent_services.declare(tool_id=screen.tool.pk, sheet=LOUTY, actor=SYSTEM, now=timezone.now())
    code = start(screen).json()["user_code"]

    html = browser.post("/appareil/", {"user_code": code}).content.decode()

    assert "Ecran" in html
    assert code in html
    assert "Nom affiché" in html
    assert "même connexion internet" in html
    assert 'id="device-approve"' in html
    assert 'id="device-deny"' in html


def test_a_device_elsewhere_is_told_with_its_address(screen, browser):
    code = start(screen).json()["user_code"]
    DeviceGrant.objects.update(asked_from="203.0.113.7")

    html = browser.post("/appareil/", {"user_code": code}).content.decode()

    assert "203.0.113.7" in html


@pytest.mark.spec("RFC 8628", "3.3.1")
def test_the_complete_address_only_fills_the_field(screen, browser):
    told = start(screen).json()

    html = browser.get("/appareil/", {"user_code": told["user_code"]}).content.decode()

    assert f'value="{told["user_code"]}"' in html
    assert 'id="device-approve"' not in html
    assert DeviceGrant.objects.get().opened_by is None
    assert poll(screen, told["device_code"]).json()["error"] == "authorization_pending"


@pytest.mark.parametrize("typed", ["", "AAAA-AAAA", "BCDF", "x" * 200, "BCDF-GHJ\x00", "<script>", "ＢＣＤＦＧＨＪＫ"])
def test_a_wrong_code_is_refused_with_one_sentence(screen, browser, typed):
    page = browser.post("/appareil/", {"user_code": typed})

    assert page.status_code == 400
    assert b'id="device-code"' in page.content


@pytest.mark.incident("django-oauth-toolkit#1734")
@pytest.mark.spec("RFC 8628", "5.1")
def test_guessing_is_limited_by_session_and_a_success_does_not_reset_the_count(screen, browser, other_member):
    code = start(screen).json()["user_code"]
    for _ in range(4):
        browser.post("/appareil/", {"user_code": "BBBB-BBBB"})
    assert b'id="device-confirm"' in browser.post("/appareil/", {"user_code": code}).content
    browser.post("/appareil/", {"user_code": "BBBB-BBBB"})

    page = browser.post("/appareil/", {"user_code": code})

    assert page.status_code == 400
    assert "Trop d’essais" in page.content.decode()
    assert refusals("code_unknown") == 5
    assert refusals("throttled") == 1
    assert b'id="device-code"' in sign_in(other_member).post("/appareil/", {"user_code": code}).content, "opened by one"
    cache.clear()


@pytest.mark.incident("CVE-2024-52948", "canaille 0.3.7")
def test_a_form_of_another_site_changes_nothing(screen, member):
    code = start(screen).json()["user_code"]
    browser = sign_in(member)
    strict = type(browser)(enforce_csrf_checks=True)
    strict.cookies = browser.cookies

    response = strict.post("/appareil/", {"user_code": code, "answer": "approve"})

    assert response.status_code == 403
    assert DeviceGrant.objects.get().opened_by is None


# Answering -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8628", "3.5")
def test_an_approved_device_gets_its_tokens_once(screen, browser, member):
    told = start(screen, scope="openid profile offline_access").json()
    assert poll(screen, told["device_code"]).json()["error"] == "authorization_pending"

    assert approve(browser, told["user_code"])["Location"] == "/appareil/relie/"

    patient(told["device_code"])
    body = poll(screen, told["device_code"]).json()
    claims = screen.claims(body["id_token"])
    assert claims["aud"] == screen.tool.client_id
    assert screen.userinfo(body["access_token"]).json()["sub"] == claims["sub"]
    assert body["scope"].split() == ["offline_access", "openid", "profile"]
    assert screen.refresh(body["refresh_token"]).status_code == 200
    again = poll(screen, told["device_code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    row = DeviceGrant.objects.get()
    assert row.used_at is not None
    assert row.asked_from is None
    line = Event.objects.get(action=Action.DEVICE_APPROVED)
    assert (line.actor_id, line.subject_id, line.tool_id) == (member.pk, member.pk, screen.tool.pk)
    assert refusals("device_code_used") == 1


def test_without_openid_there_is_no_id_token(screen, browser):
    told = start(screen, scope="profile").json()
    approve(browser, told["user_code"])

    body = poll(screen, told["device_code"]).json()

    assert "access_token" in body
    assert "id_token" not in body
    assert "refresh_token" not in body


def test_a_denied_device_is_told_so_and_the_code_is_over(screen, browser):
    told = start(screen).json()
    browser.post("/appareil/", {"user_code": told["user_code"]})

    response = browser.post("/appareil/", {"user_code": told["user_code"], "answer": "deny"})

    assert response["Location"] == "/appareil/refuse/"
    assert poll(screen, told["device_code"]).json()["error"] == "access_denied"
    assert b'id="device-code"' in approve(browser, told["user_code"]).content
    assert refusals("member_refused") == 1
    assert b"device-done" in browser.get("/appareil/refuse/").content


@pytest.mark.incident("django-oauth-toolkit#1819")
@pytest.mark.spec("RFC 8628", "5.4")
def test_only_the_session_that_opened_the_code_first_can_confirm_it(screen, browser, other_member, member):
    told = start(screen).json()
    browser.post("/appareil/", {"user_code": told["user_code"]})

    for stranger in (sign_in(other_member), sign_in(member)):
        page = approve(stranger, told["user_code"])
        assert page.status_code == 400
        denied = stranger.post("/appareil/", {"user_code": told["user_code"], "answer": "deny"})
        assert denied.status_code == 400

    assert poll(screen, told["device_code"]).json()["error"] == "authorization_pending"
    assert refusals("opened_elsewhere") == 6
    assert approve(browser, told["user_code"]).status_code == 303


def test_a_code_that_was_never_opened_cannot_be_approved_by_its_form(screen, browser, other_member):
    told = start(screen).json()
    opened = sign_in(other_member)
    opened.post("/appareil/", {"user_code": told["user_code"]})

    assert browser.post("/appareil/", {"user_code": told["user_code"], "answer": "accept"}).status_code == 400
    assert browser.post("/appareil/", {"user_code": told["user_code"], "answer": "refuse"}).status_code == 400
    assert DeviceGrant.objects.get().status == DeviceGrant.AUTHORIZATION_PENDING


def test_what_needs_consent_is_asked_before_the_device_is_linked(screen, browser, member):
    consent_services.declare(tool_id=screen.tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
    told = start(screen, scope="openid profile email").json()

    page = approve(browser, told["user_code"])

    assert b'id="consent-form"' in page.content
    assert b'action="/appareil/"' in page.content
    assert Event.objects.about(member.pk).filter(action=Action.CONSENT_ASKED).count() == 1
    assert DeviceGrant.objects.get().status == DeviceGrant.AUTHORIZATION_PENDING
    notice = consent_selectors.sheet(screen.tool.pk).notice.pk
    form = {"user_code": told["user_code"], "notice": notice, "items": ["trade"], "answer": "accept"}
    assert browser.post("/appareil/", form)["Location"] == "/appareil/relie/"
    body = poll(screen, told["device_code"]).json()
    claims = screen.userinfo(body["access_token"]).json()
    assert claims["headline"] == member.trade
    assert claims["name"] == member.display_name


def test_a_notice_that_changed_meanwhile_is_shown_again(screen, browser):
    consent_services.declare(tool_id=screen.tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
    told = start(screen, scope="openid profile email").json()
    approve(browser, told["user_code"])

    page = browser.post("/appareil/", {"user_code": told["user_code"], "notice": "0", "answer": "accept"})

    assert b'id="consent-form"' in page.content
    assert DeviceGrant.objects.get().status == DeviceGrant.AUTHORIZATION_PENDING


def test_a_refused_consent_refuses_the_device(screen, browser, member):
    consent_services.declare(tool_id=screen.tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
    told = start(screen, scope="openid profile email").json()
    approve(browser, told["user_code"])
    notice = consent_selectors.sheet(screen.tool.pk).notice.pk

    browser.post("/appareil/", {"user_code": told["user_code"], "notice": notice, "answer": "refuse"})

    assert poll(screen, told["device_code"]).json()["error"] == "access_denied"
    assert Event.objects.about(member.pk).filter(action=Action.CONSENT_REFUSED).exists()


# Access --------------------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2024-38371")
def test_whoever_may_not_enter_the_tool_cannot_link_a_device(screen, browser):
    Tool.objects.filter(pk=screen.tool.pk).update(everyone=False)
    told = start(screen).json()

    page = browser.post("/appareil/", {"user_code": told["user_code"]})

    assert page.status_code == 403
    assert b'id="error-page"' in page.content
    assert poll(screen, told["device_code"]).json()["error"] == "access_denied"
    assert refusals("not_in_group") == 1


def test_access_that_was_lost_between_reading_and_answering_counts(screen, browser):
    told = start(screen).json()
    browser.post("/appareil/", {"user_code": told["user_code"]})
    Tool.objects.filter(pk=screen.tool.pk).update(everyone=False)

    page = browser.post("/appareil/", {"user_code": told["user_code"], "answer": "approve"})

    assert page.status_code == 403


@pytest.mark.parametrize("loss", ["inactive", "left_group", "signed_out", "withdrawn"])
def test_what_ended_between_yes_and_the_next_question_ends_the_device_too(screen, browser, member, loss):
    told = start(screen).json()
    approve(browser, told["user_code"])

    if loss == "inactive":
        type(member).objects.filter(pk=member.pk).update(state=MemberState.LOCKED)
    elif loss == "left_group":
        Tool.objects.filter(pk=screen.tool.pk).update(everyone=False)
    elif loss == "signed_out":
        sessions.end_hub_sessions(HubSession.objects.all(), reason="sign_out", actor=SYSTEM, now=timezone.now())
    else:
        browser.post(f"/outils/{screen.tool.slug}/retrait/")

    assert poll(screen, told["device_code"]).json()["error"] in ("access_denied", "invalid_grant")
    assert not DeviceGrant.objects.exclude(used_at=None).exists()


@pytest.mark.spec("RFC 8707", "2.2")
def test_a_resource_that_the_member_may_not_enter_costs_no_approval(signing_key, browser):
    api = "https://api.alizarine.example/"
    connect("louty-api", resource_identifier=api, everyone=False)
    party = connect("ecran", grant_types=GRANTS, token_endpoint_auth_method=AuthMethod.NONE, resources=api)
    told = start(party).json()
    approve(browser, told["user_code"])

    refused = poll(party, told["device_code"], resource=api)

    assert (refused.status_code, refused.json()["error"]) == (400, "access_denied")
    assert refusals("access_denied") == 1
    assert DeviceGrant.objects.get().used_at is None
    assert not AccessToken.objects.exists()
    assert poll(party, told["device_code"]).status_code == 200
    assert poll(party, told["device_code"]).json()["error"] == "invalid_grant"


def test_a_tool_for_two_factors_sends_the_member_to_them(screen, browser, member):
    Tool.objects.filter(pk=screen.tool.pk).update(required_acr="2")
    told = start(screen).json()

    page = browser.post("/appareil/", {"user_code": told["user_code"]})

    assert page.status_code == 403
    assert "/compte/" in page.content.decode(), "the way to a second factor"
    strong = sign_in(member, methods=("pwd", "otp", "mfa"), acr="2")
    DeviceGrant.objects.update(opened_by=None)
    assert approve(strong, told["user_code"]).status_code == 303


def test_a_tool_with_a_maximal_age_asks_for_a_fresh_proof(screen, member):
    Tool.objects.filter(pk=screen.tool.pk).update(default_max_age=60)
    old = sign_in(member, at=timezone.now() - timedelta(minutes=5))
    told = start(screen).json()

    response = old.post("/appareil/", {"user_code": told["user_code"]})

    assert response.status_code == 302
    assert "user_code" in response["Location"]
    HubSession.objects.update(auth_time=timezone.now())
    assert approve(old, told["user_code"]).status_code == 303


# Polling -------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8628", "3.5")
def test_a_hasty_device_waits_five_seconds_more_each_time(screen):
    code = start(screen).json()["device_code"]
    begun = timezone.now()
    asked = [0, 1, 12, 23, 34, 34 + 16]
    redeem = partial(device.redeem, tool=screen.tool, device_code=code, audience=Audience())

    answers = []
    for seconds in asked:
        with pytest.raises(ProtocolError) as told:
            redeem(now=begun + timedelta(seconds=seconds))
        answers.append(told.value.code)

    assert answers[:2] == ["authorization_pending", "slow_down"], "ten seconds now"
    assert answers[2:] == ["authorization_pending"] * 4
    assert DeviceGrant.objects.get().interval == 10


def test_the_pace_survives_the_refusal_at_the_endpoint(screen):
    code = start(screen).json()["device_code"]

    answers = [poll(screen, code).json()["error"] for _ in range(3)]

    assert answers == ["authorization_pending", "slow_down", "slow_down"]
    assert DeviceGrant.objects.get().interval == 15


@pytest.mark.spec("RFC 8628", "3.5")
def test_an_old_code_is_worth_nothing_approved_or_not(screen, browser):
    waiting, approved = start(screen).json(), start(screen).json()
    approve(browser, approved["user_code"])

    DeviceGrant.objects.update(expires=timezone.now())

    assert poll(screen, waiting["device_code"]).json()["error"] == "expired_token"
    assert poll(screen, approved["device_code"]).json()["error"] == "expired_token"
    assert b'id="device-code"' in browser.post("/appareil/", {"user_code": waiting["user_code"]}).content


def test_a_code_of_one_tool_is_unknown_to_another(screen, printer, browser):
    told = start(screen).json()
    approve(browser, told["user_code"])

    foreign = poll(printer, told["device_code"])

    assert foreign.json()["error"] == "invalid_grant"
    assert poll(screen, told["device_code"]).status_code == 200


def test_a_tool_that_lost_the_grant_redeems_nothing(screen, browser):
    told = start(screen).json()
    approve(browser, told["user_code"])
    Tool.objects.filter(pk=screen.tool.pk).update(grant_types=GrantType.CODE)

    assert poll(screen, told["device_code"]).json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("code", ["", "x", "a" * 5000])
def test_an_unknown_device_code_is_an_invalid_grant(screen, code):
    assert poll(screen, code).json()["error"] in ("invalid_grant", "invalid_request")


def test_what_was_given_is_about_the_approval_and_not_the_device(screen, browser, member):
    told = start(screen).json()
    approve(browser, told["user_code"])

    claims = screen.claims(poll(screen, told["device_code"]).json()["id_token"])

    session = HubSession.objects.get()
    assert claims["auth_time"] == int(session.auth_time.timestamp())
    assert claims["acr"] == "1"
    assert claims["amr"] == ["pwd"]


def test_old_codes_are_purged(screen):
    start(screen)

    purge_expired(now=timezone.now() + timedelta(days=2))

    assert not DeviceGrant.objects.exists()
