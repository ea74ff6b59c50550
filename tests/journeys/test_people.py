"""A member opens a few things about themselves, is found by them, seen on the map and written to; then closes them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
Arrive = Callable[..., Visitor]


def test_what_is_opened_finds_and_what_is_closed_again_does_not(demo: Demo, visit: Arrive) -> None:
    holder, reader = visit(width=360, locale="fr-FR"), visit(width=1280, locale="fr-FR", dark=True)
    holder.sign_in(demo, "member")
    reader.sign_in(demo, "office")
    mine, theirs = holder.page, reader.page
    hub = demo.hub.rstrip("/")

    mine.goto(f"{hub}/ma-fiche/")
    look(holder, "people-own-page")
    mine.get_by_label("Savoir-faire", exact=True).fill("campanologie")
    mine.locator("#id_audience_skills").select_option("everybody")
    # Proposed while typing, chosen by the keyboard.
    mine.locator("#id_town").fill("")
    mine.locator("#id_town").press_sequentially("lodev")
    expect(mine.get_by_role("option", name="Lodève (34)")).to_be_visible()
    mine.keyboard.press("ArrowDown")
    look(holder, "people-towns")
    mine.keyboard.press("Enter")
    expect(mine.locator("#id_town")).to_have_value("Lodève (34)")
    expect(mine.get_by_role("listbox")).to_be_hidden()
    mine.locator("#id_level").select_option("commune")
    mine.locator("#id_audience_place").select_option("everybody")
    mine.locator("#id_audience_contact").select_option("everybody")
    mine.locator("#page-form button[type=submit]").click()
    expect(mine.locator(".person")).to_contain_text("campanologie")
    look(holder, "people-preview")

    theirs.goto(f"{hub}/membres/")
    theirs.locator("#id_q").press_sequentially("campanologei")
    expect(theirs.locator("#found")).to_contain_text(re.compile(r"^\s*1 membre"))
    look(reader, "people-typed")
    # By a town, chosen with the pointer: the results are there without sending the form.
    theirs.goto(f"{hub}/membres/?q=campanologie")
    theirs.locator("#id_pres").press_sequentially("3470")
    look(reader, "people-near")
    theirs.get_by_role("option", name="34700 Lodève").click()
    expect(theirs.locator("#found")).to_contain_text("1 membre à moins de 20 km de Lodève (34)")
    theirs.goto(f"{hub}/membres/?q=campanologie&vue=carte")
    expect(theirs.locator(".map__list")).to_contain_text("Hérault")
    look(reader, "people-map")
    theirs.locator(".map__list a").first.click()
    look(reader, "people-department")
    theirs.get_by_role("link", name="Lodève (34)", exact=True).first.click()
    look(reader, "people-list")
    theirs.locator("tbody a").first.click()
    look(reader, "people-card")
    theirs.get_by_role("link", name=re.compile("^Écrire à")).click()
    theirs.get_by_label("Votre message").fill("Un café ?")
    look(reader, "people-write")
    theirs.locator("#write-form button[type=submit]").click()
    expect(theirs.locator(".notice--success")).to_be_visible()

    mine.goto(f"{hub}/ma-fiche/")
    mine.locator("#id_audience_skills").select_option("")
    mine.locator("#page-form button[type=submit]").click()
    theirs.goto(f"{hub}/membres/?q=campanologie")
    expect(theirs.locator("#nobody")).to_be_visible()
    look(reader, "people-nobody")
