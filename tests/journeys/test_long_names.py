"""A name as long as a directory allows, and in one word: no page is wider for it, and its last letter can be read."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from demo.slapd import EmbeddedDirectory
from tests.support.demo import Demo, Visitor
from tests.support.reading import WIDE

pytestmark = pytest.mark.journey
NAME = "Philomene" * 33
POLE = "collectifs/pole-numerique/"
CUT = "(link) => { const box = link.getBoundingClientRect(); return box.right > document.documentElement.clientWidth; }"


@pytest.fixture
def long_name(demo: Demo) -> Iterator[None]:
    """Whoever leads the pôle is called so, until the test is over."""
    server = EmbeddedDirectory(demo.data / "slapd")
    server.port = urlsplit(demo.told["ldap"]["uri"]).port or 0
    login, _password = demo.account("lead")
    kept = server.search("-b", server.base, f"(uid={login})", "displayName", "givenName").strip()
    dn, *values = kept.splitlines()

    def call(lines: list[str]) -> None:
        changes = "".join(f"replace: {line.partition(':')[0]}\n{line}\n-\n" for line in lines)
        server.modify(f"{dn}\nchangetype: modify\n{changes}")
        demo.manage("sync_directory")

    call([f"displayName: {NAME}", f"givenName: {NAME}"])
    yield
    call(values)


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_a_name_of_three_hundred_letters_widens_no_page(
    demo: Demo, visit: Callable[..., Visitor], long_name: None, width: int
) -> None:
    lead, office = visit(width=width, locale="fr-FR"), visit(width=width, locale="fr-FR")
    lead.sign_in(demo, "lead")
    office.sign_in(demo, "office")

    shown(lead.page, demo.hub, "h1")
    shown(lead.page, f"{demo.hub.rstrip('/')}/{POLE}", "#leads a")
    shown(office.page, f"{demo.hub.rstrip('/')}/structure/{POLE}", "#leads a")
    shown(office.page, f"{demo.hub.rstrip('/')}/structure/{POLE}", "th[scope=row] a")


def shown(page: Page, address: str, where: str) -> None:
    page.goto(address)
    named = page.locator(where, has_text=NAME).first
    expect(named).to_be_visible()
    assert page.evaluate(WIDE) <= 0, address
    assert not named.evaluate(CUT), f"{address} {where}"
