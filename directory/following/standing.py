"""How the sources stand, and how old what the hub knows of each is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from directory.following.held import waiting_of
from directory.models import DirectorySource, SyncRun
from directory.selectors import READ
from directory.types import DirectoryRefused, Hold, MemberState, RunStatus, SourceState

# A mirror that is older than this is said to be late: the worker reads at the latest every quarter of an hour.
LATE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Followed:
    """How one source stands."""

    source: DirectorySource
    last: SyncRun | None
    waits: SyncRun | None
    people: int
    barred: int

    @property
    def is_failing(self) -> bool:
        return self.source.failing_since is not None or (
            self.source.state == SourceState.ACTIVE and _failed(self.source, self.last)
        )


def with_people() -> QuerySet[Any]:
    """Each source with ``people``: its members who are active and held back by nobody, and ``barred``: the others."""
    active = Q(members__state=MemberState.ACTIVE, members__hold=Hold.NONE)
    return DirectorySource.objects.annotate(
        people=Count("members", filter=active), barred=Count("members") - Count("members", filter=active)
    )


def sources() -> list[Followed]:
    """Every source, the retired ones last."""
    rows = list(with_people())
    last = _last_runs([row.pk for row in rows])
    found = []
    for row in rows:
        run = last.get(row.pk)
        waits = waiting_of(row) if run is not None else None
        found.append(Followed(row, run, waits, row.people, row.barred))
    order = {SourceState.ACTIVE: 0, SourceState.PAUSED: 1, SourceState.DRAFT: 2, SourceState.RETIRED: 3}
    return sorted(found, key=lambda each: (order[SourceState(each.source.state)], each.source.pk))


def _last_runs(ids: Collection[int]) -> dict[int, SyncRun]:
    done = SyncRun.objects.filter(source__in=ids, dry=False).exclude(status=RunStatus.RUNNING)
    found: dict[int, SyncRun] = {}
    for source in ids:
        run = done.filter(source=source).defer("report").order_by("-id").first()
        if run is not None:
            found[source] = run
    return found


def dry_run_of(source: DirectorySource) -> SyncRun | None:
    """The last reading for show, whatever came of it."""
    return SyncRun.objects.filter(source=source, dry=True).order_by("-id").first()


def trial_of(source: DirectorySource) -> SyncRun | None:
    """What the settings as they are would change: a reading for show, unless one for good came after it."""
    run = dry_run_of(source)
    if run is None or run.status not in READ or (source.read_at is not None and source.read_at >= run.started_at):
        return None
    is_of_these = run.started_at >= source.probed_at if source.probed_at else source.state == SourceState.ACTIVE
    return run if is_of_these else None


@dataclass(frozen=True, slots=True)
class Age:
    """How old what the hub knows of one directory is."""

    source: DirectorySource
    read_at: datetime | None
    failing_since: datetime | None
    retry_at: datetime | None
    error: str
    is_late: bool


def ages(now: datetime) -> list[Age]:
    """Of each source that is followed, the one that was read longest ago first."""
    rows = list(DirectorySource.objects.filter(state=SourceState.ACTIVE))
    rows.sort(key=lambda each: (each.read_at is not None, each.read_at or now, each.pk))
    last = _last_runs([row.pk for row in rows])
    return [_age(row, last.get(row.pk), now) for row in rows]


def is_refused(source: DirectorySource) -> bool:
    """Whether it answers, and lets nobody read: that does not mend itself, as a server that restarts does."""
    last = _last_runs([source.pk]).get(source.pk) if source.failing_since is not None else None
    return last is not None and last.error.startswith(DirectoryRefused.__name__)


def _failed(source: DirectorySource, last: SyncRun | None) -> bool:
    """Whether the last pass came to nothing, and the directory has not answered since that it is as it was."""
    if last is None or last.status != RunStatus.FAILED:
        return False
    return source.read_at is None or source.read_at < (last.ended_at or last.started_at)


def _age(row: DirectorySource, run: SyncRun | None, now: datetime) -> Age:
    failed = row.failing_since is not None or _failed(row, run)
    error = run.error if run is not None and run.status == RunStatus.FAILED else ""
    return Age(
        row,
        row.read_at,
        row.failing_since or (run.started_at if run is not None and failed else None),
        row.retry_at if row.retry_at and row.retry_at > now else None,
        error if failed else "",
        row.read_at is None or now - row.read_at > LATE,
    )
