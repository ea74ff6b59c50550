"""The office finds a collective, reads what tools learn of it, and marks it as sensitive; then takes that back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
Arrive = Callable[..., Visitor]
DRESSES = [("fr-FR", 360, False), ("fr-FR", 1280, True), ("en-GB", 360, True), ("en-GB", 1280, False)]


def open_first(page: Page, demo: Demo, text: str) -> None:
    page.goto(demo.hub + "/structure/")
    page.click("#membres a[href='/structure/collectifs/']")
    page.fill("#collective-q", text)
    page.click("#collective-search button")
    page.locator("#collectives th a").first.click()


@pytest.mark.parametrize(("locale", "width", "dark"), DRESSES)
def test_a_collective_is_found_marked_as_sensitive_and_no_longer(
    demo: Demo, visit: Arrive, locale: str, width: int, dark: bool
) -> None:
    visitor = visit(width=width, locale=locale, dark=dark)
    page, name = visitor.page, f"{locale[:2]}-{width}{'-dark' if dark else ''}-collectives"
    visitor.sign_in(demo, "office")

    page.goto(demo.hub + "/structure/collectifs/")
    look(visitor, f"{name}-01-list")
    page.goto(demo.hub + "/structure/collectifs/?liste=fermes")
    look(visitor, f"{name}-02-closed")
    page.goto(demo.hub + "/structure/collectifs/?q=zzz")
    expect(page.locator("#no-collective")).to_be_visible()
    look(visitor, f"{name}-03-nothing-found")

    open_first(page, demo, "pole")
    look(visitor, f"{name}-04-one")
    found = page.url
    expect(page.locator("#told")).to_contain_text("Louty")
    page.click("#mark")
    expect(page.locator("#changes")).to_contain_text("Louty")
    look(visitor, f"{name}-05-before")
    page.click("#mark-form button")
    # Who is in it is read for a purpose from now on.
    visitor.say_why("directory_check")
    expect(page.locator("#sensitive")).to_be_visible()
    look(visitor, f"{name}-06-marked")
    page.goto(demo.hub + "/structure/collectifs/?liste=sensibles")
    expect(page.locator("#collectives tbody tr")).to_have_count(1)
    look(visitor, f"{name}-07-sensitive")
    page.goto(found)
    page.click("#mark")
    look(visitor, f"{name}-08-before-back")
    page.click("#mark-form button")
    expect(page.locator("#sensitive")).to_have_count(0)
    assert visitor.problems == []


def test_it_works_without_scripts_and_with_the_keyboard(demo: Demo, visit: Arrive) -> None:
    visitor = visit(width=1280, locale="fr-FR", scripts=False)
    page = visitor.page
    visitor.sign_in(demo, "office")
    page.goto(demo.hub + "/structure/collectifs/")

    page.focus("#collective-q")
    page.keyboard.type("pole")
    page.keyboard.press("Enter")
    page.focus("#collectives th a >> nth=0")
    page.keyboard.press("Enter")
    for shown in (1, 0):
        page.focus("#mark")
        page.keyboard.press("Enter")
        page.focus("#mark-form button")
        page.keyboard.press("Enter")
        if shown:
            page.focus("#purpose-form button >> nth=0")
            page.keyboard.press("Enter")
            expect(page.locator("#reading")).to_be_visible()
        else:
            expect(page.locator(".notices")).to_be_visible()
        expect(page.locator("#sensitive")).to_have_count(shown)
