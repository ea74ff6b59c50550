"""A member asks for their data, the officer freezes it, takes more time and answers; the member reads it all."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import again, look
from tests.support.demo import Demo, Visitor, go

pytestmark = pytest.mark.journey
# Each dress once, and scripts in two of them.
CASES = [
    ("fr-FR", 360, False, False),
    ("fr-FR", 1280, True, True),
    ("en-GB", 360, True, True),
    ("en-GB", 1280, False, False),
]


def open_act(page: Page, code: str) -> None:
    act = page.locator(f"#act-{code}")
    if act.get_attribute("open") is None:
        act.locator("summary").first.click()


def send_letter(page: Page, code: str) -> None:
    """As it starts, its blanks filled in."""
    open_act(page, code)
    field = page.locator(f"#id_{code}-text")
    field.fill(re.sub(r"\[[^\]]*\]", "c’est ainsi", field.input_value()))
    page.click(f"#{code}-form button[type=submit]")


@pytest.mark.parametrize(("locale", "width", "dark", "scripts"), CASES)
def test_a_member_asks_and_is_answered(
    demo: Demo, visit: Callable[..., Visitor], locale: str, width: int, dark: bool, scripts: bool
) -> None:
    member = visit(width=width, locale=locale, dark=dark, scripts=scripts)
    officer = visit(width=width, locale=locale, dark=dark, scripts=scripts)
    name = f"requests-{locale[:2]}-{width}"
    seen = look if scripts else lambda *_: None
    member.sign_in(demo, "member")
    officer.sign_in(demo, "dpo")
    page, desk = member.page, officer.page

    # From "Mes données"; what is missing is said, and what was typed is still there.
    page.goto(f"{demo.hub}/mes-donnees/")
    page.click("#requests")
    page.select_option("#id_kind", "rectification")
    page.click("#request-send")
    expect(page.locator("#id_text_error")).to_be_visible()
    expect(page.locator("#id_kind")).to_have_value("rectification")
    seen(member, f"{name}-1-asking")
    page.select_option("#id_kind", "access")
    page.fill("#id_text", f"Tout : https://x.example/{'a' * 120}")
    page.click("#request-send")
    expect(page.locator('[data-step="made"]')).to_be_visible()
    reference = page.url.rstrip("/").rpartition("/")[2]
    seen(member, f"{name}-2-asked")

    # The officer finds it, and its person sees that it was opened.
    go(desk, "/protection/")
    desk.click('#protection-tabs a[href="/demandes/"]')
    seen(officer, f"{name}-3-inbox")
    desk.locator(f'[data-reference="{reference}"] a').click()
    expect(desk.locator("#steps")).to_contain_text("x.example")
    seen(officer, f"{name}-4-case")

    # A letter with blanks does not leave.
    open_act(desk, "extend")
    desk.click("#extend-form button[type=submit]")
    expect(desk.locator("#id_extend-text_error")).to_be_visible()
    send_letter(desk, "extend")
    expect(desk.locator('[data-step="extended"]')).to_be_visible()

    # Nothing leaves any more, until the member says so.
    open_act(desk, "restrict")
    desk.fill("#id_restrict-text", "Le temps de vérifier")
    desk.click("#restrict-form button[type=submit]")
    expect(desk.locator("#frozen")).to_be_visible()
    seen(officer, f"{name}-5-frozen")
    again(page)
    expect(page.locator("#frozen")).to_be_visible()
    seen(member, f"{name}-6-frozen")
    page.click("#unfreeze-form button")
    expect(page.locator("#frozen")).to_have_count(0)

    # The answer, with the record that the hub makes.
    again(desk)
    send_letter(desk, "answer")
    expect(desk.locator('[data-step="answered"]')).to_be_visible()
    again(page)
    expect(page.locator('[data-step="answered"]')).to_be_visible()
    seen(member, f"{name}-7-answered")
    with page.expect_download() as taken:
        page.click('[data-step="answered"] a[download]')
    assert taken.value.suggested_filename.startswith("mes-donnees-")

    # What the letters start from.
    desk.goto(f"{demo.hub}/demandes/lettres/")
    seen(officer, f"{name}-8-letters")
    desk.goto(f"{demo.hub}/demandes/lettres/refusal/fr/")
    seen(officer, f"{name}-9-letter")
    desk.goto(f"{demo.hub}/demandes/saisir/")
    desk.fill("#id_name", "martin")
    desk.click("#search-form button[type=submit]")
    expect(desk.locator("#found-form")).to_be_visible()
    seen(officer, f"{name}-10-entering")
