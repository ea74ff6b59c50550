"""The first time and back in, as people do it: an invitation from the mail to the tools, and a forgotten password."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import look
from tests.support.demo import ROOT, Demo, sign_out

pytestmark = pytest.mark.journey
PHRASE = "pelican-bureau-ancre-lilas"
INVITE = """
from django.utils import timezone
from audit.types import Actor
from directory.models import Member
from idp.models import HubSession
from idp.services.accounts import invitations
office = Member.objects.get(login="karim.benali")
never = Member.objects.active().filter(email_state="ok", hub_sessions=None).exclude(account_links__kind="invitation")
member = never.exclude(login__in=["noemie.ferrand", "benoit.de-la-tour"]).order_by("login")[int({number})]
Member.objects.filter(pk=member.pk).update(language={language!r})
invitations.invite(member_id=member.pk, actor=Actor(member=office.pk), now=timezone.now())
print(member.login, member.email, member.display_name, sep="\\n")
"""
ADDRESSES = """
from directory.models import Member
found = Member.objects.active().filter(email_state="ok", account_links=None, hub_sessions=None).order_by("-login")[:12]
Member.objects.filter(pk__in=[each.pk for each in found]).update(language={language!r})
print(*[each.email for each in found])
"""


def in_the_mail(page: Page, demo: Demo, address: str) -> str:
    """The link of the newest mail to this address, from the page of the demonstration."""
    for _ in range(60):
        page.goto(demo.hub + "/courrier/")
        # Read here: addresses may break before their @ and after their dots, and Playwright takes them apart there.
        mail = next((card for card in page.locator("li.card").all() if address in (card.text_content() or "")), None)
        if mail is not None:
            mail.locator("a").click()
            found = re.findall(r"https?://\S+/compte/lien/\S+/", page.locator("main").inner_text())
            return str(found[0])
        page.wait_for_timeout(250)
    raise AssertionError(f"no mail to {address}")


CASES = [("fr-FR", 360, False), ("fr-FR", 1280, True), ("en-GB", 360, True), ("en-GB", 1280, False)]


@pytest.mark.parametrize(("locale", "width", "dark"), CASES)
def test_an_invited_member_is_at_their_tools_within_two_minutes(demo: Demo, visit, locale, width, dark):
    visitor = visit(width=width, locale=locale, dark=dark)
    page, language = visitor.page, locale[:2]
    name = f"{language}-{width}{'-dark' if dark else ''}-invited"
    number = CASES.index((locale, width, dark))
    login, address, shown, *_ = demo.manage("shell", "-v0", "-c", INVITE.format(number=0, language=language)).split(
        "\n"
    )
    began = time.monotonic()

    page.goto(in_the_mail(page, demo, address))
    expect(page.locator("h1")).to_contain_text(shown)
    assert "/compte/lien/" in page.url
    assert len(page.url.rstrip("/").rsplit("/", 1)[-1]) < 10, "no secret in the address"
    look(visitor, f"{name}-1-welcome")
    page.click("#link-form button")

    # Too weak at first: the page says why, and proposes.
    look(visitor, f"{name}-2-password")
    page.fill("#id_new", "motdepasse" if number % 2 else "MaisonBleue2026!")
    if number % 2:
        expect(page.locator("[data-count]")).to_contain_text("5")
        page.evaluate("document.querySelector('#password-form').noValidate = true")
    page.click("#password-save")
    expect(page.locator(".errorlist")).to_be_visible()
    expect(page.locator("#strength")).to_be_visible()
    look(visitor, f"{name}-3-refused")
    with page.expect_navigation():
        page.click("button[name=propose]")
    look(visitor, f"{name}-4-proposed")
    phrase = page.locator("#proposed").inner_text()
    page.click("[data-fill]")
    page.click("#password-save")

    expect(page.locator("#notice-form")).to_be_visible()
    look(visitor, f"{name}-5-notice")
    page.click("#notice-form button")
    if page.locator("#later").count():
        look(visitor, f"{name}-6-passkey")
        page.click("#later")
    page.wait_for_url(demo.hub.rstrip("/") + "/")
    assert time.monotonic() - began < 120

    # And in again, as on any other day.
    sign_out(page)
    page.goto(demo.hub)
    page.fill("#id_login", login)
    page.fill("#id_password", phrase)
    page.click("#sign-in-form button[type=submit]")
    page.wait_for_url(demo.hub.rstrip("/") + "/")
    page.goto(demo.hub + "/compte/mot-de-passe/")
    look(visitor, f"{name}-7-change")
    assert visitor.problems == []


@pytest.mark.parametrize(("locale", "width", "dark"), CASES)
def test_a_forgotten_password_leads_back_in(demo: Demo, visit, locale, width, dark):
    visitor = visit(width=width, locale=locale, dark=dark)
    page, name = visitor.page, f"{locale[:2]}-{width}{'-dark' if dark else ''}-forgotten"
    number = CASES.index((locale, width, dark))
    addresses = demo.manage("shell", "-v0", "-c", ADDRESSES.format(language=locale[:2])).split()
    login = addresses[number]

    page.goto(demo.hub)
    page.click("a[href='/compte/oubli/']")
    look(visitor, f"{name}-1-ask")
    page.fill("#id_identifier", login)
    page.click("#forgotten-form button")
    expect(page.locator("#forgotten-sent")).to_be_visible()
    look(visitor, f"{name}-2-sent")

    link = in_the_mail(page, demo, login)
    page.goto(link)
    look(visitor, f"{name}-3-link")
    page.click("#link-form button")
    page.fill("#id_new", f"{PHRASE}-{number}")
    page.click("#password-save")
    page.wait_for_url(demo.hub.rstrip("/") + "/")
    expect(page.locator(".notice--success")).to_be_visible()

    # The same link once more, in a browser that knows nobody.
    stranger = visit(width=width, locale=locale, dark=dark)
    stranger.page.goto(link)
    expect(stranger.page.locator("#link-refused")).to_be_visible()
    look(stranger, f"{name}-4-refused")


def test_the_way_back_in_works_without_scripts(demo: Demo, visit):
    visitor = visit(width=360, locale="fr-FR", scripts=False)
    page = visitor.page
    login = demo.manage("shell", "-v0", "-c", ADDRESSES.format(language="fr")).split()[-1]

    page.goto(demo.hub + "/compte/oubli/")
    page.fill("#id_identifier", login)
    page.click("#forgotten-form button")
    page.goto(in_the_mail(page, demo, login))
    page.click("#link-form button")
    page.click("button[name=propose]")
    phrase = page.locator("#proposed").inner_text()
    page.fill("#id_new", phrase)
    page.fill("#id_again", phrase)
    page.screenshot(path=ROOT / "tests" / "screenshots" / "fr-360-noscript-password.png", full_page=True)
    page.click("#password-save")

    page.wait_for_url(demo.hub.rstrip("/") + "/")


def test_a_link_in_a_browser_where_somebody_else_is_signed_in(demo: Demo, visit):
    visitor = visit(width=360, locale="fr-FR")
    page = visitor.page
    login = demo.manage("shell", "-v0", "-c", ADDRESSES.format(language="fr")).split()[-2]
    page.goto(demo.hub + "/compte/oubli/")
    page.fill("#id_identifier", login)
    page.click("#forgotten-form button")
    link = in_the_mail(page, demo, login)
    visitor.sign_in(demo, "lead")

    page.goto(link)
    look(visitor, "fr-360-link-signed-in")
    page.click("button[name=sign_out]")

    expect(page.locator("#link-form")).to_be_visible()
    expect(page.locator("#sign-out-form")).to_have_count(0)
