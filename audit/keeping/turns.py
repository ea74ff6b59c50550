"""The worker's turns: erasures that were asked for, the night's run of the rules, keys that open nothing any more."""

import logging
from contextlib import suppress
from datetime import datetime

from django.db import IntegrityError, connection

from audit.keeping import data, destruction, erasure, retention
from audit.models import Removal
from audit.types import SYSTEM, Actor, RemovalKind, RemovalState

logger = logging.getLogger("audit.keeping")


def turn(*, now: datetime) -> bool:
    """A batch of each thing that is to be done; whether there is more at once.  One statement where nothing is."""
    waiting = Removal.objects.filter(ended_at=None).exclude(state=RemovalState.REFUSED).order_by("pk")
    more = [_step(each, now) for each in waiting]
    return any(more)


def night(*, now: datetime) -> None:
    """Begin the run of this night, if it has not begun; ``turn`` carries it out."""
    if retention.is_due(now):
        with suppress(IntegrityError):  # another worker has just begun it
            begin(now=now)
        erasure.take_up(now=now)
        while retention.drop_keys(now):
            pass
        destruction.finish()


def begin(*, actor: Actor = SYSTEM, now: datetime) -> Removal:
    """The journal's run, which looks at the clock; and with it that of what else the hub holds."""
    run = retention.begin(actor=actor, now=now)
    if run.state == RemovalState.GOING:
        data.begin(actor=actor, now=now)
    return run


def _overwrite() -> None:
    """SQLite’s write-ahead file still has pages as they were; PostgreSQL’s rows and WAL go by vacuum and rotation."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _step(removal: Removal, now: datetime) -> bool:
    """One that fails keeps no other one from its end; its kind is logged, for a message could say who it is."""
    try:
        if removal.kind == RemovalKind.ERASURE:
            more = erasure.step(removal.pk, now=now)
            if not more and Removal.objects.filter(pk=removal.pk, state=RemovalState.OVER).exists():
                _overwrite()
            return more
        if removal.kind == RemovalKind.DATA:
            return data.step(removal.pk)
        return retention.step(removal.pk)
    except Exception as error:
        logger.error("removal %s failed: %s", removal.pk, type(error).__name__)
        return False
