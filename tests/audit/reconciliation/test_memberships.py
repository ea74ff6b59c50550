"""Who is in a collective: rows without a time, compared with how they were and with what the journal tells since."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.models import Gap, Reconciliation
from audit.reconciliation import selectors, sources
from audit.reconciliation.services import reconcile
from audit.services import record
from audit.types import Action, Entry
from directory.models import Collective, Member, Membership
from directory.services import erase_leavers, statuses, synchronise
from directory.types import Kind, MemberState, Status
from tests.support.cast import make_member

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def pole(member, other_member, now) -> Collective:
    """One of them is in it, and that was compared."""
    pole = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
    Membership.objects.create(collective=pole, member=member)
    reconcile(now=now)
    Gap.objects.all().delete()
    return pole


def missed(now: datetime) -> list[str]:
    """The collectives of which the journal does not tell enough."""
    reconcile(now=now)
    return list(selectors.open_gaps().filter(source="directory.collective").values_list("row", flat=True))


def told(pole: Collective, now: datetime, **counts: int) -> None:
    record(Entry(Action.COLLECTIVE_CHANGED, facts={"collective": str(pole.pk), **counts}, at=now))


def test_whoever_was_put_into_a_collective_behind_the_hub_is_found_once(pole, other_member, now):
    Membership.objects.create(collective=pole, member=other_member)

    found = missed(now + DAY)

    assert found == [str(pole.pk)]
    assert missed(now + 2 * DAY) == found, "known, and not found again"
    assert Reconciliation.objects.latest("pk").found == 0
    assert sources.label_of("directory.collective") == "Membres et responsables des collectifs"
    assert Action.COLLECTIVE_CHANGED in sources.expected_of("directory.collective")


@pytest.mark.parametrize(
    "act",
    [
        lambda pole, other: Membership.objects.filter(collective=pole).delete(),
        lambda pole, other: pole.leads.add(other),
        # One for another: as many as before.
        lambda pole, other: Membership.objects.filter(collective=pole).update(member=other),
        lambda pole, other: Membership.objects.filter(collective=pole).update(direct=False),
    ],
    ids=["taken out", "made lead", "exchanged", "made indirect"],
)
def test_every_other_change_behind_the_hub_is_found(pole, other_member, now, act):
    act(pole, other_member)

    assert missed(now + DAY) == [str(pole.pk)]


def test_what_the_journal_tells_explains_as_many_as_it_says_and_no_more(pole, other_member, now):
    Membership.objects.create(collective=pole, member=other_member)
    told(pole, now + DAY / 2, members_set=1)
    assert missed(now + DAY) == []

    Membership.objects.create(collective=pole, member=make_member("c.d", "C D"))
    Membership.objects.create(collective=pole, member=make_member("e.f", "E F"))
    told(pole, now + 2 * DAY, members_set=1)
    assert missed(now + 2 * DAY) == [str(pole.pk)]


def test_a_line_about_another_collective_or_of_the_day_before_explains_nothing(pole, other_member, now):
    other = Collective.objects.create(entry_uuid=uuid4(), name="Lutherie", slug="lutherie")
    told(pole, now - DAY, members_set=3)
    told(other, now + DAY, members_set=3)
    Membership.objects.create(collective=pole, member=other_member)

    assert missed(now + DAY) == [str(pole.pk)]


def test_a_line_that_was_taken_out_is_missed_and_passes_over_a_directory_leave_no_gap(small_directory):
    noon = datetime.now(UTC)
    synchronise(now=noon)
    reconcile(now=noon)
    Gap.objects.all().delete()
    pole = Collective.objects.exclude(dn="").filter(memberships__isnull=False).order_by("pk").first()
    person = Member.objects.exclude(memberships__collective=pole).exclude(dn="").order_by("pk").first()
    small_directory.modify(f"dn: {pole.dn}\nchangetype: modify\nadd: member\nmember: {person.dn}\n")
    synchronise(now=noon + DAY)

    assert Membership.objects.filter(collective=pole, member=person).exists()
    assert missed(noon + DAY) == []


def test_the_end_of_a_retention_period_leaves_no_gap(pole, member, now, settings):
    Member.objects.filter(pk=member.pk).update(state=MemberState.LEFT, state_since=now - 2 * settings.LEAVER_RETENTION)
    assert erase_leavers(now=now + DAY / 2) == 1

    assert missed(now + DAY) == []


def test_a_change_of_status_leaves_no_gap_and_one_behind_the_hub_is_found(pole, member, other_member, now):
    Member.objects.filter(pk=member.pk).update(employee_type="candidat")
    statuses.settle(now=now)
    reconcile(now=now)
    Gap.objects.all().delete()
    Member.objects.filter(pk=member.pk).update(employee_type="cape")
    statuses.settle(now=now + DAY / 2)
    assert missed(now + DAY) == []

    status = Collective.objects.create(kind=Kind.STATUS, status=Status.STAFF, slug="statut-x", name="X")
    Membership.objects.create(collective=status, member=other_member)
    assert missed(now + 3 * DAY) == [str(status.pk)]


def test_only_the_last_comparison_keeps_how_it_was_and_names_nobody(pole, member, now):
    reconcile(now=now + DAY)

    first, last = Reconciliation.objects.order_by("pk")
    assert first.kept == {}
    assert set(last.kept["directory.collective"]) == {str(pole.pk)}
    assert str(member.pk) not in str(last.kept)
