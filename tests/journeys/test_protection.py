"""The officer's morning: what waits, a finding that is accepted, and declared beside sent down to one item."""

from collections.abc import Callable
from datetime import date, timedelta

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
# A sheet that has declared for a hundred days what nobody was asked for, and nothing said of it yet.
UNUSED = """
from datetime import timedelta
from django.utils import timezone
from consent.models import FindingDecision, Processing
FindingDecision.objects.all().delete()
old = Processing.objects.filter(ended_at=None).exclude(tool__slug__in=["louty", "formation"])
old.update(started_at=timezone.now() - timedelta(days=100))
"""


@pytest.fixture(scope="module")
def sent(demo: Demo, chromium: object) -> None:
    """A member has opened both tools."""
    visitor = Visitor(chromium, width=1280, locale="fr-FR")  # type: ignore[arg-type]
    visitor.sign_in(demo, "lead")
    for tool in ("louty", "formation"):
        visitor.page.goto(demo.hub)
        open_tile(visitor.page, tool)
        accept, inside = visitor.page.locator("#consent-accept"), visitor.page.locator('[data-claim="sub"]')
        expect(accept.or_(inside)).to_be_visible()
        if accept.count():
            accept.click()
        expect(inside).to_be_visible()
    visitor.close()


@pytest.mark.parametrize(("locale", "width", "dark", "scripts"), CASES)
def test_the_officer_sees_what_waits_and_what_left(
    demo: Demo, visit: Callable[..., Visitor], sent: None, locale: str, width: int, dark: bool, scripts: bool
) -> None:
    demo.manage("shell", "-c", UNUSED)
    visitor = visit(width=width, locale=locale, dark=dark, scripts=scripts)
    page, name = visitor.page, f"protection-{locale[:2]}-{width}"
    seen = look if scripts else lambda *_: None
    visitor.sign_in(demo, "dpo")

    # The first of their own pages says what waits.
    go(page, "/protection/")
    expect(page.locator('[data-card="register"]')).to_be_visible()
    expect(page.locator('[data-card="findings"]')).to_be_visible()
    seen(visitor, f"{name}-1-today")

    # A finding says why it matters; accepting it needs a reason and a day.
    page.click('[data-card="findings"] a')
    unused = page.locator('[data-finding^="F6-"]').first
    expect(unused).to_be_visible()
    code = unused.get_attribute("data-finding")
    seen(visitor, f"{name}-2-findings")
    unused.locator('a[href*="/constats/"]').click()
    page.fill("#id_reason", "L’outil d’essai sert à la prochaine session de formation.")
    page.click("#decide-form button[type=submit]")
    expect(page.locator("#id_until_error")).to_be_visible()
    expect(page.locator("#id_reason")).to_have_value("L’outil d’essai sert à la prochaine session de formation.")
    seen(visitor, f"{name}-3-accept")
    page.fill("#id_until", (date.today() + timedelta(days=60)).isoformat())
    page.click("#decide-form button[type=submit]")
    expect(page.locator("#findings-said")).to_contain_text("prochaine session")
    assert page.locator(f'[data-finding="{code}"]').count() == 0

    # Declared beside sent: a form for each state, and each cell leads to its items.
    page.click('.tabs a[href="/protection/declare-et-transmis/"]')
    cell = page.locator('[data-tool="louty"] [data-category="contact"] a')
    expect(cell).to_be_visible()
    assert page.locator('[data-tool="louty"] .sight--both').count() > 0
    seen(visitor, f"{name}-4-matrix")
    cell.click()
    expect(page.locator('[data-item="email"] .sight--both')).to_be_visible()
    page.check("#preview-form [value=email]")
    page.click("#preview-form button[type=submit]")
    expect(page.locator("#preview-result")).to_contain_text("Louty")
    seen(visitor, f"{name}-5-tool")

    # Tools, notices as they were shown, decisions by purpose.
    for number, address in enumerate(("outils", "informations", "accords"), start=6):
        page.goto(f"{demo.hub}/protection/{address}/")
        expect(page.locator('[data-tool="louty"]')).to_be_visible()
        seen(visitor, f"{name}-{number}-{address}")
    with page.expect_download() as taken:
        page.click("#decisions-ods")
    assert taken.value.suggested_filename.endswith(".ods")
    page.goto(f"{demo.hub}/protection/informations/")
    page.locator('[data-tool="louty"] a[hreflang]').first.click()
    expect(page.locator("#notice-copy")).to_be_visible()
