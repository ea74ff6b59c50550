"""Fewer checkpoints of what is long past: an export carries a few hundred, and is checked in seconds.

All of the last day stay, then the last of each hour for a month, then the last of each day; and always the first and
the last of a log, and whatever a witness signed.  Nothing is lost by it: the entries give every root again, so a
checkpoint that somebody kept is compared all the same.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef

from audit.models import Checkpoint, Cosignature, Log

ALL_FOR = timedelta(days=1)
HOURLY_FOR = timedelta(days=31)
# Rows that go in one turn, and rows that are looked at in one log to find them.
BATCH, LOOKED_AT = 500, 20_000


class Point(NamedTuple):
    pk: int
    at: datetime


def thin_out(*, now: datetime) -> int:
    """Returns how many went; ``BATCH`` where there may be more.  One statement for each log with nothing to lose."""
    gone = 0
    for log_id in Log.objects.order_by("pk").values_list("pk", flat=True):
        gone += _thin_out_one(log_id, now, BATCH - gone)
        if gone >= BATCH:
            break
    return gone


def superfluous(points: Iterable[Point], now: datetime) -> list[int]:
    """Of the checkpoints of one log in their order, those that another one of their hour or day follows."""
    found: list[int] = []
    before: Point | None = None
    for point in points:
        if before is not None and _span(before.at, now) == _span(point.at, now) is not None:
            found.append(before.pk)
        before = point
    return found


def _span(at: datetime, now: datetime) -> str | None:
    """The hour or the day of which one checkpoint stays; nothing while all of them do."""
    age = now - at
    if age <= ALL_FOR:
        return None
    return f"{at:%Y-%m-%d %H}" if age <= HOURLY_FOR else f"{at:%Y-%m-%d}"


def _thin_out_one(log_id: int, now: datetime, most: int) -> int:
    own = Checkpoint.objects.filter(log=log_id)
    rows = own.filter(~Exists(Cosignature.objects.filter(checkpoint=OuterRef("pk"))))
    found = rows.order_by("size").values_list("pk", "at")[:LOOKED_AT]
    points = [Point(*row) for row in found]
    # Without the first; the last is followed by none.
    over = superfluous(points[1:], now)[:most]
    return _delete(over) if over else 0


@transaction.atomic
def _delete(keys: list[int]) -> int:
    """Locked first: a line of a witness that arrives meanwhile finds the checkpoint gone, and brings it back."""
    locked = set(Checkpoint.objects.select_for_update().filter(pk__in=keys).values_list("pk", flat=True))
    witnessed = set(Cosignature.objects.filter(checkpoint__in=locked).values_list("checkpoint_id", flat=True))
    return Checkpoint.objects.filter(pk__in=locked - witnessed).delete()[0]
