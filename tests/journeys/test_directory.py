"""A technician adds a second directory from the pages; its people arrive, and the office decides who goes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.slapd import EmbeddedDirectory
from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor, go
from tests.support.slapd import GUESTS, ZOE, ZOE_PASSWORD, add_person

pytestmark = pytest.mark.journey
# A reading that went through, with an anomaly or without.
READ = "#runs .badge--ok, #runs .badge--wait"
# Each dress walks the whole way, with a directory of its own; what is looked at only comes after.
WALKED = [("fr-FR", 360, False), ("en-GB", 1280, True)]
SEEN = [("fr-FR", 1280, True), ("en-GB", 360, False)]
PATHS = ("", "lectures/", "anomalies/", "absents/")
STEPS = ("adresse", "chiffrement", "compte", "branches", "correspondance", "possibilites", "essai")
Arrive = Callable[..., Visitor]
# A pass waits for the worker's turn, on a machine that may have other work.
SOON = 30_000


@pytest.fixture
def guests(small_template: EmbeddedDirectory, tmp_path: Path) -> Iterator[EmbeddedDirectory]:
    """Another slapd, with twelve guests in a branch of their own."""
    server = small_template.copy_to(tmp_path / "guests")
    server.start()
    server.modify(f"dn: {GUESTS}\nchangetype: add\nobjectClass: organizationalUnit\nou: invites\n")
    yield server
    server.stop()


def invite(server: EmbeddedDirectory, mark: str) -> list[str]:
    """Twelve people, each with a name that no other directory has."""
    add_person(server, f"{ZOE}-{mark}", ZOE_PASSWORD, branch=GUESTS, cn=f"Zoé Lointaine {mark}", telephoneNumber="x")
    return [
        add_person(server, f"invite-{number:02}-{mark}", ZOE_PASSWORD, branch=GUESTS, cn=f"Invitée {number:02} {mark}")
        for number in range(11)
    ]


def send(page: Page) -> None:
    page.click("#step-form button[type=submit]")
    page.wait_for_load_state()


def go_on(page: Page) -> None:
    expect(page.locator("#go-on")).to_be_visible()
    page.click("#go-on")


@pytest.mark.parametrize(("locale", "width", "dark"), WALKED)
def test_a_second_directory_is_set_up_read_and_its_removals_are_decided(
    demo: Demo, visit: Arrive, guests: EmbeddedDirectory, locale: str, width: int, dark: bool
) -> None:
    mark = f"{locale[:2]}{width}"
    name = f"{locale[:2]}-{width}{'-dark' if dark else ''}-directory"
    how = {"width": width, "locale": locale, "dark": dark}
    people = invite(guests, mark)
    technician = visit(**how)
    page = technician.page
    technician.sign_in(demo, "technician")

    # Where it is: first a port where nobody is, then the right one.
    go(page, "/annuaire/")
    look(technician, f"{name}-01-home")
    page.click("#add-source")
    page.fill("#id_name", f"Grappe {mark}")
    page.fill("#id_uri", "ldap://127.0.0.1:9")
    send(page)
    expect(page.locator("#id_uri_error")).to_be_visible()
    look(technician, f"{name}-02-nobody-answers")
    page.fill("#id_uri", guests.uri)
    send(page)
    look(technician, f"{name}-03-answers")
    go_on(page)

    # Whether it is the right one: its certificate is shown, and believed with its authority only.
    send(page)
    expect(page.locator("#certificate")).to_contain_text("Alizarine demonstration authority")
    expect(page.locator("#go-on")).to_have_count(0)
    look(technician, f"{name}-04-unknown-authority")
    page.fill("#id_authorities", guests.ca_file.read_text())
    send(page)
    look(technician, f"{name}-05-believed")
    go_on(page)

    # As whom: a wrong password stands nowhere afterwards.
    page.fill("#id_bind_dn", guests.reader_dn)
    page.fill("#id_bind_password", "canari-faux")
    send(page)
    expect(page.locator("#id_bind_password_error")).to_be_visible()
    assert "canari-faux" not in page.content()
    look(technician, f"{name}-06-wrong-password")
    page.fill("#id_bind_password", guests.reader_password)
    send(page)
    assert guests.reader_password not in page.content()
    look(technician, f"{name}-07-known")
    go_on(page)

    # Where the people are.
    expect(page.locator("#id_base")).to_have_value(guests.base)
    page.fill("#id_people_base", f"ou=nulle-part,{guests.base}")
    send(page)
    expect(page.locator("#id_people_base_error")).to_be_visible()
    look(technician, f"{name}-08-no-such-branch")
    page.fill("#id_people_base", GUESTS)
    page.fill("#id_groups_base", GUESTS)
    send(page)
    expect(page.locator("#found")).to_contain_text("12")
    look(technician, f"{name}-09-branches")
    go_on(page)

    # What is read of them, on live samples that say nothing of anybody: « Zoé Lointaine ».
    send(page)
    expect(page.locator("details.sample").first).to_contain_text("xxx Lxxxxxxxx")
    expect(page.locator("#result")).not_to_contain_text("Lointaine")
    look(technician, f"{name}-10-samples")
    go_on(page)
    page.locator("#ceilings > summary").click()
    look(technician, f"{name}-10-limits")
    send(page)
    expect(page.locator("#abilities li").first).to_be_visible()
    look(technician, f"{name}-11-abilities")
    go_on(page)

    # Read for show, then followed: the people are there.
    page.click("#trial-acts form button")
    expect(page.locator("#trial")).to_be_visible(timeout=SOON)
    expect(page.locator("#trial")).to_contain_text("12")
    look(technician, f"{name}-12-trial")
    page.click("#trial-acts .button--primary")
    source = page.url
    page.wait_for_timeout(500)
    for _ in range(60):
        page.goto(source)
        if page.locator(READ).count():
            break
        page.wait_for_timeout(500)
    expect(page.locator(READ).first).to_be_visible()
    look(technician, f"{name}-13-followed")
    page.locator("#runs th a").last.click()
    expect(page.locator("[data-list=people-join]")).to_contain_text(f"Zoé Lointaine {mark}")
    look(technician, f"{name}-14-report")
    guest = visit(**how)
    guest.page.goto(demo.hub)
    guest.page.fill("#id_login", f"{ZOE}-{mark}")
    guest.page.fill("#id_password", ZOE_PASSWORD)
    guest.page.click("#sign-in-form button[type=submit]")
    expect(guest.page.locator("#sign-in-form")).to_have_count(0)

    # Eight of twelve vanish at once: the office is asked, and nobody has lost anything until it says yes.
    guests.modify("".join(f"dn: {dn}\nchangetype: delete\n\n" for dn in people[:8]))
    desk = visit(**how)
    office = desk.page
    desk.sign_in(demo, "office")
    for _ in range(60):
        office.goto(demo.hub + "/annuaire/")
        if office.locator("[data-waiting]").count():
            break
        office.wait_for_timeout(500)
    look(desk, f"{name}-15-office-home")
    office.locator("[data-waiting] a").click()
    expect(office.locator(".names li")).to_have_count(8)
    expect(office.locator(".names")).to_contain_text(f"Invitée 00 {mark}")
    look(desk, f"{name}-16-waiting")
    office.click("#approve-form button")
    expect(office.locator("#approve-error")).to_be_visible()
    look(desk, f"{name}-17-not-read")
    office.check("#approve-read")
    office.click("#approve-form button")
    # The next reading makes them, and the page that came back may have been faster.
    for _ in range(60):
        if office.locator("#nothing-waits").count():
            break
        office.wait_for_timeout(500)
        office.reload()
    expect(office.locator("#nothing-waits")).to_be_visible()
    look(desk, f"{name}-18-done")
    office.goto(demo.hub + "/annuaire/absents/")
    expect(office.locator("#absent")).to_contain_text(f"Invitée 07 {mark}")
    look(desk, f"{name}-19-absent")

    # Her telephone is laid aside, and the directory retired: what follows finds the demonstration as it was.
    office.goto(demo.hub + "/annuaire/anomalies/")
    look(desk, f"{name}-20-issues")
    office.locator("[data-issue=phone_unclear] button").first.click()
    expect(office.locator(".notices")).to_be_visible()
    for act in ("pause", "retirer"):
        page.goto(source)
        page.locator(f"details:has(form[action$='/{act}/']) > summary").click()
        look(technician, f"{name}-21-{act}")
        page.click(f"form[action$='/{act}/'] button")
        expect(page.locator(".notices")).to_be_visible()
    assert technician.problems + desk.problems + guest.problems == []


@pytest.mark.parametrize(("locale", "width", "dark"), SEEN)
def test_the_pages_of_the_directory_look_right(demo: Demo, visit: Arrive, locale: str, width: int, dark: bool) -> None:
    visitor = visit(width=width, locale=locale, dark=dark)
    page, name = visitor.page, f"{locale[:2]}-{width}{'-dark' if dark else ''}-directory"
    visitor.sign_in(demo, "technician")

    for number, path in enumerate(PATHS):
        page.goto(f"{demo.hub}/annuaire/{path}")
        look(visitor, f"{name}-page-{number}")
    page.goto(f"{demo.hub}/annuaire/")
    page.locator("#sources th a").first.click()
    source = page.url
    look(visitor, f"{name}-source")
    # The operator's own: each step can be tried, and changes nothing.
    for step in STEPS:
        page.goto(f"{source}reglages/{step}/")
        if page.locator("#step-form").count():
            send(page)
        look(visitor, f"{name}-step-{step}")
    page.goto(f"{source}attente/")
    look(visitor, f"{name}-waiting")
