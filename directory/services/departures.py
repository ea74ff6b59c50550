"""Dated departures: planned, called off, and carried out on the day after the last one, at midnight."""

import logging
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from directory.models import Departure, Member
from directory.policy import departures_wait, digest_of
from directory.services import statuses
from directory.services.changing import changing, check_not_last_technician, check_not_watched_by
from directory.services.holds import GONE, set_hold
from directory.services.roles import end_roles_of
from directory.signals import member_acted_on, members_ended
from directory.types import CannotChange, Hold, Waiting

log = logging.getLogger("directory.departures")
# A slip of the pen in the year; contracts of a cooperative are not dated further ahead.
FURTHEST = timedelta(days=2 * 366)


def today(now: datetime) -> date:
    """The day it is where the cooperative is."""
    return timezone.localdate(now, timezone.get_default_timezone())


def plan_departure(*, member_id: UUID, last_day: date, actor: Actor, now: datetime) -> Departure:
    """Date a departure, or change its date; with another date everybody is told again.

    Raises ``CannotChange``: a day that is past or years ahead, one’s own account, the last technician’s, the
    data protection officer’s, one that left already.
    """
    with changing(Action.DEPARTURE_PLANNED, member_id=member_id, actor=actor, now=now) as member:
        if actor.member == member_id:
            raise CannotChange("own_account")
        if last_day < today(now):
            raise CannotChange("day_past")
        if last_day > today(now) + FURTHEST:
            raise CannotChange("day_too_far")
        if member.hold == Hold.LEFT:
            raise CannotChange("gone_already")
        check_not_watched_by(member, actor=actor, now=now)
        check_not_last_technician(member_id, now=now)
        departure = _planned(member)
        if departure is None:
            departure = Departure(member=member)
        elif departure.last_day == last_day:
            return departure
        departure.last_day, departure.planned_at, departure.planned_by_id = last_day, now, actor.member
        departure.announced_at = departure.reminded_at = None
        departure.save()
        facts: dict[str, object] = {"last_day": last_day.isoformat()}
        record(Entry(Action.DEPARTURE_PLANNED, actor=actor, subject=member_id, facts=facts, at=now))
    return departure


def cancel_departure(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """Call an open departure off.  Raises ``CannotChange`` where there is none, and for one’s own."""
    with changing(Action.DEPARTURE_CANCELLED, member_id=member_id, actor=actor, now=now) as member:
        if actor.member == member_id:
            raise CannotChange("own_account")
        departure = _planned(member)
        if departure is None:
            raise CannotChange("no_departure")
        departure.cancelled_at = now
        departure.save(update_fields=["cancelled_at"])
        record(Entry(Action.DEPARTURE_CANCELLED, actor=actor, subject=member_id, at=now))
        told: dict[str, object] = {"last_day": departure.last_day, "announced": departure.announced_at is not None}
        member_acted_on.send(
            sender=Departure,
            action=Action.DEPARTURE_CANCELLED,
            member_id=member_id,
            actor=actor,
            facts=told,
            now=now,
        )


def _planned(member: Member) -> Departure | None:
    """Locked: a worker may be announcing it, and whoever was told of it is told of what becomes of it."""
    open_ones = Departure.objects.filter(member=member, done_at=None, cancelled_at=None)
    return open_ones.select_for_update(no_key=True).first()


def waiting(*, now: datetime) -> Waiting | None:
    """The departures that are due in such a number that a person should look first; None while all is well."""
    rows = list(due(now).values_list("pk", "last_day"))
    active = Member.objects.active().count()
    if not departures_wait([day for _pk, day in rows], today=today(now), active=active):
        return None
    return Waiting(len(rows), digest_of(str(pk) for pk, _day in rows))


def carry_out_departures(*, now: datetime, approved: str = "") -> int:
    """End the accounts whose last day is over; returns how many.

    Each in a transaction of its own; a second worker waits for it and finds it done.  Too many at once wait, unless
    ``approved`` is the digest that ``waiting`` gave for exactly these.
    """
    held = waiting(now=now)
    if held is not None and approved != held.digest:
        return 0
    return sum(_carried_out(pk, now) for pk in list(due(now).values_list("pk", flat=True)))


def _carried_out(departure_id: int, now: datetime) -> bool:
    """One that cannot be carried out keeps nobody else in."""
    try:
        return _carry_out(departure_id, now)
    except Exception as error:
        log.error("departure %s could not be carried out: %s", departure_id, type(error).__name__)
        return False


def due(now: datetime) -> QuerySet[Departure]:
    """Those whose last day is over."""
    return Departure.objects.filter(done_at=None, cancelled_at=None, last_day__lt=today(now)).order_by("pk")


@transaction.atomic
def _carry_out(departure_id: int, now: datetime) -> bool:
    # The member first, as whoever plans or cancels does; then what is still due.
    member = Member.objects.select_for_update(of=("self",), no_key=True).get(departures=departure_id)
    departure = due(now).filter(pk=departure_id).first()
    if departure is None:
        return False
    if member.state not in GONE and member.hold != Hold.LEFT:
        try:
            check_not_last_technician(member.pk, now=now)
        except CannotChange:
            # Nobody could let the next technician in: it waits until there is another one.
            return False
        set_hold(member, Hold.LEFT, "departure", now)
        statuses.settle(now=now, only=[member.pk])
        record(Entry(Action.MEMBER_LEFT, subject=member.pk, reason="departure", at=now))
        members_ended.send(sender=Departure, member_ids=[member.pk], now=now)
    end_roles_of(member.pk, actor=SYSTEM, reason="departure", now=now)
    departure.done_at = now
    departure.save(update_fields=["done_at"])
    member_acted_on.send(
        sender=Departure,
        action=Action.MEMBER_LEFT,
        member_id=member.pk,
        actor=SYSTEM,
        facts={"last_day": departure.last_day},
        now=now,
    )
    return True
