"""Comparing, and settling what was found."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import Gap, Leaf, Reconciliation
from audit.reconciliation.sources import SETTLED, Compared, Window, sources
from audit.services import record
from audit.types import Action, Actor, Entry

# A first comparison looks back so far, and the purge keeps that much of what expired, and half a day more.
FIRST = timedelta(days=1)
# By the clock of the cooperative, when little happens.
NIGHT_HOUR = 2
# Of each source; there is no reading more, and a table that was emptied is no reason to fill another.
GAPS_KEPT = 1000


def reconcile(*, now: datetime, night: date | None = None, since: datetime | None = None) -> Reconciliation:
    """Compare what happened since the last comparison, or since then; the gaps are kept, and the journal told.

    Reads first and outside a transaction, for it may take a while; then writes all at once.
    """
    window = _window(now, since)
    leaf = Leaf.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    examined = found = 0
    gaps: list[Gap] = []
    kept: dict[str, Any] = {}
    for source in sources():
        compared = Compared()
        missing = source.gaps(window, compared)
        listed = [Gap(source=source.code, row=fact.row, at=fact.at) for fact in islice(missing, GAPS_KEPT)]
        found += len(listed) + sum(1 for _ in missing)
        examined += compared.examined
        gaps += listed
        kept |= compared.kept
    run = Reconciliation(night=night, leaf=leaf, at=now, examined=examined, found=found, kept=kept)
    return _keep(run, window, gaps, now)


@transaction.atomic
def _keep(run: Reconciliation, window: Window, gaps: Sequence[Gap], now: datetime) -> Reconciliation:
    run.since, run.until = window.since, window.until
    run.save()
    Reconciliation.objects.exclude(pk=run.pk).exclude(kept={}).update(kept={})
    for gap in gaps:
        gap.found_by = run
    # One that is known already stays as it is, settled or not.
    Gap.objects.bulk_create(gaps, ignore_conflicts=True, batch_size=500)
    facts: dict[str, object] = {"comparison": run.pk, "examined": run.examined, "found": run.found}
    record(Entry(Action.JOURNAL_COMPARED, refused=bool(run.found), facts=facts, at=now))
    return run


def reconcile_nightly(*, now: datetime) -> Reconciliation | None:
    """Once for each day, by whichever worker comes first."""
    here = timezone.localtime(now)
    if here.hour < NIGHT_HOUR or Reconciliation.objects.filter(night=here.date()).exists():
        return None
    try:
        return reconcile(now=now, night=here.date())
    except IntegrityError:
        if not Reconciliation.objects.filter(night=here.date()).exists():
            raise
        return None


@transaction.atomic
def settle(*, gaps: Sequence[int], settlement: str, actor: Actor, now: datetime) -> int:
    """Somebody looked into these and says why they are; returns how many were still open."""
    rows = list(Gap.objects.select_for_update().filter(pk__in=gaps, settled_at=None).order_by("pk"))
    Gap.objects.filter(pk__in=[row.pk for row in rows]).update(settled_at=now, settlement=settlement)
    for row in rows:
        record(Entry(Action.GAP_SETTLED, actor=actor, facts={"gap": row.pk, "compared": row.source}, at=now))
    return len(rows)


def _window(now: datetime, since: datetime | None) -> Window:
    last = Reconciliation.objects.order_by("-until").first()
    newest = Reconciliation.objects.order_by("-pk").first()
    kept, kept_at = (newest.kept, newest.at) if newest else ({}, None)
    until = now - SETTLED
    if since is not None or last is None:
        return Window(min(since or until - FIRST, until), until, kept=kept, kept_at=kept_at)
    return Window(min(last.until, until), until, last.leaf, kept, kept_at)
