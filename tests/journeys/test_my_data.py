"""A member’s own pages: what left in sentences, the receipt of an agreement, its withdrawal, and everything to take."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Download, expect

from tests.journeys.test_main_job import again, look, open_tile
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
CASES = [("fr-FR", 360, False, "lead"), ("en-GB", 1280, True, "office")]


def unpacked(download: Download, folder: Path) -> Path:
    with zipfile.ZipFile(download.path()) as archive:
        archive.extractall(folder)
    return folder


def is_sound(folder: Path, visitor: Visitor, hub: str) -> bool:
    keys = folder.parent / "cles.txt"
    keys.write_text(visitor.page.request.get(f"{hub}/audit/keys").text())
    command = [sys.executable, "-I", str(folder / "verify.py"), str(folder), "--keys", str(keys), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)
    return bool(told["verdict"] == "sound")


def agree(visitor: Visitor, demo: Demo) -> None:
    page = visitor.page
    open_tile(page, "formation")
    page.wait_for_load_state()
    if page.url.startswith(demo.tool("formation")):
        # Whoever has gone in before is asked again once they took their agreement back.
        page.goto(f"{demo.hub}/mes-donnees/accords/")
        page.locator('form[action="/outils/formation/retrait/"] button').first.click()
        page.wait_for_url(re.compile("/outils/formation/retire/"))
        page.goto(demo.hub)
        open_tile(page, "formation")
    page.check("#item-trade")
    page.click("#consent-accept")
    page.wait_for_url(demo.tool("formation") + "**")


@pytest.mark.parametrize(("locale", "width", "dark", "role"), CASES)
def test_a_member_reads_keeps_withdraws_and_takes_everything(demo: Demo, visit, tmp_path, locale, width, dark, role):
    visitor = visit(locale=locale, width=width, dark=dark)
    page, name = visitor.page, f"my-data-{locale[:2]}-{width}"
    visitor.sign_in(demo, role)
    agree(visitor, demo)

    page.goto(f"{demo.hub}/mes-donnees/")
    look(visitor, f"{name}-1-mine")
    page.click("#history")
    expect(page.locator(".timeline__item").first).to_contain_text("Formation")
    look(visitor, f"{name}-2-history")

    page.goto(f"{demo.hub}/mes-donnees/")
    page.click("#agreements")
    look(visitor, f"{name}-3-agreements")
    page.locator('article a[href*="/accords/"]').first.click()
    look(visitor, f"{name}-4-receipt")
    page.emulate_media(media="print")
    expect(page.locator("#take-receipt")).to_be_hidden()
    page.screenshot(path=f"tests/screenshots/{name}-5-printed.png", full_page=True)
    page.emulate_media(media="screen")
    with page.expect_download() as kept:
        page.click('#take-receipt [value="zip"]')
    assert is_sound(unpacked(kept.value, tmp_path / "receipt"), visitor, demo.hub)

    page.click('a[href$="/mes-donnees/accords/"]')
    page.locator('form[action="/outils/formation/retrait/"] button').first.click()
    page.wait_for_url(re.compile("/outils/formation/retire/"))
    look(visitor, f"{name}-6-withdrawn")
    for _ in range(20):
        if page.locator('[data-notice="done"]').count():
            break
        page.wait_for_timeout(500)
        again(page)
    expect(page.locator('[data-notice="done"]')).to_be_visible()
    look(visitor, f"{name}-7-told")

    page.goto(f"{demo.hub}/mes-donnees/")
    page.click("#take")
    look(visitor, f"{name}-8-take")
    with page.expect_download() as everything:
        page.click("#take-all button")
    folder = unpacked(everything.value, tmp_path / "all")
    assert is_sound(folder, visitor, demo.hub)
    offline = next(path for path in folder.iterdir() if path.name in ("mes-donnees.html", "my-data.html"))
    page.goto(offline.as_uri())
    page.screenshot(path=f"tests/screenshots/{name}-9-offline.png", full_page=True)
    page.goto(f"{demo.hub}/mes-donnees/telecharger/")
    with page.expect_download() as card:
        page.click("#take-card")
    assert Path(card.value.path()).read_text().startswith("BEGIN:VCARD")
    with page.expect_download() as given:
        page.click("#take-given button >> nth=0")
    told = json.loads((unpacked(given.value, tmp_path / "given") / "donnees-fournies.json").read_text())
    assert told["format"] == "trousseau/portability/1"
    assert told["parts"]["details"]["data"]["email"]


def test_the_own_pages_work_without_scripts(demo: Demo, visit):
    visitor = visit(locale="fr-FR", width=360, scripts=False)
    page = visitor.page
    visitor.sign_in(demo, "dpo")
    agree(visitor, demo)

    page.goto(f"{demo.hub}/mes-donnees/accords/")
    page.locator('form[action="/outils/formation/retrait/"] button').first.click()

    expect(page.locator("#channels")).to_be_visible()
    expect(page.locator("#held")).to_be_visible()
