"""What an attacker tried on a running hub, outsider, member or tool; each attempt that once worked is kept here."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from urllib.parse import urlencode

import pytest
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.core.cache import cache, caches
from django.core.signing import dumps
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory import backends
from directory.models import Member
from idp import outgoing
from idp.models import HubSession, ToolSession
from idp.services import refusals as journal
from idp.services import sessions
from idp.views.steps import CONSENT_SALT
from tests.support.authorize import refusals
from tests.support.cast import make_tool
from tests.support.oidc import AFTER_LOGOUT, Party, answer_of, sign_in
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, WRONG, try_to_sign_in

pytestmark = pytest.mark.django_db
SESSION_COOKIE = configured.SESSION_COOKIE_NAME
FORM = "application/x-www-form-urlencoded"


# Finding out who is a member ---------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.3.8")
def test_a_throttled_name_is_refused_as_slowly_as_any_other(
    client: Client, noemie: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five tries by login, then one by mail: a quick answer would tell that both are one member's."""
    for _ in range(5):
        try_to_sign_in(client, NOEMIE, WRONG)
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.2)

    began = monotonic()
    try_to_sign_in(client, noemie.email, WRONG)

    assert Event.objects.latest("id").reason == "throttled"
    assert monotonic() - began >= 0.2


def test_many_names_do_not_push_out_the_count_of_one(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    if "DatabaseCache" not in settings.CACHES["default"]["BACKEND"]:
        pytest.skip("Redis has no such ceiling")
    monkeypatch.setattr(caches["default"], "_max_entries", 20)
    cache.set("0-the-count-of-one", [1, 2, 3, 4, 5], 300)
    cache.set("over", 1, -5)

    for number in range(100):
        cache.set(f"somebody-{number}", [1], 300)

    assert cache.get("0-the-count-of-one") == [1, 2, 3, 4, 5]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM hub_cache")
        assert cursor.fetchone() == (101,)


# What signing out leaves in the cache, beside the limits --------------------------------------------------------


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the pages after a sign-out keep."""

    class Shelf(dict[str, object]):
        def set(self, key: str, value: object, _timeout: float) -> None:
            self[key] = value

    shelf = Shelf()
    monkeypatch.setattr("idp.views.farewell.cache", shelf)
    return shelf


def way_back(party: Party) -> dict[str, str]:
    return {"client_id": party.tool.client_id, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}


def with_made_up_cookie() -> Client:
    return Client(headers={"Cookie": f"{SESSION_COOKIE}={'m' * 32}"})


@pytest.mark.parametrize(
    "leave",
    [
        lambda form: Client().get("/oidc/logout", form),
        lambda form: with_made_up_cookie().post("/oidc/logout", form),
    ],
)
def test_who_never_signed_in_is_told_at_once_and_leaves_nothing(wiki: Party, shelf: dict[str, object], leave) -> None:
    page = leave({**way_back(wiki), "ui_locales": "en"})

    assert page.status_code == 200
    assert b'<html lang="en">' in page.content
    assert f'id="logged-out-return" href="{AFTER_LOGOUT}?state=s"'.encode() in page.content
    assert not shelf


def test_the_button_leaves_nothing_of_who_is_not_signed_in(wiki: Party, shelf: dict[str, object]) -> None:
    page = Client().post("/deconnexion/", way_back(wiki), follow=True)

    assert b'id="logged-out"' in page.content
    assert not shelf


def test_a_hint_shown_again_leaves_nothing(wiki: Party, browser: Client, shelf: dict[str, object]) -> None:
    hint = wiki.exchange(wiki.code(browser)).json()["id_token"]
    Client().get("/oidc/logout", {"id_token_hint": hint})
    shelf.clear()

    again = [ask("/oidc/logout", {"id_token_hint": hint}) for ask in (Client().get, Client().post)]

    assert [response["Location"] for response in again] == ["/deconnexion/faite/"] * 2
    assert not shelf


def test_a_member_leaves_one_entry_however_often_they_close_tools(
    wiki: Party, browser: Client, shelf: dict[str, object]
) -> None:
    for _ in range(3):
        wiki.code(browser)
        assert browser.post("/outils/wiki/fermer/").status_code == 303

    assert len(shelf) == 1


def test_what_is_kept_for_one_browser_cannot_be_asked_for_by_its_name(wiki: Party, browser: Client) -> None:
    wiki.code(browser)
    browser.post("/outils/wiki/fermer/")
    thief = Client()
    thief.cookies["trousseau_farewell"] = str(HubSession.objects.get().pk)

    assert b"Wiki" not in thief.get("/deconnexion/faite/").content
    assert b"Wiki" in browser.get("/deconnexion/faite/").content


# Tools that may not be seen ----------------------------------------------------------------------------------


def test_withdrawing_does_not_tell_which_closed_tools_exist(browser: Client) -> None:
    make_tool("reserve", "Réserve", everyone=False)

    existing = browser.post(reverse("idp:withdraw", args=["reserve"]))
    unknown = browser.post(reverse("idp:withdraw", args=["nulle-part"]))

    assert existing.status_code == unknown.status_code == 404


# Forms of another site: SameSite=Lax keeps the cookie back ---------------------------------------------------


@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_a_foreign_form_does_not_replace_the_session_of_the_member(wiki: Party, browser: Client) -> None:
    answer = Client().post("/oidc/authorize", urlencode(wiki.request()), content_type=FORM)

    assert answer.status_code == 303
    assert SESSION_COOKIE not in answer.cookies
    assert answer["Location"].startswith("/oidc/authorize?")
    assert "code" in answer_of(browser.get(answer["Location"]))


def test_a_foreign_sign_out_of_somebody_else_does_not_say_signed_out_here(
    wiki: Party, browser: Client, other_member: Member
) -> None:
    """A page of the attacker's posts the attacker's own hint: it is valid, and comes without the member's cookie."""
    hint = wiki.exchange(wiki.code(sign_in(other_member))).json()["id_token"]
    foreign = Client()
    answer = foreign.post("/oidc/logout", {"id_token_hint": hint})
    browser.cookies["trousseau_farewell"] = foreign.cookies["trousseau_farewell"].value

    assert browser.get(answer["Location"])["Location"] == "/"
    assert "code" in answer_of(wiki.authorize(browser, prompt="none"))


def test_a_foreign_sign_out_form_does_not_say_signed_out_to_somebody_who_is_not(wiki: Party, browser: Client) -> None:
    answer = Client().post("/oidc/logout", {"client_id": wiki.tool.client_id, "post_logout_redirect_uri": AFTER_LOGOUT})

    assert answer.status_code == 303
    assert b'id="logout-form"' in browser.get(answer["Location"]).content


# Forms that outlive what they were made for ------------------------------------------------------------------


def test_a_consent_form_older_than_a_stricter_tool_is_refused_to_the_tool(wiki: Party, browser: Client) -> None:
    kept = wiki.request(code_challenge=None, code_challenge_method=None)
    form = {"request": dumps([[list(pair) for pair in kept.items()], "", False], salt=CONSENT_SALT), "notice": "1"}

    answer = browser.post(reverse("idp:consent"), {**form, "answer": "accept"})

    assert answer_of(answer)["error"] == "invalid_request"


# Sessions over their limit, while no worker looks ------------------------------------------------------------


@pytest.fixture
def overdue(browser: Client) -> Client:
    HubSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return browser


@pytest.mark.spec("OWASP ASVS", "7.3.2")
def test_a_session_over_its_absolute_limit_opens_no_tool(wiki: Party, overdue: Client) -> None:
    assert answer_of(wiki.authorize(overdue, prompt="none"))["error"] == "login_required"


@pytest.mark.spec("OWASP ASVS", "7.3.2")
def test_a_session_over_its_absolute_limit_opens_no_page(overdue: Client) -> None:
    session = overdue.session
    session[sessions.SEEN_FIELD] -= 301
    session.save()

    assert overdue.get("/").status_code == 302
    assert HubSession.objects.get().ended_reason == "expired"


def test_tokens_die_with_the_absolute_limit_of_their_session(agenda: Party, browser: Client) -> None:
    tokens = agenda.exchange(agenda.code(browser, scope="openid offline_access")).json()
    HubSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert agenda.refresh(tokens["refresh_token"]).json() == {"error": "invalid_grant"}
    assert agenda.userinfo(tokens["access_token"]).status_code == 401


# Waiting without ever signing in -----------------------------------------------------------------------------


def test_whoever_never_signs_in_is_forgotten_within_the_hour(wiki: Party, noemie: Member) -> None:
    visitor = Client()
    wiki.authorize(visitor)
    waiting = visitor.session.get_expiry_age()
    cookie = visitor.cookies[SESSION_COOKIE]["max-age"]

    try_to_sign_in(visitor, NOEMIE, NOEMIE_PASSWORD)

    assert max(waiting, cookie) <= 3600
    assert visitor.session.get_expiry_age() == configured.SESSION_COOKIE_AGE
    assert visitor.cookies[SESSION_COOKIE]["max-age"] == configured.SESSION_COOKIE_AGE


def test_from_one_network_only_so_many_wait_for_a_sign_in(
    wiki: Party, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A made-up cookie or none: each request that waits is a row of several kilobytes."""
    monkeypatch.setattr("idp.views.steps.WAITS_A_MINUTE", 2)
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)
    begun = [wiki.authorize(Client(), state=f"s{number}") for number in range(2)]

    refused = [wiki.authorize(Client(headers={"Cookie": f"{SESSION_COOKIE}={'m' * 32}"})), wiki.authorize(Client())]

    assert [response.status_code for response in begun] == [302, 302]
    assert {answer_of(response)["error"] for response in refused} == {"temporarily_unavailable"}
    assert refusals("throttled") == 2
    assert Session.objects.count() == 2 + 1
    assert "code" in answer_of(wiki.authorize(browser))


def test_asking_for_an_account_waits_within_the_same_limit(
    wiki: Party, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.views.steps.WAITS_A_MINUTE", 2)
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)
    told = [wiki.authorize(Client(), prompt="create") for _ in range(2)]

    refused = wiki.authorize(Client(), prompt="create")

    assert [response.status_code for response in told] == [400, 400]
    assert answer_of(refused)["error"] == "temporarily_unavailable"
    assert refusals("throttled") == 1
    assert Session.objects.count() == 2 + 1
    assert wiki.authorize(browser, prompt="create").status_code == 400


# Members who fill the journal --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "form", "action"),
    [
        ("/outils/nulle-part/ouvrir/", None, Action.AUTHORIZATION_REFUSED),
        ("/appareil/", {"user_code": "BBBB-BBBB"}, Action.DEVICE_REFUSED),
    ],
)
def test_what_a_member_is_refused_over_and_over_is_few_lines(
    browser: Client, other_member: Member, monkeypatch: pytest.MonkeyPatch, path: str, form: object, action: Action
) -> None:
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)

    def asked(visitor: Client, times: int) -> int:
        before = Event.objects.filter(action=action, refused=True).count()
        for _ in range(times):
            assert (visitor.get(path) if form is None else visitor.post(path, form)).status_code in (400, 404)
        return Event.objects.filter(action=action, refused=True).count() - before

    assert asked(browser, journal.LINES + 10) == journal.LINES
    assert asked(sign_in(other_member), 1) == 1, "a member's share is their own"


@pytest.mark.parametrize("place", ["image", "iframe", "empty", "script"])
def test_a_picture_or_a_frame_of_another_page_waits_for_no_sign_in(
    wiki: Party, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Any page could have a browser behind the office's address use up what everybody there has together."""
    monkeypatch.setattr("idp.views.steps.WAITS_A_MINUTE", 1)
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)

    answers = [wiki.authorize(Client(headers={"Sec-Fetch-Dest": place})) for _ in range(3)]
    honest = wiki.authorize(Client(headers={"Sec-Fetch-Dest": "document"}))

    assert {answer_of(each)["error"] for each in answers} == {"login_required"}
    assert refusals("no_window") == 3
    assert honest.status_code == 302
    assert Session.objects.count() == 1


# Two tabs at once --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_tabs_open_one_tool_session(wiki: Party, browser: Client) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time")
    together = threading.Barrier(8)
    answers: list[int] = []

    def tab() -> None:
        mine = Client()
        mine.cookies[SESSION_COOKIE] = browser.cookies[SESSION_COOKIE].value
        together.wait()
        answers.append(wiki.authorize(mine).status_code)
        connection.close()

    tabs = [threading.Thread(target=tab) for _ in range(8)]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()

    assert answers == [303] * 8
    assert ToolSession.objects.count() == 1


# Addresses that the hub calls --------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2026-4366", "CVE-2023-44469", "canaille 0.3.7")
@pytest.mark.parametrize(
    "url", ["http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[fec0::1]/"]
)
def test_an_ipv6_way_to_a_private_address_is_not_taken(settings, url: str) -> None:
    settings.OUTGOING_NETWORKS = []

    with pytest.raises(outgoing.OutgoingRefused):
        outgoing.post_form(url, {})


@contextmanager
def trickling_tool() -> Iterator[str]:
    """A tool that never ends its answer, a byte at a time."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not stop.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/bye"
    finally:
        stop.set()
        thread.join()
        listener.close()


@pytest.mark.incident("CVE-2026-4366", "CVE-2023-44469", "canaille 0.3.7")
def test_a_tool_that_trickles_its_answer_does_not_hold_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 0.3)

    with trickling_tool() as url:
        began = monotonic()
        with pytest.raises(outgoing.OutgoingFailed, match="timeout"):
            outgoing.post_form(url, {})

    assert monotonic() - began < 2


def test_a_closed_door_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(outgoing.OutgoingFailed, match="unreachable"):
        outgoing.post_form(f"http://127.0.0.1:{port}/bye", {})
