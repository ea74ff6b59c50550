"""What goes by the rules, class by class and role by role: counted first, then let go, then announced.

It refuses when more than a week passed since it last ran: the hub was off, a backup came back, or the clock jumped, and
a clock that is a year ahead would let a year go.  A person says whether the date is right; where a witness outside
signs, their clock has to agree.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from audit import witnesses
from audit.keeping import changes, ends, holds
from audit.keeping.erasure import class_of
from audit.keeping.parts import announce, go_together, places_of, take_out
from audit.keeping.rules import Period, Rules
from audit.keyring import half_year
from audit.kinds import RETENTION, Retention
from audit.models import Event, Leaf, PersonKey, Removal
from audit.parts import ERASING, Role
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry, KeepingError, RemovalKind, RemovalState

AT_ONCE = 1000
# A run each night; without one for so long, somebody looks at the clock.
MAX_PAUSE = timedelta(days=7)
HOUR = 3
SEALED = {Role.SUBJECT: "subject_sealed", Role.ACTOR: "actor_sealed", Role.NETWORK: "network_sealed"}
OWNER = {Role.SUBJECT: "subject_key", Role.ACTOR: "actor_key"}


@dataclass(frozen=True, slots=True)
class Due:
    """What the rules let go at a moment: with the people whose relation ended, and those about whom nothing goes."""

    rules: Rules
    now: datetime
    held_classes: Collection[Retention]
    held_people: Collection[UUID]
    ended: dict[int, set[UUID]] = field(default_factory=dict)

    @classmethod
    def at(cls, now: datetime) -> "Due":
        rules = changes.in_force(now)
        waiting = {each.months for each in rules.periods.values() if each.after_end and not each.is_endless}
        return cls(
            rules,
            now,
            holds.held_classes(now),
            holds.held_people(now),
            {months: ends.ended_before(Period(months).begins_to_go(now)) for months in waiting},
        )

    @property
    def classes(self) -> list[Retention]:
        return [each for each in Retention if each not in self.held_classes]

    def rows(self, classes: Iterable[Retention] | None = None) -> QuerySet[Event]:
        """The rows of which something may go; ``leaving`` says what."""
        wanted = Q(pk__in=[])
        for retention in self.classes if classes is None else classes:
            wanted |= Q(action__in=changes.actions_of([retention])) & self._any_of(retention)
        return holds.not_about(Event.objects.filter(wanted), self.held_people)

    def counts(self, retention: Retention) -> dict[Role, int]:
        """How many parts of each role go, of what has a signed place.  One statement."""
        # Whatever goes, what cannot stay without it has gone before or goes too: the rules see to it.
        filters = {role: self._condition(retention, role) for role in Role}
        for role, column in SEALED.items():
            filters[Role.COMMON] &= Q(**{f"{column}__isnull": True}) | filters[role]
        rows = _placed(self.rows([retention])).order_by()
        found = rows.aggregate(**{role.value: Count("pk", filter=each) for role, each in filters.items()})
        return {role: found[role.value] for role in Role}

    def leaving(self, event: Event) -> frozenset[Role]:
        retention = class_of(event)
        return go_together(event, [role for role in Role if self._goes(event, retention, role)])

    def _any_of(self, retention: Retention) -> Q:
        wanted = Q(pk__in=[])
        for role in Role:
            wanted |= self._condition(retention, role)
        return wanted

    def _condition(self, retention: Retention, role: Role) -> Q:
        period = self.rules.of(retention, role)
        if period.is_endless:
            return Q(pk__in=[])
        old = Q(at__lt=period.begins_to_go(self.now))
        if role is Role.COMMON:
            # Announcements are read for as long as the log is.
            return old & ~Q(action__in=ERASING)
        there = Q(**{f"{SEALED[role]}__isnull": False})
        if period.after_end:
            there &= Q(**{f"{OWNER[role]}__person__in": self.ended[period.months]})
        return old & there

    def _goes(self, event: Event, retention: Retention, role: Role) -> bool:
        period = self.rules.of(retention, role)
        if period.is_endless or event.at >= period.begins_to_go(self.now):
            return False
        if role is Role.COMMON:
            return event.action not in ERASING
        if not period.after_end:
            return True
        key = event.subject_key if role is Role.SUBJECT else event.actor_key
        return key is not None and key.person_id in self.ended[period.months]


Counts = dict[Retention, dict[Role, int]]


def counted(now: datetime) -> Counts:
    """How many parts would go now, by class and role; nothing is written.  A class that is held has no line."""
    due = Due.at(now)
    return {retention: due.counts(retention) for retention in due.classes}


def present() -> Counts:
    """How many parts there are, by class and role: two statements."""
    found: Counts = {retention: dict.fromkeys(Role, 0) for retention in Retention}
    counts = (
        Event.objects.order_by()
        .values("action")
        .annotate(c=Count("pk"), s=Count("subject_sealed"), a=Count("actor_sealed"), x=Count("network_sealed"))
    )
    for row in counts:
        retention = RETENTION.get(row["action"], Retention.ADMINISTRATION)
        for role in Role:
            found[retention][role] += row[role.value]
    return found


def last_run() -> Removal | None:
    """The one that was begun last, whatever the clock said then."""
    runs = Removal.objects.filter(kind=RemovalKind.RETENTION)
    return runs.exclude(state__in=[RemovalState.REFUSED, RemovalState.DROPPED]).order_by("-pk").first()


def refusal() -> Removal | None:
    """The run that waits for a person to look at the clock.  One statement."""
    return Removal.objects.filter(kind=RemovalKind.RETENTION, state=RemovalState.REFUSED, ended_at=None).first()


def is_clock_doubtful(now: datetime) -> bool:
    """Whether nothing goes for now: a person looks at the clock, or is about to be asked to.  Two statements."""
    last = last_run()
    return refusal() is not None or (last is not None and now - last.began_at > MAX_PAUSE)


def is_due(now: datetime) -> bool:
    """Once a night, and where it was missed, in the day after."""
    local = timezone.localtime(now)
    last = last_run()
    if last is None:
        return True
    if last.ended_at is None:
        return False
    return timezone.localdate(last.began_at) != local.date() and (local.hour >= HOUR or now - last.began_at > MAX_PAUSE)


@transaction.atomic
def begin(*, actor: Actor = SYSTEM, now: datetime) -> Removal:
    """The run that goes on, or a new one of this actor; one that is ``REFUSED`` lets nothing go.

    The first on a hub notes the day and no more: there is nothing to compare the clock with.
    """
    last = last_run()
    if last is not None and last.ended_at is None:
        return last
    refused = refusal()
    if last is None:
        return Removal.objects.create(kind=RemovalKind.RETENTION, state=RemovalState.OVER, began_at=now, ended_at=now)
    if now - last.began_at > MAX_PAUSE:
        return refused or _refuse(last, now)
    if refused is not None:
        refused.state, refused.ended_at = RemovalState.DROPPED, now
        refused.save(update_fields=["state", "ended_at"])
    return _begun(actor, now)


@transaction.atomic
def confirm(*, actor: Actor, now: datetime) -> None:
    """A person says that the date is right, and no witness says otherwise.  Raises ``KeepingError``.

    The signer asks the same clock as this does, and says nothing about it.
    """
    refused = Removal.objects.select_for_update().filter(state=RemovalState.REFUSED, ended_at=None).first()
    if refused is None:
        raise KeepingError("nothing_refused")
    seen_at = witnesses.seen_outside()
    if seen_at is not None and abs(now - seen_at) > MAX_PAUSE:
        raise KeepingError("witness_clock")
    refused.state, refused.ended_at = RemovalState.DROPPED, now
    refused.save(update_fields=["state", "ended_at"])
    record(Entry(Action.RETENTION_CONFIRMED, actor=actor, facts={"cut_date": now.isoformat()}, at=now))
    _begun(actor, now)


def step(removal_id: int) -> bool:
    """One batch of a run; whether there is more to do at once."""
    with transaction.atomic():
        runs = Removal.objects.select_for_update(skip_locked=True)
        run = runs.filter(pk=removal_id, state=RemovalState.GOING, ended_at=None).first()
        if run is None:
            return False
        # The moment of its beginning is the moment for all of it, however long it takes and whatever is killed.
        due = Due.at(run.began_at)
        some = due.rows().filter(pk__gt=run.reached).select_related("subject_key", "actor_key")
        rows = list(some.select_for_update(of=("self",)).order_by("pk")[:AT_ONCE])
        places = places_of([row.reference for row in rows])
        take_out(run, {row: due.leaving(row) for row in rows if row.reference in places}, places)
        if len(rows) == AT_ONCE:
            run.reached = rows[-1].pk
            run.save()
            return True
        run.rules = due.rules.version
        facts: dict[str, object] = {"cut_date": run.began_at.isoformat(timespec="seconds"), "rules": run.rules}
        announce(run, facts=facts, actor=Actor(run.begun_by), now=timezone.now())
        run.begun_by, run.state, run.ended_at = None, RemovalState.OVER, timezone.now()
        run.save()
    return False


def drop_keys(now: datetime) -> int:
    """Keys of half-years that are over and of which nothing is left; returns how many.  They open nothing."""
    unused = PersonKey.objects.filter(half_year__lt=half_year(now - timedelta(days=1)), retired_at=None).exclude(
        Exists(Event.objects.filter(subject_key=OuterRef("pk")))
    )
    unused = unused.exclude(Exists(Event.objects.filter(actor_key=OuterRef("pk"))))
    keys = list(unused.values_list("pk", flat=True)[:AT_ONCE])
    PersonKey.objects.filter(pk__in=keys).delete()
    return len(keys)


def _refuse(last: Removal, now: datetime) -> Removal:
    facts: dict[str, object] = {"last_run": last.began_at.isoformat(timespec="seconds")}
    record(Entry(Action.RETENTION_REFUSED, refused=True, reason="clock_jumped", facts=facts, at=now))
    return Removal.objects.create(kind=RemovalKind.RETENTION, state=RemovalState.REFUSED, began_at=now)


def _begun(actor: Actor, now: datetime) -> Removal:
    version = changes.current().version
    return Removal.objects.create(kind=RemovalKind.RETENTION, begun_by=actor.member, began_at=now, rules=version)


def _placed(rows: QuerySet[Event]) -> QuerySet[Event]:
    """Those whose entry is signed: nothing else can be announced."""
    signed = Leaf.objects.filter(reference=OuterRef("reference"), log__checkpoints__size__gt=F("index"))
    never = Leaf.objects.filter(reference=OuterRef("reference"), log__given_up=True)
    return rows.filter(Exists(signed) | Exists(never))
