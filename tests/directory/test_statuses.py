"""Where people stand in the cooperative: read from the directory's words, kept with dates, opening tools."""

from datetime import timedelta

import pytest

from audit.models import Event
from audit.types import SYSTEM, Action
from directory import selectors, services
from directory.models import Collective, Member, Membership, StatusPeriod
from directory.services import statuses, synchronise
from directory.statuses import status_of
from directory.types import Hold, Kind, MemberState, Status, SuspensionReason
from idp import access, claims
from tests.support.cast import MONDAY, TUESDAY, make_member, make_tool


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("entrepreneur salarié", Status.EMPLOYEE),
        ("Entrepreneure  SALARIÉE", Status.EMPLOYEE),
        ("entrepreneur\u00adsalarié", Status.UNKNOWN),
        ("associé", Status.ASSOCIATE),
        ("Associée", Status.ASSOCIATE),
        ("entrepreneure salariée associée", Status.ASSOCIATE),
        ("structure", Status.STAFF),
        ("permanente", Status.STAFF),
        ("CAPE", Status.CAPE),
        ("Contrat d’appui", Status.CAPE),
        ("candidat", Status.CANDIDATE),
        ("candidat·e", Status.CANDIDATE),
        ("", Status.UNKNOWN),
        ("jardinier", Status.UNKNOWN),
    ],
)
def test_a_status_is_read_from_the_directorys_words(said, status):
    assert status_of(said, is_gone=False) == status
    assert status_of(said, is_gone=True) == Status.LEAVER


def stand(member: Member, said: str) -> None:
    Member.objects.filter(pk=member.pk).update(employee_type=said)


@pytest.mark.django_db
def test_a_status_has_a_history_with_days_and_a_line_for_each_change(member):
    stand(member, "candidate")
    statuses.settle(now=MONDAY)
    stand(member, "CAPE")
    statuses.settle(now=TUESDAY)

    member.refresh_from_db()
    path = [(period.status, period.since, period.until) for period in selectors.path_of(member)]
    assert member.status == Status.CAPE
    assert path == [(Status.CANDIDATE, MONDAY.date(), TUESDAY.date()), (Status.CAPE, TUESDAY.date(), None)]
    line = Event.objects.get(action=Action.STATUS_CHANGED)
    assert (line.subject_id, line.facts) == (member.pk, {"status": "cape", "former_status": "candidate"})


@pytest.mark.django_db
def test_a_status_that_was_a_slip_of_the_pen_for_a_day_leaves_no_stretch(member):
    stand(member, "associé")
    statuses.settle(now=MONDAY)
    stand(member, "CAPE")
    statuses.settle(now=MONDAY + timedelta(hours=1))

    assert list(StatusPeriod.objects.values_list("status", "until")) == [(Status.CAPE, None)]


@pytest.mark.django_db
def test_a_tool_opens_to_a_status_as_to_a_pole(member, other_member):
    stand(member, "CAPE")
    stand(other_member, "associé")
    statuses.settle(now=MONDAY)
    tool = make_tool("accueil", "Accueil", everyone=False)
    tool.collectives.add(Collective.objects.get(status=Status.CAPE))

    opened = [access.may_enter(each, tool) for each in (member, other_member)]
    stand(member, "entrepreneure salariée")
    statuses.settle(now=TUESDAY)

    assert opened == [True, False]
    assert not access.may_enter(Member.objects.get(pk=member.pk), tool)
    assert Membership.objects.filter(member=member).count() == 1


@pytest.mark.django_db
def test_a_status_leaves_by_no_list_of_groups(member):
    stand(member, "associé")
    statuses.settle(now=MONDAY)

    assert claims.values(member, ["groups"]) == {"groups": {"groups": []}}


@pytest.mark.django_db
def test_nothing_is_written_where_nothing_changed(member, other_member, django_assert_num_queries):
    stand(member, "associé")
    statuses.settle(now=MONDAY)

    with django_assert_num_queries(2):
        assert statuses.settle(now=TUESDAY) == 0


@pytest.mark.django_db
def test_the_first_pass_over_many_takes_few_statements(django_assert_max_num_queries):
    words = ("CAPE", "associé", "structure", "entrepreneur salarié", "candidat", "")
    for number in range(60):
        make_member(f"m{number}", f"M {number}", employee_type=words[number % len(words)])

    with django_assert_max_num_queries(40):
        assert statuses.settle(now=MONDAY) == 50


@pytest.mark.django_db
@pytest.mark.parametrize("many", [3, 10_000])
def test_so_many_that_everybody_is_read_come_to_the_same(member, other_member, monkeypatch, many):
    monkeypatch.setattr(statuses, "MANY", many)
    words = ("CAPE", "associé", "structure", "")
    few = [make_member(f"m{number}", f"M {number}", employee_type=words[number % len(words)]).pk for number in range(8)]
    stand(other_member, "associé")

    assert statuses.settle(now=MONDAY, only=few) == 6
    Member.objects.filter(pk__in=few[:4]).update(employee_type="candidat")
    assert statuses.settle(now=TUESDAY, only=few) == 4

    held = Membership.objects.filter(member__in=few).values_list("collective__status", flat=True)
    assert sorted(held) == sorted([Status.CANDIDATE] * 4 + [Status.CAPE, Status.ASSOCIATE, Status.STAFF])
    assert Member.objects.get(pk=other_member.pk).status == Status.UNKNOWN


@pytest.mark.django_db
def test_a_suspended_member_keeps_their_status_and_whoever_left_has_another(member):
    stand(member, "associé")
    statuses.settle(now=MONDAY)
    services.suspend(member_id=member.pk, reason=SuspensionReason.ABSENCE, actor=SYSTEM, now=MONDAY)
    statuses.settle(now=MONDAY)
    suspended = Member.objects.get(pk=member.pk).status

    Member.objects.filter(pk=member.pk).update(state=MemberState.LEFT, hold=Hold.NONE)
    statuses.settle(now=TUESDAY)

    assert suspended == Status.ASSOCIATE
    assert Member.objects.get(pk=member.pk).status == Status.LEAVER
    assert not Membership.objects.filter(member=member).exists()


@pytest.mark.django_db
def test_an_address_that_a_group_of_the_directory_has_is_left_to_it(member):
    Collective.objects.create(entry_uuid=member.entry_uuid, name="Statut CAPE", slug="statut-cape")
    stand(member, "CAPE")

    statuses.settle(now=MONDAY)

    assert Collective.objects.get(status=Status.CAPE).slug == "statut-cape-2"


@pytest.mark.django_db
def test_a_pass_keeps_statuses_in_step_and_touches_nothing_of_them_the_next_time(own_directory):
    synchronise(now=MONDAY)
    standing = dict.fromkeys(Member.objects.active().values_list("status", flat=True))
    rows = list(Membership.objects.filter(collective__kind=Kind.STATUS).order_by("pk").values())
    periods = StatusPeriod.objects.count()
    synchronise(now=TUESDAY)

    assert {Status.CANDIDATE, Status.CAPE, Status.EMPLOYEE, Status.ASSOCIATE, Status.STAFF} <= set(standing)
    assert (
        len(rows)
        == Member.objects.filter(state__in=[MemberState.ACTIVE, MemberState.LOCKED])
        .exclude(status=Status.UNKNOWN)
        .count()
    )
    assert list(Membership.objects.filter(collective__kind=Kind.STATUS).order_by("pk").values()) == rows
    assert StatusPeriod.objects.count() == periods
    assert not Event.objects.filter(action=Action.STATUS_CHANGED).exists()
