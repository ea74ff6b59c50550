"""Every page of the hub that somebody gets without naming anything, by the table of who may see what: weighed, read by
axe at every width and in both themes, walked through with the keyboard, and opened without scripts.

Pages about one thing (a record, a member, a directory) are in the journeys that lead to them.
"""

from collections.abc import Callable

import pytest

from tests.journeys.test_main_job import look
from tests.support import reading, weighing
from tests.support.demo import Demo, Visitor
from tests.support.pages import ROLES, pages

pytestmark = pytest.mark.journey
LOCALES = {"stranger": "en-GB", "member": "fr-FR", "office": "en-GB", "dpo": "fr-FR", "technician": "en-GB"}
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


def walk(visitor: Visitor, name: str) -> None:
    """With the tabulator through the page and out of it: every stop can be seen, and none holds whoever is there."""
    page = visitor.page
    stops: list[tuple[int, bool, str]] = []
    for _step in range(MOST_STEPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or (stops and stop[0] == 0):
            break
        assert stop[0] >= len({each for each, _, _ in stops}) - 1, f"{name}: back at {stop[2]}"
        stops.append(tuple(stop))
    else:
        raise AssertionError(f"{name}: no way out, last at {stops[-1]}")
    assert stops, f"{name}: nothing to stop at"
    # A date has stops inside itself, and draws the last of them without our help.
    seen = {each for each, shown, _ in stops if shown}
    unseen = [html for each, _, html in stops if each not in seen]
    assert unseen == [], f"{name}: focus cannot be seen on {unseen}"


@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_light_and_reads_well_and_is_walked_by_the_keyboard(
    demo: Demo, visit: Callable[..., Visitor], role: str
):
    visitor = visit(width=360, locale=LOCALES[role])
    if role != "stranger":
        visitor.sign_in(demo, role)

    seen: list[str] = []
    problems: list[str] = []
    page = visitor.page
    for name in pages(demo, visitor, role, lambda name, address: problems.extend(weighing.check(page, name, address))):
        problems.extend(reading.read(page, name))
        page.set_viewport_size({"width": 360, "height": 800})
        look(visitor, f"every-{role}-{name.replace(':', '-')}", is_read=True)
        walk(visitor, name)
        seen.append(name)

    assert problems == []
    assert seen


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_reads_as_well_as_any_page(demo: Demo, visit: Callable[..., Visitor], name: str):
    visitor = visit(width=360, locale="fr-FR")
    visitor.sign_in(demo, "member")

    problems = weighing.check(visitor.page, name, demo.hub.rstrip("/") + ERRORS[name])

    assert [*problems, *reading.read(visitor.page, name)] == []
    walk(visitor, name)


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


@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_there_without_scripts(demo: Demo, visit: Callable[..., Visitor], role: str):
    visitor = visit(width=360, locale="fr-FR", scripts=False)
    if role != "stranger":
        visitor.sign_in(demo, role)

    for name in pages(demo, visitor, role):
        assert visitor.page.locator("main h1").count() == 1, name
        assert visitor.page.locator("main h1").is_visible(), name
        # A control that only a script would make work is none; the page of samples has nothing else.
        if name == "style":
            continue
        unusable = visitor.page.locator("main button:not(form button):not([form]):not([type=submit]):visible")
        assert unusable.count() == 0, f"{name}: {[each.inner_text() for each in unusable.all()]}"
    assert visitor.problems == []
