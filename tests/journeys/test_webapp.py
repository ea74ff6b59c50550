"""The hub installed on a telephone: without a network it says so, and keeps nothing of anybody."""

from collections.abc import Callable

import pytest

from tests.support.demo import Demo, Visitor, sign_out

pytestmark = pytest.mark.journey
READY = "navigator.serviceWorker.ready.then(() => true)"
KEPT = """async () => {
  const names = await caches.keys();
  const lists = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys())));
  return lists.flat().map((each) => new URL(each.url).pathname);
}"""


def test_without_a_network_the_hub_says_so_and_shows_nothing_of_anybody(demo: Demo, visit: Callable[..., Visitor]):
    visitor = visit(width=360, locale="fr-FR")
    visitor.sign_in(demo, "member")
    page = visitor.page
    assert page.evaluate(READY)
    page.goto(demo.hub.rstrip("/") + "/mes-donnees/")

    kept = page.evaluate(KEPT)
    visitor.context.set_offline(True)
    page.goto(demo.hub.rstrip("/") + "/compte/sessions/")

    assert page.inner_text("h1") == "Vous êtes hors ligne"
    assert page.locator(".brand__mark").is_visible()
    assert sorted(path.partition("/static/")[0] for path in kept) == ["", "", "/hors-ligne/"]
    visitor.context.set_offline(False)
    page.click("#offline .button")
    assert page.inner_text("h1") != "Vous êtes hors ligne"
    assert [each for each in visitor.problems if "ERR_INTERNET_DISCONNECTED" not in each] == []


def test_signing_out_leaves_nothing_on_the_device(demo: Demo, visit: Callable[..., Visitor]):
    visitor = visit(width=360, locale="fr-FR")
    visitor.sign_in(demo, "member")
    page = visitor.page
    assert page.evaluate(READY)
    assert page.evaluate(KEPT) != []

    sign_out(page)
    page.wait_for_url("**/deconnexion/faite/")

    assert page.evaluate("caches.keys()") == []
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((found) => found.length)") == 0
