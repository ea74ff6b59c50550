"""A member says what becomes of their data after their death, and reads which tool still has an old value; the officer
opens what somebody left who is gone, and reads which tools are behind.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
CASES = [("fr-FR", 320, False, 5), ("en-GB", 1280, True, 6)]
# Whoever is signed in was told to a tool that no other journey opens, and an item changed since; and somebody left,
# with directions.
BEFORE = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from audit.types import Actor
from consent import selectors
from consent.directions import services as directions
from consent.ledger import services as ledger
from consent.types import ALWAYS, Channel, Disclosed
from directory import corrections
from directory.models import Member
from directory.types import Hold
from idp.models import Tool
now = timezone.now()
me = Member.objects.get(login_key={login!r})
tool = Tool.objects.get(slug="essai-deux")
release = selectors.release(me.pk, tool.pk, frozenset({{"name", "email"}}))
with transaction.atomic():
    items = frozenset({{"name", "email"}}) | ALWAYS
    ledger.disclose([Disclosed(me.pk, tool.pk, Channel.USERINFO, items, release)], now=now - timedelta(days=20))
    corrections.note([(me.pk, "email")], now=now - timedelta(days=15), within=timedelta(minutes=1))
found = Member.objects.active().filter(hub_sessions=None, role_grants=None, email_state="ok", leads=None)
gone = found.order_by("-display_name")[{number}]
directions.leave(member_id=gone.pk, text="Tout effacer.", contact="Lucie", actor=Actor(gone.pk), now=now)
Member.objects.filter(pk=gone.pk).update(hold=Hold.LEFT, hold_since=now)
print(gone.login)
"""


@pytest.mark.parametrize(("locale", "width", "dark", "number"), CASES)
def test_directions_are_left_and_opened_and_corrections_are_followed(
    demo: Demo, visit: Callable[..., Visitor], locale: str, width: int, dark: bool, number: int
) -> None:
    mine, _password = demo.account("lead")
    gone = demo.manage("shell", "-v", "0", "-c", BEFORE.format(login=mine, number=number)).strip()
    dress = {"width": width, "locale": locale, "dark": dark}
    member, officer = visit(**dress), visit(**dress)
    name = f"directions-{locale[:2]}-{width}"

    member.sign_in(demo, "lead")
    page = member.page
    page.goto(f"{demo.hub}/mes-donnees/")
    expect(page.locator("#behind")).to_contain_text("essai 2")
    # The address alone: others may have had this person called otherwise before.
    address = page.locator(
        "#outil-essai-deux li", has=page.locator("strong", has_text=re.compile("mail", re.IGNORECASE))
    )
    expect(address.locator('[data-corrected="no"]')).to_have_count(1)
    look(member, f"{name}-1-behind")
    page.click("#my-directions")
    page.click("#directions-save")
    expect(page.locator("#form-errors")).to_be_visible()
    page.fill("#id_text", "Garder mes écrits, effacer le reste.")
    page.fill("#id_contact", "Lucie Marchand, 06 39 98 00 11")
    page.click("#directions-save")
    expect(page.locator("#directions-left")).to_be_visible()
    look(member, f"{name}-2-left")
    page.click("#directions-withdraw button")
    expect(page.locator("#id_text")).to_have_value("")
    expect(page.locator("#directions-withdraw")).to_have_count(0)

    officer.sign_in(demo, "dpo")
    page = officer.page
    page.goto(f"{demo.hub}/protection/")
    page.click('[data-card="corrections"] a')
    expect(page.locator('#corrections [data-tool="essai-deux"]')).to_be_visible()
    look(officer, f"{name}-3-corrections")
    page.goto(f"{demo.hub}/effacements/nouveau/")
    officer.say_why("member_request")
    page.fill("#id_member", gone)
    page.click("#ask-form button[type=submit]")
    expect(page.locator("#directions-left")).to_be_visible()
    look(officer, f"{name}-4-preview")
    page.click("#directions-read")
    expect(page.locator("#directions-text")).to_contain_text("Tout effacer.")
    look(officer, f"{name}-5-read")
