"""Signing out: of the hub, at a tool's request, and the notices that follow."""

import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from audit.models import Event
from audit.types import Action
from consent.models import Disclosure
from directory.signals import members_ended
from idp import outgoing
from idp.models import HubSession, LogoutDelivery, SigningKey, Tool, ToolSession
from idp.protocol.tokens import BACKCHANNEL_EVENT
from idp.services import deliveries, keys, sessions
from idp.types import DeliveryState
from tests.support.logout import deliver_due
from tests.support.oidc import AFTER_LOGOUT, sign_in

pytestmark = pytest.mark.django_db
NOW = timezone.now


@contextmanager
def listening_tool(*statuses: int):
    """A tool's own server on loopback: answers each notice with the next status and keeps what it was sent."""
    received: list[dict[str, list[str]]] = []
    answers = list(statuses) or [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://169.254.169.254/")
            self.end_headers()

        def log_message(self, *args):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/bye", received
    finally:
        server.shutdown()
        server.server_close()


def opened(party, browser, uri="http://127.0.0.1:1/bye"):
    """Tokens of a tool that wants to hear of sign-outs."""
    Tool.objects.filter(pk=party.tool.pk).update(backchannel_logout_uri=uri)
    return party.exchange(party.code(browser)).json()


def test_the_button_signs_out_of_the_hub_and_of_every_tool(wiki, agenda, browser):
    one, two = opened(wiki, browser), opened(agenda, browser)

    response = browser.post("/deconnexion/")

    assert response.status_code == 303
    assert wiki.userinfo(one["access_token"]).status_code == 401
    assert agenda.userinfo(two["access_token"]).status_code == 401
    assert LogoutDelivery.objects.filter(state=DeliveryState.WAITING).count() == 2
    assert Event.objects.filter(action=Action.SIGN_OUT, reason="sign_out").count() == 1
    assert browser.get("/").status_code == 302


def test_an_old_cookie_replayed_after_sign_out_opens_nothing(wiki, browser):
    cookie = browser.cookies["trousseau_session"].value
    browser.post("/deconnexion/")
    thief = Client()
    thief.cookies["trousseau_session"] = cookie

    assert thief.get("/").status_code == 302
    assert not Session.objects.filter(session_key=cookie).exists()


@pytest.mark.incident("CVE-2024-52948", "canaille 0.3.7")
def test_sign_out_refuses_get_and_foreign_posts(browser):
    assert browser.get("/deconnexion/").status_code == 405
    browser.handler.enforce_csrf_checks = True
    assert browser.post("/deconnexion/").status_code == 403


def test_a_sign_out_elsewhere_takes_the_cookie_session_with_it(wiki, browser, member):
    sessions.end_member([member.pk], reason="test", now=NOW())

    assert browser.get("/").status_code == 302
    assert not Session.objects.exists()


def test_a_departure_ends_everything_in_its_own_transaction(wiki, browser, member):
    tokens = opened(wiki, browser)

    members_ended.send(sender=None, member_ids=[member.pk], now=NOW())

    assert wiki.userinfo(tokens["access_token"]).status_code == 401
    assert HubSession.objects.get().ended_reason == "member_ended"
    assert LogoutDelivery.objects.count() == 1


def test_a_new_sign_in_brings_new_identifiers(wiki, member):
    first = sign_in(member)
    opened(wiki, first)
    first.post("/deconnexion/")

    opened(wiki, sign_in(member))

    assert ToolSession.objects.values("sid").distinct().count() == 2
    assert HubSession.objects.filter(ended_at=None).count() == 1


# A tool asks -------------------------------------------------------------------------------------------------


@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
def test_a_tool_with_its_id_token_signs_out_and_gets_the_browser_back(wiki, browser):
    hint = opened(wiki, browser)["id_token"]

    response = browser.get(
        "/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}
    )

    assert response["Location"] == AFTER_LOGOUT + "?state=s"
    assert HubSession.objects.get().ended_reason == "tool_asked"


def test_a_tool_s_request_leaves_the_member_s_other_browsers_alone(wiki, agenda, member):
    here, elsewhere = sign_in(member), sign_in(member)
    hint, other = opened(wiki, here)["id_token"], opened(agenda, elsewhere)

    here.get("/oidc/logout", {"id_token_hint": hint})

    assert agenda.userinfo(other["access_token"]).status_code == 200
    assert HubSession.objects.filter(ended_at=None).count() == 1


def test_the_request_may_come_by_post_from_another_origin(wiki, browser):
    hint = opened(wiki, browser)["id_token"]
    browser.handler.enforce_csrf_checks = True

    response = browser.post("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT})

    assert response["Location"] == AFTER_LOGOUT


def test_an_expired_hint_by_a_retired_key_still_counts(wiki, browser):
    hint = opened(wiki, browser)["id_token"]
    SigningKey.objects.update(retired_at=NOW())
    keys.create_key(active_at=NOW() - timedelta(seconds=1), now=NOW() - timedelta(seconds=1))

    response = browser.get("/oidc/logout", {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT})

    assert response["Location"] == AFTER_LOGOUT


def test_a_tool_s_server_ends_the_session_that_its_hint_names(wiki, browser):
    hint = opened(wiki, browser)["id_token"]

    Client().get("/oidc/logout", {"id_token_hint": hint})

    assert HubSession.objects.get().ended_at is not None
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"post_logout_redirect_uri": "https://evil.example/"}, "post_logout_redirect_uri_foreign"),
        ({"post_logout_redirect_uri": AFTER_LOGOUT + "?x=1"}, "post_logout_redirect_uri_foreign"),
        ({"client_id": "nobody"}, "client_unknown"),
        ({"id_token_hint": "e30.e30."}, "hint_not_ours"),
        ({"id_token_hint": "a.b.c"}, "hint_not_ours"),
    ],
)
def test_a_request_that_is_not_valid_ends_nothing_and_goes_nowhere(wiki, browser, form, reason):
    hint = opened(wiki, browser)["id_token"]

    response = browser.get("/oidc/logout", {"id_token_hint": hint, **form})

    assert response.status_code == 400
    assert b'id="error-page"' in response.content
    assert HubSession.objects.get().ended_at is None
    assert Event.objects.filter(action=Action.LOGOUT_REFUSED, reason=reason).count() == 1


def test_a_hint_of_another_tool_is_refused(wiki, agenda, browser):
    hint = opened(wiki, browser)["id_token"]

    response = browser.get("/oidc/logout", {"id_token_hint": hint, "client_id": agenda.tool.client_id})

    assert response.status_code == 400


@pytest.mark.parametrize("with_client", [True, False])
def test_without_a_hint_a_person_confirms_and_nobody_is_redirected(wiki, browser, with_client):
    form = {"client_id": wiki.tool.client_id, "post_logout_redirect_uri": AFTER_LOGOUT} if with_client else {}

    response = browser.get("/oidc/logout", form)

    assert response.status_code == 200
    assert b'id="logout-confirm"' in response.content
    assert HubSession.objects.get().ended_at is None


def test_a_hint_of_another_session_does_not_end_this_one_silently(wiki, member):
    old = sign_in(member)
    hint = opened(wiki, old)["id_token"]
    here = sign_in(member)

    response = here.get("/oidc/logout", {"id_token_hint": hint})

    assert response.status_code == 200
    assert HubSession.objects.filter(ended_at=None).count() == 2


# Notices -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("OIDC Back-Channel Logout", "2.4")
def test_the_tool_receives_a_signed_notice_for_its_session(wiki, browser):
    with listening_tool() as (uri, received):
        claims = wiki.claims(opened(wiki, browser, uri)["id_token"])
        browser.post("/deconnexion/")

        deliver_due(now=NOW())

    published = KeySet.import_key_set(wiki.http.get("/oidc/jwks").json())
    notice = jwt.decode(received[0]["logout_token"][0], published, algorithms=["RS256"])
    assert notice.header["typ"] == "logout+jwt"
    assert notice.header["kid"]
    assert notice.claims["sid"] == claims["sid"]
    assert notice.claims["sub"] == claims["sub"]
    assert notice.claims["aud"] == wiki.tool.client_id
    assert notice.claims["events"] == {BACKCHANNEL_EVENT: {}}
    assert "nonce" not in notice.claims
    assert LogoutDelivery.objects.get().state == DeliveryState.DONE
    assert Disclosure.objects.filter(channel="logout_token", items=["identifier", "session"]).count() == 1
    assert Event.objects.filter(action=Action.LOGOUT_DELIVERED).count() == 1


def test_a_tool_that_is_down_is_tried_again_and_seen_to_be(wiki, browser):
    with listening_tool(503, 200) as (uri, received):
        opened(wiki, browser, uri)
        browser.post("/deconnexion/")

        now = NOW()
        deliver_due(now=now)
        waiting = LogoutDelivery.objects.get()
        assert (waiting.state, waiting.last_result, waiting.attempts) == (DeliveryState.WAITING, "http_503", 1)
        assert deliver_due(now=now) == 0, "not before its time"
        deliver_due(now=now + timedelta(minutes=1))

    assert len(received) == 2
    assert LogoutDelivery.objects.get().state == DeliveryState.DONE
    assert Event.objects.filter(action=Action.LOGOUT_FAILED).count() == 1


def test_a_tool_that_stays_away_is_given_up_in_the_end(wiki, browser):
    opened(wiki, browser, "http://127.0.0.1:9/bye")
    browser.post("/deconnexion/")
    now = NOW()

    for _ in range(len(deliveries.BACK_OFF) + 3):
        deliver_due(now=now)
        now += timedelta(days=2)

    assert LogoutDelivery.objects.get().state == DeliveryState.FAILED
    assert LogoutDelivery.objects.get().last_result == "unreachable"


def test_already_signed_out_there_counts_as_done(wiki, browser):
    with listening_tool(400) as (uri, _):
        opened(wiki, browser, uri)
        browser.post("/deconnexion/")
        deliver_due(now=NOW())

    assert LogoutDelivery.objects.get().state == DeliveryState.DONE


def test_a_worker_killed_while_sending_leaves_the_notice_due_again(wiki, browser, monkeypatch):
    opened(wiki, browser)
    browser.post("/deconnexion/")
    now = NOW()

    def killed(*args, **kwargs):
        raise SystemExit

    monkeypatch.setattr(outgoing, "post_form", killed)
    with pytest.raises(SystemExit):
        deliver_due(now=now)

    delivery = LogoutDelivery.objects.get()
    assert delivery.state == DeliveryState.WAITING
    assert now < delivery.next_at <= now + deliveries.LEASE


# The outgoing guard ------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2026-4366", "CVE-2023-44469", "canaille 0.3.7")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://[fd00::1]/",
        "http://100.64.0.1/",
    ],
)
def test_the_hub_does_not_call_inside_unless_told_to(settings, url):
    settings.OUTGOING_NETWORKS = []

    with pytest.raises(outgoing.OutgoingRefused):
        outgoing.post_form(url, {})


@pytest.mark.incident("CVE-2026-4366", "CVE-2023-44469", "canaille 0.3.7")
def test_a_redirect_is_not_followed(wiki):
    with listening_tool(302) as (uri, received):
        assert outgoing.post_form(uri, {"a": "b"}) == 302

    assert len(received) == 1


# Limits ------------------------------------------------------------------------------------------------------


def test_an_idle_session_ends_with_what_it_opened(wiki, browser, settings):
    tokens = opened(wiki, browser)
    session = browser.session
    session[sessions.SEEN_FIELD] = NOW().timestamp() - settings.SESSION_IDLE.total_seconds() - 1
    session.save()

    assert browser.get("/").status_code == 302

    assert HubSession.objects.get().ended_reason == "idle"
    assert wiki.userinfo(tokens["access_token"]).status_code == 401


def test_the_worker_ends_sessions_over_their_limit(wiki, browser):
    HubSession.objects.update(expires_at=NOW() - timedelta(seconds=1))

    assert sessions.expired(NOW()).count() == 1
