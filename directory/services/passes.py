"""The pass over the directory: read, decide, apply, in one transaction."""

from datetime import datetime

from django.db import transaction

from directory.ldap.apply import apply, report_of
from directory.ldap.plan import Ceilings, Plan, make_plan
from directory.ldap.source import Source, load_mirror, read
from directory.models import SyncRun
from directory.runs import close, fail, is_overtaken, last_read, one_at_a_time, open_run
from directory.services import statuses
from directory.services.roles import end_roles_of_leavers
from directory.types import DirectoryRefused, DirectoryUnavailable, RunStatus


def synchronise(*, now: datetime, dry_run: bool = False, allow_large: bool = False, approved: str = "") -> SyncRun:
    """One pass: read everything, decide a plan, apply it in one transaction; the run tells what came of it.

    ``dry_run`` decides and writes nothing, not even the run.  Removals beyond the ceilings wait, unless
    ``allow_large``, or ``approved`` is the digest that the report of exactly these removals gave.
    Raises ``DirectoryUnavailable`` or ``DirectoryRefused`` after marking the run failed: nobody is lost by it.
    """
    run = SyncRun(started_at=now) if dry_run else open_run(now)
    try:
        source = read()
        if dry_run:
            plan = _decide(source, allow_large=allow_large, approved=approved)
            return report_of(run, plan, now)
        return _apply(run, source, now, allow_large=allow_large, approved=approved)
    except (DirectoryUnavailable, DirectoryRefused) as error:
        if not dry_run:
            fail(run, f"{type(error).__name__}: {error}", now)
        raise
    except Exception as error:
        if not dry_run:
            fail(run, type(error).__name__, now)
        raise


@transaction.atomic
def _apply(run: SyncRun, source: Source, now: datetime, *, allow_large: bool, approved: str) -> SyncRun:
    one_at_a_time()
    if is_overtaken(run):
        # A later pass has read later and is through: what was read here is old.
        return close(run, RunStatus.INTERRUPTED, now)
    plan = _decide(source, allow_large=allow_large, approved=approved)
    run = apply(run, plan, source, now)
    statuses.settle(now=now)
    end_roles_of_leavers(now=now)
    return run


def _decide(source: Source, *, allow_large: bool, approved: str) -> Plan:
    mirror = load_mirror(context_csn=_watermark())
    return make_plan(mirror, source.observed, Ceilings(), lifted=allow_large, approved=approved)


def _watermark() -> tuple[str, ...]:
    last = last_read()
    return tuple(last.watermark.split()) if last else ()
