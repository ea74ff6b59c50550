"""One's own order of tools, and standing by collective."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from audit.models import Event
from audit.types import Action
from consent.own import sources
from directory.models import Collective, Member, Membership
from launcher.models import Arrangement
from launcher.receivers import forget_arrangements
from tests.launcher.test_home import new_tool, page, sections
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def amelie(db) -> Member:
    return make_member("amelie.x", "Amélie X")


@pytest.fixture
def browser(amelie: Member) -> Client:
    sections("files", "learning")
    for slug, section in (("agenda", "files"), ("courriel", "files"), ("nuage", "files"), ("cours", "learning")):
        new_tool(slug, section=section)
    return sign_in(amelie)


def shown(html: str) -> list[str]:
    return re.findall(r'id="outil-(\w+)"', html)


def shelves(html: str) -> list[str]:
    return re.findall(r'id="shelf-([\w-]+)">', html)


def test_a_tool_goes_up_by_its_button_in_its_section(browser: Client) -> None:
    answer = browser.post("/ordre/nuage/deplacer/", {"move": "up"})

    assert answer["Location"] == "/ordre/#outil-nuage"
    assert shown(page(browser)) == ["agenda", "nuage", "courriel", "cours"]
    assert Event.objects.get(action=Action.PAGE_ARRANGED).facts == {"properties": ["order"]}


def test_the_first_goes_no_further_up_and_nothing_is_written(browser: Client) -> None:
    browser.post("/ordre/agenda/deplacer/", {"move": "up"})
    browser.post("/ordre/agenda/deplacer/", {"move": "up"})

    assert shown(page(browser))[0] == "agenda"
    assert Event.objects.filter(action=Action.PAGE_ARRANGED).count() == 1


def test_what_was_dragged_comes_as_a_whole(browser: Client) -> None:
    browser.post("/ordre/", {"order": "nuage,courriel,agenda,cours"})

    assert shown(page(browser)) == ["nuage", "courriel", "agenda", "cours"]


@pytest.mark.parametrize("order", ["", ",,", "inconnu,reserve", "nuage,nuage", "x," * 5000, "\x00,<script>"])
def test_whatever_is_sent_only_ones_own_tools_are_put_in_order(browser: Client, order: str) -> None:
    hidden = new_tool("reserve", everyone=False)

    browser.post("/ordre/", {"order": order})

    assert sorted(shown(page(browser))) == ["agenda", "courriel", "cours", "nuage"]
    assert hidden.pk not in Arrangement.objects.get().order


def test_a_new_tool_comes_after_what_has_a_place(browser: Client) -> None:
    browser.post("/ordre/", {"order": "nuage,courriel,agenda,cours"})
    new_tool("actes", section="files")

    assert shown(page(browser)) == ["nuage", "courriel", "agenda", "actes", "cours"]


def test_the_order_is_ones_own(browser: Client) -> None:
    browser.post("/ordre/", {"order": "nuage,courriel,agenda,cours"})

    other = sign_in(make_member("zoe.x", "Zoé X"))

    assert shown(page(other)) == ["agenda", "courriel", "nuage", "cours"]


def test_the_cooperatives_order_comes_back(browser: Client) -> None:
    browser.post("/ordre/", {"order": "nuage,courriel,agenda,cours"})
    assert 'id="order-reset"' in page(browser, "/ordre/")

    browser.post("/ordre/initial/")

    assert shown(page(browser)) == ["agenda", "courriel", "nuage", "cours"]
    assert 'id="order-reset"' not in page(browser, "/ordre/")


def test_tools_stand_by_the_collective_that_opens_them(browser: Client, amelie: Member) -> None:
    for name in ("Reliure", "Études"):
        crowd = Collective.objects.create(entry_uuid=uuid4(), name=name, slug=name.lower().replace("é", "e"))
        Membership.objects.create(collective=crowd, member=amelie)
        new_tool(f"outil{crowd.slug}", everyone=False).collectives.add(crowd)

    browser.post("/ordre/vue/", {"by": "collective"})

    html = page(browser)
    assert shelves(html) == ["other", "collectif-etudes", "collectif-reliure"]
    assert shown(html)[-2:] == ["outiletudes", "outilreliure"]
    browser.post("/ordre/vue/", {"by": "section"})
    assert shelves(page(browser)) == ["files", "learning", "other"]


def test_it_is_taken_with_ones_data_and_goes_with_the_member(browser: Client, amelie: Member) -> None:
    browser.post("/ordre/", {"order": "nuage,agenda"})
    section = next(each for each in sources.sections() if each.name == "own_order")

    (row,) = section.rows(amelie.pk)
    forget_arrangements(member_ids=[amelie.pk])

    assert row.data == {"order": ["nuage", "agenda"], "by_collective": False, "one_key": True}
    assert not Arrangement.objects.exists()


def test_a_tool_one_may_not_enter_has_no_place(browser: Client) -> None:
    new_tool("reserve", everyone=False)

    assert browser.post("/ordre/reserve/deplacer/", {"move": "up"}).status_code == 404
    assert not Arrangement.objects.exists()


def test_keys_that_act_by_themselves_are_switched_off_and_on_again(browser: Client, amelie: Member) -> None:
    """WCAG 2.1.4, RGAA 12.10."""
    assert "data-one-key" in page(browser)

    browser.post("/ordre/touches/", {"one_key": "off"})
    browser.post("/ordre/touches/", {"one_key": "off"})

    assert "data-one-key" not in page(browser)
    assert "<kbd hidden" not in page(browser)
    assert Event.objects.get(action=Action.PAGE_ARRANGED).facts == {"properties": ["one_key"]}
    assert "Remettre ces touches en service" in browser.get("/ordre/").content.decode()
    browser.post("/ordre/touches/", {"one_key": "on"})
    assert "data-one-key" in page(browser)
    assert Event.objects.filter(action=Action.PAGE_ARRANGED).about(amelie.pk).count() == 2
