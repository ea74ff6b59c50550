"""What must not go for now, by whose word and why: about one person, or of one class."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from audit.kinds import Retention
from audit.models import Event, Hold
from audit.services import record
from audit.types import Action, Actor, Entry, KeepingError


def in_force(now: datetime) -> QuerySet[Hold]:
    today = timezone.localdate(now)
    return Hold.objects.filter(Q(until=None) | Q(until__gte=today), lifted_at=None).order_by("-pk")


def held_people(now: datetime) -> set[UUID]:
    return {each for each in in_force(now).values_list("person", flat=True) if each is not None}


def not_about(rows: "QuerySet[Event]", people: Collection[UUID]) -> "QuerySet[Event]":
    """Without what one of these did, or what happened to one of them."""
    if not people:
        return rows
    return rows.exclude(Exists(Event.objects.concerning(*people).filter(pk=OuterRef("pk"))))


def held_classes(now: datetime) -> set[Retention]:
    return {Retention(each) for each in _held(now) if each in Retention.values}


def held_data(now: datetime) -> set[str]:
    """Codes of what the hub holds beside the journal (``audit.keeping.data``)."""
    return _held(now) - set(Retention.values)


def _held(now: datetime) -> set[str]:
    return set(in_force(now).exclude(retention="").values_list("retention", flat=True))


@transaction.atomic
def put(
    *,
    actor: Actor,
    person: UUID | None = None,
    retention: str | None = None,
    why: str,
    until: date | None = None,
    now: datetime,
) -> Hold:
    """Either of a person or of a class, of the journal or of what else the hub holds.  Raises ``KeepingError``."""
    if (person is None) == (retention is None):
        raise KeepingError("hold_of_what")
    if not why.strip():
        raise KeepingError("why_missing")
    if until is not None and until < timezone.localdate(now):
        raise KeepingError("until_past")
    hold = Hold.objects.create(
        person=person,
        retention=str(retention or ""),
        why=why.strip(),
        put_by_id=actor.member,
        since=now,
        until=until,
    )
    record(Entry(Action.HOLD_PUT, actor=actor, subject=person, facts=_facts(hold), at=now))
    return hold


@transaction.atomic
def lift(*, actor: Actor, hold_id: int, why: str, now: datetime) -> None:
    """Raises ``KeepingError``."""
    if not why.strip():
        raise KeepingError("why_missing")
    hold = Hold.objects.select_for_update().filter(pk=hold_id, lifted_at=None).first()
    if hold is None:
        raise KeepingError("hold_over")
    hold.lifted_at, hold.lifted_by_id, hold.lifted_why = now, actor.member, why.strip()
    hold.save()
    record(Entry(Action.HOLD_LIFTED, actor=actor, subject=hold.person, facts=_facts(hold), at=now))


def _facts(hold: Hold) -> dict[str, object]:
    return {"hold": hold.pk, **({"retention": hold.retention} if hold.retention else {})}
