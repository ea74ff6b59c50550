"""Every page of the hub that somebody gets without naming anything, by the table of who may see what: read by axe, on a
telephone, with the keyboard, and without scripts.

Pages about one thing (a record, a member, a directory) are in the journeys that lead to them.
"""

from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse

from tests.hub.access import TABLE, Answer, Row, Who
from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
PURPOSES = {"office": "access_repair", "dpo": "internal_control"}
# The narrowest first: each page once, by whoever has the least reason to be there.
ROLES = {"member": Who.MEMBER, "office": Who.OFFICE, "dpo": Who.DPO, "technician": Who.TECHNICIAN}
DRESSES = {
    "member": ("fr-FR", False),
    "office": ("en-GB", True),
    "dpo": ("fr-FR", True),
    "technician": ("en-GB", False),
}
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


def pages_of(role: str) -> list[Row]:
    found: dict[str, Row] = {}
    for row in TABLE:
        first = next((name for name, who in ROLES.items() if row.get[who] in (Answer.PAGE, Answer.WHY)), None)
        if first == role and not row.objects and not row.query:
            found.setdefault(row.route, row)
    return list(found.values())


def pages(demo: Demo, visitor: Visitor, role: str) -> Iterator[str]:
    """The names of the pages, each open; files and answers to programs are none."""
    for row in pages_of(role):
        address = demo.hub.rstrip("/") + reverse(row.route)
        if "text/html" not in visitor.context.request.get(address).headers.get("content-type", ""):
            continue
        visitor.page.goto(address)
        if visitor.page.locator("#purpose-form").count() and role in PURPOSES:
            yield f"{row.route}-why"
            offered = [
                each.get_attribute("value") for each in visitor.page.locator("#purpose-form [name=purpose]").all()
            ]
            visitor.say_why(PURPOSES[role] if PURPOSES[role] in offered else offered[0] or "")
            visitor.page.goto(address)
        yield row.route


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
def test_every_page_reads_well_on_a_telephone_and_by_the_keyboard(demo: Demo, visit: Callable[..., Visitor], role: str):
    locale, dark = DRESSES[role]
    visitor = visit(width=360, locale=locale, dark=dark)
    visitor.sign_in(demo, role)

    seen = []
    for name in pages(demo, visitor, role):
        look(visitor, f"every-{role}-{name.replace(':', '-')}")
        walk(visitor, name)
        seen.append(name)

    assert seen


@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_there_without_scripts(demo: Demo, visit: Callable[..., Visitor], role: str):
    visitor = visit(width=360, locale="fr-FR", scripts=False)
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
