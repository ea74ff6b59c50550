"""The pass over a directory: read, decide, apply in one transaction.

What was only added or corrected since the pass before is carried out first, in a transaction of its own
(``first_looks``): of a hundred thousand people, the rest takes a second or two.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from traceback import clear_frames
from uuid import UUID

from django.db import transaction

from directory.ldap import sources
from directory.ldap.apply import Early, apply
from directory.ldap.config import LdapConfig
from directory.ldap.neighbours import known_entries
from directory.ldap.observe import Known, Seen, Tell, by_everything, by_pivots, quiet
from directory.ldap.reading import reading
from directory.ldap.report import report_of
from directory.models import DirectorySource, SyncRun
from directory.policy import time_followed
from directory.runs import close, fail, last_read, one_at_a_time, open_run
from directory.services import acceptances, statuses
from directory.services.deciding import decide, has_waited
from directory.services.first_looks import FirstLooks, gone_early, settle_gone, with_gone
from directory.services.roles import end_roles_of_leavers
from directory.types import DirectoryRefused, DirectoryUnavailable, Mode, RunStatus


def synchronise(
    *,
    now: datetime,
    source: DirectorySource | None = None,
    mode: Mode = Mode.PIVOT,
    dry_run: bool = False,
    allow_large: bool = False,
    approved: str = "",
    asked_by: UUID | None = None,
    tell: Tell = quiet,
) -> SyncRun:
    """One pass over one source (that of the operator's settings, if none is named); the run tells what came of it.

    ``mode``: compare change marks and read what differs, or read everything; everything is read in any case the first
    time, after a change of the mapping, and while something waits.  ``dry_run`` decides and changes nobody; its run is
    kept only where somebody asked for it.  Removals beyond the ceilings wait, unless ``allow_large``, or ``approved``
    is the digest that the report of exactly these removals gave.
    Raises ``DirectoryUnavailable`` or ``DirectoryRefused`` after marking the run failed: nobody is lost by it.
    """
    source = source or sources.settings_source()
    run = SyncRun(source=source, mode=mode, started_at=now, dry=dry_run, asked_by_id=asked_by)
    if approved:
        run.approved_by_id = asked_by
    is_kept = not dry_run or asked_by is not None
    if is_kept:
        open_run(run)
    try:
        with _collector_paused():
            return _read_and_apply(
                run, source, now, allow_large=allow_large, approved=approved, tell=tell, kept=is_kept
            )
    except (DirectoryUnavailable, DirectoryRefused) as error:
        if is_kept:
            fail(run, f"{type(error).__name__}: {error}", now)
        raise
    except Exception as error:
        # Where there was no memory left, to say so takes some.
        clear_frames(error.__traceback__)
        if is_kept:
            fail(run, type(error).__name__, now)
        raise


def _read_and_apply(
    run: SyncRun, source: DirectorySource, now: datetime, *, allow_large: bool, approved: str, tell: Tell, kept: bool
) -> SyncRun:
    ldap = sources.of(source)
    before = last_read(source)
    # While something waits, everything is worked out anew: what waits is not remembered, it is found again.
    force = allow_large or bool(approved) or has_waited(before)
    if force or before is None or source.mapping_digest != ldap.rules.digest:
        run.mode = Mode.DEEP
    column = "digest" if run.mode == Mode.DEEP else "csn"
    looks = None
    if before is not None and not (run.dry or force or source.mapping_digest != ldap.rules.digest):
        looks = FirstLooks(run, source, ldap, before, now)
    with reading(ldap) as read, looks or nullcontext():
        if looks is not None:
            looks.take(read)
            read.between_pages = looks.take_meanwhile
        known = known_entries(source, column=column)
        if run.mode == Mode.DEEP:
            seen = by_everything(read, ldap, known, tell, force=force)
        else:
            seen = by_pivots(read, ldap, known, tell, again=source.look_again)
    gone = gone_early(source)
    seen = with_gone(seen, gone)
    if run.dry:
        observed = seen.observed
        plan = decide(source, ldap, observed, known, column, before, now, allow_large=allow_large, approved=approved)
        report_of(run, plan, now)
        run.ended_at = now
        return close(run, RunStatus(run.status), now) if kept else run
    early = looks.early if looks else None
    return _apply(run, source, ldap, seen, gone, known, column, early, now, allow_large=allow_large, approved=approved)


@transaction.atomic
def _apply(
    run: SyncRun,
    source: DirectorySource,
    ldap: LdapConfig,
    seen: Seen,
    gone: frozenset[UUID],
    known: Known,
    column: str,
    early: Early | None,
    now: datetime,
    *,
    allow_large: bool,
    approved: str,
) -> SyncRun:
    one_at_a_time()
    before = last_read(source)
    if before is not None and before.pk > run.pk:
        # A later pass has read later and is through: what was read here is old.
        return close(run, RunStatus.INTERRUPTED, now)
    # As it is now, and not as it was when the pass began: somebody may have changed its settings meanwhile.
    state_read = source.state
    source = DirectorySource.objects.select_for_update(no_key=True).get(pk=source.pk)
    if source.state != state_read or sources.of(source) != ldap:
        # Paused while it was read, and perhaps pointed elsewhere: what was read is not what these settings say.
        return close(run, RunStatus.INTERRUPTED, now)
    is_of_the_row = run.approved_by_id is not None
    if is_of_the_row:
        # Taken back while it was read, carried out by another pass, or no longer theirs to give.
        approved = approved if acceptances.standing(source, now) == approved else ""
        run.approved_by_id = source.approved_by_id if approved else None
    plan = decide(source, ldap, seen.observed, known, column, before, now, allow_large=allow_large, approved=approved)
    refused = "" if plan.lifted else "others_wait" if plan.held else "nothing_waits"
    if approved:
        acceptances.settle(source, approved, of_the_row=is_of_the_row, refused=refused, now=now)
    if refused:
        run.approved_by = None
    # Nothing is counted while something waits: not the time up to now, nor that until it is settled.
    source.followed_for = (
        source.followed_for if plan.held else time_followed(source.followed_for, source.followed_until, now)
    )
    source.followed_until = None if plan.held else now
    run.source = source
    held_before = str(before.report.get("approval", "")) if before else ""
    applied = apply(run, plan, now, first=before is None, held_before=held_before, early=early)
    was_told = before is not None and before.report.get("others_accepted") and held_before == plan.digest
    if plan.held and (approved or was_told):
        run.report["others_accepted"] = True
    if applied.arrived:
        statuses.begin(applied.arrived, now=now)
    if applied.changed:
        statuses.settle(now=now, only=applied.changed)
        end_roles_of_leavers(now=now)
    if not plan.waits_wholly:
        settle_gone(source, gone & seen.observed.located.keys())
        source.mapping_digest = ldap.rules.digest
    # What still moves, or goes by a name of before, is looked at again soon; once only for whoever is gone or renamed,
    # as those who wait for a decision stay gone.
    is_second_look = source.look_again and before is not None and before.watermark == seen.watermark
    source.look_again = seen.in_flux or plan.unsettled or (seen.stirred and not is_second_look)
    source.watermark = seen.watermark
    # A server that went back keeps the mark it has to come up to again.
    run.watermark = before.watermark if plan.waits_wholly and before else seen.watermark
    source.read_at = now
    if run.mode == Mode.DEEP:
        source.deep_at = now
    columns = ["mapping_digest", "watermark", "look_again", "read_at", "deep_at", "followed_for", "followed_until"]
    source.save(update_fields=columns)
    return close(run, RunStatus(run.status), now)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Of a hundred thousand entries that all stay, the collector would walk each dozens of times and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
