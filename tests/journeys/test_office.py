"""The office helps a member, without a shell: finds them, sees what is in the way, acts; the member reads all of it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor, go

pytestmark = pytest.mark.journey
# The whole way twice; its pages, without acting, in the two other dresses.
WALKED = [("fr-FR", 360, False), ("en-GB", 1280, True)]
SEEN = [("fr-FR", 1280, False), ("en-GB", 360, True)]
Arrive = Callable[..., Visitor]
# Somebody who never came, if there is one then of this language: the directory says in which one mails are written.
NEWCOMER = """
from directory.models import Member
never = Member.objects.active().filter(email_state="ok", hub_sessions=None, account_links=None, role_grants=None)
others = never.exclude(login__in=["noemie.ferrand", "benoit.de-la-tour"]).order_by("-display_name")
found = (others.filter(language={language!r}) or others)[{number}]
print(found.login, found.email, found.display_name, found.language or "fr", sep="\\n")
"""
IN_A_MONTH = """
from datetime import timedelta
from django.utils import timezone
print(timezone.localdate() + timedelta(days=30))
"""
WORDS = {
    "fr": {
        "invited": "Ouvrez votre compte",
        "suspended": "Votre compte est suspendu",
        "leaving": "La date de votre départ est fixée",
        "called_off": "Votre départ est annulé",
        "recovery": "Quelqu’un demande à récupérer votre compte",
    },
    "en": {
        "invited": "Open your account",
        "suspended": "Your account is suspended",
        "leaving": "The date of your departure is set",
        "called_off": "Your departure is called off",
        "recovery": "Somebody asks to recover your account",
    },
}


@pytest.fixture
def second_person(demo: Demo) -> Iterator[str]:
    """Benoît, who leads a collective, is at the office too for as long as this lasts."""
    login, _password = demo.account("lead")
    demo.manage("grant_role", login, "office")
    yield "lead"
    demo.manage("grant_role", login, "office", "--revoke")


def read_mail(page: Page, demo: Demo, address: str, subject: str) -> str:
    """The text of a mail to this address, from the mail page of the demonstration."""
    for _ in range(60):
        page.goto(demo.hub + "/courrier/")
        for card in page.locator("li.card").all():
            told = card.text_content() or ""
            # Addresses may break before their @ there, in the text itself they do not.
            if subject in told and address in told:
                card.locator("a").click()
                return page.locator(".mail").inner_text()
        page.wait_for_timeout(250)
    raise AssertionError(f"no mail “{subject}” to {address}")


def act(page: Page, name: str) -> None:
    page.locator(f"form[action$='/{name}/'] button[type=submit]").first.click()
    expect(page.locator(".notices")).to_be_visible()


def unfold(page: Page, name: str) -> None:
    page.locator(f"details:has(form[action$='/{name}/']) > summary").click()


def find(page: Page, demo: Demo, text: str) -> None:
    page.goto(demo.hub + "/structure/")
    page.fill("#office-q", text)
    page.click("#office-search button")


@pytest.mark.parametrize(("locale", "width", "dark"), WALKED)
def test_the_office_helps_a_member_from_the_invitation_to_the_recovery(
    demo: Demo, visit: Arrive, second_person: str, locale: str, width: int, dark: bool
) -> None:
    how = {"width": width, "locale": locale, "dark": dark}
    language, number = locale[:2], WALKED.index((locale, width, dark))
    name = f"{language}-{width}{'-dark' if dark else ''}-office"
    command = NEWCOMER.format(number=number, language=language)
    login, address, shown, spoken = demo.manage("shell", "-v0", "-c", command).splitlines()
    words = WORDS[spoken]
    office = visit(**how)
    page = office.page
    office.sign_in(demo, "office")

    # Nobody is called that; then somebody is, and the page says what is missing and whom to ask.
    go(page, "/structure/")
    look(office, f"{name}-01-home")
    find(page, demo, "zzzz")
    look(office, f"{name}-02-why")
    office.say_why()
    expect(page.locator("#office-empty")).to_be_visible()
    look(office, f"{name}-02-nobody")
    find(page, demo, login)
    assert login not in page.url, "what is looked for stands in no address"
    look(office, f"{name}-03-found")
    page.get_by_role("link", name=shown, exact=True).click()
    expect(page.locator("h1")).to_have_text(shown)
    expect(page.locator("#reading[data-purpose=access_repair]")).to_be_visible()
    expect(page.locator("[data-obstacle=invitation_never]")).to_be_visible()
    look(office, f"{name}-04-never-came")
    card = page.url

    # The invitation is read before it leaves, then sent; the mail says the same, with a link of its own.
    page.click("a[href$='/invitation/']")
    preview = page.locator(f"section[lang={spoken}] .mail").inner_text()
    look(office, f"{name}-05-preview")
    page.goto(card)
    act(page, "invite")
    look(office, f"{name}-06-invited")
    mail = read_mail(page, demo, address, words["invited"])
    look(office, f"{name}-07-mail")
    assert login in preview
    assert login in mail
    assert "EXEMPLE" in preview
    assert "EXEMPLE" not in mail
    link = next(word for word in mail.split() if "/compte/lien/" in word)

    # The member walks in, so that there is something to close.
    member = visit(**how)
    own = member.page
    own.goto(link)
    own.click("#link-form button")
    own.click("button[name=propose]")
    phrase = own.locator("#proposed").inner_text()
    own.click("[data-fill]")
    own.click("#password-save")
    own.click("#notice-form button")
    if own.locator("#later").count():
        own.click("#later")
    own.wait_for_url(demo.hub.rstrip("/") + "/")

    # Suspended: out at once, told why; lifted: in again.
    page.goto(card)
    expect(page.locator("#nothing-missing")).to_be_visible()
    unfold(page, "suspend")
    look(office, f"{name}-08-suspend")
    act(page, "suspend")
    expect(page.locator("[data-obstacle=suspended]")).to_be_visible()
    expect(page.locator("#all-shut")).to_be_visible()
    look(office, f"{name}-09-suspended")
    own.goto(demo.hub)
    expect(own.locator("#sign-in-form")).to_be_visible()
    read_mail(page, demo, address, words["suspended"])
    page.goto(card)
    act(page, "resume")
    expect(page.locator("#nothing-missing")).to_be_visible()
    own.fill("#id_login", login)
    own.fill("#id_password", phrase)
    own.click("#sign-in-form button[type=submit]")
    own.wait_for_url(demo.hub.rstrip("/") + "/")

    # A departure: not in the past; dated, announced, called off.
    page.fill("#id_last_day", "2024-02-29")
    page.locator("form[action$='/depart/'] button").click()
    expect(page.locator(".errorlist")).to_be_visible()
    look(office, f"{name}-10-day-past")
    page.fill("#id_last_day", demo.manage("shell", "-v0", "-c", IN_A_MONTH).splitlines()[0])
    act(page, "depart")
    expect(page.locator("[data-obstacle=leaving]")).to_be_visible()
    look(office, f"{name}-11-dated")
    read_mail(page, demo, address, words["leaving"])
    page.goto(demo.hub + "/structure/?liste=departs")
    expect(page.locator("#office-members")).to_contain_text(shown)
    page.goto(card)
    act(page, "cancel_departure")
    expect(page.locator("[data-obstacle=leaving]")).to_have_count(0)
    read_mail(page, demo, address, words["called_off"])

    # Recovery: whoever asks does not decide; the member is told, and another person says yes.
    page.goto(card)
    unfold(page, "ask_recovery")
    look(office, f"{name}-12-recovery")
    act(page, "ask_recovery")
    expect(page.locator("#open-recovery button[value=cancel]")).to_be_visible()
    expect(page.locator("#open-recovery button[value=approve]")).to_have_count(0)
    look(office, f"{name}-13-asked")
    read_mail(page, demo, address, words["recovery"])
    own.goto(demo.hub + "/compte/double-verification/")
    expect(own.locator("#own-recovery")).to_be_visible()
    look(member, f"{name}-14-member-warned")
    if number % 2:
        own.click("#own-recovery button")
        expect(own.locator("#own-recovery")).to_have_count(0)
        page.goto(card)
        expect(page.locator("#open-recovery")).to_have_count(0)
    else:
        other = visit(**how)
        other.sign_in(demo, second_person)
        other.page.goto(demo.hub + "/structure/")
        expect(other.page.locator("#a-faire")).to_contain_text(shown)
        look(other, f"{name}-15-to-decide")
        other.page.goto(card)
        other.say_why("member_request")
        expect(other.page.locator("#reading[data-purpose=member_request]")).to_be_visible()
        look(other, f"{name}-16-decide")
        other.page.click("#open-recovery button[value=approve]")
        expect(other.page.locator(".notices")).to_be_visible()
        expect(other.page.locator("#open-recovery")).to_have_count(0)
        own.goto(demo.hub)
        expect(own.locator("#sign-in-form")).to_be_visible()
        own.fill("#id_login", login)
        own.fill("#id_password", phrase)
        own.click("#sign-in-form button[type=submit]")
        own.wait_for_url(demo.hub.rstrip("/") + "/")

    # All of it stands on the member's own page, with who did it; who only looked stands in their activity.
    own.goto(demo.hub + "/compte/double-verification/")
    acts = own.locator("#acts > li")
    assert acts.count() >= 6
    expect(own.locator("#acts")).to_contain_text("Karim Benali")
    look(member, f"{name}-17-member-reads")
    assert office.problems == []
    assert member.problems == []


@pytest.mark.parametrize(("locale", "width", "dark"), SEEN)
def test_the_pages_of_the_office_look_right(demo: Demo, visit: Arrive, locale: str, width: int, dark: bool) -> None:
    visitor = visit(width=width, locale=locale, dark=dark)
    page, name = visitor.page, f"{locale[:2]}-{width}{'-dark' if dark else ''}-office"
    visitor.sign_in(demo, "office")

    for number, path in enumerate(("", "?liste=jamais", "?liste=suspendus", "roles/")):
        page.goto(f"{demo.hub}/structure/{path}")
        look(visitor, f"{name}-list-{number}")
    page.goto(f"{demo.hub}/structure/?liste=jamais&page=2")
    page.locator("#office-members a").first.click()
    visitor.say_why()
    unfold(page, "suspend")
    unfold(page, "ask_recovery")
    look(visitor, f"{name}-member")
    page.click("a[href$='/invitation/']")
    look(visitor, f"{name}-preview")


def test_whoever_gives_roles_finds_the_page_and_sees_only_what_is_theirs_to_give(demo: Demo, visit: Arrive) -> None:
    desk, technician = visit(width=1280, locale="fr-FR"), visit(width=360, locale="fr-FR")
    desk.sign_in(demo, "office")
    desk.page.goto(demo.hub + "/structure/roles/")
    assert desk.page.locator("#id_role option").all_inner_texts() == ["structure"]
    assert desk.page.locator("#roles form").count() == 0, "nobody takes back their own, the office no other"

    technician.sign_in(demo, "technician")
    go(technician.page, "/structure/roles/")
    assert technician.page.locator("#id_role option").count() == 3
    # How many people a rule reaches is read before it is asked for.
    asked = technician.page.locator("#rule-collective option").all_inner_texts()
    assert all(re.search(r"\(\d+\)$", each) for each in asked)
    assert any(not each.endswith("(0)") for each in asked)
    look(technician, "fr-360-office-roles-technician")
