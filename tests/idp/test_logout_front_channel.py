"""Front-channel logout: the tools' own sign-out pages, loaded by the page that says goodbye, once."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from consent.models import Disclosure
from idp.models import Tool
from idp.types import ToolKind
from tests.support.logout import wants
from tests.support.oidc import AFTER_LOGOUT

pytestmark = pytest.mark.django_db
NAME = "OIDC Front-Channel Logout"
FRONT = "http://localhost:9999/front?keep=1&x=%20"


def frames(response) -> list[str]:
    return [unescape(uri) for uri in re.findall(r'<iframe[^>]*\bsrc="([^"]*)"', response.content.decode())]


def frame_sources(response) -> list[str]:
    found = re.search(r"frame-src ([^;]*)", response["Content-Security-Policy"])
    return found[1].split() if found else []


def opened(party, browser) -> dict[str, object]:
    wants(party.tool, frontchannel_logout_uri=FRONT)
    answer = party.exchange(party.code(browser)).json()
    return {"hint": answer["id_token"], **party.claims(answer["id_token"])}


@pytest.mark.spec("OIDC Front-Channel Logout", "3.1")
def test_it_is_announced(client):
    document = client.get("/.well-known/openid-configuration").json()

    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True


@pytest.mark.spec(NAME, "3")
def test_the_goodbye_page_loads_each_tool_with_issuer_and_its_own_session_number(wiki, agenda, browser):
    one, two = opened(wiki, browser), opened(agenda, browser)

    page = browser.post("/deconnexion/", follow=True)

    shown = frames(page)
    assert len(shown) == 2
    assert all(uri.startswith(FRONT + "&") for uri in shown), "the tool's own query is kept"
    queries = [parse_qs(urlsplit(uri).query) for uri in shown]
    assert [query["iss"] for query in queries] == [["http://localhost:8000"]] * 2
    assert sorted(query["sid"][0] for query in queries) == sorted([one["sid"], two["sid"]])
    assert frame_sources(page) == ["http://localhost:9999"]
    assert page["Cache-Control"] == "no-store"
    assert Disclosure.objects.filter(channel="logout_token", items=["session"]).count() == 2


@pytest.mark.spec(NAME, "2")
def test_a_tool_that_wants_no_session_gets_none(wiki, browser):
    opened(wiki, browser)
    wants(wiki.tool, frontchannel_logout_session_required=False)

    page = browser.post("/deconnexion/", follow=True)

    assert frames(page) == [FRONT]
    assert not Disclosure.objects.filter(channel="logout_token").exists()


def test_the_page_does_it_once_and_only_for_the_browser_that_left(wiki, browser):
    opened(wiki, browser)
    location = browser.post("/deconnexion/")["Location"]
    cookie = browser.cookies["trousseau_farewell"]

    assert frames(Client().get(location)) == []
    assert len(frames(browser.get(location))) == 1
    again = browser.get(location)
    assert frames(again) == []
    assert frame_sources(again) == []
    assert cookie["httponly"]
    assert cookie["path"] == location
    assert int(cookie["max-age"]) <= 120


def test_other_pages_frame_nothing(wiki, browser):
    opened(wiki, browser)

    assert "frame-src" not in browser.get("/")["Content-Security-Policy"]


@pytest.mark.spec(NAME, "3")
def test_a_tool_s_own_request_loads_the_frames_first_and_then_goes_back(wiki, agenda, browser):
    hint = opened(wiki, browser)["hint"]
    opened(agenda, browser)
    form = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}

    page = browser.get("/oidc/logout", form, follow=True)

    assert len(frames(page)) == 2
    assert re.search(rf'href="{re.escape(AFTER_LOGOUT)}\?state=s"[^>]*data-automatic', page.content.decode())
    assert b"signed-out.js" in page.content


def test_leaving_one_tool_loads_only_its_page(wiki, agenda, browser):
    mine = opened(wiki, browser)
    opened(agenda, browser)

    page = browser.post("/outils/wiki/fermer/", follow=True)

    (shown,) = frames(page)
    assert parse_qs(urlsplit(shown).query)["sid"] == [mine["sid"]]


def test_a_tool_that_was_left_before_is_not_loaded_again(wiki, browser):
    opened(wiki, browser)
    browser.post("/outils/wiki/fermer/")

    # Not even where the page about the first one was never shown.
    assert frames(browser.post("/deconnexion/", follow=True)) == []


def test_a_request_without_cookie_leaves_the_browser_s_own_session_alone(wiki, browser):
    hint = opened(wiki, browser)["hint"]

    response = Client().post("/oidc/logout", {"id_token_hint": hint})

    assert set(response.cookies) <= {"trousseau_farewell"}


@pytest.mark.spec(NAME, "2")
@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("https://tool.example/front?x=1", True),
        ("https://TOOL.example:443/front", True),
        ("https://other.example/front", False),
        ("https://tool.example:8443/front", False),
        ("http://tool.example/front", False),
        ("https://tool.example/front#part", False),
        ("javascript:alert(1)", False),
    ],
)
def test_the_address_has_the_origin_of_a_redirect_address(uri, good):
    tool = Tool(
        slug="t", name="T", kind=ToolKind.OIDC, redirect_uris="https://tool.example/cb", frontchannel_logout_uri=uri
    )

    if good:
        tool.clean()
        return
    with pytest.raises(ValidationError) as refused:
        tool.clean()
    assert set(refused.value.message_dict) == {"frontchannel_logout_uri"}
