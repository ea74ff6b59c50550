"""Logins by mozilla-django-oidc: the demonstration's tools use it, each in a process of its own."""

import time

import pytest

from tests.parties.browser import Browser, Page
from tests.parties.conftest import BrowserOf, Hub

PATIENCE_SECONDS = 15


@pytest.fixture(params=["louty", "formation"])
def tool(request: pytest.FixtureRequest, hub: Hub) -> str:
    """The tool's origin: one authenticates by header, the other by form."""
    return hub.demo.tool(request.param).rstrip("/")


@pytest.fixture
def person(browser_of: BrowserOf, tool: str) -> Browser:
    return browser_of("lead", tool)


def is_known(person: Browser, tool: str) -> bool:
    """Whether the tool has a session of this browser: only then can one leave."""
    page = person.go(f"{tool}/")
    assert isinstance(page, Page)
    return any(form.action == f"{tool}/deconnexion/" for form in page.forms)


@pytest.mark.spec("OIDC Core", "3.1")
def test_a_member_enters_and_a_stranger_is_not_known(person, tool):
    assert not is_known(person, tool)

    page = person.go(f"{tool}/connexion/")

    assert isinstance(page, Page)
    assert page.url == f"{tool}/"
    assert is_known(person, tool)


@pytest.mark.spec("OIDC Back-Channel Logout", "2.5")
def test_a_sign_out_at_the_hub_ends_the_tools_session(person, tool):
    person.go(f"{tool}/connexion/")
    home = person.go(f"{person.hub}/")
    assert isinstance(home, Page)

    person.submit(home, next(form.id for form in home.forms if form.action == f"{person.hub}/deconnexion/"))

    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_known(person, tool):
        assert time.monotonic() < deadline, "the tool keeps its session"
        time.sleep(0.2)
