"""A lead publishes a piece of news, a member reads it and puts it away; then a letter is tried and sent."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
Arrive = Callable[..., Visitor]


def test_news_are_written_read_and_put_away_and_a_letter_leaves(demo: Demo, visit: Arrive) -> None:
    writer, reader = visit(width=320, locale="fr-FR", dark=True), visit(width=1280, locale="en-GB")
    writer.sign_in(demo, "lead")
    reader.sign_in(demo, "member")
    mine, theirs = writer.page, reader.page
    hub = demo.hub.rstrip("/")

    mine.goto(f"{hub}/breves/ecrire/")
    look(writer, "news-01-write")
    mine.get_by_label("Titre").fill("Campanologie samedi")
    mine.get_by_label("Texte").fill("Venez **sonner** avec nous.")
    mine.locator("#id_audience").select_option("everybody")
    mine.get_by_role("button", name="Garder en brouillon").click()
    expect(mine.locator("#brief-text strong")).to_have_text("sonner")
    look(writer, "news-02-draft")
    theirs.goto(f"{hub}/")
    expect(theirs.get_by_role("link", name="Campanologie samedi")).to_have_count(0)
    mine.get_by_role("link", name="Modifier ou publier").click()
    mine.get_by_role("button", name="Publier").click()
    expect(mine.locator(".notice--success")).to_be_visible()

    theirs.goto(f"{hub}/")
    first = theirs.locator("section", has=theirs.locator("#shelf-news")).locator("li").first
    expect(first).to_contain_text("Campanologie samedi")
    look(reader, "news-03-launcher")
    first.get_by_role("link").click()
    expect(theirs.locator("#brief-text")).to_contain_text("sonner")
    look(reader, "news-04-read")
    theirs.goto(f"{hub}/")
    first.get_by_role("button").click()
    expect(theirs.get_by_role("link", name="Campanologie samedi")).to_have_count(0)
    theirs.goto(f"{hub}/breves/")
    expect(theirs.get_by_role("link", name="Campanologie samedi")).to_be_visible()

    mine.goto(f"{hub}/breves/lettres/ecrire/")
    mine.get_by_label("Objet").fill("Assemblée")
    mine.get_by_label("Texte").fill("Samedi à 10 h.")
    mine.locator("#letter-form button[type=submit]").click()
    expect(mine.locator("#letter-preview")).to_contain_text("Samedi à 10 h.")
    look(writer, "news-05-letter")
    mine.get_by_role("button", name="M’envoyer un essai").click()
    expect(mine.locator(".notice--success")).to_be_visible()
    mine.get_by_role("button", name=re.compile(r"^Envoyer à \d+ personnes$")).click()
    expect(mine.locator("#state")).to_be_visible()
    look(writer, "news-06-sent")
    mine.goto(f"{hub}/breves/recevoir/")
    mine.locator("#feeds button").first.click()
    expect(mine.locator("#made")).to_be_visible()
    look(writer, "news-07-receive")
