"""A lead writes the page of their collective, puts somebody in and takes that back; a member follows another one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor, go

pytestmark = pytest.mark.journey
Arrive = Callable[..., Visitor]


def test_a_member_follows_a_collective_and_no_longer(demo: Demo, visit: Arrive) -> None:
    visitor = visit(width=360, locale="fr-FR", dark=True)
    page = visitor.page
    visitor.sign_in(demo, "member")

    go(page, "/collectifs/")
    look(visitor, "fr-360-dark-collective-pages-01-list")
    page.locator("#others a").first.click()
    look(visitor, "fr-360-dark-collective-pages-02-one")
    page.click("#follow-form button")
    expect(page.locator("#is-followed")).to_be_visible()
    page.goto(demo.hub + "/collectifs/")
    expect(page.locator("#followed .faces__one")).to_have_count(1)
    page.locator("#followed a").click()
    page.click("#follow-form button")
    expect(page.locator("#is-followed")).to_have_count(0)


@pytest.mark.parametrize(("locale", "width", "dark"), [("fr-FR", 1280, False), ("en-GB", 320, True)])
def test_a_lead_writes_the_page_puts_somebody_in_and_takes_that_back(
    demo: Demo, visit: Arrive, locale: str, width: int, dark: bool
) -> None:
    visitor = visit(width=width, locale=locale, dark=dark)
    page, name = visitor.page, f"{locale[:2]}-{width}{'-dark' if dark else ''}-collective-lead"
    visitor.sign_in(demo, "lead")
    page.goto(demo.hub + "/collectifs/")
    page.locator("#mine .faces__one", has=page.locator(".badge--ok")).locator("a").first.click()

    page.click("#describe")
    page.fill("#id_presentation", "Nous faisons **ensemble**.")
    look(visitor, f"{name}-01-writing")
    page.click("#describe-form button")
    expect(page.locator("#presentation strong")).to_have_text("ensemble")
    look(visitor, f"{name}-02-written")

    page.click("#run")
    look(visitor, f"{name}-03-members")
    # The two languages walk through one demonstration: what the first changed stands there.
    before = page.locator("#changes li").count()
    page.fill("#add-q", "Léo")
    page.click("#add-search button")
    page.locator("#found a").first.click()
    expect(page.locator("#effect")).to_be_visible()
    look(visitor, f"{name}-04-before")
    page.click("#member-form button")
    expect(page.locator(".notice--success")).to_be_visible()
    expect(page.locator("#changes li")).to_have_count(before + 1)
    look(visitor, f"{name}-05-put-in")
    page.locator("#changes a").first.click()
    page.click("#member-form button")
    expect(page.locator("#changes li")).to_have_count(before + 2)
    look(visitor, f"{name}-06-undone")
    assert visitor.problems == []
