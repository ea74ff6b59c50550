"""The pages of the hub on a phone: behind one button, with or without scripts; on a desk all in sight."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor, open_menu

pytestmark = pytest.mark.journey
# The words, not their box: what does not fit runs out of it.
FREE = """() => {
  const words = document.createRange();
  words.selectNodeContents(document.querySelector(".brand__name"));
  return words.getBoundingClientRect().right <= document.querySelector(".menu-button").getBoundingClientRect().left;
}"""


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_the_menu_opens_by_one_button_with_the_keyboard_alone(
    demo: Demo, visit: Callable[..., Visitor], scripts: bool
):
    visitor = visit(width=320, locale="fr-FR", scripts=scripts)
    visitor.sign_in(demo, "member")
    page, pages = visitor.page, visitor.page.locator("#menu .nav a")
    expect(pages.first).to_be_hidden()

    page.locator(".menu-button").focus()
    page.keyboard.press("Enter")

    expect(pages.first).to_be_visible()
    page.keyboard.press("Tab")
    expect(pages.first).to_be_focused()
    expect(pages.first).to_have_attribute("aria-current", "page")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/membres/")


def test_escape_closes_the_menu_and_leads_back_to_its_button(demo: Demo, visit: Callable[..., Visitor]):
    visitor = visit(width=360, locale="fr-FR")
    visitor.sign_in(demo, "member")
    page = visitor.page
    page.click(".menu-button")
    expect(page.locator("#sign-out-form button")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.locator("#sign-out-form button")).to_be_hidden()
    expect(page.locator(".menu-button")).to_be_focused()


@pytest.mark.parametrize(("role", "width", "dark"), [("member", 320, True), ("office", 360, False), ("dpo", 360, True)])
def test_the_open_menu_reads_well_and_hides_nothing(
    demo: Demo, visit: Callable[..., Visitor], role: str, width: int, dark: bool
):
    visitor = visit(width=width, locale="fr-FR", dark=dark)
    visitor.sign_in(demo, role)
    page = visitor.page

    open_menu(page)

    look(visitor, f"menu-{role}-{width}")
    assert page.evaluate(FREE), "the name runs under the button"
    out = page.locator("#sign-out-form button")
    out.scroll_into_view_if_needed()
    expect(out).to_be_in_viewport()


@pytest.mark.parametrize("role", ["member", "office", "dpo", "technician"])
@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_at_a_desk_every_page_is_in_sight_on_one_row(demo: Demo, visit: Callable[..., Visitor], role: str, locale: str):
    visitor = visit(width=1280, locale=locale)
    visitor.sign_in(demo, role)

    expect(visitor.page.locator(".menu-button")).to_be_hidden()
    links = visitor.page.locator("#menu .nav a").all()
    assert len({link.bounding_box()["y"] for link in links}) == 1
