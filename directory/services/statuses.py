"""Keeping statuses, their history and their collectives in step with what the directory says of people."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from audit.services import record_all
from audit.types import Action, Entry
from directory.models import Collective, Member, Membership, StatusPeriod
from directory.statuses import COLLECTIVE_NAMES, WITH_COLLECTIVE, has_left, status_of
from directory.types import Kind, Status
from statements.writing import InsertingQuerySet

BATCH = 500
# From so many on everybody is read; PostgreSQL takes no more than 65,535 values in one statement.
MANY = 20 * BATCH
# What a status comes from.
COLUMNS = ("pk", "employee_type", "status", "state", "hold", "absent_for_good_at")


def settle(*, now: datetime, only: Sequence[UUID] | None = None) -> int:
    """Bring everybody's status (or that of ``only`` these) in step; returns how many changed.

    Inside the caller's transaction: a status is a consequence of the change that the caller records.  Two statements
    where nothing changed, a few per status where something did.
    """
    people = Member.objects.order_by().values_list(*COLUMNS)
    rows = people if only is None else _rows_of(people, "pk", only)
    wanted: dict[UUID, Status] = {}
    changed: dict[UUID, tuple[Status, Status]] = {}
    for pk, employee_type, status, state, hold, absent_for_good_at in rows:
        is_gone = has_left(state, hold, is_absent_for_good=absent_for_good_at is not None)
        wanted[pk] = status_of(employee_type, is_gone=is_gone)
        if wanted[pk] != status:
            changed[pk] = (Status(status), wanted[pk])
    if changed:
        _write(changed, now)
    _keep_collectives(wanted, everybody=only is None)
    return len(changed)


def begin(arrived: Mapping[UUID, Status], *, now: datetime) -> None:
    """Of those who were added just now, with this status in their rows: where it begins, and its collective.

    Inside the transaction that added them, so nobody else knows them yet, and nothing has to be looked up.
    """
    standing = {pk: status for pk, status in arrived.items() if status != Status.UNKNOWN}
    today = timezone.localdate(now, timezone.get_default_timezone())
    InsertingQuerySet(StatusPeriod).insert(
        [{"member_id": pk, "status": str(status), "since": today} for pk, status in standing.items()]
    )
    collectives = {
        status: _collective_of(status).pk for status in sorted(set(standing.values())) if status in WITH_COLLECTIVE
    }
    InsertingQuerySet(Membership).insert(
        [
            {"member_id": pk, "collective_id": collectives[status]}
            for pk, status in standing.items()
            if status in collectives
        ]
    )


def _write(changed: dict[UUID, tuple[Status, Status]], now: datetime) -> None:
    by_status: dict[Status, list[UUID]] = defaultdict(list)
    for pk, (_before, after) in changed.items():
        by_status[after].append(pk)
    for status, members in by_status.items():
        for batch in _batches(members):
            Member.objects.filter(pk__in=batch).update(status=status)
    today = timezone.localdate(now, timezone.get_default_timezone())
    known = _open_periods(changed)
    _close_periods(known, today)
    periods = [
        {"member_id": pk, "status": str(after), "since": today}
        for pk, (_before, after) in changed.items()
        if after != Status.UNKNOWN
    ]
    InsertingQuerySet(StatusPeriod).insert(periods)
    # The first status of somebody comes with their arrival, which has a line already.
    record_all(
        Entry(
            Action.STATUS_CHANGED,
            subject=pk,
            facts={"status": str(after), "former_status": str(before)},
            at=now,
        )
        for pk, (before, after) in changed.items()
        if before != Status.UNKNOWN or pk in known
    )


def _open_periods(changed: Iterable[UUID]) -> dict[UUID, StatusPeriod]:
    members = list(changed)
    return {
        period.member_id: period
        for batch in _batches(members)
        for period in StatusPeriod.objects.filter(member_id__in=batch, until=None)
    }


def _close_periods(known: dict[UUID, StatusPeriod], today: date) -> None:
    """A stretch that began today and is over today was a slip of the pen: it leaves no trace in the history."""
    slips = [period.pk for period in known.values() if period.since >= today]
    others = [period.pk for period in known.values() if period.since < today]
    for batch in _batches(slips):
        StatusPeriod.objects.filter(pk__in=batch).delete()
    for batch in _batches(others):
        StatusPeriod.objects.filter(pk__in=batch).update(until=today)


def _keep_collectives(wanted: dict[UUID, Status], *, everybody: bool) -> None:
    """Who stands where is in that status's collective and in no other one."""
    held = Membership.objects.filter(collective__kind=Kind.STATUS).values_list("member_id", "pk", "collective__status")
    rows = held if everybody else _rows_of(held, "member_id", list(wanted))
    there: set[UUID] = set()
    wrong = []
    for member_id, pk, status in rows:
        if wanted[member_id] == status:
            there.add(member_id)
        else:
            wrong.append(pk)
    for batch in _batches(wrong):
        Membership.objects.filter(pk__in=batch).delete()
    missing = [(pk, status) for pk, status in wanted.items() if status in WITH_COLLECTIVE and pk not in there]
    if not missing:
        return
    collectives = {status: _collective_of(status) for status in sorted({status for _pk, status in missing})}
    Membership.objects.bulk_create(
        (Membership(member_id=pk, collective=collectives[status]) for pk, status in missing),
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def _collective_of(status: Status) -> Collective:
    """Made the day somebody first stands there; its address is free of those that the directory’s groups have."""
    found = Collective.objects.filter(status=status).first()
    if found is not None:
        return found
    slug = f"statut-{status}"
    taken = set(Collective.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    free = next(name for name in (slug, *(f"{slug}-{number}" for number in range(2, 1000))) if name not in taken)
    return Collective.objects.create(status=status, kind=Kind.STATUS, slug=free, name=COLLECTIVE_NAMES[status])


def _rows_of(rows: "QuerySet[Any, tuple[Any, ...]]", column: str, only: Sequence[UUID]) -> Iterable[tuple[Any, ...]]:
    """The rows of these members, whose key comes first; of many in one statement with everybody's."""
    if len(only) > MANY:
        wanted = set(only)
        return (row for row in rows.iterator(chunk_size=2000) if row[0] in wanted)
    return chain.from_iterable(rows.filter(**{f"{column}__in": batch}) for batch in _batches(only))


def _batches(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
