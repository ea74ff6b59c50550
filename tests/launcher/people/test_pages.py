"""The trombinoscope: who is found by whom, what the pages hold, and how much of it anybody sees in a day."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from directory.models import Collective, Member, Membership
from directory.people import search
from directory.people.cards import reader
from directory.people.index import Wanted
from directory.services.showing import Page, show
from directory.signals import members_erased
from directory.types import Audience, Hold, Shown
from launcher.models import CardLook, PeopleDay
from launcher.people import services
from tests.support.cast import make_member

pytestmark = pytest.mark.django_db
PEOPLE = reverse("launcher:people")
# Words that occur nowhere else, each shown by one item.
SECRETS = {
    Shown.TRADE: "Relieuse",
    Shown.BUSINESS: "Canaribus",
    Shown.SKILLS: "vannerie",
    Shown.PRESENTATION: "hurluberlu",
    Shown.PLACE: "Lodève",
}


@pytest.fixture
def amelie(member) -> Member:
    member.business_name = "Canaribus"
    member.save()
    return member


@pytest.fixture
def browser(other_member) -> Client:
    client = Client()
    client.force_login(other_member)
    return client


def opens(person: Member, *, is_listed=True, **audiences):
    page = Page(is_listed, ("vannerie",), "Je suis hurluberlu.", ("https://canari.example",), "34142", audiences)
    show(member_id=person.pk, page=page, actor=Actor(member=person.pk), now=timezone.now())


def shown(browser, **asked) -> str:
    return browser.get(PEOPLE, asked).content.decode()


def test_a_name_finds_its_person_as_faces_as_a_list_and_with_a_slip(browser, amelie):
    for asked in ({"q": "amelie"}, {"q": "Ameile roux"}, {"q": "roux", "vue": "liste"}):
        page = shown(browser, **asked)
        assert "Amélie Roux" in page
        assert "1 membre" in page


@pytest.mark.parametrize("item", SECRETS)
def test_a_hidden_item_is_neither_shown_nor_found(browser, amelie, item):
    opens(amelie, **{each: Audience.EVERYBODY for each in SECRETS if each != item})

    for view in ("visages", "liste", "carte"):
        assert SECRETS[item] not in shown(browser, vue=view).replace("34700 Lodève", "")
        assert "Amélie Roux" not in shown(browser, q=SECRETS[item], vue=view)
    card = browser.get(reverse("launcher:card", args=[amelie.pk])).content.decode()
    assert SECRETS[item] not in card


@pytest.mark.parametrize("item", SECRETS)
def test_an_open_item_finds_its_person_and_is_closed_at_once(browser, amelie, item):
    opens(amelie, **{item: Audience.EVERYBODY})
    assert "Amélie Roux" in shown(browser, q=SECRETS[item])

    opens(amelie)

    assert "Amélie Roux" not in shown(browser, q=SECRETS[item])


def test_an_item_for_collectives_finds_for_them_alone(browser, amelie, other_member):
    opens(amelie, trade=Audience.COLLECTIVES)
    assert "Amélie Roux" not in shown(browser, q="relieuse")

    wood = Collective.objects.create(slug="bois", name="Pôle bois")
    for each in (amelie, other_member):
        Membership.objects.create(member=each, collective=wood)

    assert "Amélie Roux" in shown(browser, q="relieuse")


@pytest.mark.parametrize(
    "asked",
    [
        {"pres": "Lodève", "km": "20"},
        {"q": "à moins de 20 km de Lodève"},
        {"q": "vannerie à moins de 50 km de Clermont-l'Hérault"},
        {"pres": "34800"},
        {"departement": "34"},
        {"q": "34700"},
        {"q": "hérault"},
    ],
)
def test_a_person_is_found_near_a_place(browser, amelie, asked):
    show(
        member_id=amelie.pk,
        page=Page(True, ("vannerie",), "", (), "34142", {"place": "everybody", "skills": "everybody"}),
        actor=Actor(member=amelie.pk),
        now=timezone.now(),
    )

    assert "Amélie Roux" in shown(browser, **asked)
    assert "Amélie Roux" not in shown(browser, **(asked | {"q": asked.get("q", "") + " xylophone"}))


def test_whoever_shows_only_a_department_is_within_no_distance(browser, amelie):
    show(
        member_id=amelie.pk,
        page=Page(place="34", audiences={"place": "everybody"}),
        actor=Actor(member=amelie.pk),
        now=timezone.now(),
    )

    assert "Amélie Roux" in shown(browser, departement="34")
    assert "Amélie Roux" not in shown(browser, pres="Lodève", km="100")


def test_a_town_that_is_none_is_said(browser):
    answer = browser.get(PEOPLE, {"pres": "Atlantide"})

    assert answer.status_code == 422
    assert "Cette commune n’est pas connue." in answer.content.decode()


def test_a_sensitive_collective_is_offered_and_finds_for_its_members_alone(browser, amelie, other_member):
    secret = Collective.objects.create(slug="sante", name="Entraide santé", sensitive=True)
    Membership.objects.create(member=amelie, collective=secret)

    assert "Entraide santé" not in shown(browser)
    assert browser.get(PEOPLE, {"collectif": "sante"}).status_code == 422
    assert "Amélie Roux" not in shown(browser, q="entraide")
    Membership.objects.create(member=other_member, collective=secret)
    assert "Amélie Roux" in shown(browser, collectif="sante")


@pytest.mark.parametrize("how", ["unlisted", "suspended", "unknown"])
def test_a_card_that_is_not_to_be_seen_is_not_there(browser, amelie, how):
    if how == "unlisted":
        opens(amelie, is_listed=False)
    if how == "suspended":
        Member.objects.filter(pk=amelie.pk).update(hold=Hold.SUSPENDED, updated_at=timezone.now())
    pk = "0" * 8 + "-0000-0000-0000-" + "0" * 12 if how == "unknown" else amelie.pk

    assert browser.get(reverse("launcher:card", args=[pk])).status_code == 404
    if how != "unknown":
        assert "Amélie Roux" not in shown(browser)
    assert not Event.objects.filter(action=Action.CARD_OPENED).exists()


def test_the_map_counts_those_who_show_their_place_and_says_how_many_do_not(browser, amelie):
    show(
        member_id=amelie.pk,
        page=Page(place="34142", audiences={"place": "everybody"}),
        actor=Actor(member=amelie.pk),
        now=timezone.now(),
    )

    france, herault = shown(browser, vue="carte"), shown(browser, vue="carte", departement="34")

    assert "Hérault : 1 membre" in france
    assert "1 personne ne montre pas de lieu" in france
    assert "Lodève (34) : 1 membre" in herault
    assert "IGN, ADMIN EXPRESS" in france
    assert not any(sign in france for sign in ("<script>", "style=", "https://tile", 'src="http'))


def test_around_a_place_each_says_how_far_they_are_and_the_nearest_come_first(browser, amelie):
    for member, place in ((amelie, "34079"), (make_member("zoe.x", "Zoé X"), "34142")):
        page = Page(place=place, audiences={"place": "everybody"})
        show(member_id=member.pk, page=page, actor=Actor(member=member.pk), now=timezone.now())

    for view in ("visages", "liste"):
        page = shown(browser, vue=view, pres="Lodève", km="20")

        assert page.index("Zoé X") < page.index("Amélie Roux")
        assert re.search(r"rault \(34\) · 1[3-7]\skm", page)
        assert not re.search(r"Lodève \(34\) · ", page)


def test_around_a_place_the_map_shows_the_communes_within_reach_and_leads_no_further_than_there(browser, amelie):
    show(
        member_id=amelie.pk,
        page=Page(place="34142", audiences={"place": "everybody"}),
        actor=Actor(member=amelie.pk),
        now=timezone.now(),
    )

    near, far = (
        shown(browser, vue="carte", pres="Lodève", km="20"),
        shown(browser, vue="carte", pres="Lodève", km="100"),
    )

    for page in (near, far):
        assert "Lodève (34) : 1 membre" in page
        assert "map__reach" in page
        assert "departement=34" not in page
    assert near.count("map__area") < far.count("map__area") < 40


def test_nobody_near_a_place_is_said_in_words(browser, amelie):
    page = shown(browser, pres="Lodève", q="relieuse")

    assert "Aucun membre à moins de 20 km de Lodève (34)" in " ".join(page.split())


def test_the_list_shows_what_somebody_can_do_to_whom_they_show_it(browser, amelie):
    opens(amelie, skills="everybody")
    assert '<td data-label="Savoir-faire">vannerie</td>' in shown(browser, q="vannerie", vue="liste")

    opens(amelie, trade="everybody")
    assert "vannerie" not in shown(browser, q="amelie", vue="liste")


def test_a_card_leads_to_the_collectives_it_names(browser, amelie):
    group = Collective.objects.create(entry_uuid=uuid4(), name="Pôle bois", slug="bois")
    Membership.objects.create(collective=group, member=amelie)

    page = browser.get(reverse("launcher:card", args=[amelie.pk])).content.decode()

    assert f'<a href="{reverse("collectives:one", args=["bois"])}">Pôle bois</a>' in page


def test_pages_hold_two_dozen_and_one_address_leads_back_to_all_of_it(browser, db):
    for number in range(30):
        make_member(f"personne.{number:02}", f"Personne Numéro{number:02}")

    first = browser.get(PEOPLE, {"q": "personne", "vue": "liste"})
    second = browser.get(PEOPLE, {"q": "personne", "vue": "liste", "page": "2"})

    assert len(first.context["cards"]) == 24
    assert len(second.context["cards"]) == 6
    assert "?q=personne&amp;vue=liste&amp;page=2" in first.content.decode()
    assert "?q=personne&amp;vue=carte" in first.content.decode()


@pytest.mark.gdpr("G1")
def test_a_card_that_is_opened_is_told_to_its_holder_once_a_day_and_names_nobody(browser, amelie, other_member):
    for _ in range(3):
        browser.get(reverse("launcher:card", args=[amelie.pk]))

    event = Event.objects.get(action=Action.CARD_OPENED)
    theirs = Client()
    theirs.force_login(amelie)
    activity = theirs.get(reverse("consent:activity"), {"kind": "regards"}).content.decode()
    assert event.subject_id == amelie.pk
    assert "Un membre ouvre votre fiche du trombinoscope." in activity
    assert "Bachir" not in activity
    assert "Fiche ouverte 1 fois" in theirs.get(reverse("launcher:my_page")).content.decode()


def test_ones_own_card_is_no_look(browser, other_member):
    assert browser.get(reverse("launcher:card", args=[other_member.pk])).status_code == 200
    assert not CardLook.objects.exists()


def test_pages_are_one_line_for_fifty_and_stop_at_the_days_end(browser, other_member, monkeypatch):
    monkeypatch.setattr(services, "PAGES_A_DAY", 4)
    monkeypatch.setattr(services, "PAGES_A_LINE", 3)

    statuses = [browser.get(PEOPLE).status_code for _ in range(5)]

    lines = Event.objects.filter(action=Action.PEOPLE_SEARCHED).order_by("pk")
    assert statuses == [200] * 4 + [429]
    assert [line.told.get("pages") for line in lines.filter(refused=False)] == [1, 4]
    assert lines.get(refused=True).reason == "too_many_pages"
    assert services.note_page(reader=other_member.pk, now=timezone.now() + timedelta(days=1))


def test_cards_stop_at_the_days_end_and_those_already_open_stay_so(browser, amelie, db, monkeypatch):
    monkeypatch.setattr(services, "CARDS_A_DAY", 1)
    another = make_member("chloe.lefevre", "Chloé Lefèvre")

    first, second, again = (browser.get(reverse("launcher:card", args=[each.pk])) for each in (amelie, another, amelie))

    assert (first.status_code, second.status_code, again.status_code) == (200, 429, 200)
    assert "Chloé" not in second.content.decode()
    assert int(second["Retry-After"]) > 0
    refused = Event.objects.get(action=Action.CARD_OPENED, refused=True)
    assert refused.reason == "too_many_cards"


def test_counts_go_after_thirty_days(other_member, amelie):
    now = timezone.now()
    services.note_page(reader=other_member.pk, now=now - timedelta(days=40))
    services.note_card(reader=other_member.pk, member_id=amelie.pk, now=now - timedelta(days=40))

    services.note_page(reader=other_member.pk, now=now)

    assert PeopleDay.objects.count() == 1
    assert not CardLook.objects.exists()


def test_a_search_costs_as_many_statements_however_many_there_are(browser, other_member, django_assert_max_num_queries):
    who = reader(other_member)
    for number in range(40):
        person = make_member(f"personne.{number:02}", f"Personne Numéro{number:02}")
        opens(person, trade=Audience.EVERYBODY)
    search.find(Wanted("x"), who)

    with django_assert_max_num_queries(4):
        assert len(search.find(Wanted("personne"), who).ids) == 40
    shown(browser)
    with django_assert_max_num_queries(24):
        shown(browser, q="personne")


def test_what_changes_between_two_questions_is_in_the_second(other_member, amelie):
    who = reader(other_member)
    assert search.find(Wanted("melanie"), who).ids == []

    Member.objects.filter(pk=amelie.pk).update(
        display_name="Mélanie Roux", given_name="Mélanie", updated_at=timezone.now()
    )
    assert search.find(Wanted("melanie"), who).ids == [amelie.pk]
    wood = Collective.objects.create(slug="bois", name="Charpentiers réunis")
    Membership.objects.create(member=amelie, collective=wood)
    assert search.find(Wanted("charpentiers"), who).ids == [amelie.pk]
    Membership.objects.all().delete()
    assert search.find(Wanted("charpentiers"), who).ids == []
    amelie.delete()
    assert search.find(Wanted("melanie"), who).ids == []


def test_whoever_comes_or_goes_is_found_or_not_without_an_index_made_anew(other_member, amelie, monkeypatch):
    who = reader(other_member)
    wood = Collective.objects.create(slug="bois", name="Charpentiers réunis")
    left = make_member("anselme.noir", "Anselme Noir")
    theirs = Membership.objects.create(member=left, collective=wood)
    everybody = search.find(Wanted(""), who).ids
    monkeypatch.setattr(search, "Index", None)

    Membership.objects.create(member=amelie, collective=wood)
    assert search.find(Wanted("charpentiers"), who).ids == [amelie.pk, left.pk]
    theirs.delete()
    assert search.find(Wanted("charpentiers"), who).ids == [amelie.pk]
    come = make_member("ludivine.blanc", "Ludivine Blanc")
    opens(come, skills=Audience.EVERYBODY)
    assert search.find(Wanted("vannerie"), who).ids == [come.pk]
    Member.objects.filter(pk=left.pk).delete()
    opens(amelie, is_listed=False)
    assert set(search.find(Wanted(""), who).ids) == {*everybody, come.pk} - {amelie.pk, left.pk}


def test_looks_go_with_whoever_looked_and_whoever_was_looked_at(other_member, amelie):
    now = timezone.now()
    third = make_member("chloe.lefevre", "Chloé Lefèvre")
    services.note_page(reader=other_member.pk, now=now)
    services.note_card(reader=other_member.pk, member_id=amelie.pk, now=now)
    services.note_card(reader=third.pk, member_id=amelie.pk, now=now)
    services.note_card(reader=third.pk, member_id=other_member.pk, now=now)

    members_erased.send(sender=Member, member_ids=[other_member.pk], named=(), now=now)

    assert [(each.reader_id, each.member_id) for each in CardLook.objects.all()] == [(third.pk, amelie.pk)]
    assert not PeopleDay.objects.exists()


@pytest.mark.parametrize(
    ("asked", "is_open"),
    [
        ({}, False),
        ({"q": "roux"}, False),
        ({"pres": "Lodève"}, True),
        ({"pres": "zzzz"}, True),
        ({"collectif": "x"}, True),
    ],
)
def test_criteria_are_folded_until_one_of_them_is_used_or_wrong(browser, amelie, asked, is_open):
    page = shown(browser, **asked)

    assert ('<details class="folding" open>' in page) is is_open
    assert '<details class="folding' in page
