"""Whom a correction reached: said to the member tool by tool, and to the officer by tool, without a value."""

import json
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.types import SYSTEM
from consent import selectors as consent
from consent.corrections import selectors
from consent.ledger import holdings
from consent.ledger import services as ledger
from consent.protection import cards
from consent.protection.own_cards import LATE
from consent.protection.types import Urgency
from directory import corrections
from directory.models import ItemChange, RoleGrant
from directory.types import Role
from tests.consent.ledger.leaving import MINUTE, leave
from tests.consent.test_services import go_on
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, browser_of, make_member
from tests.support.cost import counted

pytestmark = pytest.mark.django_db
MINE, DESK = reverse("consent:mine"), reverse("protection:corrections")
SECOND = timedelta(seconds=1)
SURE = corrections.ONE_ENTRY


def changes(member, *items, now=TUESDAY, within=SURE):
    corrections.note([(member.pk, item) for item in items], now=now, within=within)


def told(member, tool):
    return {each.item: each.received_at for each in selectors.by_tool(member.pk).get(tool.pk, [])}


def desk():
    return [(each.tool.slug, dict(each.items), each.since) for each in selectors.undelivered()]


def text_of(response):
    return " ".join(unescape(response.content.decode()).replace("\u00a0", " ").split())


@pytest.mark.gdpr("G9")
def test_a_tool_that_asked_after_the_change_has_the_new_value(member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")
    leave(member, louty, "email", now=WEDNESDAY)

    assert told(member, louty) == {"email": WEDNESDAY}
    assert desk() == []


@pytest.mark.gdpr("G9")
def test_a_tool_that_has_not_asked_since_still_has_the_value_of_before(member, louty, formation):
    leave(member, louty, "email", "name", now=MONDAY)
    leave(member, formation, "name", now=MONDAY)
    changes(member, "email")

    assert told(member, louty) == {"email": None}
    assert told(member, formation) == {}, "it never had it"
    assert desk() == [("louty", {"email": 1}, TUESDAY)]


def test_another_item_that_leaves_after_the_change_delivers_nothing(member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")
    leave(member, louty, "name", now=WEDNESDAY)

    assert told(member, louty) == {"email": None}
    assert desk() == [("louty", {"email": 1}, TUESDAY)]


@pytest.mark.gdpr("G9")
@pytest.mark.parametrize(
    ("moment", "is_delivered"),
    [(-SECOND, False), (0 * SECOND, False), (SURE, False), (SURE + SECOND, True)],
    ids=["before", "at the change", "while nobody can say", "surely after"],
)
def test_on_the_day_of_the_change_the_moment_decides_and_doubt_is_no_delivery(member, louty, moment, is_delivered):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")
    leave(member, louty, "email", now=TUESDAY + moment)

    assert bool(told(member, louty)["email"]) is is_delivered
    assert (desk() == []) is is_delivered


def test_the_last_of_a_day_that_is_counted_is_the_one_that_decides(member, louty):
    leave(member, louty, "email", now=TUESDAY - 5 * MINUTE, times=8)
    changes(member, "email")

    assert told(member, louty) == {"email": TUESDAY + 2 * MINUTE}


def test_the_day_is_that_of_the_cooperative(member, louty):
    """Half past midnight there is still the day before, counted from Greenwich."""
    late = timezone.make_aware(datetime(2026, 11, 18, 0, 30))
    leave(member, louty, "email", now=late)
    changes(member, "email", now=late + MINUTE)
    leave(member, louty, "email", now=late + 10 * MINUTE)

    assert desk() == []


def test_what_a_pass_changed_is_delivered_only_once_the_pass_must_be_over(member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email", within=timedelta(minutes=10))
    leave(member, louty, "email", now=TUESDAY + 9 * MINUTE)

    assert told(member, louty) == {"email": None}


def test_after_another_change_it_has_to_be_delivered_again(member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email", now=MONDAY + MINUTE)
    leave(member, louty, "email", now=TUESDAY)
    changes(member, "email", now=WEDNESDAY)

    assert told(member, louty) == {"email": None}
    assert desk() == [("louty", {"email": 1}, WEDNESDAY)]


def test_each_item_is_compared_with_its_own_change(member, louty):
    leave(member, louty, "email", "name", now=MONDAY)
    changes(member, "name", now=TUESDAY)
    leave(member, louty, "email", "name", now=TUESDAY + 10 * MINUTE)
    changes(member, "email", now=TUESDAY + 20 * MINUTE)

    assert told(member, louty) == {"name": TUESDAY + 10 * MINUTE, "email": None}
    assert desk() == [("louty", {"email": 1}, TUESDAY + 20 * MINUTE)]


def test_what_a_tool_erased_it_does_not_hold_wrongly(member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")

    ledger.confirm_erasure(member_id=member.pk, tool_id=louty.pk, actor=SYSTEM, now=WEDNESDAY)

    assert told(member, louty) == {}
    assert desk() == []


def test_what_is_held_stays_what_the_ledger_makes_of_it(member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")
    leave(member, louty, "email", now=WEDNESDAY)

    assert holdings.differences() == {}
    assert holdings.rebuild(actor=SYSTEM, now=WEDNESDAY) == 0
    assert told(member, louty) == {"email": WEDNESDAY}


def test_the_officer_has_counts_by_tool_the_longest_first(member, other_member, louty, formation):
    for person in (member, other_member):
        leave(person, louty, "email", "name", now=MONDAY)
        changes(person, "email", now=WEDNESDAY)
    leave(member, formation, "name", now=MONDAY)
    changes(member, "name", now=TUESDAY)

    assert desk() == [
        ("formation", {"name": 1}, TUESDAY),
        ("louty", {"email": 2, "name": 1}, TUESDAY),
    ]


def test_who_has_changed_nothing_costs_one_statement_and_nobody_costs_one_each(member, louty):
    people = [make_member(f"membre.{number}", f"Nour {number}") for number in range(20)]
    for person in people:
        # On the day of the change: the dearest of all.
        leave(person, louty, "email", now=TUESDAY - MINUTE)
        changes(person, "email")

    with counted() as nothing:
        selectors.by_tool(member.pk)
    with counted() as one:
        selectors.by_tool(people[0].pk)
    with counted() as all_of_them:
        found = selectors.undelivered()

    assert [dict(each.items) for each in found] == [{"email": 20}]
    assert len(nothing.statements) == 1
    assert len(one.statements) == 3
    assert len(all_of_them.statements) == 4


# On the pages ------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G9")
def test_the_member_reads_which_tool_has_the_value_of_before_and_no_value(member, louty):
    go_on(member, louty)
    leave(member, louty, "email", "name", now=MONDAY)
    changes(member, "email")

    page = text_of(browser_of(member).get(MINE))

    assert "un outil n’a pas encore reçu la nouvelle valeur" in page.partition('id="behind"')[2]
    assert 'href="#outil-louty"' in page
    card = page.partition('id="outil-louty"')[2]
    assert card.count('data-corrected="no"') == 1
    assert "Modifié le 17 novembre 2026 : l’outil n’a pas encore reçu la nouvelle valeur." in card
    assert member.email not in card


def test_the_member_reads_that_a_tool_has_received_it(member, louty):
    go_on(member, louty)
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")
    leave(member, louty, "email", now=WEDNESDAY)

    page = text_of(browser_of(member).get(MINE))

    assert "Modifié le 17 novembre 2026, et reçu depuis par l’outil." in page
    assert 'id="behind"' not in page


def test_nothing_is_said_where_nothing_changed(member, louty):
    leave(member, louty, "email", now=MONDAY)

    page = text_of(browser_of(member).get(MINE))

    assert "data-corrected" not in page
    assert 'id="behind"' not in page


def test_it_is_in_what_the_member_takes(member, louty, formation):
    leave(member, louty, "email", now=MONDAY)
    leave(member, formation, "email", now=WEDNESDAY)
    changes(member, "email")

    taken = json.loads(browser_of(member).get(reverse("consent:download")).getvalue())

    rows = {each["tool"]: each["received_at"] for each in taken["corrections"]}
    assert rows == {"louty": None, "formation": WEDNESDAY.isoformat()}


@pytest.mark.gdpr("G9")
def test_the_officer_reads_tools_items_and_days_and_nobody_is_named(dpo, member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")

    page = text_of(browser_of(dpo).get(DESK))

    row = page.partition('data-tool="louty"')[2].partition("</tr>")[0]
    assert "Adresse e-mail" in row
    assert "de 1 membre" in row
    assert "17/11/2026" in row
    assert member.display_name not in page
    assert str(member.pk) not in page


def test_the_officer_reads_that_nothing_waits(dpo, louty):
    assert "corrections-empty" in text_of(browser_of(dpo).get(DESK))


def test_the_page_is_the_officers(member, other_member):
    RoleGrant.objects.create(member=other_member, role=Role.OFFICE)

    assert browser_of(member).get(DESK).status_code == 403
    assert browser_of(other_member).get(DESK).status_code == 403
    assert Client().get(DESK).status_code == 302


@pytest.mark.gdpr("G9")
@pytest.mark.parametrize(("days", "is_told"), [(LATE.days - 1, False), (LATE.days + 1, True)])
def test_what_waits_for_days_needs_the_officer(member, louty, days, is_told):
    now = WEDNESDAY + timedelta(days=60)
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email", now=now - timedelta(days=days))

    found = {each.code: each for each in cards.by_urgency(now)[Urgency.SOON]}

    assert ("corrections" in found) is is_told
    if is_told:
        assert (found["corrections"].count, found["corrections"].address) == (1, DESK)


def test_a_relation_knows_that_it_is_behind(member, louty):
    leave(member, louty, "email", now=MONDAY)
    changes(member, "email")

    (relation,) = consent.relations(member.pk)

    assert relation.is_behind
    ItemChange.objects.all().delete()
    assert not consent.relations(member.pk)[0].is_behind
