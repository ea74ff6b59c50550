"""A child of the fifth report, in the hub's environment: writes events, and gives them their place in the log.

Told by lines of JSON on standard input what to do, it answers each with a line: what that took.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

import django
from django.db import connection, transaction
from django.utils import timezone

from benchmarks import meters

PEOPLE = [UUID(bytes=sha256(b"person %d" % number).digest()[:16], version=4) for number in range(200)]
ROWS = 1000
AT_ONCE = 2000
# Above any number of events that one writer writes.
PACE = 10_000_000
# What a chain needs beside the business: one row, with the digest of the one before it.  Nothing in it is sealed.
BODY = json.dumps(
    {"action": "idp:member:consult", "subject": str(PEOPLE[0]), "actor": str(PEOPLE[1]), "facts": "x" * 200}
)


def main() -> None:
    django.setup()
    connection.ensure_connection()
    work: dict[str, Callable[..., dict[str, Any]]] = {
        "prepare": prepare,
        "business": business,
        "write": write,
        "fill": fill,
        "sequence": sequence,
        "pace": pace,
    }
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(work[order.pop("do")](**order)), flush=True)


def prepare() -> dict[str, Any]:
    """The business of the transactions: accounts with a history."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_account (id int PRIMARY KEY, total int NOT NULL)")
        cursor.execute("INSERT INTO bench_account SELECT n, 0 FROM generate_series(0, %s) AS n", [ROWS - 1])
        cursor.execute("CREATE TABLE bench_entry (id bigserial PRIMARY KEY, account int, amount int)")
        cursor.execute("CREATE TABLE bench_chain (id bigserial PRIMARY KEY, digest bytea NOT NULL, body text NOT NULL)")
    return {}


def business(*, events: bool, count: int, store: int, first: int) -> dict[str, Any]:
    """So many transactions of three statements, with or without an event in each; one at a time."""
    _warm()
    times = []
    own, stored = _own_seconds(), meters.cpu_seconds([store])
    for number in range(first, first + count):
        began = time.perf_counter()
        with transaction.atomic():
            _act(number)
            if events:
                _record(number)
        times.append(time.perf_counter() - began)
    return {
        "median_ms": statistics.median(times) * 1000,
        "own_us": (_own_seconds() - own) * 1e6 / count,
        "store_us": (meters.cpu_seconds([store]) - stored) * 1e6 / count,
    }


def write(*, how: str, seconds: float, pause: float, first: int) -> dict[str, Any]:
    """As many transactions as fit, each with ``pause`` seconds of other work after its line is written."""
    _warm()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        with transaction.atomic():
            _act(first + len(times))
            if how == "chain":
                _link()
            else:
                _record(first + len(times))
            if pause:
                time.sleep(pause)
        times.append(time.perf_counter() - began)
    return {"count": len(times), "times": times}


def fill(*, count: int) -> dict[str, Any]:
    from audit.services import record_all

    for start in range(0, count, AT_ONCE):
        with transaction.atomic():
            record_all([_entry(number) for number in range(start, min(start + AT_ONCE, count))])
    return {}


def sequence(*, store: int) -> dict[str, Any]:
    """Everything that waits, batch by batch."""
    from audit import sequencer

    own, stored, began = _own_seconds(), meters.cpu_seconds([store]), time.perf_counter()
    count = 0
    while done := sequencer.sequence(now=timezone.now()):
        count += done
    return {
        "count": count,
        "wall": time.perf_counter() - began,
        "own_us": (_own_seconds() - own) * 1e6 / count,
        "store_us": (meters.cpu_seconds([store]) - stored) * 1e6 / count,
    }


def pace(*, rate: float, seconds: float, first: int) -> dict[str, Any]:
    """An event at a time at this rate: the number of each, and when it was on record, by the clock of this machine."""
    _warm()
    began, written = time.time(), []
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.time()))
        with transaction.atomic():
            _act(first + number)
            _record(first + number, mark=first * PACE + number)
        written.append((first * PACE + number, time.time()))
    return {"written": written}


def _act(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT total FROM bench_account WHERE id = %s FOR UPDATE", [number % ROWS])
        cursor.execute("UPDATE bench_account SET total = total + 1 WHERE id = %s", [number % ROWS])
        cursor.execute("INSERT INTO bench_entry (account, amount) VALUES (%s, %s)", [number % ROWS, number])


def _record(number: int, **facts: object) -> None:
    from audit.services import record

    record(_entry(number, **facts))


def _entry(number: int, **facts: object) -> Any:
    """Three parts, two of them sealed."""
    from audit.types import Action, Actor, Entry

    people = len(PEOPLE)
    subject, actor = PEOPLE[number % people], PEOPLE[(number + 1) % people]
    return Entry(
        Action.MEMBER_CONSULTED, actor=Actor(member=actor), subject=subject, facts={"page": "idp:member", **facts}
    )


def _link() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7)")
        cursor.execute("SELECT digest FROM bench_chain ORDER BY id DESC LIMIT 1")
        before = cursor.fetchone()
        digest = sha256((bytes(before[0]) if before else b"") + BODY.encode()).digest()
        cursor.execute("INSERT INTO bench_chain (digest, body) VALUES (%s, %s)", [digest, BODY])


def _warm() -> None:
    """The keys of these people are in this process."""
    from audit import keyring

    with transaction.atomic():
        keyring.keys_of(PEOPLE, now=timezone.now())


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
