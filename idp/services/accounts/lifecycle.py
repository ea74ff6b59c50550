"""The worker's turns for what has a date: departures, roles that end, the end of the retention period.

Each may run in several workers at once and as often as one likes: what is done is done, and told, once.
"""

import logging
from datetime import date, datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.services import record
from audit.types import SYSTEM, Action, Entry
from directory import services
from directory.models import Departure, RoleGrant
from directory.policy import REMINDERS, ROLE_REMINDERS, reminder_is_due
from directory.services import departures, erasure
from directory.types import Role
from idp.services import admissions
from idp.services.accounts import directory_mails, lifecycle_mails, mails, proof_mails, recovery, request_mails
from idp.types import MailKind

log = logging.getLogger("idp.lifecycle")
AT_ONCE = 50
# What waits for a person is said again every hour, not at each turn.
SAID_AGAIN = timedelta(hours=1)


class Step(Protocol):
    """One kind of work of a turn; answers how much it did."""

    __name__: str

    def __call__(self, *, now: datetime) -> int: ...


_said: dict[str, tuple[str, datetime]] = {}


def turn(*, now: datetime) -> None:
    """Everything whose moment has come; the endings first, for they are promised within a minute.

    What fails is logged by its kind and tried again at the next turn; the rest goes on.
    """
    steps: tuple[Step, ...] = (
        carry_out,
        services.end_roles_over,
        services.end_absences,
        recovery.expire,
        admissions.end_due,
        announce,
        remind,
        remind_of_roles,
        services.settle_second_factor_dates,
        directory_mails.tell_of_directories,
        proof_mails.mail_checkpoints,
        proof_mails.tell_of_contradictions,
        request_mails.tell_of_requests,
        request_mails.remind_of_requests,
    )
    for step in steps:
        try:
            step(now=now)
        except Exception as error:
            log.error("%s failed: %s", step.__name__, type(error).__name__)


def carry_out(*, now: datetime) -> int:
    held = departures.waiting(now=now)
    if held is not None:
        _say("departures", held.digest, f"{held.count} departures are due at once: see manage.py end_departures", now)
    return services.carry_out_departures(now=now)


def erase(*, now: datetime) -> int:
    """The end of the retention period; too many at once wait for ``manage.py erase_leavers``."""
    held = erasure.waiting(now=now)
    if held is not None:
        _say("erasures", held.digest, f"{held.count} erasures are due at once: see manage.py erase_leavers", now)
    return services.erase_leavers(now=now)


@transaction.atomic
def announce(*, now: datetime) -> int:
    """Tell the member, the office and the leads of a departure that was dated, or dated anew."""
    rows = list(_taken(_open().filter(announced_at=None, last_day__gte=departures.today(now)))[:AT_ONCE])
    for departure in rows:
        told = lifecycle_mails.departure("planned", departure.member, last_day=departure.last_day, now=now)
        departure.announced_at = now
        departure.save(update_fields=["announced_at"])
        record(
            Entry(
                Action.DEPARTURE_ANNOUNCED,
                actor=SYSTEM,
                subject=departure.member_id,
                facts={"last_day": departure.last_day.isoformat(), "told": told},
                at=now,
            )
        )
    return len(rows)


def remind(*, now: datetime) -> int:
    """Thirty days, seven days and one day before; after an outage one mail makes up for several."""
    today = departures.today(now)
    soon = _open().filter(announced_at__isnull=False, last_day__gt=today, last_day__lte=today + max(REMINDERS))
    due = [departure.pk for departure in soon if _is_due(departure, today)]
    return sum(_remind(pk, now) for pk in due)


@transaction.atomic
def _remind(departure_id: int, now: datetime) -> bool:
    departure = _taken(_open().filter(pk=departure_id, announced_at__isnull=False)).first()
    if departure is None or not _is_due(departure, departures.today(now)):
        return False
    told = lifecycle_mails.departure("reminder", departure.member, last_day=departure.last_day, now=now)
    departure.reminded_at = now
    departure.save(update_fields=["reminded_at"])
    record(
        Entry(
            Action.DEPARTURE_ANNOUNCED,
            subject=departure.member_id,
            reason="departure_near",
            facts={"last_day": departure.last_day.isoformat(), "told": told},
            at=now,
        )
    )
    return True


def _is_due(departure: Departure, today: date) -> bool:
    told = max(filter(None, (departure.announced_at, departure.reminded_at)))
    return reminder_is_due(departure.last_day, today=today, told=departures.today(told))


@transaction.atomic
def remind_of_roles(*, now: datetime) -> int:
    """Two weeks and two days before a role ends: whoever has it, and the office."""
    limit = now + max(ROLE_REMINDERS)
    rows = RoleGrant.objects.filter(ends_at__gt=now, ends_at__lte=limit).order_by("pk").select_related("member")
    count = 0
    for grant in list(rows.select_for_update(of=("self",), skip_locked=True)):
        if grant.ends_at is None or not grant.member.is_active:
            continue
        end, today = departures.today(grant.ends_at), departures.today(now)
        told = departures.today(max(filter(None, (grant.granted_at, grant.reminded_at))))
        if not reminder_is_due(end, today=today, told=told, before=ROLE_REMINDERS):
            continue
        context = {"role": Role(grant.role).label, "ends_at": timezone.localtime(grant.ends_at)}
        mails.queue(
            kind=MailKind.ROLE_REMINDER, template="role_reminder", member=grant.member, context=context, now=now
        )
        office = context | {"concerned": grant.member}
        lifecycle_mails.to_office(MailKind.ROLE_REMINDER, "role_reminder_office", grant.member, office, now)
        grant.reminded_at = now
        grant.save(update_fields=["reminded_at"])
        count += 1
    return count


def _open() -> QuerySet[Departure]:
    return Departure.objects.filter(done_at=None, cancelled_at=None).select_related("member").order_by("pk")


def _taken(rows: QuerySet[Departure]) -> QuerySet[Departure]:
    """Each for one worker: what another one has in hand is passed over."""
    return rows.select_for_update(of=("self",), skip_locked=True)


def _say(what: str, which: str, message: str, now: datetime) -> None:
    before = _said.get(what)
    if before is not None and before[0] == which and now - before[1] < SAID_AGAIN:
        return
    _said[what] = (which, now)
    log.error("%s", message)
