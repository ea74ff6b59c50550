"""Gives every event that was written its place in a log: exactly one, whatever is killed when.

A row leaves the queue in the transaction in which its entry enters the tree.  The rows of ``Log`` are the lock: whoever
holds the one of its family is the only one that puts anything into that log, and into its successor.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit import merkle
from audit.keyring import half_year
from audit.kinds import FAMILIES, RETENTION, Family, Retention
from audit.models import Leaf, Log, Pending, Tile
from audit.parts import PartsError, Role, entry_bytes
from audit.services import record
from audit.types import Action, Entry

logger = logging.getLogger("audit.sequencer")
BATCH = 2048
# A commitment in the queue: the letter of its role, and SHA-256.
COMMITMENT_BYTES = 33


class DatabaseTiles:
    """Where the tree of a log reads its tiles."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def tile(self, level: int, number: int) -> bytes:
        found = Tile.objects.filter(log=self._log, level=level, number=number).values_list("hashes", flat=True).first()
        return bytes(found) if found is not None else b""


class ExpectedTiles(DatabaseTiles):
    """The same for many proofs: the tiles of some entries in one statement, kept until others are expected."""

    def __init__(self, log: Log, size: int) -> None:
        super().__init__(log)
        self._size = size
        self._kept: dict[tuple[int, int], bytes] = {}

    def expect(self, indexes: Iterable[int]) -> None:
        wanted = merkle.tiles_for(indexes, self._size)
        self._kept = {place: hashes for place, hashes in self._kept.items() if place in wanted}
        by_level: dict[int, list[int]] = {}
        for level, number in wanted - self._kept.keys():
            by_level.setdefault(level, []).append(number)
        found = Q()
        for level, numbers in by_level.items():
            found |= Q(level=level, number__in=numbers)
        if found:
            rows = Tile.objects.filter(found, log=self._log).values_list("level", "number", "hashes")
            self._kept |= {(level, number): bytes(hashes) for level, number, hashes in rows}

    def tile(self, level: int, number: int) -> bytes:
        kept = self._kept.get((level, number))
        return kept if kept is not None else super().tile(level, number)


def sequence(*, now: datetime) -> int:
    """Move up to ``BATCH`` events from the queue into their logs; returns how many.  One statement where none wait."""
    return _sequence(now) if Pending.objects.exists() else 0


@transaction.atomic
def _sequence(now: datetime) -> int:
    logs = _open_logs(now)
    rows = list(Pending.objects.order_by("pk")[:BATCH])
    entered: list[int] = []
    for family, log in logs.items():
        own = [row for row in rows if _family(row.action) == family]
        if own:
            entered += _append(log, own, now)
    Pending.objects.filter(pk__in=entered).delete()
    return len(entered)


def log_name(family: Family, now: datetime) -> str:
    """``ledger-2026``, ``access-2026h2``."""
    if family == Family.LEDGER:
        return f"{family}-{now.year}"
    return f"{family}-{half_year(now).lower()}"


def _open_logs(now: datetime) -> dict[Family, Log]:
    """The log of each family that takes entries now, locked; the one of the period before is closed."""
    logs = {Family(log.family): log for log in Log.objects.select_for_update().filter(closed_at=None).order_by("pk")}
    for family in Family:
        log, name = logs.get(family), log_name(family, now)
        # The name of a log that had to be given up within its period is followed by a number.
        if log is not None and log.name.split(".")[0] >= name:
            continue
        if log is not None:
            log.closed_at = now
            log.save(update_fields=["closed_at"])
            facts: dict[str, object] = {"log": log.name, "log_size": log.size}
            record(Entry(Action.LOG_CLOSED, facts=facts, at=now))
        logs[family] = Log.objects.create(name=name, family=family, opened_at=now)
    return logs


def _append(log: Log, rows: Sequence[Pending], now: datetime) -> list[int]:
    """Put these into the log; returns which of them."""
    # Shared by the batch, in whole seconds, so that it tells nobody apart; never less than before, nor than when its
    # events were written, whatever the clock: a checker takes an entry that is older than what it tells for a forgery.
    log.time = max(log.time, *(int(each.timestamp()) for each in (now, *(row.since for row in rows))))
    entries = [(row, entry) for row in rows if (entry := _entry(row, log.time))]
    changed = merkle.append(DatabaseTiles(log), log.size, [merkle.leaf_hash(entry) for _, entry in entries])
    Leaf.objects.insert(
        [
            {"log_id": log.pk, "index": log.size + place, "reference": row.reference, "entry": entry}
            for place, (row, entry) in enumerate(entries)
        ]
    )
    Tile.objects.bulk_create(
        [Tile(log=log, level=level, number=number, hashes=hashes) for (level, number), hashes in changed.items()],
        update_conflicts=True,
        unique_fields=["log", "level", "number"],
        update_fields=["hashes"],
    )
    log.size += len(entries)
    log.save(update_fields=["size", "time"])
    return [row.pk for row, _ in entries]


def _entry(row: Pending, seconds: int) -> bytes | None:
    """None for a row that somebody spoiled in the database: it waits, which is told, and keeps nobody else's out."""
    commitments = bytes(row.commitments)
    try:
        return entry_bytes(
            reference=UUID(str(row.reference)),
            event=row.action,
            at=seconds,
            retention=_retention(row.action),
            commitments=[
                (Role(chr(commitments[start])), commitments[start + 1 : start + COMMITMENT_BYTES])
                for start in range(0, len(commitments), COMMITMENT_BYTES)
            ],
        )
    except (PartsError, ValueError):
        logger.error("event %s cannot enter the log of proof", row.reference)
        return None


def _retention(action: str) -> Retention:
    # A kind that this version does not know was written by a newer one beside it: kept as long as anything is.
    return RETENTION.get(action, Retention.ADMINISTRATION)


def _family(action: str) -> Family:
    return FAMILIES[_retention(action)]
