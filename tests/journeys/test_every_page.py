"""Every page of the hub, by the table of who may see what: weighed, read by axe at every width and in both themes,
walked through with the keyboard, and opened without scripts.

Pages about one thing (a record, a member, a directory) are those of a demonstration that has one of each.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.urls import resolve, reverse
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import BROKEN
from tests.journeys.test_passkeys import Device, confirm_password
from tests.support import examples, reading, weighing
from tests.support.demo import Demo, Visitor, start, stop
from tests.support.pages import HREFS, ROLES, UNREACHED, Seen, expected, pages, routes_of
from tests.support.signin import totp

pytestmark = pytest.mark.journey
LOCALES = {
    **{"stranger": "en-GB", "member": "fr-FR", "lead": "en-GB"},
    **{"office": "en-GB", "dpo": "fr-FR", "technician": "en-GB"},
}
# Whom a page is refused, and what is nowhere.
ERRORS = {"refused": "/structure/", "absent": "/nulle-part/"}
MOST_STEPS = 400
# What has the focus: who it is, and whether that can be seen.
FOCUSED = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  if (here === document.body || here === document.documentElement) return null;
  window.seen = window.seen || new Map();
  if (!window.seen.has(here)) window.seen.set(here, window.seen.size);
  const inner = here.closest("label") || here;
  const shown = [here, inner].some((each) => {
    const said = getComputedStyle(each);
    return said.outlineStyle !== "none" || said.boxShadow !== "none";
  });
  return [window.seen.get(here), shown, here.outerHTML.slice(0, 160)];
}"""


def walk(page: Page, name: str) -> Iterator[str]:
    """With the tabulator through the page and out of it: every stop can be seen, and none holds whoever is there."""
    page.set_viewport_size({"width": 360, "height": 800})
    stops: list[tuple[int, bool, str]] = []
    for _step in range(MOST_STEPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or (stops and stop[0] == 0):
            break
        if stop[0] < len({each for each, _, _ in stops}) - 1:
            yield f"{name}: back at {stop[2]}"
            return
        stops.append(tuple(stop))
    else:
        yield f"{name}: no way out, last at {stops[-1]}"
    if not stops:
        yield f"{name}: nothing to stop at"
    # A date has stops inside itself, and draws the last of them without our help.
    seen = {each for each, shown, _ in stops if shown}
    yield from (f"{name}: focus cannot be seen on {html}" for each, _, html in stops if each not in seen)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One of its own: what is put into it would be in the way of other journeys."""
    running = start(tmp_path_factory.mktemp("furnished") / "data")
    examples.furnish(running)
    yield running
    stop(running.process)


def without_scripts(page: Page, quiet: Visitor, name: str, address: str) -> Iterator[str]:
    """The same page for the same person, whose browser runs none."""
    quiet.context.add_cookies(page.context.cookies())
    quiet.page.goto(address)
    if quiet.page.locator("main h1:visible").count() != 1:
        yield f"{name}: no title without scripts"
    # A control that only a script would make work is none; the page of samples has nothing else.
    if name != "style":
        unusable = quiet.page.locator("main button:not(form button):not([form]):not([type=submit]):visible")
        yield from (f"{name}: useless without scripts: {each.inner_text()}" for each in unusable.all())


def looked_at(visitor: Visitor, quiet: Visitor, name: str) -> Iterator[str]:
    """The page that is open, by whoever reads it and however."""
    page = visitor.page
    yield from reading.read(page, name)
    yield from walk(page, name)
    yield from (f"{name}: on two lines: {each}" for each in page.evaluate(BROKEN))
    yield from without_scripts(page, quiet, name, page.url)


def checked(visitor: Visitor, quiet: Visitor, name: str, address: str) -> list[str]:
    return [*weighing.check(visitor.page, name, address), *looked_at(visitor, quiet, name)]


@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_light_and_reads_well_and_is_walked_by_the_keyboard_and_needs_no_scripts(
    demo: Demo, visit: Callable[..., Visitor], role: str
):
    visitor, quiet = visit(width=360, locale=LOCALES[role]), visit(width=360, locale=LOCALES[role], scripts=False)
    if role != "stranger":
        visitor.sign_in(demo, role)

    seen = Seen()
    problems: list[str] = []

    def enter(name: str, address: str) -> None:
        problems.extend(weighing.check(visitor.page, name, address))

    for name in pages(demo, visitor, role, enter, seen):
        problems.extend(looked_at(visitor, quiet, name))

    assert problems + visitor.problems + quiet.problems == []
    assert expected(role) - seen.routes == set(), "no link leads there: make an example, or say why in UNREACHED"
    assert seen.routes & set(UNREACHED) == set(), "a link leads there now: take these out of UNREACHED"


def test_what_no_link_leads_to_is_still_there():
    there = {route for role in ROLES for route in routes_of(role)}

    assert set(UNREACHED) - there == set(), "these are gone: take them out of UNREACHED"


def test_the_pages_of_second_factors_are_as_good_as_any(demo: Demo, visit: Callable[..., Visitor]):
    visitor, quiet = visit(width=360, locale="fr-FR"), visit(width=360, locale="fr-FR", scripts=False)
    page, hub = visitor.page, demo.hub.rstrip("/")
    Device(visitor)
    visitor.sign_in(demo, "lead")

    # A passkey, then an application of codes; from then on each of them has its pages.
    page.goto(hub + reverse("mfa_add_webauthn"))
    confirm_password(demo, page, "lead")
    page.click("[data-passkey-button]")
    page.wait_for_url("**" + reverse("mfa_view_recovery_codes"))
    page.goto(hub + reverse("mfa_activate_totp"))
    page.fill("#id_code", totp(page.locator("#authenticator_secret").inner_text().replace(" ", "")))
    page.click("#totp-form button[type=submit]")
    expect(page.locator("#totp-form")).to_have_count(0)
    page.goto(hub + reverse("mfa_index"))
    names = ("mfa_index", "mfa_view_recovery_codes")
    addresses = {name: hub + reverse(name) for name in names}
    for href in page.eval_on_selector_all("main a[href]", HREFS):
        addresses.setdefault(resolve(urlsplit(href).path).view_name, href)
    problems = [said for name, address in addresses.items() for said in checked(visitor, quiet, name, address)]

    # Whoever comes back is asked for one of them.
    other = visit(width=360, locale="fr-FR")
    other.page.goto(demo.hub)
    other.page.fill("#id_login", demo.account("lead")[0])
    other.page.fill("#id_password", demo.account("lead")[1])
    other.page.click("#sign-in-form button[type=submit]")
    expect(other.page.locator("#mfa-form")).to_be_visible()
    problems += checked(other, quiet, "mfa_authenticate", other.page.url)

    assert problems + visitor.problems + other.problems == []
    assert addresses.keys() >= {
        *("mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_deactivate_totp"),
        "mfa_generate_recovery_codes",
    }


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_reads_as_well_as_any_page(demo: Demo, visit: Callable[..., Visitor], name: str):
    visitor, quiet = visit(width=360, locale="fr-FR"), visit(width=360, locale="fr-FR", scripts=False)
    visitor.sign_in(demo, "member")

    assert checked(visitor, quiet, name, demo.hub.rstrip("/") + ERRORS[name]) == []


@pytest.mark.parametrize(("role", "most"), [("stranger", weighing.SIGN_IN_BYTES), ("member", weighing.LAUNCHER_BYTES)])
def test_the_first_page_is_painted_within_a_second_on_a_slow_telephone(
    demo: Demo, visit: Callable[..., Visitor], role: str, most: int
):
    visitor = visit(width=360, locale="fr-FR")
    if role != "stranger":
        visitor.sign_in(demo, role)
    address = demo.hub.rstrip("/") + ("/compte/connexion/" if role == "stranger" else "/")

    weight = weighing.weigh(visitor.page, address)
    with weighing.slow(visitor.page):
        painted = min(weighing.painted(visitor.page, address) for _ in range(3))

    assert weight.total < most, weight.bytes
    assert len(weight.bytes) <= weighing.LAUNCHER_REQUESTS, weight.bytes
    assert painted < 1000, f"{painted:.0f} ms"
