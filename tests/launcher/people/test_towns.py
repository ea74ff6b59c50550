"""Towns proposed while one types: the same for everybody who is signed in, and nothing of anybody."""

import pytest
from django.test import Client
from django.urls import reverse

from directory.places import communes
from launcher.people import towns

TOWNS = reverse("launcher:towns")


@pytest.fixture
def browser(member) -> Client:
    client = Client()
    client.force_login(member)
    return client


@pytest.mark.parametrize(
    ("typed", "first"),
    [("lodev", "Lodève (34)"), ("Lodève", "Lodève (34)"), ("34700", "34700 Lodève"), ("st den", "Saint-Denis (974)")],
)
def test_towns_are_proposed_as_they_are_typed_by_name_or_postcode(browser, typed, first):
    answer = browser.get(TOWNS, {"debut": typed}).json()

    assert answer["towns"][0] == first or first in answer["towns"]


@pytest.mark.parametrize("typed", ["clermont", "3470", "saint", "75", "97"])
def test_each_of_them_is_understood_by_the_field_it_is_for(browser, typed):
    proposed = browser.get(TOWNS, {"debut": typed}).json()["towns"]

    assert 1 <= len(proposed) <= towns.MOST
    for said in proposed:
        meant = communes.meant(said)
        assert meant is not None
        assert said in (meant.label, *(f"{code} {meant.name}" for code in meant.postcodes))


@pytest.mark.parametrize("typed", ["", "l", "  ", "zzzz", "\x00", "x" * 100_000, "%", "é"])
def test_what_begins_no_town_is_an_empty_list(browser, typed):
    answer = browser.get(TOWNS, {"debut": typed})

    assert answer.status_code == 200
    assert answer.json()["towns"] == []


def test_the_browser_keeps_it_and_nobody_else_does(browser):
    answer = browser.get(TOWNS, {"debut": "lod"})

    assert {"private", "max-age=86400"} <= set(answer["Cache-Control"].split(", "))


def test_it_asks_the_database_for_nothing_but_who_is_there(browser, django_assert_max_num_queries):
    browser.get(TOWNS, {"debut": "lod"})

    with django_assert_max_num_queries(2) as asked:
        browser.get(TOWNS, {"debut": "lodi"})

    assert not any("profile" in each["sql"] or "ledger" in each["sql"] for each in asked.captured_queries)


def test_strangers_are_sent_to_sign_in(db):
    assert Client().get(TOWNS, {"debut": "lod"}).status_code == 302


@pytest.mark.parametrize("page", ["launcher:people", "launcher:my_page"])
def test_the_fields_of_towns_say_where_to_ask(browser, page):
    html = browser.get(reverse(page)).content.decode()

    assert f'data-towns="{TOWNS}"' in html
    assert "towns.js" in html
