"""The statement of accessibility: public, and as honest as the grid it is made from."""

from collections import Counter

from django.test import Client
from django.urls import reverse

from hub import rgaa
from hub.rgaa import CRITERIA, Found

# RGAA 4.1.2: how many criteria each of the thirteen themes has.
OF_THEMES = (9, 2, 3, 13, 8, 2, 5, 10, 4, 14, 13, 11, 12)


def test_every_criterion_is_answered_once() -> None:
    counted = Counter(each.theme for each in CRITERIA)

    assert tuple(counted[theme] for theme in range(1, 14)) == OF_THEMES
    assert [each.number for each in CRITERIA] == [
        f"{theme}.{number}" for theme, most in enumerate(OF_THEMES, 1) for number in range(1, most + 1)
    ]
    assert all(each.how for each in CRITERIA)


def test_what_is_missing_is_told_to_everybody_in_their_words(db) -> None:
    html = Client().get(reverse("accessibility")).content.decode()

    assert rgaa.missing()
    for each in rgaa.missing():
        assert str(each.shown).partition("«")[0].strip() in html
        assert f"(critère {each.number})" in html
    assert f"{rgaa.share()} %" in html


def test_only_what_is_missing_has_words_for_members() -> None:
    assert {each.number for each in CRITERIA if each.shown} == {each.number for each in rgaa.missing()}
    assert rgaa.share() < 100
    assert sum(rgaa.count(found) for found in Found) == 106


def test_every_page_leads_to_it(db) -> None:
    assert f'href="{reverse("accessibility")}"' in Client().get("/compte/connexion/").content.decode()
