"""Session management: the browser's state, the page that tells whether it changed, and real browsers that ask it."""

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from django.test import Client

from idp.middleware import STATE_COOKIE
from idp.models import HubSession, Tool
from idp.services.sessions import browser_state
from tests.parties.conftest import Hub
from tests.support.demo import ROOT, Demo, Visitor, sign_out
from tests.support.logout import Heard, tool_server, wait_for
from tests.support.oidc import sign_in

NAME = "OIDC Session Management"
SCRIPT = ROOT / "hub" / "static" / "hub" / "js" / "check-session.js"


# The state and its cookie ------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.spec(NAME, "3.2")
def test_the_state_changes_with_every_sign_in_and_sign_out_and_tells_nothing(member):
    browser = sign_in(member)
    browser.get("/")
    first, session = browser.cookies[STATE_COOKIE], HubSession.objects.get()

    browser.post("/deconnexion/")
    out = browser.cookies[STATE_COOKIE].value
    other = sign_in(member)
    other.get("/")

    assert first.value == browser_state(session) == browser_state(str(session.pk))
    assert re.fullmatch(r"[0-9a-f]{64}", first.value)
    assert str(session.pk).replace("-", "") not in first.value
    assert out == browser_state(None)
    assert len({first.value, out, other.cookies[STATE_COOKIE].value}) == 3


@pytest.mark.django_db
def test_the_cookie_is_readable_by_the_page_and_nothing_else_is(member):
    browser = sign_in(member)

    browser.get("/")

    cookie = browser.cookies[STATE_COOKIE]
    assert not cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert f"{STATE_COOKIE}=" in SCRIPT.read_text()


@pytest.mark.django_db
def test_behind_tls_frames_of_other_sites_receive_the_cookie(member, settings):
    settings.SECURE = True
    browser = sign_in(member)

    browser.get("/")

    cookie = browser.cookies[STATE_COOKIE]
    assert (cookie["samesite"], cookie["secure"]) == ("None", True)


@pytest.mark.django_db
def test_a_request_of_another_site_does_not_pass_for_a_sign_out(member):
    framed = Client()
    framed.cookies[STATE_COOKIE] = "as-it-was"

    framed.get("/")
    framed.post("/oidc/logout", {"state": "s"})

    assert framed.cookies[STATE_COOKIE].value == "as-it-was"


@pytest.mark.django_db
def test_the_state_is_set_once_and_never_on_what_others_may_keep(member):
    browser = sign_in(member)

    assert STATE_COOKIE not in browser.get("/oidc/jwks").cookies
    assert STATE_COOKIE in browser.get("/").cookies
    assert STATE_COOKIE not in browser.get("/").cookies


@pytest.mark.django_db
def test_a_session_that_ended_elsewhere_shows_at_the_next_page(member):
    browser = sign_in(member)
    browser.get("/")
    HubSession.objects.update(ended_at=HubSession.objects.get().started_at)

    browser.get("/compte/connexion/", follow=True)

    assert browser.cookies[STATE_COOKIE].value == browser_state(None)


# The page ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.spec(NAME, "3.3")
def test_the_page_is_there_for_the_tools_that_watch_and_for_nobody_else(wiki, client):
    assert client.get("/oidc/session").status_code == 404
    assert "check_session_iframe" not in client.get("/.well-known/openid-configuration").json()

    Tool.objects.filter(pk=wiki.tool.pk).update(session_iframe=True, redirect_uris="https://Wiki.example:443/cb")

    page = client.get("/oidc/session")
    policy = page["Content-Security-Policy"]
    assert client.get("/.well-known/openid-configuration").json()["check_session_iframe"].endswith("/oidc/session")
    assert "frame-ancestors https://wiki.example;" in policy + ";"
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "X-Frame-Options" not in page
    assert f'data-nobody="{browser_state(None)}"' in page.content.decode()
    assert client.get("/deconnexion/faite/")["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_a_closed_tool_frames_nothing(wiki, client):
    Tool.objects.filter(pk=wiki.tool.pk).update(session_iframe=True, state="closed")

    assert client.get("/oidc/session").status_code == 404


# Real browsers -----------------------------------------------------------------------------------------------

ASK = """([message, origin]) => new Promise(done => {
    addEventListener("message", event => done(event.data), {once: true});
    setTimeout(() => done("no answer"), 4000);
    document.getElementById("op").contentWindow.postMessage(message, origin);
})"""


@dataclass(frozen=True, slots=True)
class Watcher:
    """A tool on a port of its own, connected to the running demonstration."""

    hub: str
    heard: Heard
    credentials: dict[str, str]

    def open(self, visitor: Visitor) -> dict[str, str]:
        """Enter the tool; returns the answer's parameters."""
        query = {
            "client_id": self.credentials["client_id"],
            "redirect_uri": self.heard.url("/callback"),
            "response_type": "code",
            "scope": "openid",
            "state": "s",
        }
        page = visitor.page
        page.goto(f"{self.hub}/oidc/authorize?{urlencode(query)}")
        if page.locator("#consent-accept").count():
            page.click("#consent-accept")
        page.wait_for_url(self.heard.url("/callback") + "**")
        return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}

    def id_token(self, answer: dict[str, str]) -> str:
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": self.heard.url("/callback")}
        pair = (self.credentials["client_id"], self.credentials["client_secret"])
        token: str = requests.post(f"{self.hub}/oidc/token", form, auth=pair, timeout=10).json()["id_token"]
        return token

    def ask(self, visitor: Visitor, message: str, *, host: str = "localhost") -> str:
        visitor.page.goto(self.heard.url("/watch", host))
        said: str = visitor.page.evaluate(ASK, [message, self.hub])
        return said


def content_of(token: str) -> dict[str, str]:
    body = token.split(".")[1]
    found: dict[str, str] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@pytest.fixture(scope="module")
def watchers(demo: Demo) -> Iterator[tuple[Watcher, Watcher]]:
    issuer = demo.hub.rstrip("/")
    watch = f'<!doctype html><title>watch</title><iframe id="op" src="{issuer}/oidc/session"></iframe>'
    with tool_server(pages={"/watch": watch}) as one, tool_server() as two:
        name = secrets.token_hex(3)
        tools = [
            {
                "slug": f"{slug}-{name}",
                "redirect_uris": [heard.url("/callback")],
                "post_logout_redirect_uris": [heard.url("/bye")],
                "properties": {
                    "pkce_required": False,
                    "session_iframe": slug == "one",
                    "frontchannel_logout_uri": heard.url("/front?keep=1"),
                },
            }
            for slug, heard in (("one", one), ("two", two))
        ]
        credentials = Hub(demo).connect(tools)
        yield (
            Watcher(issuer, one, credentials[f"one-{name}"]),
            Watcher(issuer, two, credentials[f"two-{name}"]),
        )


@pytest.fixture
def visit(chromium) -> Iterator[Callable[..., Visitor]]:
    visitors: list[Visitor] = []

    def arrive(**how: object) -> Visitor:
        visitors.append(Visitor(chromium, **{"width": 1280, "locale": "fr-FR", **how}))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.close()


@pytest.mark.journey
@pytest.mark.spec(NAME, "3.1")
def test_a_browser_says_unchanged_until_the_member_signs_out(demo, watchers, visit):
    watcher, _other = watchers
    visitor = visit()
    visitor.sign_in(demo, "member")
    answer = watcher.open(visitor)
    message = f"{watcher.credentials['client_id']} {answer['session_state']}"

    assert watcher.ask(visitor, message) == "unchanged"
    watcher.open(visitor)
    assert watcher.ask(visitor, message) == "unchanged", "entering again is no change"

    visitor.page.goto(demo.hub)
    sign_out(visitor.page)
    assert watcher.ask(visitor, message) == "changed"

    visitor.sign_in(demo, "member")
    assert watcher.ask(visitor, message) == "changed", "another session of the same person"
    assert visitor.problems == []


@pytest.mark.journey
@pytest.mark.spec(NAME, "3.1")
@pytest.mark.parametrize(
    "message", ["", "client", "client state", "client hash.", "client hash.salt more", "client a.b.c"]
)
def test_a_browser_says_error_to_what_it_cannot_read(watchers, visit, message):
    watcher, _other = watchers

    assert watcher.ask(visit(), message) == "error"


@pytest.mark.journey
@pytest.mark.spec(NAME, "3.2")
def test_a_state_made_for_one_origin_is_worth_nothing_to_another(demo, watchers, visit):
    watcher, _other = watchers
    visitor = visit()
    visitor.sign_in(demo, "member")
    message = f"{watcher.credentials['client_id']} {watcher.open(visitor)['session_state']}"

    assert watcher.ask(visitor, message, host="127.0.0.1") == "no answer", "the page may not be framed there"
    assert any("frame-ancestors" in problem for problem in visitor.problems)


@pytest.mark.journey
@pytest.mark.spec("OIDC Front-Channel Logout", "3")
def test_a_browser_tells_both_tools_and_then_goes_back(demo, watchers, visit):
    one, two = watchers
    visitor = visit()
    visitor.sign_in(demo, "member")
    hint = one.id_token(one.open(visitor))
    other = content_of(two.id_token(two.open(visitor)))

    query = {"id_token_hint": hint, "post_logout_redirect_uri": one.heard.url("/bye"), "state": "s"}
    visitor.page.goto(f"{one.hub}/oidc/logout?{urlencode(query)}")
    visitor.page.wait_for_url(one.heard.url("/bye") + "?state=s")

    assert one.heard.of("/front")[-1] == {"keep": "1", "iss": one.hub, "sid": content_of(hint)["sid"]}
    assert two.heard.of("/front")[-1] == {"keep": "1", "iss": two.hub, "sid": other["sid"]}
    asked = [path for path, _ in one.heard.asked]
    assert asked.index("/front") < len(asked) - 1 - asked[::-1].index("/bye")
    assert visitor.problems == []


@pytest.mark.journey
@pytest.mark.spec("OIDC Front-Channel Logout", "3")
def test_a_silent_tool_holds_the_browser_back_for_a_few_seconds_only(demo, visit):
    with tool_server() as heard:
        tool = {
            "slug": f"silent-{secrets.token_hex(3)}",
            "redirect_uris": [heard.url("/callback")],
            "post_logout_redirect_uris": [heard.url("/bye")],
            "properties": {"pkce_required": False, "frontchannel_logout_uri": heard.url("/slow")},
        }
        issuer = demo.hub.rstrip("/")
        watcher = Watcher(issuer, heard, Hub(demo).connect([tool])[tool["slug"]])
        visitor = visit()
        visitor.sign_in(demo, "member")
        hint = watcher.id_token(watcher.open(visitor))

        query = {"id_token_hint": hint, "post_logout_redirect_uri": heard.url("/bye")}
        visitor.page.goto(f"{issuer}/oidc/logout?{urlencode(query)}", wait_until="commit")
        visitor.page.wait_for_url(heard.url("/bye"), timeout=10_000)

        assert len(heard.of("/slow")) == 1


@pytest.mark.journey
def test_without_scripts_the_frames_load_and_the_way_back_is_a_link(demo, watchers, visit):
    one, _two = watchers
    visitor = visit(scripts=False, width=360)
    visitor.sign_in(demo, "member")
    hint = one.id_token(one.open(visitor))
    before = len(one.heard.of("/front"))

    query = {"id_token_hint": hint, "post_logout_redirect_uri": one.heard.url("/bye"), "state": "s"}
    visitor.page.goto(f"{one.hub}/oidc/logout?{urlencode(query)}")

    assert wait_for(lambda: len(one.heard.of("/front")) == before + 1)
    visitor.page.click("#logged-out-return")
    visitor.page.wait_for_url(one.heard.url("/bye") + "?state=s")
