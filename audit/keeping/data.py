"""What the hub itself holds of people, category by category: from when it counts, for how long, what becomes of it.

Whoever owns a category hands it over here; the night's run lets it go by the same code as an erasure.  A category
without start, period and end cannot be one (GDPR 5(1)(e)).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit import words
from audit.keeping import holds
from audit.keeping.rules import NOTICE
from audit.models import DataPeriod, Removal
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry, KeepingError, RemovalKind, RemovalState

AT_ONCE = 200
MAX_DAYS = 36525
PART = "data"


class Outcome(TextChoices):
    """What becomes of it once its period is over."""

    DELETE = "delete", _("supprimé")
    ANONYMISE = "anonymise", _("rendu anonyme")
    ARCHIVE = "archive", _("archivé")


# What is past its period, if that began before this moment, but of these people; and letting go of some of it.
Due = Callable[[datetime, Collection[UUID]], QuerySet[Any]]
Go = Callable[[Sequence[Any], datetime], int]


@dataclass(frozen=True, slots=True)
class Category:
    """``days`` until somebody says otherwise, not fewer than ``least``.

    ``go``: none where it goes by a turn of its own; its period is then the operator's, and no rule here.
    """

    code: str
    label: str | Promise
    trigger: str | Promise
    outcome: Outcome
    days: int
    due: Due
    go: Go | None
    least: int = 1
    by_departure: bool = False

    def __post_init__(self) -> None:
        if not (self.code and self.label and self.trigger and self.outcome and 0 < self.least <= self.days):
            raise ValueError(f"{self.code}: a category has a start, a period and an end")

    @property
    def is_ruled(self) -> bool:
        return self.go is not None


def deleted(rows: Callable[[], QuerySet[Any]]) -> Go:
    """Letting go of rows that are simply deleted, and how many of these there were, whatever goes with them."""

    def go(keys: Sequence[Any], _now: datetime) -> int:
        found = rows().filter(pk__in=list(keys))
        count = found.count()
        found.delete()
        return count

    return go


@dataclass(frozen=True, slots=True)
class Clock:
    """How much of a category is past its period now, and will be in so many days; ``running`` is all of it."""

    category: Category
    days: int
    due: int
    coming: tuple[int, ...]
    running: int
    held: bool = False

    @property
    def ahead(self) -> list[tuple[int, int]]:
        return list(zip(AHEAD, self.coming, strict=True))

    @property
    def percent(self) -> int:
        return round(100 * self.due / self.running) if self.running else 0


AHEAD = (30, 90, 365)
_kept: dict[str, Category] = {}


def keep(*categories: Category) -> None:
    """Called once by each owner, when the apps are ready."""
    _kept.update({each.code: each for each in categories})


def categories() -> list[Category]:
    """Those that begin with a departure first, as somebody who left meets them."""
    return sorted(_kept.values(), key=lambda each: (not each.by_departure, each.days, each.code))


def category(code: str) -> Category | None:
    return _kept.get(code)


def holdable() -> list[tuple[str, str | Promise]]:
    """What a hold may name, as choices."""
    return [(each.code, each.label) for each in categories() if each.is_ruled]


def label(code: str) -> str | Promise | None:
    return _kept[code].label if code in _kept else None


def days_of(code: str) -> int:
    """What the rule says, or will say in two weeks at the latest.  One statement."""
    newest = DataPeriod.objects.filter(category=code).order_by("-pk").first()
    return newest.days if newest else _kept[code].days


def days_in_force(now: datetime) -> dict[str, int]:
    """Of what was shortened lately, the longer that it was, as in the journal.  One statement."""
    found: dict[str, list[int]] = {}
    settled: set[str] = set()
    for row in DataPeriod.objects.order_by("-pk"):
        if row.category not in settled:
            found.setdefault(row.category, []).append(row.days)
        if row.at <= now - NOTICE:
            settled.add(row.category)
    return {
        code: max([*found.get(code, []), *([] if code in settled else [each.days])]) for code, each in _kept.items()
    }


def history(code: str) -> QuerySet[DataPeriod]:
    return DataPeriod.objects.filter(category=code).select_related("by").order_by("-pk")


@transaction.atomic
def change(*, actor: Actor, code: str, days: int, why: str, shown: int, now: datetime) -> None:
    """Another period from today on; ``shown`` is the one that was on the page.  Raises ``KeepingError``."""
    found = _kept.get(code)
    if found is None or found.go is None:
        raise KeepingError("period_fixed")
    if not why.strip():
        raise KeepingError("why_missing")
    # The last row is the lock: whoever comes second reads what the first one made.
    DataPeriod.objects.select_for_update().filter(category=code).order_by("-pk").first()
    before = days_of(code)
    if before != shown:
        raise KeepingError("rules_changed")
    if days == before:
        raise KeepingError("nothing_changed")
    if not found.least <= days <= MAX_DAYS:
        raise KeepingError("days")
    DataPeriod.objects.create(category=code, days=days, why=why.strip(), by_id=actor.member, at=now)
    facts: dict[str, object] = {"data": code, "days_before": before, "days_after": days}
    if days > before:
        facts["loosened"] = True
    record(Entry(Action.RETENTION_CHANGED, actor=actor, facts=facts, at=now))


def clocks(now: datetime) -> list[Clock]:
    """Each category as it stands; nothing is written."""
    held, kept, days = holds.held_people(now), holds.held_data(now), days_in_force(now)

    def count(each: Category, ahead: int) -> int:
        if each.code in kept:
            return 0
        return each.due(now + timedelta(days=ahead - days[each.code]), held).count()

    return [
        Clock(
            each,
            days[each.code],
            count(each, 0),
            tuple(count(each, ahead) for ahead in AHEAD),
            each.due(now, held).count(),
            each.code in kept,
        )
        for each in categories()
    ]


@transaction.atomic
def begin(*, actor: Actor = SYSTEM, now: datetime) -> Removal:
    """The run that goes on, or a new one: begun with that of the journal, and by its clock."""
    going = Removal.objects.filter(kind=RemovalKind.DATA, ended_at=None).first()
    return going or Removal.objects.create(kind=RemovalKind.DATA, begun_by=actor.member, began_at=now)


def step(removal_id: int) -> bool:
    """One batch of a run; whether there is more to do at once.  ``reached`` counts the categories that are done."""
    with transaction.atomic():
        runs = Removal.objects.select_for_update(skip_locked=True)
        run = runs.filter(pk=removal_id, state=RemovalState.GOING, ended_at=None).first()
        if run is None:
            return False
        order = sorted(_kept)
        if run.reached >= len(order):
            _end(run)
            return False
        each = _kept[order[run.reached]]
        count = _let_go(each, run)
        if count:
            gone = run.unsaid.setdefault(PART, {})
            gone[each.code] = gone.get(each.code, 0) + count
        else:
            run.reached += 1
        run.save()
    return True


def finish() -> dict[str, int]:
    """The run that goes on, to its end; what went, by category.  Nothing without one."""
    run = Removal.objects.filter(kind=RemovalKind.DATA, ended_at=None).first()
    if run is None:
        return {}
    while step(run.pk):
        pass
    run.refresh_from_db()
    gone: dict[str, int] = run.said.get(PART, {})
    return gone


def _let_go(each: Category, run: Removal) -> int:
    """The moment of its beginning is the moment for all of it; who is held is asked at each batch."""
    if each.go is None or each.code in holds.held_data(timezone.now()):
        return 0
    cut = run.began_at - timedelta(days=days_in_force(run.began_at)[each.code])
    rows = list(each.due(cut, holds.held_people(timezone.now())).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    return each.go(rows, run.began_at) if rows else 0


def _end(run: Removal) -> None:
    """CNIL: the purge itself is on the record, and is the proof of erasure; counts, never whom."""
    gone = run.unsaid.get(PART, {})
    if gone:
        facts: dict[str, object] = {"gone_data": gone, "cut_date": run.began_at.isoformat(timespec="seconds")}
        record(Entry(Action.DATA_PURGED, actor=Actor(run.begun_by), facts=facts, at=timezone.now()))
    run.said, run.unsaid, run.begun_by = run.unsaid, {}, None
    run.state, run.ended_at = RemovalState.OVER, timezone.now()
    run.save()


def told(run: Removal) -> list[tuple[str, int]]:
    """What went in a run, by category, in words."""
    return [(words.name("role", code), number) for code, number in sorted(run.said.get(PART, {}).items())]
