"""A laptop is stolen: the officer notes it, counts who is concerned, decides, and takes the list for a reason."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look, open_tile
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
def test_a_breach_from_the_first_note_to_the_list_of_people(
    demo: Demo, visit: Callable[..., Visitor], locale: str, width: int, dark: bool, scripts: bool
) -> None:
    # Not one of those whose first visit another journey tells.
    holder = visit(width=1280, locale="fr-FR")
    holder.sign_in(demo, "dpo")
    open_tile(holder.page, "louty")
    if holder.page.locator("#consent-form").count():
        holder.page.click("#consent-accept")
    holder.page.wait_for_url(demo.tool("louty") + "**")
    visitor = visit(width=width, locale=locale, dark=dark, scripts=scripts)
    page, name = visitor.page, f"incident-{locale[:2]}-{width}"
    seen = look if scripts else lambda *_: None
    title = f"Ordinateur volé {name}"
    visitor.sign_in(demo, "dpo")

    # Noted first; what is missing is said beside its field.
    go(page, "/protection/")
    page.click('#protection-tabs a[href="/violations/"]')
    seen(visitor, f"{name}-1-list")
    page.click("#incident-new")
    page.fill("#id_title", title)
    page.click("#step-form button[type=submit]")
    if page.url.endswith("/nouvelle/"):
        page.check('input[name=natures][value="confidentiality"]')
    page.fill("#id_happened", "Sac volé dans le train, avec une session ouverte.")
    seen(visitor, f"{name}-2-note")
    page.click("#step-form button[type=submit]")
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator(".delay")).to_have_attribute("data-pace", "undecided")
    seen(visitor, f"{name}-3-file")

    # Counted, without a name.
    page.select_option("#id_tool", label="Louty")
    page.click("#count-form button[type=submit]")
    expect(page.locator("[data-count]").first).to_contain_text("Louty")
    page.locator("[data-count] details summary").first.click()
    seen(visitor, f"{name}-4-counted")

    # The drafts are filled, and edited.
    page.click("#draft-edit")
    expect(page.locator("#id_circumstances")).to_have_value("Sac volé dans le train, avec une session ouverte.")
    page.fill("#id_consequences", "Accès aux factures.")
    seen(visitor, f"{name}-5-draft")
    page.click("#step-form button[type=submit]")
    page.click("#draft-print")
    expect(page.locator("#draft")).to_contain_text("Accès aux factures.")
    seen(visitor, f"{name}-6-print")
    page.go_back()
    page.click("#letter-edit")
    seen(visitor, f"{name}-7-letter")
    page.click("#step-form button[type=submit]")

    # Decided; the authority is owed a notice.
    page.click("#act-risk")
    page.check('input[name=risk][value="some"]')
    page.fill("#id_reason", "Noms et adresses, session fermée une heure après.")
    seen(visitor, f"{name}-8-risk")
    page.click("#step-form button[type=submit]")
    expect(page.locator(".delay")).to_have_attribute("data-pace", "to_notify")

    # Names after a reason only, in a file.
    page.locator('[data-count] a[href*="/personnes/"]').first.click()
    seen(visitor, f"{name}-9-why")
    page.check('input[name=purpose][value="security_incident"]')
    page.click("#purpose-form button[type=submit]")
    seen(visitor, f"{name}-10-people")
    with page.expect_download() as taken:
        page.click("#people-form button[type=submit]")
    assert "@" in taken.value.path().read_text()
    page.goto(f"{demo.hub}/violations/")
    expect(page.locator("#incidents-table")).to_contain_text(title)
    seen(visitor, f"{name}-11-list")
