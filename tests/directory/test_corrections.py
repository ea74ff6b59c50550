"""When what tools can be told of somebody changes, it is noted in the same transaction: items and moments, no value."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from audit.types import SYSTEM
from directory import corrections
from directory.ldap.apply import _note_changes, _People
from directory.ldap.plan import Plan
from directory.models import Collective, ItemChange, Member, Membership
from directory.runs import LONGEST
from directory.services import collectives, erasure, synchronise
from tests.directory.test_one_entry import LATER, MONDAY, NOEMIE, POLE, change
from tests.directory.test_profile import correct
from tests.support.cast import make_member
from tests.support.cost import counted
from tests.support.slapd import settle

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEW = "06 39 98 77 66"


@pytest.fixture
def own(own_directory):
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def noemie(own) -> Member:
    return Member.objects.get(login_key="noemie.ferrand")


@pytest.fixture
def group(noemie) -> Collective:
    return Collective.objects.filter(memberships__member=noemie, memberships__direct=True, dn__gt="")[0]


def noted(member):
    rows = corrections.of_member(member.pk).order_by("item")
    return [(row.item, row.at, row.sure_from - row.at) for row in rows]


def test_a_first_reading_notes_nothing_for_nobody_was_told_of_anybody(own):
    assert Member.objects.count() > 50
    assert not ItemChange.objects.exists()


@pytest.mark.gdpr("G9")
def test_what_a_member_corrects_is_noted_under_the_name_that_tools_know_it_by(noemie):
    correct(noemie, mobile=NEW, town="Sète")

    one = corrections.ONE_ENTRY
    assert noted(noemie) == [("address", LATER, one), ("phone", LATER, one), ("town", LATER, one)]


def test_nothing_is_noted_where_nothing_changed(noemie):
    correct(noemie, mobile=noemie.mobile)

    assert noted(noemie) == []


@pytest.mark.gdpr("G9")
def test_what_a_pass_finds_is_noted_and_is_sure_once_a_pass_must_be_over(own, noemie):
    change(own, NOEMIE, "title", "Enlumineuse")
    settle(own)

    synchronise(now=NOON)

    assert noted(noemie) == [("trade", NOON, LONGEST)]


def test_the_last_change_is_the_one_that_is_kept(own, noemie):
    for hour, trade in enumerate(("Enlumineuse", "Relieuse")):
        change(own, NOEMIE, "title", trade)
        settle(own)
        synchronise(now=NOON + timedelta(hours=hour))

    assert noted(noemie) == [("trade", NOON + timedelta(hours=1), LONGEST)]


def test_a_landline_behind_a_mobile_is_told_to_nobody_and_so_is_no_change(own, noemie):
    assert noemie.mobile
    change(own, NOEMIE, "telephoneNumber", "04 67 00 00 99")
    settle(own)

    synchronise(now=NOON)
    noemie.refresh_from_db()

    assert noemie.phone.endswith("99")
    assert noted(noemie) == []


def test_a_collective_left_is_noted(own, noemie, group):
    leaves(own, group)
    synchronise(now=NOON)

    assert noted(noemie) == [("groups", NOON, LONGEST)]


def test_a_sensitive_collective_left_is_no_news_for_any_tool(own, noemie, group):
    Collective.objects.update(sensitive=True)
    leaves(own, group)
    synchronise(now=NOON)

    assert not Membership.objects.filter(member=noemie, collective=group).exists()
    assert noted(noemie) == []


def leaves(own, group):
    own.modify(f"dn: {group.dn}\nchangetype: modify\ndelete: member\nmember: {NOEMIE}\n")
    settle(own)


def test_a_collective_that_goes_by_another_name_changes_it_for_all_who_are_in_it(own, noemie):
    pole = Collective.objects.get(dn=POLE)
    new = POLE.replace("Pôle Numérique", "Pôle Digital")
    own.modify(f"dn: {POLE}\nchangetype: modrdn\nnewrdn: cn=Pôle Digital\ndeleteoldrdn: 1\n")
    settle(own)
    synchronise(now=NOON)

    inside = Membership.objects.filter(collective=pole).values_list("member", flat=True)
    assert Collective.objects.get(pk=pole.pk).dn == new
    assert set(ItemChange.objects.filter(item="groups").values_list("member", flat=True)) == set(inside)


def test_a_collective_marked_sensitive_is_told_no_more(noemie, group):
    collectives.mark_sensitive(collective_id=group.pk, sensitive=True, actor=SYSTEM, now=NOON)

    assert noted(noemie) == [("groups", NOON, corrections.ONE_ENTRY)]


def test_any_number_of_changes_takes_a_statement_for_hundreds():
    people = [make_member(f"membre.{number}", f"Nour {number}") for number in range(60)]
    changed = [(member.pk, item) for member in people for item in ("email", "phone")]

    with counted() as few:
        corrections.note(changed[:3], now=NOON, within=LONGEST)
    with counted() as many:
        corrections.note(changed, now=NOON, within=LONGEST)
    with counted() as none:
        corrections.note([], now=NOON, within=LONGEST)
        _note_changes(Plan(), _People({}, {}, {}, []), {}, NOON, within=LONGEST)

    assert ItemChange.objects.count() == 120
    assert (len(few), len(many), len(none)) == (1, 1, 0)


def test_with_the_rest_of_somebody_who_is_erased_it_goes(noemie):
    correct(noemie, mobile=NEW)

    erasure._forget(Member.objects.get(pk=noemie.pk), actor=SYSTEM, reason="retention_over", now=NOON)

    assert noted(noemie) == []


@pytest.mark.gdpr("G9")
def test_no_column_of_the_table_could_hold_a_value():
    table = ItemChange._meta.db_table
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
    columns = [each.name for each in described]

    assert sorted(columns) == ["at", "id", "item", "member_id", "sure_from"]
