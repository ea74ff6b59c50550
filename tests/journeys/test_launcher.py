"""The page of tools in a browser: what it costs, its keys, one's own order, and asking for a tool."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import SHIFTED, look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
MOST_REQUESTS, MOST_BYTES = 8, 60_000
ORDER = "[...document.querySelectorAll('[data-slug]')].slice(0, 3).map(line => line.dataset.slug)"


def test_a_first_visit_is_few_requests_few_bytes_and_nothing_moves(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=1280, locale="fr-FR")
    visitor.sign_in(demo, "member")
    seen: list[str] = []
    wire = visitor.context.new_cdp_session(visitor.page)
    wire.send("Network.enable")
    wire.send("Network.clearBrowserCache")
    weights: list[float] = []
    wire.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    visitor.page.on("request", lambda request: seen.append(request.url))

    visitor.page.goto(demo.hub, wait_until="networkidle")

    assert 0 < len(seen) <= MOST_REQUESTS, seen
    assert {urlsplit(url).netloc for url in seen} == {urlsplit(demo.hub).netloc}
    assert 1_000 < sum(weights) < MOST_BYTES, weights
    assert visitor.page.evaluate(SHIFTED) == 0


def test_the_keys_find_move_open_and_explain_themselves(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=1280, locale="fr-FR")
    visitor.sign_in(demo, "member")
    page = visitor.page

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    look(visitor, "launcher-keys")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()

    page.keyboard.press("/")
    page.keyboard.type("notes de frais")
    expect(page.locator("#found")).to_have_text(re.compile("1"))
    with page.expect_request(re.compile("/outils/louty/ouvrir/")):
        page.keyboard.press("Enter")


def test_the_keys_are_switched_off_by_whoever_wants_none(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=360, locale="fr-FR")
    visitor.sign_in(demo, "member")
    page = visitor.page
    page.keyboard.press("?")
    page.locator("#keys a").click()
    page.locator("#order-keys button").click()
    look(visitor, "launcher-keys-off")

    page.goto(demo.hub)
    page.keyboard.press("?")
    page.keyboard.press("/")

    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("#search")).not_to_be_focused()
    page.goto(f"{demo.hub.rstrip('/')}/ordre/")
    page.locator("#order-keys button").click()
    page.goto(demo.hub)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_tools_are_put_in_order_by_buttons_with_or_without_scripts(
    demo: Demo, visit: Callable[..., Visitor], scripts: bool
) -> None:
    visitor = visit(width=360, locale="fr-FR", scripts=scripts)
    visitor.sign_in(demo, "lead")
    page = visitor.page
    page.goto(f"{demo.hub}/ordre/")
    before = page.locator("[data-slug]").nth(1).get_attribute("data-slug")

    page.locator(f'[data-slug="{before}"] [value=up]').click()

    expect(page.locator("[data-slug]").first).to_have_attribute("data-slug", str(before))
    if scripts:
        look(visitor, "launcher-order")
    page.locator("#order-reset button").click()
    expect(page.locator("#order-reset")).to_have_count(0)


def test_tools_are_put_in_order_by_dragging(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=1280, locale="fr-FR")
    visitor.sign_in(demo, "lead")
    page = visitor.page
    page.goto(f"{demo.hub}/ordre/")
    first, second, third = page.evaluate(ORDER)
    grip = page.locator(f'[data-slug="{first}"] [data-grip]').bounding_box()
    last = page.locator(f'[data-slug="{third}"]').bounding_box()
    assert grip
    assert last

    page.mouse.move(grip["x"] + 10, grip["y"] + 10)
    page.mouse.down()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.mouse.move(grip["x"] + 10, last["y"] + last["height"] - 2, steps=12)
        page.mouse.up()

    expect(page.locator("#order-said")).to_have_text("Ordre enregistré")
    page.goto(f"{demo.hub}/ordre/")
    assert page.evaluate(ORDER) == [second, third, first]
    page.locator("#order-reset button").click()
    assert visitor.problems == []


def test_a_tool_is_asked_for_granted_and_opened(demo: Demo, visit: Callable[..., Visitor]) -> None:
    asker, office = visit(width=360, locale="fr-FR", scripts=False), visit(width=1280, locale="fr-FR")
    asker.sign_in(demo, "member")
    asker.page.click("#outil-assemblee a")
    asker.page.fill("#id_reason", "Je prépare l’ordre du jour")
    asker.page.click("#ask-form button[type=submit]")
    expect(asker.page.locator("#asked")).to_contain_text("attend une réponse")

    office.sign_in(demo, "office")
    office.page.click("#waiting-answers a")
    office.page.locator("#waiting a").first.click()
    look(office, "admission-to-answer")
    office.page.click("#answer-form [name=grant]")
    expect(office.page.locator("#others")).to_contain_text("accordé")

    asker.page.goto(demo.hub)
    expect(asker.page.locator('#outil-assemblee a[href$="/ouvrir/"]')).to_have_count(1)


def test_what_the_hub_keeps_is_shown_until_it_is_read_and_without_a_script(demo: Demo, visit):
    visitor = visit(locale="fr-FR", width=360, scripts=False)
    page = visitor.page
    visitor.sign_in(demo, "office")
    banner = page.locator("#hub-notice")
    expect(banner).to_be_visible()

    banner.locator("summary").click()
    expect(banner.get_by_text("jamais à suivre votre travail")).to_be_visible()
    page.click("#hub-notice-form button")

    page.wait_for_url(f"{demo.hub.rstrip('/')}/")
    expect(banner).to_have_count(0)
    page.reload()
    expect(banner).to_have_count(0)


def test_a_link_is_added_for_a_collective_and_removed(demo: Demo, visit: Callable[..., Visitor]) -> None:
    office = visit(width=360, locale="fr-FR")
    office.sign_in(demo, "office")
    page = office.page
    page.goto(demo.hub + "/accueil/")
    page.click("#add-link")
    page.fill("#id_name", "Carte des ateliers")
    page.fill("#id_launch_url", "https://carte.example/")
    expect(page.locator("#link-form fieldset")).to_be_hidden()
    page.uncheck("#id_everyone")
    expect(page.locator("#link-form fieldset")).to_be_visible()
    look(office, "launcher-link")

    page.get_by_label("Conseil coopératif").check()
    page.click("#link-form button[type=submit]")

    expect(page.locator("#is-link")).to_contain_text("https://carte.example/")
    look(office, "launcher-link-added")
    page.click("#is-link a")
    expect(page.get_by_label("Conseil coopératif")).to_be_checked()
    page.click("#remove-link summary")
    page.click("#remove-link button")
    page.wait_for_url("**/accueil/")
    expect(page.get_by_text("Le lien « Carte des ateliers » est retiré.")).to_be_visible()
    expect(page.locator("#outil-carte-des-ateliers")).to_have_count(0)
