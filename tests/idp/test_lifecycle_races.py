"""Two workers at once, and an office that changes its mind meanwhile: everything is done, and told, once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from directory import services
from directory.models import Departure, Member, RoleGrant
from directory.types import CannotChange, Hold, MemberState, Role, SuspensionReason
from idp.models import OutgoingMail
from idp.services.accounts import lifecycle
from tests.support.cast import make_member
from tests.support.races import in_the_middle, meets_inside, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def leaving() -> list[Member]:
    now = timezone.now()
    people = [make_member(f"m{number}", f"M {number}") for number in range(6)]
    for each in people:
        services.plan_departure(member_id=each.pk, last_day=timezone.localdate(now), actor=SYSTEM, now=now)
    return people


def test_two_workers_announce_a_departure_once(leaving):
    now = timezone.now()

    together(*[lambda: lifecycle.turn(now=now)] * 3)

    assert Event.objects.filter(action=Action.DEPARTURE_ANNOUNCED).count() == len(leaving)
    assert OutgoingMail.objects.count() == 2 * len(leaving)


def test_two_workers_carry_a_departure_out_once(leaving):
    tomorrow = timezone.now() + timedelta(days=1)

    done = together(*[lambda: lifecycle.carry_out(now=tomorrow)] * 3)

    assert sum(done) == len(leaving)
    assert Event.objects.filter(action=Action.MEMBER_LEFT).count() == len(leaving)
    assert OutgoingMail.objects.count() == 2 * len(leaving)
    assert Member.objects.filter(hold=Hold.LEFT).count() == len(leaving)


def test_a_departure_is_called_off_or_carried_out_and_never_both(leaving):
    tomorrow = timezone.now() + timedelta(days=1)

    def call_off() -> int:
        count = 0
        for each in leaving:
            try:
                services.cancel_departure(member_id=each.pk, actor=SYSTEM, now=tomorrow)
            except CannotChange:
                continue
            count += 1
        return count

    done, cancelled = together(lambda: lifecycle.carry_out(now=tomorrow), call_off)

    assert done + cancelled == len(leaving)
    assert Departure.objects.filter(done_at__isnull=False, cancelled_at__isnull=False).count() == 0
    assert Member.objects.filter(hold=Hold.LEFT).count() == done


@meets_inside
def test_a_departure_called_off_while_it_is_announced_is_called_off_to_whoever_was_told(leaving):
    now = timezone.now()
    Departure.objects.update(last_day=timezone.localdate(now) + timedelta(days=60))
    last = Departure.objects.order_by("pk").last()
    assert last is not None

    in_the_middle(
        lambda: lifecycle.announce(now=now),
        lambda: services.cancel_departure(member_id=last.member_id, actor=SYSTEM, now=now),
        at=(lifecycle.lifecycle_mails, "departure"),
    )

    last.refresh_from_db()
    assert last.cancelled_at
    assert last.announced_at
    assert OutgoingMail.objects.filter(member=last.member_id).count() == 4


def test_two_workers_erase_somebody_once():
    now = timezone.now()
    long_ago = now - timedelta(days=999)
    for number in range(5):
        make_member(f"m{number}", f"M {number}", state=MemberState.LEFT, state_since=long_ago)

    done = together(*[lambda: lifecycle.erase(now=now)] * 3)

    assert sum(done) == 5
    assert Event.objects.filter(action=Action.MEMBER_ERASED).count() == 5


def test_two_workers_give_everybody_their_time_once():
    for number in range(6):
        RoleGrant.objects.create(member=make_member(f"m{number}", f"M {number}"), role=Role.OFFICE)
    now = timezone.now()

    together(*[lambda: services.settle_second_factor_dates(now=now)] * 3)

    assert Event.objects.filter(action=Action.FACTOR_REQUIRED).count() == 6
    assert not Member.objects.filter(second_factor_by=None).exists()


@meets_inside
def test_two_technicians_cannot_send_each_other_away():
    one, two = make_member("un", "Un Technicien"), make_member("deux", "Deux Technicienne")
    for each in (one, two):
        RoleGrant.objects.create(member=each, role=Role.TECHNICIAN)

    def suspend(member: Member) -> bool:
        try:
            services.suspend(member_id=member.pk, reason=SuspensionReason.OTHER, actor=SYSTEM, now=timezone.now())
        except CannotChange:
            return False
        return True

    assert sorted(together(lambda: suspend(one), lambda: suspend(two))) == [False, True]
    assert Member.objects.active().count() == 1
