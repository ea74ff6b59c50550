"""Who looked at what: by whoever looked, beside what is usual for them, and by whoever was looked at."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from audit import keyring
from audit.models import Event, PersonKey
from audit.reading.lookups import HANDFUL
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from tests.support.cast import browser_of, make_member, reader_of

pytestmark = pytest.mark.django_db
LOOKUPS = reverse("audit:lookups")


@pytest.fixture
def karim(db):
    return make_member("karim.benali", "Karim Benali")


@pytest.fixture
def looked(karim, dpo, member, other_member):
    """Of two people of the office and the officer, over a month."""
    Event.objects.all()._raw_delete("default")
    now = timezone.now()
    look = Action.MEMBER_CONSULTED
    record(
        Entry(look, Actor(karim.pk), member.pk, at=now - timedelta(days=1)),
        Entry(look, Actor(karim.pk), member.pk, at=now - timedelta(days=2)),
        Entry(look, Actor(karim.pk), other_member.pk, at=now - timedelta(days=20)),
        Entry(Action.MEMBERS_SEARCHED, Actor(karim.pk), facts={"results": 3}, at=now - timedelta(days=1)),
        Entry(
            Action.JOURNAL_READ,
            Actor(dpo.pk),
            member.pk,
            facts={"purpose": "member_request", "export": "csv"},
            at=now - timedelta(hours=2),
        ),
        Entry(
            Action.PERSON_REVEALED,
            Actor(dpo.pk),
            member.pk,
            facts={"purpose": "member_request"},
            at=now - timedelta(hours=2),
        ),
        # What is no look at somebody else.
        Entry(look, Actor(member.pk), member.pk, at=now),
        Entry(Action.SIGN_IN, Actor(karim.pk), karim.pk, at=now),
        Entry(look, Actor(karim.pk), member.pk, at=now - timedelta(days=300)),
    )


def page_of(browser, **criteria):
    response = browser.get(LOOKUPS, criteria)
    return unescape(response.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


def table_of(page, name):
    """What its cells say."""
    table = page[page.index(f'id="{name}"') :].split("</table>")[0]
    rows = re.findall(r'<tr role="row"(?: data-unusual)?>(.*?)</tr>', table.split("<tbody")[1], re.S)
    return [
        [" ".join(re.sub("<[^>]+>", " ", cell).split()) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
        for row in rows
    ]


def test_others_do_not_see_it_and_the_officer_says_why_first(dpo, member):
    assert browser_of(member).get(LOOKUPS).status_code == 403
    assert Event.objects.get(action=Action.ACCESS_REFUSED).facts == {"page": "audit:lookups"}
    assert browser_of(dpo).get(LOOKUPS)["Location"].startswith(reverse("audit:purpose"))


def test_looks_are_counted_by_who_looked_and_by_who_was_looked_at(dpo, karim, member, other_member, looked):
    browser = reader_of(dpo)
    for person in (karim, member, other_member):
        browser.post(reverse("audit:search"), {"member": str(person.pk)})
    # What the officer did just now is of today, and not what this is about.
    Event.objects.filter(at__gt=timezone.now() - timedelta(hours=1)).exclude(
        action__in=[Action.PERSON_REVEALED, Action.READING_OPENED]
    )._raw_delete("default")

    page = page_of(browser)
    lookers, subjects = table_of(page, "lookers"), table_of(page, "subjects")

    assert ["Karim Benali", "4", "2", "3 fiches 1 recherche", "3", "0"] in lookers
    assert lookers[0][0] == "Solène Garrigue"
    assert lookers[0][3] == "1 lecture 4 noms 1 export"
    assert {row[0]: row[1:3] for row in subjects} == {
        "Amélie Roux": ["5", "2"],
        "Bachir Haddad": ["2", "2"],
        "Karim Benali": ["1", "1"],
    }


def test_who_looked_at_whom_is_said_with_why(dpo, karim, member, looked):
    browser = reader_of(dpo)
    browser.post(reverse("audit:search"), {"member": "karim"})
    browser.post(reverse("audit:search"), {"member": "amelie.roux"})

    pairs = [row[:5] for row in table_of(page_of(browser), "pairs")]

    assert ["Solène Garrigue", "Amélie Roux", "Journal consulté", "Demande d’un membre", "1"] in pairs
    assert ["Karim Benali", "Amélie Roux", "Fiche d’un membre consultée", "–", "2"] in pairs


def test_people_have_pseudonyms_here_too(dpo, karim, member, other_member, looked):
    page = page_of(reader_of(dpo))

    for person in (karim, member, other_member):
        for personal in (person.display_name, person.login, str(person.pk)):
            assert personal not in page
    assert "Solène Garrigue" in page


def test_the_period_is_of_the_readers_choice(dpo, karim, looked):
    browser = reader_of(dpo)
    browser.post(reverse("audit:search"), {"member": "karim"})

    counts = {
        period: next(row[1] for row in table_of(page_of(browser, period=period), "lookers") if row[0] == "Karim Benali")
        for period in ("week", "month", "half")
    }

    assert counts == {"week": "3", "month": "4", "half": "4"}


def test_a_period_that_there_is_not_is_said(dpo, looked):
    response = reader_of(dpo).get(LOOKUPS, {"period": "century"})

    assert response.status_code == 400
    assert 'id="id_period_error"' in response.content.decode()
    assert "lookers" not in response.content.decode().replace("lookups", "")


@pytest.mark.parametrize(("this_week", "marked"), [(8, False), (9, False), (10, True)])
def test_more_than_twice_the_usual_is_marked(dpo, karim, member, this_week, marked):
    """Of twelve weeks the middle ones had four."""
    now = timezone.now()
    assert HANDFUL == 5
    for week, looks in enumerate([this_week, 0, 0, 0, 4, 4, 4, 4, 4, 4, 9, 9, 90]):
        at = now - timedelta(days=7 * week + 3)
        record_all([Entry(Action.MEMBER_CONSULTED, Actor(karim.pk), member.pk, at=at)] * looks)
    browser = reader_of(dpo)
    browser.post(reverse("audit:search"), {"member": "karim"})

    page = page_of(browser)

    (row,) = [row for row in table_of(page, "lookers") if row[0] == "Karim Benali"]
    assert row[4:] == [f"{this_week} inhabituel" if marked else str(this_week), "4"]


@pytest.mark.parametrize(
    ("begun", "usual", "marked", "said"),
    [
        (0, "–", False, "Pas encore d’ordinaire"),
        (12, "–", False, "Pas encore d’ordinaire"),
        (13, "0", True, "celui de la semaine d’avant"),
        (20, "0", True, "la médiane des 2 semaines d’avant"),
    ],
)
def test_nothing_is_unusual_before_there_is_a_week_to_compare_with(dpo, karim, member, begun, usual, marked, said):
    now = timezone.now()
    Event.objects.all()._raw_delete("default")
    record_all([Entry(Action.SYNC_APPLIED, at=now - timedelta(days=begun))])
    record_all([Entry(Action.MEMBER_CONSULTED, Actor(karim.pk), member.pk, at=now)] * 10)
    browser = reader_of(dpo)
    browser.post(reverse("audit:search"), {"member": "karim"})

    page = page_of(browser)

    (row,) = [row for row in table_of(page, "lookers") if row[0] == "Karim Benali"]
    assert row[4:] == ["10 inhabituel" if marked else "10", usual]
    assert said in page


def test_whoever_was_erased_is_counted_and_is_nobody(dpo, karim, member, looked):
    PersonKey.objects.filter(person=karim.pk).delete()
    keyring.forget()

    assert "une personne effacée" in [row[0] for row in table_of(page_of(reader_of(dpo)), "lookers")]


@pytest.mark.gdpr("G34")
def test_looking_at_looks_is_on_the_record(dpo):
    browser = reader_of(dpo)
    page = page_of(browser)

    facts = Event.objects.get(action=Action.JOURNAL_READ).facts
    assert (facts["view"], facts["purpose"]) == ("lookups", "internal_control")
    assert table_of(page, "lookers")[0][:2] == ["Solène Garrigue", "1"]
    assert 'id="subjects"' not in page


def test_the_page_takes_few_statements_however_many_looked(dpo, karim, looked, django_assert_max_num_queries):
    people = [make_member(f"p{n}", f"Personne {n}") for n in range(20)]
    record_all([Entry(Action.MEMBER_CONSULTED, Actor(karim.pk), each.pk) for each in people])
    browser = reader_of(dpo)
    address = f"{reverse('audit:reveal_all')}?since=2020-01-01"
    shown = browser.post(address).context["shown"]
    assert browser.post(address, {"ground": "investigate", "shown": shown}).status_code == 302

    # Session, person, roles; this reading's line with its parts in a savepoint; those who looked, twice, those who were
    # looked at, who at whom, the names that were asked for and their rows; since when there is a journal.
    with django_assert_max_num_queries(16):
        browser.get(LOOKUPS)
