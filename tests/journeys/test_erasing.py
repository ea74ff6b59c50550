"""Somebody who left is erased: the officer asks, another agrees, the tool’s contact confirms, the officer closes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor, go

pytestmark = pytest.mark.journey
# Each dress once, and scripts in two of them.
CASES = [
    ("fr-FR", 360, False, False, 1),
    ("fr-FR", 1280, True, True, 2),
    ("en-GB", 360, True, True, 3),
    ("en-GB", 1280, False, False, 4),
]
# Somebody of whom a tool was told something, and who left since.
LEAVER = """
from django.db import transaction
from django.utils import timezone
from consent import selectors
from consent.ledger import services as ledger
from consent.types import ALWAYS, Channel, Disclosed
from directory.models import Member
from directory.types import Hold
from idp.models import Tool
now = timezone.now()
found = Member.objects.active().filter(hub_sessions=None, role_grants=None, email_state="ok", leads=None)
member = found.order_by("-display_name")[{number}]
tool = Tool.objects.get(slug="formation")
release = selectors.release(member.pk, tool.pk, frozenset({{"name", "email"}}))
items = frozenset({{"name", "email"}}) | ALWAYS
with transaction.atomic():
    ledger.disclose([Disclosed(member.pk, tool.pk, Channel.USERINFO, items, release)], now=now)
Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=now)
print(member.login, member.display_name, sep="\\n")
"""
# The second person proves two factors first, which ``tests/idp/test_erasures.py`` does.
AGREE = """
from django.utils import timezone
from audit.types import Actor
from consent.models import ErasureRun
from directory.models import Member
from idp.services import erasures
run = ErasureRun.objects.order_by("-pk").first()
erasures.approve(run_id=run.pk, actor=Actor(Member.objects.get(login={login!r}).pk), now=timezone.now())
print(erasures.address_of(run.holders.get()))
"""


@pytest.mark.parametrize(("locale", "width", "dark", "scripts", "number"), CASES)
def test_an_erasure_from_its_beginning_to_its_letter(
    demo: Demo, visit: Callable[..., Visitor], locale: str, width: int, dark: bool, scripts: bool, number: int
) -> None:
    login, person = demo.manage("shell", "-v", "0", "-c", LEAVER.format(number=number)).splitlines()
    dress = {"width": width, "locale": locale, "dark": dark, "scripts": scripts}
    officer, office, contact = visit(**dress), visit(**dress), visit(**dress)
    name = f"erasing-{locale[:2]}-{width}"
    seen = look if scripts else lambda *_: None

    # The officer says why, then sees what goes and what stays, before anything is asked.
    officer.sign_in(demo, "dpo")
    page = officer.page
    go(page, "/protection/")
    page.click('#protection-tabs a[href="/effacements/"]')
    seen(officer, f"{name}-1-list")
    page.click("#erasure-new")
    seen(officer, f"{name}-2-why")
    officer.say_why("member_request")
    page.fill("#id_member", "x")
    page.click("#ask-form button[type=submit]")
    expect(page.locator("#id_member_error")).to_be_visible()
    seen(officer, f"{name}-3-ask")
    page.fill("#id_member", login)
    page.click("#ask-form button[type=submit]")
    expect(page.locator(".lead")).to_contain_text(person)
    expect(page.locator("#erasure-here")).to_be_visible()
    seen(officer, f"{name}-4-preview")
    page.click("#confirm-form button[name=confirm]")
    expect(page.locator("#erasure-steps")).to_be_visible()
    assert page.locator("#erasure-approve").count() == 0
    sheet = page.url

    # Somebody else has the button.
    office.sign_in(demo, "office")
    office.page.goto(sheet)
    office.say_why("member_request")
    expect(office.page.locator("#erasure-approve")).to_be_visible()
    seen(office, f"{name}-5-decide")
    link = demo.manage("shell", "-v", "0", "-c", AGREE.format(login=demo.account("office")[0])).strip()

    # The tool's contact has no account: reads, forgets to say why, confirms, once.
    there = contact.page
    there.goto(link)
    expect(there.locator("#erasure-known")).to_contain_text(person)
    seen(contact, f"{name}-6-contact")
    there.check('#answer-form [value="refused"]')
    there.fill("#id_note", "Nous vérifions")
    there.click("#answer-form button[type=submit]")
    expect(there.locator("#id_refusal_error")).to_be_visible()
    expect(there.locator("#id_note")).to_have_value("Nous vérifions")
    seen(contact, f"{name}-7-contact-again")
    there.check('#answer-form [value="erased"]')
    there.click("#answer-form button[type=submit]")
    expect(there.locator("#erasure-thanks")).to_be_visible()
    seen(contact, f"{name}-8-thanks")
    there.goto(link)
    expect(there.locator("#erasure-over")).to_be_visible()
    seen(contact, f"{name}-9-over")

    # The officer reads the answer, the letter, and closes; the name is nowhere any more.
    page.goto(sheet)
    expect(page.locator("#erasure-holders .badge--ok")).to_be_visible()
    seen(officer, f"{name}-10-sheet")
    page.click("#erasure-letter")
    expect(page.locator("#letter-to")).to_contain_text(person)
    seen(officer, f"{name}-11-letter")
    page.goto(sheet)
    page.click("#erasure-close")
    expect(page.locator("#erasure-closed")).to_be_visible()
    assert person not in page.content()
    seen(officer, f"{name}-12-closed")

    # What else the hub holds has its clocks.
    page.goto(f"{demo.hub}/journal/conservation/")
    expect(page.locator('#keeping-data [data-category="photo"]')).to_be_visible()
    seen(officer, f"{name}-13-keeping")
    page.click("#keeping-clocks")
    expect(page.locator("#clocks")).to_be_visible()
    seen(officer, f"{name}-14-clocks")
    page.goto(f"{demo.hub}/journal/conservation/donnees/photo/")
    seen(officer, f"{name}-15-days")
    page.goto(f"{demo.hub}/journal/conservation/essai/")
    expect(page.locator("#trial-data")).to_be_visible()
    seen(officer, f"{name}-16-trial")
