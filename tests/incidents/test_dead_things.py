"""What should be dead: whatever a withdrawal, a sign-out, a suspension or an end took away opens nothing any more."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from consent import services as consent_services
from directory.models import Collective, Membership
from directory.types import Hold, MemberState
from idp.models import AccessToken, Grant, HubSession, PushedRequest, RefreshToken, Tool, ToolPair, ToolSession
from idp.services import sessions
from idp.services.tools import close_tool, set_access
from idp.types import AuthMethod, DeliveryState, GrantType, ToolState
from tests.support.cast import LOUTY
from tests.support.incidents import (
    approve_device,
    connect_with_every_grant,
    exchange_token,
    noted,
    nothing_given,
    redeem_device,
    refused_token,
    start_device,
    stays_here,
)
from tests.support.oidc import Party, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
API = "https://api.example/louty"
OFFLINE = "openid offline_access"


# Refreshing after the end ------------------------------------------------------------------------------------


def withdraws(browser, member, tool):
    assert browser.post(f"/outils/{tool.slug}/retrait/").status_code == 302


def is_suspended(browser, member, tool):
    type(member).objects.filter(pk=member.pk).update(state=MemberState.LOCKED)


def leaves(browser, member, tool):
    type(member).objects.filter(pk=member.pk).update(state=MemberState.LEFT)


def is_held_by_the_office(browser, member, tool):
    type(member).objects.filter(pk=member.pk).update(hold=Hold.SUSPENDED)


def has_departed(browser, member, tool):
    type(member).objects.filter(pk=member.pk).update(hold=Hold.LEFT)


def leaves_the_group(browser, member, tool):
    Membership.objects.all().delete()


def signs_out(browser, member, tool):
    assert browser.post("/deconnexion/").status_code == 303


def closes_the_tool(browser, member, tool):
    assert browser.post(f"/outils/{tool.slug}/fermer/").status_code == 303


@pytest.fixture
def for_a_group(agenda, member) -> Party:
    """A tool for one collective, which the member is in."""
    group = Collective.objects.create(entry_uuid=member.entry_uuid, dn="cn=r", dn_key="cn=r", name="Reliure", slug="r")
    Membership.objects.create(collective=group, member=member)
    Tool.objects.filter(pk=agenda.tool.pk).update(everyone=False)
    agenda.tool.collectives.add(group)
    return agenda


@pytest.mark.incident("CVE-2026-43983", "GHSA-w6p7-2fxx-4f44", "pocket-id#1458")
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (withdraws, "session_ended"),
        (is_suspended, "member_inactive"),
        (leaves, "member_inactive"),
        (is_held_by_the_office, "member_inactive"),
        (has_departed, "member_inactive"),
        (leaves_the_group, "access_denied"),
        (signs_out, "session_ended"),
        (closes_the_tool, "session_ended"),
    ],
)
def test_a_refresh_token_is_dead_at_once(for_a_group, browser, member, end, reason):
    held = for_a_group.exchange(for_a_group.code(browser, scope=OFFLINE)).json()
    assert "refresh_token" in held

    end(browser, member, for_a_group.tool)

    before = AccessToken.objects.count()
    response = for_a_group.refresh(held["refresh_token"])
    assert response.json() == {"error": "invalid_grant"}
    assert noted(reason) == Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).count() == 1
    assert AccessToken.objects.count() == before
    assert RefreshToken.objects.count() == 1
    assert for_a_group.userinfo(held["access_token"]).status_code == 401


@pytest.mark.incident("GHSA-895x-rfqp-jh5c", "keycloak#43734")
@pytest.mark.parametrize("lost", ["scope", "offline_access"])
def test_what_the_operator_takes_from_a_tool_is_gone_at_the_next_refresh(agenda, browser, lost):
    held = agenda.exchange(agenda.code(browser, scope="openid email offline_access")).json()
    change = {"scopes": "openid"} if lost == "scope" else {"offline_access": False}
    Tool.objects.filter(pk=agenda.tool.pk).update(**change)

    response = agenda.refresh(held["refresh_token"])

    if lost == "scope":
        assert "email" not in response.json()["scope"].split()
        assert "email" not in AccessToken.objects.latest("pk").scope.split()
    else:
        refused_token(response, "unauthorized_client", "grant_not_allowed")
        assert AccessToken.objects.count() == 1


@pytest.mark.incident("keycloak#45647")
@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("grace", [0, 30])
def test_of_fifty_refreshes_at_once_one_family_comes_and_a_reuse_ends_it(signing_key, browser, grace):
    """In threads where the database has room for many writers, else one after the other."""
    party = connect(
        "agenda", offline_access=True, token_endpoint_auth_method=AuthMethod.POST, refresh_grace_seconds=grace
    )
    held = party.exchange(party.code(browser, scope=OFFLINE)).json()
    answers: list[tuple[int, str]] = []
    together = threading.Barrier(50)

    def one() -> None:
        mine = Party(party.tool, party.secret, http=Client())
        if connection.vendor != "sqlite":
            together.wait()
        try:
            response = mine.refresh(held["refresh_token"])
            answers.append((response.status_code, response.json().get("refresh_token", "")))
        finally:
            if connection.vendor != "sqlite":
                connection.close()

    if connection.vendor == "sqlite":
        for _ in range(50):
            one()
    else:
        threads = [threading.Thread(target=one) for _ in range(50)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    assert len(answers) == 50
    successors = {token for status, token in answers if status == 200}
    assert len(successors) == 1, "one family, however many were told of it"
    if grace:
        assert {status for status, _ in answers} == {200}
        assert RefreshToken.objects.filter(revoked=None).count() == 1
        assert party.refresh(successors.pop()).status_code == 200
        assert party.refresh(held["refresh_token"]).status_code == 400
    else:
        assert sorted(status for status, _ in answers) == [200] + [400] * 49
        assert noted("refresh_reused") == 49
        assert noted("refresh_reused", Action.TOKEN_REVOKED) == 49
        assert party.refresh(successors.pop()).status_code == 400
    assert not RefreshToken.objects.filter(revoked=None).exists()
    assert not AccessToken.objects.exists()


# The grace period is for answers that were lost, and for nothing else -------------------------------------------


def revokes_the_successor(party, browser, tokens):
    party.post("/oidc/revoke", {"token": tokens[-1], **party.credentials()})


def revokes_the_old_one(party, browser, tokens):
    party.post("/oidc/revoke", {"token": tokens[0], **party.credentials()})


def ends_the_session(party, browser, tokens):
    browser.post("/deconnexion/")


def ends_the_agreement(party, browser, tokens):
    browser.post(f"/outils/{party.tool.slug}/retrait/")


def uses_the_successor(party, browser, tokens):
    tokens.append(party.refresh(tokens[-1]).json()["refresh_token"])


@pytest.mark.incident("django-oauth-toolkit#1816", "django-oauth-toolkit#1617")
@pytest.mark.spec("RFC 7009", "2.1")
@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (revokes_the_successor, "refresh_reused"),
        (revokes_the_old_one, "refresh_reused"),
        (ends_the_session, "session_ended"),
        (ends_the_agreement, "session_ended"),
        (uses_the_successor, "refresh_reused"),
    ],
)
def test_what_was_revoked_on_purpose_is_dead_within_the_grace_period_too(signing_key, browser, end, reason, rotated):
    party = connect(
        "agenda", offline_access=True, token_endpoint_auth_method=AuthMethod.POST, refresh_grace_seconds=120
    )
    tokens = [party.exchange(party.code(browser, scope=OFFLINE)).json()["refresh_token"]]
    if rotated or end is uses_the_successor:
        tokens.append(party.refresh(tokens[0]).json()["refresh_token"])

    end(party, browser, tokens)

    for token in tokens:
        response = party.refresh(token)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert noted(reason) == len(tokens)
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()


@pytest.mark.incident("django-oauth-toolkit#746")
@pytest.mark.spec("OWASP ASVS", "10.4.8")
def test_a_refresh_token_has_an_end_by_the_clock_that_no_refresh_moves(agenda, browser, monkeypatch):
    """Refused by its date and not by a purge that has not run."""
    first = agenda.exchange(agenda.code(browser, scope=OFFLINE)).json()["refresh_token"]
    end, real = RefreshToken.objects.get().expires, timezone.now
    HubSession.objects.update(expires_at=end + timedelta(days=365))

    monkeypatch.setattr(timezone, "now", lambda: end - timedelta(minutes=1))
    second = agenda.refresh(first).json()["refresh_token"]
    monkeypatch.setattr(timezone, "now", lambda: end + timedelta(seconds=1))

    assert real() < end
    refused_token(agenda.refresh(second), "invalid_grant", "refresh_expired")
    assert AccessToken.objects.count() == 2


# Somebody who may no longer -----------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2025-53942", "django-allauth 65.13", "CVE-2024-38371")
@pytest.mark.parametrize(
    "account",
    [
        {"state": MemberState.LOCKED},
        {"state": MemberState.LEFT},
        {"state": MemberState.MISSING},
        {"hold": Hold.SUSPENDED},
        {"hold": Hold.LEFT},
    ],
    ids=str,
)
def test_a_suspended_member_gets_nothing_by_any_grant_or_open_page(signing_key, browser, member, account):
    rich = connect_with_every_grant("riche", scopes="openid profile")
    target = connect("louty-api", resource_identifier=API)
    ToolPair.objects.create(source=rich.tool, target=target.tool, scopes="lire", created_at=timezone.now())
    held = rich.exchange(rich.code(browser, scope=OFFLINE)).json()
    code, approved, waiting = rich.code(browser), start_device(rich), start_device(rich)
    approve_device(browser, approved["user_code"])
    browser.post("/appareil/", {"user_code": waiting["user_code"]})
    before = AccessToken.objects.count()

    type(member).objects.filter(pk=member.pk).update(**account)

    approve_device(browser, waiting["user_code"])
    assert answer_of(rich.authorize(browser, prompt="none"))["error"] == "login_required"
    refused_token(redeem_device(rich, waiting["device_code"]), "authorization_pending", "device_pending")
    for response in (
        rich.exchange(code),
        rich.refresh(held["refresh_token"]),
        exchange_token(rich, held["access_token"], target),
    ):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert redeem_device(rich, approved["device_code"]).json()["error"] in ("access_denied", "invalid_grant")
    assert noted("member_inactive") >= 3
    assert AccessToken.objects.count() == before
    assert rich.userinfo(held["access_token"]).status_code == 401
    assert rich.post("/oidc/introspect", {"token": held["access_token"], **rich.credentials()}).json() == {
        "active": False
    }
    assert browser.get("/").status_code == 302


@pytest.mark.incident("CVE-2025-53942")
@pytest.mark.parametrize("account", [{"state": MemberState.LOCKED}, {"hold": Hold.SUSPENDED}], ids=str)
def test_a_consent_page_that_stayed_open_gives_no_code_to_somebody_suspended(wiki, browser, member, account):
    consent_services.declare(tool_id=wiki.tool.pk, sheet=LOUTY, actor=SYSTEM, now=timezone.now())
    page = wiki.authorize(browser).content.decode()
    fields = {name: page.split(f'name="{name}" value="')[1].partition('"')[0] for name in ("request", "notice")}
    type(member).objects.filter(pk=member.pk).update(**account)

    response = browser.post("/oidc/consent", {**fields, "answer": "accept"})

    assert response.status_code == 302
    assert response["Location"].startswith("/compte/")
    assert not Event.objects.filter(action__in=[Action.NOTICE_SEEN, Action.CODE_ISSUED]).exists()
    nothing_given()


@pytest.mark.incident("CVE-2026-45284")
@pytest.mark.usefixtures("signing_key")
def test_whoever_is_taken_out_of_the_directory_is_out_of_everything_after_one_pass(own_directory):
    """Session, refresh token, access token and the tool itself, by what the hub reads and nothing else."""
    from directory.models import Member
    from directory.services import synchronise

    synchronise(now=timezone.now())
    party = connect(
        "agenda",
        offline_access=True,
        token_endpoint_auth_method=AuthMethod.POST,
        backchannel_logout_uri="http://127.0.0.1:1/bye",
    )
    person = Member.objects.get(login="noemie.ferrand")
    browser = sign_in(person)
    held = party.exchange(party.code(browser, scope=OFFLINE)).json()
    own_directory.modify(f"dn: {person.dn}\nchangetype: delete\n")

    synchronise(now=timezone.now())

    person.refresh_from_db()
    assert person.state != MemberState.ACTIVE
    assert browser.get("/").status_code == 302
    assert answer_of(party.authorize(browser, prompt="none"))["error"] == "login_required"
    assert party.refresh(held["refresh_token"]).json() == {"error": "invalid_grant"}
    assert party.userinfo(held["access_token"]).status_code == 401
    assert HubSession.objects.get().ended_reason == "member_ended"
    assert ToolSession.objects.get().deliveries.get().state == DeliveryState.WAITING
    assert Event.objects.about(person.pk).filter(action=Action.MEMBER_LEFT).count() == 1
    assert Event.objects.about(person.pk).filter(action=Action.SIGN_OUT).count() == 1


# Sessions and identifiers -------------------------------------------------------------------------------------


@pytest.mark.incident("GHSA-rg35-5v25-mqvp", "keycloak#35813")
def test_after_signing_out_and_in_no_identifier_is_the_old_one_and_no_old_one_is_good(agenda, member):
    def everything(browser):
        held = agenda.exchange(agenda.code(browser, scope=OFFLINE)).json()
        return {
            "cookie": browser.cookies["trousseau_session"].value,
            "sid": agenda.claims(held["id_token"])["sid"],
            "code": agenda.code(browser),
            **{name: held[name] for name in ("access_token", "refresh_token")},
        }

    first = sign_in(member)
    old = everything(first)
    first.post("/deconnexion/")

    new = everything(sign_in(member))

    assert not set(old.values()) & set(new.values())
    thief = Client()
    thief.cookies["trousseau_session"] = old["cookie"]
    assert answer_of(agenda.authorize(thief, prompt="none"))["error"] == "login_required"
    assert agenda.exchange(old["code"]).json() == {"error": "invalid_grant"}
    assert agenda.refresh(old["refresh_token"]).json() == {"error": "invalid_grant"}
    assert agenda.userinfo(old["access_token"]).status_code == 401
    assert agenda.refresh(new["refresh_token"]).status_code == 200, "the new session is not touched by the old one's"
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).count() == 3


@pytest.mark.incident("CVE-2025-29928")
@pytest.mark.parametrize("end", ["ended_in_the_hub", "deleted_from_the_store"])
def test_a_deleted_session_opens_nothing(agenda, browser, member, end):
    held = agenda.exchange(agenda.code(browser, scope=OFFLINE)).json()

    if end == "ended_in_the_hub":
        sessions.end_member([member.pk], reason="by_operator", now=timezone.now())
    else:
        browser.session.delete(browser.session.session_key)

    assert answer_of(agenda.authorize(browser, prompt="none"))["error"] == "login_required"
    assert browser.get("/").status_code == 302
    assert noted("login_required", Action.AUTHORIZATION_REFUSED) == 1
    if end == "ended_in_the_hub":
        assert agenda.refresh(held["refresh_token"]).json() == {"error": "invalid_grant"}
        assert agenda.userinfo(held["access_token"]).status_code == 401


@pytest.mark.incident("CVE-2025-64521")
@pytest.mark.parametrize("close", ["for_good", "for_now"])
def test_the_own_account_of_a_closed_tool_is_closed_with_it(signing_key, close):
    robot = connect("robot", grant_types=GrantType.CLIENT_CREDENTIALS, scopes="api:lire")
    ask = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:lire"}
    token = robot.post("/oidc/token", ask).json()["access_token"]

    if close == "for_good":
        close_tool(slug="robot", actor=SYSTEM, now=timezone.now(), reason="test")
    else:
        Tool.objects.filter(slug="robot").update(state="closed")

    refused_token(robot.post("/oidc/token", ask), "invalid_client", "client_unknown")
    assert robot.post("/oidc/introspect", {"token": token}).status_code == 401
    assert robot.userinfo(token).status_code in (401, 403)
    assert AccessToken.objects.count() == (0 if close == "for_good" else 1)


@pytest.mark.incident("CVE-2025-64708")
@pytest.mark.parametrize("late", [0, 1])
def test_an_end_is_the_first_moment_that_is_too_late(signing_key, browser, late, monkeypatch):
    """Code, refresh token, access token and pushed request, at their end and a second past it."""
    party = connect_with_every_grant("riche", scopes="openid profile")
    held = party.exchange(party.code(browser, scope=OFFLINE)).json()
    code = party.code(browser)
    pushed = party.post("/oidc/par", {**party.request(), **party.credentials()}).json()["request_uri"]
    moment = timezone.now()
    for row in (*AccessToken.objects.all(), *RefreshToken.objects.all()):
        type(row).objects.filter(pk=row.pk).update(expires=moment)
    Grant.objects.update(expires=moment)
    PushedRequest.objects.update(expires_at=moment)
    monkeypatch.setattr(timezone, "now", lambda: moment + timedelta(seconds=late))

    refused_token(party.exchange(code), "invalid_grant", "code_expired")
    refused_token(party.refresh(held["refresh_token"]), "invalid_grant", "refresh_expired")
    assert party.userinfo(held["access_token"]).status_code == 401
    stays_here(browser.get("/oidc/authorize", {"client_id": party.tool.client_id, "request_uri": pushed}))
    assert noted("request_uri", Action.AUTHORIZATION_REFUSED) == 1
    assert AccessToken.objects.count() == 1


@pytest.mark.incident("CVE-2025-64521")
def test_the_resource_of_a_closed_tools_own_token_is_told_that_it_is_over(signing_key):
    api = connect("louty-api", resource_identifier=API)
    robot = connect("robot", grant_types=GrantType.CLIENT_CREDENTIALS, scopes="api:lire", resources=API)
    ask = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:lire", "resource": API}
    token = robot.post("/oidc/token", ask).json()["access_token"]
    assert api.post("/oidc/introspect", {"token": token}).json()["active"] is True

    set_access(slug="robot", state=ToolState.CLOSED, everyone=False, collectives=(), actor=SYSTEM, now=timezone.now())

    assert api.post("/oidc/introspect", {"token": token}).json() == {"active": False}
