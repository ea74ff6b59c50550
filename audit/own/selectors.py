"""Reading one person's own lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from audit.kinds import RETENTION, Retention
from audit.models import Event, PersonKey
from audit.own.types import Kind, OwnFilter
from audit.types import By


@dataclass(frozen=True, slots=True)
class Seen:
    """How many lines of a kind there are in an hour of a day."""

    day: date
    hour: int
    kind: Kind
    count: int


def keys_of(person: UUID) -> list[UUID]:
    """The keys of somebody that are left, one or two for each half-year.  One statement."""
    return list(PersonKey.objects.filter(person=person).values_list("pk", flat=True))


def lines(keys: Iterable[UUID], wanted: OwnFilter) -> QuerySet[Event]:
    """The newest first, by the keys of the person: their lines are found by index, however long the journal is."""
    mine, own = Q(subject_key__in=keys), Q(actor_key__in=keys)
    rows = Event.objects.select_related("tool", "actor_tool", "subject_key", "actor_key").order_by("-pk")
    rows = rows.filter(_of_kind(wanted.kind, mine, own) if wanted.kind else mine | own)
    if wanted.tool:
        rows = rows.filter(Q(tool__slug=wanted.tool) | Q(actor_tool__slug=wanted.tool))
    if wanted.since:
        rows = rows.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    return rows


def has_line(keys: Iterable[UUID], reference: UUID) -> bool:
    return lines(keys, OwnFilter()).filter(reference=reference).exists()


def tools_in(keys: Iterable[UUID]) -> list[tuple[str, str]]:
    """The tools that somebody's lines are about, as (slug, name)."""
    tools: Any = Event._meta.get_field("tool").related_model
    about = Event.objects.filter(Q(subject_key__in=keys) | Q(actor_key__in=keys), tool__isnull=False)
    named = tools._default_manager.filter(pk__in=about.order_by().values("tool"))
    return list(named.order_by("name").values_list("slug", "name"))


def hours(keys: Iterable[UUID], wanted: OwnFilter) -> list[Seen]:
    """Of the lines that ``lines`` finds, how many of each kind an hour, the oldest first.  One statement."""
    is_mine = ExpressionWrapper(Q(subject_key__in=keys), BooleanField())
    rows = lines(keys, wanted).select_related(None).order_by().annotate(hour=TruncHour("at"), mine=is_mine)
    counted: dict[tuple[date, int, Kind], int] = {}
    for row in rows.values("hour", "action", "by", "mine").annotate(count=Count("pk")):
        here = row["hour"]
        place = here.date(), here.hour, kind_of(row["action"], row["by"], about_them=bool(row["mine"]))
        counted[place] = counted.get(place, 0) + row["count"]
    return [Seen(day, hour, kind, count) for (day, hour, kind), count in sorted(counted.items())]


def kind_of(action: str, by: str, *, about_them: bool) -> Kind:
    if not about_them:
        return Kind.DUTIES
    found = RETENTION.get(action)
    if found == Retention.LOOK_UP and by == By.MEMBER:
        return Kind.LOOKED
    return _KINDS.get(found, Kind.ACCOUNT) if found else Kind.ACCOUNT


_KINDS = {
    Retention.SIGN_IN: Kind.SIGN_INS,
    Retention.RELEASE: Kind.RELEASES,
    Retention.CONSENT: Kind.AGREEMENTS,
}


def _of_kind(kind: str, mine: Q, own: Q) -> Q:
    if kind == Kind.DUTIES:
        return own & ~mine
    looked = Q(by=By.MEMBER, action__in=_actions(Retention.LOOK_UP))
    if kind == Kind.LOOKED:
        return mine & looked
    if kind == Kind.ACCOUNT:
        return mine & ~looked & ~Q(action__in=_actions(*_KINDS))
    return mine & Q(action__in=_actions(*(each for each, name in _KINDS.items() if name == kind)))


def _actions(*classes: Retention) -> list[str]:
    return [action for action, found in RETENTION.items() if found in classes]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
