"""The rows that tell of passes: opened, closed, failed; and one pass at a time."""

from datetime import datetime, timedelta

from django.db import connection, models, transaction
from django.db.models import OuterRef, Q, Subquery

from audit.services import record
from audit.types import Action, Entry
from directory.models import DirectorySource, SyncRun
from directory.selectors import READ
from directory.types import Mode, RunStatus
from directory.words import REASONS

# A pass that takes longer was killed: its row would say "running" for ever.
LONGEST = timedelta(minutes=10)
KEPT = timedelta(days=90)
# An arbitrary number, the same in every process of the hub: PostgreSQL's advisory lock of the pass.
LOCK = 7_216_034_563
MAX_ERROR = 80


def open_run(run: SyncRun) -> SyncRun:
    now = run.started_at
    stale = SyncRun.objects.filter(source=run.source, status=RunStatus.RUNNING, started_at__lt=now - LONGEST)
    stale.update(status=RunStatus.INTERRUPTED, ended_at=now, approved_by=None)
    run.save()
    return run


def one_at_a_time() -> None:
    """Passes are applied one after the other (SQLite's transactions are that already).

    Those of two sources as well: who shares a login with whom is decided over all of them.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def last_read(source: DirectorySource) -> SyncRun | None:
    """The last pass that read the whole directory."""
    return SyncRun.objects.filter(source=source, dry=False, status__in=READ).order_by("-id").first()


def close(run: SyncRun, status: RunStatus, now: datetime) -> SyncRun:
    """Save the run; of several in a row that say the same, the last one is kept, or the table grows by the hour."""
    run.status, run.ended_at = status, now
    if status not in READ:
        # Nothing was let go.
        run.approved_by = None
    run.save()
    previous = _previous(run)
    is_one_more = previous is None or not _says_the_same(previous, run)
    if previous is not None and not is_one_more:
        _unreferenced().filter(pk=previous.pk).delete()
    if is_one_more and previous is not None and run.status == RunStatus.HELD and previous.report.pop("would", None):
        # Of an older content the last list is read and decided upon; each may be of everybody.
        previous.save(update_fields=["report"])
    # Not in every second: where the table has grown, and every night.
    if is_one_more or run.mode == Mode.DEEP:
        _forget_old(now)
    return run


def fail(run: SyncRun, error: str, now: datetime) -> None:
    """Mark the run failed.  The journal is told once per failure that lasts."""
    with transaction.atomic():
        # Without what was decided and taken back; with what had been carried out before.
        kept = SyncRun.objects.filter(pk=run.pk).values_list("report", "counts").first()
        run.report, run.counts = kept or ({}, {})
        run.error = error[:MAX_ERROR]
        previous = _previous(run)
        if previous is None or (previous.status, previous.error) != (RunStatus.FAILED, run.error):
            facts: dict[str, object] = {"run": run.pk, "source": run.source_id}
            kind = error.partition(":")[0]
            reason = kind if kind in REASONS else "reading_broke"
            record(Entry(Action.SYNC_FAILED, refused=True, reason=reason, facts=facts, at=now))
        close(run, RunStatus.FAILED, now)


def _previous(run: SyncRun) -> SyncRun | None:
    before = SyncRun.objects.filter(pk__lt=run.pk, source=run.source, dry=False).exclude(status=RunStatus.RUNNING)
    return before.order_by("-id").first()


def _says_the_same(previous: SyncRun, run: SyncRun) -> bool:
    if previous.report.get("gone"):
        # It counts for a day.
        return False
    if (previous.status, previous.error) != (run.status, run.error) or run.dry:
        return False
    if run.status == RunStatus.FAILED:
        # Neither has done anything before it broke off.
        return not (previous.report or run.report)
    quiet = not previous.counts.get("written", 1) and not run.counts.get("written", 1)
    return quiet and previous.report.get("approval") == run.report.get("approval")


def _unreferenced() -> models.QuerySet[SyncRun]:
    return SyncRun.objects.filter(issues_opened=None, issues_seen=None)


def _forget_old(now: datetime) -> None:
    old = Q(started_at__lt=now - KEPT) & ~Q(status=RunStatus.RUNNING)
    newest = SyncRun.objects.filter(source=OuterRef("source"), dry=False, status__in=READ).order_by("-id")
    old &= ~Q(pk=Subquery(newest.values("pk")[:1]))
    ids = list(_unreferenced().filter(old).values_list("pk", flat=True)[:100])
    if ids:
        SyncRun.objects.filter(pk__in=ids).delete()
    # What an anomaly refers to stays, without the names of people who may have gone since.
    SyncRun.objects.filter(old).exclude(report={}).update(report={})
