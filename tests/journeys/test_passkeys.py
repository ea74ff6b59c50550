"""Passkeys as people meet them: with Chromium's virtual authenticator, through real pages, to real tools."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import look, open_tile
from tests.support.demo import Demo, Visitor, sign_out

pytestmark = pytest.mark.journey
CASES = [
    ("fr-FR", 360, False, "member"),
    ("en-GB", 1280, False, "lead"),
    ("fr-FR", 1280, True, "office"),
    ("en-GB", 360, True, "technician"),
]


class Device:
    """A phone that knows its holder: it answers when it is present, and not otherwise."""

    def __init__(self, visitor: Visitor) -> None:
        self.cdp = visitor.context.new_cdp_session(visitor.page)
        self.cdp.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.number = added["authenticatorId"]

    def present(self, here: bool) -> None:
        told = {"authenticatorId": self.number, "enabled": here}
        self.cdp.send("WebAuthn.setAutomaticPresenceSimulation", told)

    def verifies(self, whom: bool) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.number, "isUserVerified": whom})

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.number})[
            "credentials"
        ]
        return found

    def replaced(self, visitor: Visitor) -> "Device":
        """Another device in the same hands."""
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.number})
        self.cdp.detach()
        return Device(visitor)


@pytest.fixture
def strict_tool(demo: Demo) -> Iterator[None]:
    """The training software asks for two factors."""
    with sqlite3.connect(demo.data / "hub.sqlite3", timeout=20) as database:
        database.execute("UPDATE idp_tool SET required_acr = '2' WHERE slug = 'formation'")
    yield
    with sqlite3.connect(demo.data / "hub.sqlite3", timeout=20) as database:
        database.execute("UPDATE idp_tool SET required_acr = '' WHERE slug = 'formation'")


def level(demo: Demo) -> tuple[str, str]:
    with sqlite3.connect(demo.data / "hub.sqlite3", timeout=20) as database:
        rows = database.execute("SELECT acr, methods FROM idp_hubsession ORDER BY started_at DESC LIMIT 1").fetchall()
    return rows[0]


def leave(demo: Demo, page: Page) -> None:
    page.goto(demo.hub)
    sign_out(page)
    expect(page.locator("#logged-out")).to_be_visible()


def confirm_password(demo: Demo, page: Page, role: str) -> None:
    page.fill("#id_password", demo.account(role)[1])
    page.click("#reauthenticate-form button[type=submit]")


def press(page: Page, device: Device) -> None:
    """The button first: a device that is there answers what the list of names waits for, before anything is pressed."""
    page.click("[data-passkey-button]")
    device.present(True)


def enter_by_button(demo: Demo, page: Page, device: Device) -> None:
    device.present(False)
    leave(demo, page)
    page.goto(demo.hub)
    press(page, device)
    page.wait_for_url(demo.hub.rstrip("/") + "/")


@pytest.mark.spec("NIST SP 800-63B-4", "13")
@pytest.mark.spec("OWASP ASVS", "6.3.3")
@pytest.mark.parametrize(("locale", "width", "dark", "role"), CASES)
def test_a_member_lives_with_passkeys(demo: Demo, visit, strict_tool, locale, width, dark, role):
    visitor = visit(width=width, locale=locale, dark=dark)
    page, name = visitor.page, f"{'dark-' if dark else ''}{locale[:2]}-{width}-passkeys"
    device = Device(visitor)
    device.present(False)

    # A tool asks for more than a password: a passkey is added on the way, and the tool opens.
    visitor.sign_in(demo, role)
    page.goto(demo.hub + "/compte/double-verification/")
    look(visitor, f"{name}-01-nothing-yet")
    page.goto(demo.hub + "/outils/formation/ouvrir/")
    look(visitor, f"{name}-02-stopped")
    page.click("#stopped-next")
    look(visitor, f"{name}-03-choose")
    page.click("a[href$='/cles/ajouter/']")
    confirm_password(demo, page, role)
    look(visitor, f"{name}-04-add")
    device.present(True)
    page.click("[data-passkey-button]")
    page.wait_for_url("**/codes/")
    look(visitor, f"{name}-05-codes")
    codes = page.locator("#recovery-codes li").all_inner_texts()
    assert len(set(codes)) == 10
    with page.expect_download() as saving:
        page.click("form[action$='/telecharger/'] button")
    saved = saving.value.path().read_text()
    assert all(code in saved for code in codes)
    page.locator(".actions a.button--primary").click()
    if page.locator("#consent-form").count():
        page.click("#consent-refuse" if page.locator("#consent-refuse").count() else "#consent-accept")
    page.wait_for_url(demo.tool("formation") + "**")

    # Recovery codes were shown once.
    page.goto(demo.hub + "/compte/double-verification/codes/")
    expect(page.locator("#codes-left")).to_be_visible()
    assert page.locator("#recovery-codes").count() == 0
    look(visitor, f"{name}-06-codes-left")

    # In by the button, the password page untouched: two factors, truly said.
    device.present(False)
    leave(demo, page)
    page.goto(demo.hub)
    expect(page.locator("[data-passkey-button]")).to_be_visible()
    look(visitor, f"{name}-07-sign-in")
    press(page, device)
    page.wait_for_url(demo.hub.rstrip("/") + "/")
    assert level(demo) == ("2", '["hwk", "user", "mfa"]')
    open_tile(page, "louty")
    if page.locator("#consent-form").count():
        page.click("#consent-accept")
    page.wait_for_url(demo.tool("louty") + "**")

    # After the password, as the second step.
    device.present(False)
    leave(demo, page)
    page.goto(demo.hub)
    page.fill("#id_login", demo.account(role)[0])
    page.fill("#id_password", demo.account(role)[1])
    page.click("#sign-in-form button[type=submit]")
    expect(page.locator("#mfa-form")).to_be_visible()
    look(visitor, f"{name}-08-second-step")
    device.present(True)
    page.click("[data-passkey-button]")
    page.wait_for_url(demo.hub.rstrip("/") + "/")
    assert level(demo) == ("2", '["pwd", "hwk", "user", "mfa"]')

    # Another device, a name, and the first one goes.
    page.goto(demo.hub + "/compte/double-verification/cles/ajouter/")
    look(visitor, f"{name}-09-confirm")
    page.click("[data-passkey-button]")
    expect(page.locator("#id_name")).to_be_visible()
    second = device.replaced(visitor)
    page.fill("#id_name", "Ordinateur du bureau, au premier étage à gauche")
    page.click("[data-passkey-button]")
    page.wait_for_url("**/double-verification/")
    expect(page.locator(".factor")).to_have_count(2)
    page.locator(".factor").first.locator("a").first.click()
    look(visitor, f"{name}-10-rename")
    page.fill("#id_name", "Téléphone")
    page.click("#rename-form button[type=submit]")
    expect(page.locator(".factor").first).to_contain_text("Téléphone")
    look(visitor, f"{name}-11-two-keys")
    page.locator(".factor").first.locator("a").last.click()
    look(visitor, f"{name}-12-remove")
    page.click("#remove-form button[type=submit]")
    expect(page.locator(".factor")).to_have_count(1)
    assert len(second.credentials()) == 1

    # What is left opens; the codes can be made anew.
    enter_by_button(demo, page, second)
    page.goto(demo.hub + "/compte/double-verification/codes/creer/")
    page.click("[data-passkey-button]")
    expect(page.locator("form[action$='/codes/creer/']")).to_be_visible()
    look(visitor, f"{name}-13-new-codes")
    assert visitor.problems == []


def test_a_passkey_is_offered_in_the_list_of_names(demo: Demo, visit):
    """The browser's autofill: nothing is pressed, and nothing but the page's own waiting request is answered."""
    visitor = visit(width=1280, locale="fr-FR")
    page = visitor.page
    device = Device(visitor)
    visitor.sign_in(demo, "dpo")
    page.goto(demo.hub + "/compte/double-verification/cles/ajouter/")
    confirm_password(demo, page, "dpo")
    page.click("[data-passkey-button]")
    page.wait_for_url("**/codes/")
    leave(demo, page)

    page.goto(demo.hub + "/mes-donnees/")

    page.wait_for_url(demo.hub.rstrip("/") + "/mes-donnees/")
    assert level(demo) == ("2", '["hwk", "user", "mfa"]')
    assert len(device.credentials()) == 1
    assert visitor.problems == []


def test_whoever_is_not_recognised_or_cancels_is_told_calmly(demo: Demo, visit):
    visitor = visit(width=360, locale="fr-FR")
    page = visitor.page
    device = Device(visitor)
    device.verifies(False)

    page.goto(demo.hub)
    page.click("[data-passkey-button]")

    expect(page.locator("[data-passkey-said]")).to_be_visible()
    expect(page.locator("[data-passkey-button]")).to_be_enabled()
    look(visitor, "fr-360-passkeys-cancelled")


def test_without_scripts_the_sign_in_page_offers_what_works(demo: Demo, visit):
    visitor = visit(width=360, locale="fr-FR", scripts=False)

    visitor.page.goto(demo.hub)

    expect(visitor.page.locator("#sign-in-form")).to_be_visible()
    expect(visitor.page.locator(".passkey-way")).to_be_hidden()


def test_whoever_sends_a_password_waits_for_no_options_of_a_passkey(demo: Demo, chromium) -> None:
    """Late options set a cookie of their own: it would replace the one of the sign-in that is over before them."""
    visitor = Visitor(chromium, width=1280, locale="fr-FR")
    page = visitor.page
    unanswered: list[Any] = []
    for address in ("**/cle/options/", "**/connexion/"):
        page.route(
            address, lambda route: unanswered.append(route) if route.request.method == "POST" else route.continue_()
        )
    page.goto(demo.hub)
    username, password = demo.account("member")
    page.fill("#id_login", username)
    page.fill("#id_password", password)

    with page.expect_event("requestfailed", lambda request: request.url.endswith("/cle/options/")):
        page.click("#sign-in-form button[type=submit]", no_wait_after=True)

    # The sign-in is on its way and nobody has answered it: no other page has put an end to the request.
    for _ in range(50):
        if len(unanswered) == 2:
            break
        page.wait_for_timeout(100)
    assert unanswered[-1].request.url.endswith("/connexion/")
    visitor.close()
