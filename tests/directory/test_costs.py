"""What a pass costs in statements: no more for a hundred thousand people than for sixty."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory.ldap import apply
from directory.ldap.plan import Mirror, Plan, make_plan
from directory.models import Collective, Member, Membership
from directory.services import deciding, synchronise
from directory.types import Mode
from tests.support.slapd import settle

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTES = count()
PEOPLE = "ou=membres,ou=personnes,dc=alizarine,dc=example"


def a_pass(mode: Mode = Mode.PIVOT) -> dict[str, int]:
    return dict(synchronise(now=NOON + timedelta(minutes=next(MINUTES)), mode=mode).counts)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Also what is copied in, which Django's own counting does not see, is at most one for each table."""
    texts: list[str] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        texts.append(sql)
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield texts


def cost(mode: Mode = Mode.PIVOT) -> int:
    with counted() as texts:
        a_pass(mode)
    return len(texts)


def at_rest(server: EmbeddedDirectory) -> None:
    """Two quiet passes: the second takes the place of the first among the runs, as every later one does."""
    settle(server)
    for _ in range(3):
        a_pass()


def newcomers(server: EmbeddedDirectory, count: int) -> None:
    server.modify(
        "\n".join(
            f"dn: uid=nouveau.{number},{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: nouveau.{number}\n"
            f"cn: Nour {number}\nsn: {number}\nmail: nouveau.{number}@alizarine.example\nemployeeType: salarié\n"
            for number in range(count)
        )
    )


def edits(server: EmbeddedDirectory, count: int, trade: str) -> None:
    server.modify(
        "\n".join(
            f"dn: {dn}\nchangetype: modify\nreplace: title\ntitle: {trade}\n"
            for dn in Member.objects.filter(dn__endswith=PEOPLE).order_by("dn").values_list("dn", flat=True)[:count]
        )
    )


@pytest.fixture
def own(small_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    at_rest(small_directory)
    return small_directory


@pytest.mark.parametrize(("mode", "most"), [(Mode.PIVOT, 20), (Mode.DEEP, 22)])
def test_a_pass_over_any_number_of_people_who_have_not_changed_takes_the_same_few_statements(own, mode, most):
    few = cost(mode)
    newcomers(own, 700)
    at_rest(own)

    many = cost(mode)

    assert Member.objects.count() > 700
    assert many == few <= most


def test_one_change_costs_the_same_among_any_number_of_people(own):
    edits(own, 1, "Vannière")
    few = cost()
    newcomers(own, 700)
    at_rest(own)
    edits(own, 1, "Potière")

    assert cost() == few <= 39


def test_changes_cost_by_the_hundreds_and_not_one_by_one(own):
    edits(own, 1, "Vannière")
    a_pass()
    edits(own, 1, "Menuisière")
    one = cost()
    # SQLite takes some twenty-five people's rows in one statement, PostgreSQL two hundred.
    edits(own, 20, "Potière")

    assert cost() == one


def test_newcomers_cost_by_the_hundreds_and_not_one_by_one(own):
    newcomers(own, 700)

    assert cost() <= 40
    assert Member.objects.filter(login__startswith="nouveau.").count() == 700


def test_a_first_reading_writes_its_rows_in_parts(small_directory, monkeypatch):
    monkeypatch.setattr(apply, "ROWS_AT_ONCE", 7)

    counts = a_pass()

    assert Member.objects.exclude(entry_uuid=None).count() == counts["people_joined"] > 50
    assert Event.objects.filter(action=Action.MEMBER_JOINED).count() == counts["people_joined"]
    assert Membership.objects.exclude(collective__entry_uuid=None).count() == counts["memberships_set"] > 50


def test_whoever_stays_in_a_group_is_not_looked_at_when_another_comes_and_one_goes(own, monkeypatch):
    newcomers(own, 300)
    group = Collective.objects.filter(present=True, memberships__direct=True, dn__gt="", nested=None).first()
    names = [f"uid=nouveau.{number},{PEOPLE}" for number in range(300)]
    members = "".join(f"member: {name}\n" for name in names[1:])
    own.modify(f"dn: {group.dn}\nchangetype: modify\nadd: member\n{members}")
    at_rest(own)
    mirrors = []

    def noting(mirror: Mirror, *rest: Any, **how: Any) -> Plan:
        mirrors.append(mirror)
        return make_plan(mirror, *rest, **how)

    monkeypatch.setattr(deciding, "make_plan", noting)
    come, go = f"add: member\nmember: {names[0]}\n", f"delete: member\nmember: {names[1]}\n"
    own.modify(f"dn: {group.dn}\nchangetype: modify\n{come}-\n{go}")
    a_pass()

    # Whoever leads it is looked at in any case.
    assert len(mirrors[0].memberships) <= 1 + len(mirrors[0].leads)
    found = set(Membership.objects.filter(collective=group).values_list("member__dn", flat=True))
    assert found >= {names[0], *names[2:]}
    assert names[1] not in found


def test_a_whole_group_emptied_and_filled_costs_by_the_hundreds(own):
    newcomers(own, 300)
    at_rest(own)
    group = Membership.objects.filter(direct=True, collective__dn__gt="").first().collective.dn
    members = "".join(f"member: uid=nouveau.{number},{PEOPLE}\n" for number in range(300))
    own.modify(f"dn: {group}\nchangetype: modify\nadd: member\n{members}")

    assert cost() <= 48
    assert Membership.objects.filter(collective__dn=group, member__login__startswith="nouveau.").count() == 300
