"""The officer keeps the register: what is missing, a record row by row, its versions, a file out and in again."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor, go

pytestmark = pytest.mark.journey
# Each dress once, and scripts in two of them.
CASES = [
    ("fr-FR", 360, False, False),
    ("fr-FR", 1280, True, True),
    ("en-GB", 360, True, True),
    ("en-GB", 1280, False, False),
]


@pytest.mark.parametrize(("locale", "width", "dark", "scripts"), CASES)
def test_the_officer_keeps_the_register(
    demo: Demo, visit: Callable[..., Visitor], tmp_path: Path, locale: str, width: int, dark: bool, scripts: bool
) -> None:
    visitor = visit(width=width, locale=locale, dark=dark, scripts=scripts)
    page, name = visitor.page, f"register-{locale[:2]}-{width}"
    seen = look if scripts else lambda *_: None
    title = f"Vidéosurveillance {name}"
    visitor.sign_in(demo, "dpo")

    # The hub's own records and the tools' are there from the start.
    go(page, "/protection/")
    page.click('#protection-tabs a[href="/registre/"]')
    expect(page.locator('[data-reference="HUB-JOURNAL"]')).to_be_visible()
    expect(page.locator("#register-table")).to_contain_text("Louty")
    seen(visitor, f"{name}-1-list")

    # A record is written row by row; what is missing is said beside its field.
    page.click("#register-new")
    page.fill("#id_name", title)
    page.click('button[name=add][value="data"]')
    expect(page.locator("#id_name")).to_have_value(title)
    page.fill("#id_purposes-0-text", f"Protéger les locaux : https://x.example/{'a' * 150}")
    page.select_option("#id_purposes-0-basis", "legal_duty")
    page.select_option("#id_data-1-rubric", "other")
    page.fill("#id_data-1-description", "Images")
    page.fill("#id_data-1-period", "30 jours")
    page.click("#record-save")
    expect(page.locator("#id_data-1-start_error")).to_be_visible()
    seen(visitor, f"{name}-2-form")
    page.fill("#id_data-1-start", "l’enregistrement")
    page.select_option("#id_data-1-ending", "delete")
    page.click("#record-save")
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("#record-holes")).to_be_visible()
    seen(visitor, f"{name}-3-record")

    # In the list, what has no blank in it is broken: nothing is off the screen.
    if width == 1280:
        page.goto(f"{demo.hub}/registre/")
        expect(page.locator("#register-table")).to_contain_text("x.example")
        hidden = "(wrap) => wrap.scrollWidth - wrap.clientWidth"
        assert page.locator(".table-wrap").evaluate(hidden) == 0
        page.locator("#register-table a", has_text=title).click()

    # A change is a version, with its difference.
    page.click("#record-edit")
    page.fill("#id_technical", "Accès par badge")
    page.click("#record-save")
    page.click("#record-versions")
    expect(page.locator("#versions ins")).to_have_text("Accès par badge")
    seen(visitor, f"{name}-4-versions")

    # What the sheet of a tool says has no field.
    page.goto(f"{demo.hub}/registre/")
    of_louty = "Managing members’ activity" if locale.startswith("en") else "Gestion de l’activité"
    page.locator("#register-table a", has_text=of_louty).click()
    seen(visitor, f"{name}-5-of-a-tool")
    page.click("#record-edit")
    expect(page.locator("#fed")).to_be_visible()
    assert page.locator("#id_name").count() == 0
    seen(visitor, f"{name}-6-fed")

    # Yesterday there was none; today's is taken out, and changes nothing when it comes back.
    page.goto(f"{demo.hub}/registre/?on=2020-01-01")
    expect(page.locator("#register-empty")).to_be_visible()
    page.goto(f"{demo.hub}/registre/")
    page.click("#register-export summary")
    with page.expect_download() as taken:
        page.click('#register-export a[href*="export.ods"]')
    file = tmp_path / "registre.ods"
    taken.value.save_as(file)
    assert zipfile.ZipFile(file).read("mimetype").startswith(b"application/vnd.oasis")
    with page.expect_download() as printed:
        page.click('#register-export a[href*="export.pdf"]')
    assert Path(printed.value.path()).read_bytes().startswith(b"%PDF-")
    page.click('#register-export a[href="/registre/importer/"]')
    page.set_input_files("#id_file", file)
    page.click("#import-form button[type=submit]")
    expect(page.locator("#import-plan")).to_be_visible()
    assert page.locator("#import-confirm").count() == 0
    seen(visitor, f"{name}-7-import")

    # A file that is none is said to be none.
    page.set_input_files("#id_file", {"name": "x.ods", "mimeType": "application/zip", "buffer": b"x"})
    page.click("#import-form button[type=submit]")
    expect(page.locator("#id_file_error")).to_be_visible()

    # Closed, and still to be read.
    page.goto(f"{demo.hub}/registre/")
    page.locator("#register-table a", has_text=title).click()
    page.click("#record-close")
    page.fill("#id_note", "Caméras retirées")
    page.check("#id_sure")
    seen(visitor, f"{name}-8-close")
    page.click("#close-form button[type=submit]")
    expect(page.locator("#register-closed")).to_contain_text(title)
    page.click("#register-parties")
    seen(visitor, f"{name}-9-parties")
