"""The keys of people: found or made when something is written of them, thrown away when they are erased."""

import threading
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from os import urandom
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.db import transaction

from audit.keeping import ends
from audit.sealing import InvalidToken, unwrap, wrap

PURPOSE = "audit.person_key"
KEY_BYTES = 32
# Keys that a process remembers, and for how long: one that was thrown away elsewhere seals nothing for longer.
MAX_KEPT = 20_000
KEPT_SECONDS = 600.0
# People asked for in one statement: SQLite takes 32,766 values.
AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key of somebody, ready for use."""

    id: UUID
    secret: bytes


_kept: dict[tuple[UUID, str], tuple[Key, float]] = {}
_lock = threading.Lock()


def _batches(people: set[UUID]) -> Iterator[list[UUID]]:
    # As they compare, which they do ten times as slowly.
    ordered = sorted(people, key=lambda person: person.int)
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]


def half_year(now: datetime) -> str:
    """``2026H2``: keys are thrown away half-year by half-year where no erasure did it before."""
    return f"{now.year}H{1 if now.month <= 6 else 2}"


def keys_of(people: Iterable[UUID], *, now: datetime, newcomers: AbstractSet[UUID] = frozenset()) -> dict[UUID, Key]:
    """A key for each of these people, made where there is none yet: usually without a statement.

    Whoever is erased has none: nothing more is written of them.  ``newcomers``: those of whom nothing can have been
    written before, as they were added in this very transaction; of them nothing is looked up.
    """
    # In their order, which is mostly that of other things that are known of them.
    period, wanted = half_year(now), dict.fromkeys(people)
    found = dict(_remembered(wanted, period))
    missing = wanted.keys() - found.keys()
    if not missing:
        return found
    fresh: dict[UUID, Key] = {}
    for some in _batches(missing - newcomers):
        rows = _rows().filter(person__in=some, half_year=period, retired_at=None, lasting=False)
        rows = rows.values_list("person_id", "pk", "sealed")
        for person, pk, sealed in rows:
            # One that does not open is no key any more: whoever lost it goes on with another.
            with suppress(InvalidToken):
                fresh[person] = Key(pk, unwrap(bytes(sealed), purpose=PURPOSE))
    unknown = missing - fresh.keys()
    unknown -= _gone(unknown - newcomers)
    made = {person: Key(uuid4(), urandom(KEY_BYTES)) for person in wanted if person in unknown}
    if made:
        _rows().insert(
            [
                {
                    "id": key.id,
                    "person_id": person,
                    "half_year": period,
                    "sealed": wrap(key.secret, purpose=PURPOSE),
                }
                for person, key in made.items()
            ]
        )
    fresh |= made
    # Not before: a key whose transaction is rolled back is nobody's.
    transaction.on_commit(lambda: _remember(fresh, period))
    return found | fresh


def _gone(people: set[UUID]) -> set[UUID]:
    """Who of these is erased to the end.

    An erasure that is under way takes what is written until it is over: it cannot end before the caller's transaction.
    """
    erased = {person for some in _batches(people) for person in ends.erased_of(some)}
    if not erased:
        return erased
    going = _erasures().filter(person__in=erased, ended_at=None).order_by("pk").select_for_update(no_key=True)
    return erased - {each.person for each in going}


def left_behind() -> set[UUID]:
    """Who is erased to the end and has a key all the same."""
    people = set(_rows().filter(lasting=False).order_by().values_list("person", flat=True).distinct())
    erased = {person for some in _batches(people) for person in ends.erased_of(some)}
    return erased - set(_erasures().filter(person__in=erased, ended_at=None).values_list("person", flat=True))


def secret_of(row: Any) -> bytes:
    """Raises ``InvalidToken`` when the hub's own key is not the one that sealed it."""
    return unwrap(bytes(row.sealed), purpose=PURPOSE)


def reseal_all() -> int:
    """Every key under the first of the hub's own, in the caller's transaction; returns how many.

    Raises ``InvalidToken`` at what none of them opens.
    """
    count, last = 0, None
    while rows := list((_rows().filter(pk__gt=last) if last else _rows()).order_by("pk")[:AT_ONCE]):
        for row in rows:
            row.sealed = wrap(secret_of(row), purpose=PURPOSE)
        _rows().bulk_update(rows, ["sealed"], batch_size=500)
        count, last = count + len(rows), rows[-1].pk
    return count


def lasting_key(person: UUID, period: str) -> Key:
    """The key for what outlives them of what was written then; made where there is none."""
    row = _rows().filter(person=person, half_year=period, retired_at=None, lasting=True).first()
    if row is not None:
        return Key(row.pk, secret_of(row))
    key = Key(uuid4(), urandom(KEY_BYTES))
    sealed = wrap(key.secret, purpose=PURPOSE)
    _rows().insert([{"id": key.id, "person_id": person, "half_year": period, "sealed": sealed, "lasting": True}])
    return key


def retire(person: UUID, *, now: datetime) -> None:
    """In the caller's transaction: from now on their keys seal nothing new, but in processes that remember one."""
    _rows().filter(person=person, retired_at=None).update(retired_at=now)
    transaction.on_commit(forget)


def retire_new(person: UUID, *, now: datetime) -> None:
    """As ``retire``, of those that were made since an erasure was asked: all but what it made itself."""
    if _rows().filter(person=person, retired_at=None, lasting=False).update(retired_at=now):
        transaction.on_commit(forget)


def forget() -> None:
    """This process remembers no key any more."""
    with _lock:
        _kept.clear()


def _rows() -> Any:
    return apps.get_model("audit", "PersonKey").objects


def _erasures() -> Any:
    return apps.get_model("audit", "Removal").objects


def _remembered(people: Iterable[UUID], period: str) -> Iterator[tuple[UUID, Key]]:
    limit = time.monotonic() - KEPT_SECONDS
    for person in people:
        kept = _kept.get((person, period))
        if kept and kept[1] > limit:
            yield person, kept[0]


def _remember(keys: dict[UUID, Key], period: str) -> None:
    now = time.monotonic()
    with _lock:
        if len(_kept) + len(keys) > MAX_KEPT:
            _kept.clear()
        for person, key in list(keys.items())[:MAX_KEPT]:
            _kept[person, period] = key, now
