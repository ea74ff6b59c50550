"""An inspection is announced: the officer examines a processing, then takes the evidence about it in one file."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
# Each dress once, and scripts in two of them.
CASES = [
    ("fr-FR", 360, False, True),
    ("fr-FR", 1280, True, False),
    ("en-GB", 360, True, False),
    ("en-GB", 1280, False, True),
]


@pytest.mark.parametrize(("locale", "width", "dark", "scripts"), CASES)
def test_the_officer_examines_a_processing_and_takes_the_evidence(
    demo: Demo, visit: Callable[..., Visitor], tmp_path: Path, locale: str, width: int, dark: bool, scripts: bool
) -> None:
    visitor = visit(width=width, locale=locale, dark=dark, scripts=scripts)
    page, name = visitor.page, f"evidence-{locale[:2]}-{width}"
    seen = look if scripts else lambda *_: None
    visitor.sign_in(demo, "dpo")

    # The nine questions of one processing; a "no" against the criteria needs its reason.
    page.goto(f"{demo.hub}/registre/")
    page.click('#protection-tabs a[href="/analyses/"]')
    expect(page.locator("#screening-table")).to_contain_text("HUB-JOURNAL")
    seen(visitor, f"{name}-1-list")
    page.locator('#screening-table a[href="/analyses/HUB-JOURNAL/"]').click()
    for criterion in ("monitoring", "vulnerable"):
        page.check(f'input[name=criteria][value="{criterion}"]')
    page.check('input[name=outcome][value="not_due"]')
    page.fill("#id_advice", "Finalité de sécurité seule, durées courtes.")
    page.fill("#id_reason", "")
    page.click("#screening-form button[type=submit]")
    expect(page.locator("#id_reason_error")).to_be_visible()
    seen(visitor, f"{name}-2-questions")
    page.fill("#id_reason", "Liste de la CNIL : journal de sécurité sans autre usage.")
    page.click("#screening-form button[type=submit]")
    expect(page.locator('[data-reference="HUB-JOURNAL"] .badge')).to_have_count(0)
    page.locator('#screening-table a[href="/analyses/HUB-JOURNAL/"]').click()
    expect(page.locator("#screenings")).to_contain_text("Finalité de sécurité seule")
    seen(visitor, f"{name}-3-kept")

    # One file, of this processing alone.
    page.click('a[href="/registre/HUB-JOURNAL/"]')
    page.goto(f"{demo.hub}/dossier/")
    page.check('input[name=records][value="HUB-JOURNAL"]')
    seen(visitor, f"{name}-4-pack")
    with page.expect_download() as taken:
        page.click("#evidence-form button[type=submit]")
    file = tmp_path / "dossier.zip"
    taken.value.save_as(file)
    archive = zipfile.ZipFile(file)
    assert archive.namelist()[-1] == "empreintes.sha256"
    assert b"HUB-ANNUAIRE" not in archive.read("registre/registre.json")
    page.goto(f"{demo.hub}/dossier/")
    expect(page.locator("#evidence-latest li").first).to_be_visible()

    # With names a reason is asked for, and what was chosen stays.
    page.check("#id_named")
    page.click("#evidence-form button[type=submit]")
    expect(page.locator("#purpose-form")).to_be_visible()
    seen(visitor, f"{name}-5-why")
