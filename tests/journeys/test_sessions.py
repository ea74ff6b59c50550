"""Two devices of one person: each seen from the other, one ended from the other, a trusted browser, and the alarm."""

import base64
import hashlib
import hmac
import struct
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import look, open_tile, wait_until_out
from tests.support.demo import Demo, Visitor, sign_out

pytestmark = pytest.mark.journey
COMPUTER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def visit(chromium) -> Iterator[object]:
    visitors: list[Visitor] = []

    def arrive(agent: str, **how: object) -> Visitor:
        visitor = Visitor(chromium, **{"width": 1280, "locale": "fr-FR", **how})
        visitor.context.set_extra_http_headers({"User-Agent": agent})
        visitors.append(visitor)
        return visitor

    yield arrive
    for visitor in visitors:
        visitor.close()


def code_of(secret: str, step: int = 0) -> str:
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def confirm(page: Page, password: str) -> None:
    page.fill("#id_password", password)
    page.click("#reauthenticate-form button[type=submit]")


def enter(page: Page, demo: Demo, username: str, password: str) -> None:
    page.goto(demo.hub + "/compte/connexion/")
    page.fill("#id_login", username)
    page.fill("#id_password", password)
    page.click("#sign-in-form button[type=submit]")


def open_mail(page: Page, demo: Demo, subject: str, *, saying: str) -> None:
    mails = page.get_by_role("link", name=subject)
    for _ in range(40):
        page.goto(demo.hub + "/courrier/")
        for number in range(mails.count()):
            mails.nth(number).click()
            if saying in page.locator(".mail").inner_text():
                return
            page.go_back()
        page.wait_for_timeout(250)
    raise AssertionError(f"no mail of this subject says {saying}")


def test_a_phone_and_a_computer_are_seen_ended_and_reported(demo: Demo, visit):
    computer, phone = visit(COMPUTER), visit(PHONE, width=360)
    username, password = demo.account("lead")
    computer.sign_in(demo, "lead")
    phone.sign_in(demo, "lead")
    page = phone.page
    open_tile(page, "louty")
    if page.locator("#consent-accept").count():
        page.click("#consent-accept")
    page.wait_for_url(demo.tool("louty") + "**")

    # Both are seen, and the other one is ended with the tool that is open in it.
    page = computer.page
    page.goto(demo.hub + "/compte/double-verification/")
    expect(page.locator("#sessions-card")).to_contain_text("2 sessions ouvertes")
    look(computer, "fr-1280-sessions-0-card")
    page.click("#sessions-card a")
    expect(page.locator("#session-here")).to_contain_text("Firefox, Linux")
    other = page.locator("#other-sessions > li")
    expect(other).to_have_count(1)
    expect(other).to_contain_text("Safari, iOS")
    expect(other).to_contain_text("Louty")
    look(computer, "fr-1280-sessions-1-two")
    other.get_by_role("button", name="Fermer la session").click()
    expect(page.locator("#no-other-session")).to_be_visible()
    look(computer, "fr-1280-sessions-2-one")
    wait_until_out(phone.page, demo.tool("louty"))
    phone.page.goto(demo.hub)
    expect(phone.page.locator("#sign-in-form")).to_be_visible()

    # The phone is a browser that was not known: the member was told, and reports it from the mail.
    phone.sign_in(demo, "lead")
    # The computer may be one that was not known, too.
    open_mail(page, demo, "Nouvelle connexion à votre compte", saying="Safari, iOS")
    look(computer, "fr-1280-sessions-3-mail")
    page.goto(demo.hub + "/compte/sessions/ce-n-etait-pas-moi/")
    look(computer, "fr-1280-sessions-4-not-me")
    page.click("#raise-alarm")
    confirm(page, password)
    expect(page.locator(".notices")).to_contain_text("La structure est prévenue")
    look(computer, "fr-1280-sessions-5-reported")
    phone.page.goto(demo.hub)
    expect(phone.page.locator("#sign-in-form")).to_be_visible()
    enter(phone.page, demo, username, password)
    expect(phone.page.locator("#sign-out-form")).to_be_attached()


def test_a_trusted_browser_skips_the_code_until_it_is_asked_for_again(demo: Demo, visit):
    computer = visit(COMPUTER, scripts=False)
    page = computer.page
    username, password = demo.account("technician")
    enter(page, demo, username, password)
    page.goto(demo.hub + "/compte/double-verification/activer/")
    confirm(page, password)
    secret = page.locator(".key").inner_text().replace(" ", "").replace("\n", "")
    page.fill("#id_code", code_of(secret, -1))
    page.locator("form:has(#id_code) button[type=submit]").first.click()
    page.wait_for_url("**/codes/**")

    try:
        sign_out(page)
        enter(page, demo, username, password)
        expect(page.locator("#id_trust")).not_to_be_checked()
        page.fill("#id_code", code_of(secret))
        page.check("#id_trust")
        page.click("#mfa-form button[type=submit]")
        page.wait_for_url(demo.hub.rstrip("/") + "/")

        sign_out(page)
        enter(page, demo, username, password)
        page.wait_for_url(demo.hub.rstrip("/") + "/")

        page.goto(demo.hub + "/compte/sessions/")
        expect(page.locator("#browsers")).to_contain_text("Sans double vérification jusqu’au")
        page.get_by_role("button", name="Redemander le code").click()
        sign_out(page)
        enter(page, demo, username, password)
        expect(page.locator("#mfa-form")).to_be_visible()
    finally:
        take_factor_away(page, demo, username, password, secret)


def take_factor_away(page: Page, demo: Demo, username: str, password: str, secret: str) -> None:
    """The next test meets this account as the demonstration made it."""
    if page.locator("#mfa-form").count():
        page.fill("#id_code", code_of(secret, 1))
        page.click("#mfa-form button[type=submit]")
    page.goto(demo.hub + "/compte/double-verification/retirer/")
    if page.locator("#reauthenticate-form").count():
        confirm(page, password)
    page.goto(demo.hub + "/compte/double-verification/retirer/")
    page.locator("main form button[type=submit]").first.click()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_the_pages_of_sessions_look_right(demo: Demo, visit, locale, width, dark):
    first, second = (visit(agent, width=width, locale=locale, dark=dark) for agent in (PHONE, COMPUTER))
    first.sign_in(demo, "office")
    second.sign_in(demo, "office")
    page, name = second.page, f"{locale[:2]}-{width}-{'dark' if dark else 'light'}-sessions"
    open_tile(page, "louty")
    if page.locator("#consent-accept").count():
        page.click("#consent-accept")
    page.wait_for_url(demo.tool("louty") + "**")

    for number, path in enumerate(("", "toutes/", "ce-n-etait-pas-moi/")):
        page.goto(f"{demo.hub}/compte/sessions/{path}")
        look(second, f"{name}-{number}")
    page.goto(f"{demo.hub}/compte/double-verification/")
    look(second, f"{name}-card")
