"""The main job, as people do it: sign in once, enter both tools, see what left, sign out once, read the journal."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import axe
from tests.support.demo import ROOT, Demo, Visitor, sign_out

pytestmark = pytest.mark.journey
SHOTS = ROOT / "tests" / "screenshots"
CASES = [("fr-FR", 360, "member"), ("fr-FR", 1280, "lead"), ("en-GB", 360, "office"), ("en-GB", 1280, "technician")]


SHIFTED = """() => new Promise(done => {
    let total = 0;
    new PerformanceObserver(list => { for (const entry of list.getEntries()) total += entry.value; })
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(total), 200);
})"""


# A link of the main navigation whose words stand on two lines.
BROKEN = """() => [...document.querySelectorAll('.nav a')].filter(link => {
    const words = document.createRange();
    words.selectNodeContents(link);
    return words.getClientRects().length > 1;
}).map(link => link.textContent)"""


def look(visitor: Visitor, name: str) -> None:
    """Check a page as its readers meet it: no accessibility violation, no overflow, nothing refused by the policy."""
    page = visitor.page
    told = [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in axe.run(page)["violations"]]
    assert told == [], f"{name}: {told}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name}: {wide} px too wide"
    broken = page.evaluate(BROKEN)
    assert broken == [], f"{name}: {broken}"
    assert visitor.problems == [], f"{name}: {visitor.problems}"
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def again(page: Page) -> None:
    """Chromium now and then loses a page that it reloads; one that is gone to is found."""
    page.goto(page.url)


def open_tile(page: Page, slug: str) -> None:
    page.locator(f"#outil-{slug} a").click()


def claim(page: Page, name: str) -> str:
    return page.locator(f'[data-claim="{name}"] td').first.inner_text()


@pytest.mark.parametrize(("locale", "width", "role"), CASES)
def test_a_member_signs_in_once_enters_both_tools_and_signs_out_of_all(demo: Demo, visit, locale, width, role):
    visitor = visit(width=width, locale=locale)
    page, name = visitor.page, f"{locale[:2]}-{width}"

    page.goto(demo.hub)
    look(visitor, f"{name}-1-sign-in")
    visitor.sign_in(demo, role)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    # Measured before anything resizes the window: a picture of the whole page does.
    assert page.evaluate(SHIFTED) < 0.05, "the page moved under the reader's eyes"
    look(visitor, f"{name}-2-launcher")

    # Louty rests on the contract: one notice, then in, without typing anything again.
    open_tile(page, "louty")
    expect(page.locator("#consent-form")).to_be_visible()
    assert page.locator("#consent-form input[name=items]").count() == 0
    assert not page.locator("#consent-form input:checked").count(), "nobody objects in their place"
    look(visitor, f"{name}-3-notice")
    page.click("#consent-accept")
    page.wait_for_url(demo.tool("louty") + "**")
    assert "@alizarine.example" in claim(page, "email")
    louty_sub = claim(page, "sub")
    look(visitor, f"{name}-3-louty")

    # The training software rests on consent: one optional item is switched on, the others stay off.
    page.goto(demo.hub)
    open_tile(page, "formation")
    look(visitor, f"{name}-4-consent")
    assert not page.locator("#consent-form input[type=checkbox]:checked").count(), "nothing is ticked in advance"
    page.check("#item-trade")
    page.click("#consent-accept")
    page.wait_for_url(demo.tool("formation") + "**")
    assert claim(page, "sub") != louty_sub, "two tools cannot match their members"
    assert claim(page, "headline")
    assert page.locator('[data-claim="phone_number"]').count() == 0
    assert page.locator('[data-claim="locality"]').count() == 0
    look(visitor, f"{name}-4-formation")

    # What left, to whom, and why.
    page.goto(demo.hub + "/mes-donnees/")
    for tool in ("Louty", "ormation"):
        expect(page.locator("#outils")).to_contain_text(tool)
        expect(page.locator("#transmissions")).to_contain_text(tool)
    look(visitor, f"{name}-5-my-data")

    # A second visit asks nothing at all.
    page.goto(demo.tool("formation"))
    page.goto(demo.hub)
    open_tile(page, "louty")
    page.wait_for_url(demo.tool("louty") + "**")

    # Out once, out everywhere.
    page.goto(demo.hub)
    sign_out(page)
    expect(page.locator("#logged-out")).to_be_visible()
    look(visitor, f"{name}-6-signed-out")
    for tool in ("louty", "formation"):
        wait_until_out(page, demo.tool(tool))
    page.goto(demo.hub)
    expect(page.locator("#sign-in-form")).to_be_visible()

    read_by_the_dpo(demo, visit(width=width, locale=locale), name, role)


def wait_until_out(page: Page, url: str) -> None:
    """The notice travels by the back channel: the tool's next page no longer knows the member."""
    for _ in range(20):
        page.goto(url)
        if page.locator("#leave").count() == 0:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"still signed in at {url}")


def read_by_the_dpo(demo: Demo, visitor: Visitor, name: str, role: str) -> None:
    page = visitor.page
    visitor.sign_in(demo, "dpo")
    page.goto(f"{demo.hub}/journal/")
    page.check('[name="purpose"][value="internal_control"]')
    page.click("#purpose-form button[type=submit]")
    page.fill("#id_member", demo.account(role)[0])
    page.click("#journal-form button[type=submit]")
    assert demo.account(role)[0] not in page.url
    # The line of a notice is written once the tool has answered it, by then it has closed its session.
    for _ in range(20):
        again(page)
        if page.locator('tr[data-action="idp:logout:deliver"]').count():
            break
        page.wait_for_timeout(250)
    look(visitor, f"{name}-7-journal")
    actions = {row.get_attribute("data-action") for row in page.locator("#journal-table tr[data-action]").all()}
    assert {
        "idp:session:start",
        "idp:session:end",
        "idp:code:issue",
        "idp:token:issue",
        "consent:notice:see",
        "consent:grant:give",
        "consent:data:disclose",
        "idp:logout:deliver",
    } <= actions
    page.click('#journal-tabs a[href="/journal/preuve/"]')
    page.wait_for_url(f"{demo.hub}/journal/preuve/")
    for _ in range(40):
        if page.locator("[data-log] a[download]").count() == 2:
            break
        page.wait_for_timeout(250)
        again(page)
    assert page.locator("#proof-well").count() == 1
    look(visitor, f"{name}-8-proof")
    with page.expect_download() as kept:
        page.locator('[data-log^="access-"] a[download]').click()
    origin, size, *_ = kept.value.path().read_text().splitlines()
    assert origin.endswith(page.locator('[data-log^="access-"]').get_attribute("data-log") or "")
    assert int(size) > 0


@pytest.mark.gdpr("G4")
def test_a_withdrawal_is_one_click_and_closes_the_tool_at_once(demo: Demo, visit):
    visitor = visit(width=1280, locale="fr-FR")
    page = visitor.page
    visitor.sign_in(demo, "dpo")
    open_tile(page, "formation")
    page.check("#item-trade")
    page.click("#consent-accept")
    page.wait_for_url(demo.tool("formation") + "**")

    page.goto(demo.hub + "/mes-donnees/")
    page.locator('form[action="/outils/formation/retrait/"] button').click()

    expect(page.locator(".notice--success, .messages")).to_contain_text("retiré")
    wait_until_out(page, demo.tool("formation"))
    page.goto(demo.hub)
    open_tile(page, "formation")
    expect(page.locator("#consent-form")).to_be_visible()
    page.click("#consent-refuse")
    page.wait_for_url(demo.tool("formation") + "**")
    expect(page.locator("#sign-in-failed")).to_be_visible()


def test_everything_works_without_scripts(demo: Demo, visit):
    visitor = visit(width=360, locale="fr-FR", scripts=False)
    page = visitor.page
    visitor.sign_in(demo, "technician")

    page.goto(demo.hub + "/?q=louty")
    open_tile(page, "louty")
    if page.locator("#consent-form").count():
        page.click("#consent-accept")
    page.wait_for_url(demo.tool("louty") + "**")
    page.goto(demo.hub)
    sign_out(page)

    expect(page.locator("#logged-out")).to_be_visible()


def test_the_search_reacts_while_typing_and_favourites_come_first(demo: Demo, visit):
    visitor = visit(width=1280, locale="fr-FR")
    page = visitor.page
    visitor.sign_in(demo, "member")

    page.keyboard.press("/")
    page.keyboard.type("fichiers")
    expect(page.locator("#outil-louty")).to_be_hidden()
    page.fill("#search", "")
    page.locator("#outil-louty .star").click()

    expect(page.locator("#shelf-favourites")).to_be_visible()
    look(visitor, "fr-1280-favourites")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_hold_in_the_dark(demo: Demo, visit, width):
    visitor = visit(width=width, locale="fr-FR", dark=True)
    page = visitor.page
    page.goto(demo.hub)
    look(visitor, f"dark-{width}-1-sign-in")
    visitor.sign_in(demo, "member")
    look(visitor, f"dark-{width}-2-launcher")
    page.goto(demo.hub + "/mes-donnees/")
    look(visitor, f"dark-{width}-3-my-data")
    page.goto(demo.hub + "/courrier/")
    look(visitor, f"dark-{width}-4-mailbox")


def test_the_picture_of_the_readme_is_made_here(demo: Demo, visit, tmp_path):
    visitor = visit(width=1280, locale="fr-FR")
    visitor.sign_in(demo, "lead")
    target = tmp_path / "launcher.png"
    if os.environ.get("TROUSSEAU_UPDATE_PICTURES"):
        target = ROOT / "docs" / "images" / "launcher.png"
        target.parent.mkdir(exist_ok=True)

    visitor.page.screenshot(path=target, full_page=False)

    assert target.stat().st_size > 20_000
    assert re.search(r"launcher\.png", Path(ROOT / "README.md").read_text())
