"""The fifth report: what a line of the journal costs those who write it, and how soon it is signed; on PostgreSQL.

Beside it each time, in turns, what it is compared with: the same transaction without the line, and a chain of digests
whose head is locked until the commit, as most tamper-evident logs have it.
"""

import argparse
import statistics
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from signal import SIGTERM
from typing import Any, cast

import psycopg

from benchmarks import hub, report, stores
from benchmarks.children import Child, child
from tools.servers import stop

WRITERS = (1, 4, 16)
WORK_SECONDS = 0.02
TRANSACTIONS = 2000
RATE = 500
PACED_WRITERS = 4
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 30
# Room between the numbers of writers, so that no two of them meet at a row of the business by design.
APART = 37
TABLES = ("audit_event", "audit_leaf", "audit_tile", "audit_checkpoint")

LINE = ("transaction of three statements", "median ms", "own CPU µs", "store CPU µs", "CPU µs together")
MANY = ("lines", "other work", "writers", "a second", "median ms", "p95 ms", "queue / chain")
PLACES = ("places given", "a second", "own CPU µs", "store CPU µs")
BYTES = ("bytes an event, with indexes", *(table.removeprefix("audit_") for table in TABLES), "together")


def run(folder: Path, arguments: argparse.Namespace) -> None:
    print(report.machine_alone())
    with stores.postgresql(folder) as store, ExitStack() as running:
        environment = hub.environment_without_directory(folder, 0) | {"DATABASE_URL": store.url}
        hub.run(environment, str(hub.ROOT / "manage.py"), "migrate")
        writers = [running.enter_context(child("benchmarks.writing", environment)) for _ in range(max(WRITERS))]
        writers[0].order(do="prepare")
        database = running.enter_context(psycopg.connect(store.url, autocommit=True))
        print(report.table(LINE, one_line(writers[0], store.pid, arguments.rounds)), flush=True)
        print(report.table(MANY, many(writers, arguments)), flush=True)
        print(soon(environment, writers[:PACED_WRITERS], database, seconds=arguments.seconds * 10), flush=True)
        empty(database)
        print(report.table(PLACES, [places(writers[0], store.pid, min(arguments.entries))]), flush=True)
        # A signer that remembers what was emptied would refuse to sign what comes after it.
        environment["TROUSSEAU_AUDIT_DIR"] = str(folder / "another signer")
        print(report.table(BYTES, sizes(environment, database)), flush=True)


def one_line(writer: Child, store: int, rounds: int) -> Iterator[tuple[str, ...]]:
    taken: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for turn in range(rounds + 1):
        for events in (False, True):
            told = writer.order(do="business", events=events, count=TRANSACTIONS, store=store, first=0)
            if turn:  # the first one warms up
                taken[events].append(told)
    found = {
        events: [statistics.median(each[name] for each in told) for name in ("median_ms", "own_us", "store_us")]
        for events, told in taken.items()
    }
    for name, (ms, own, stored) in (
        ("as it is", found[False]),
        ("with a line of three parts, two of them sealed", found[True]),
        ("**the line alone**", [one - other for one, other in zip(found[True], found[False], strict=True)]),
    ):
        yield name, f"{ms:.2f}", f"{own:.0f}", f"{stored:.0f}", f"{own + stored:.0f}"


def many(writers: Sequence[Child], arguments: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    for pause, work in ((0.0, "none"), (WORK_SECONDS, f"{WORK_SECONDS * 1000:.0f} ms")):
        for count in WRITERS:
            taken: dict[str, list[dict[str, Any]]] = {"chain": [], "queue": []}
            for _ in range(arguments.rounds):
                for how, told in taken.items():
                    told.append(at_once(writers[:count], how=how, seconds=arguments.seconds, pause=pause))
            rates = {how: statistics.median(each["rate"] for each in told) for how, told in taken.items()}
            for how, told in taken.items():
                times = sorted(each for one in told for each in one["times"])
                ratio = f"{rates['queue'] / rates['chain']:.1f}" if how == "queue" else ""
                median, late = times[len(times) // 2], times[len(times) * 95 // 100]
                yield how, work, count, f"{rates[how]:.0f}", f"{median * 1000:.1f}", f"{late * 1000:.1f}", ratio


def at_once(writers: Sequence[Child], *, how: str, seconds: float, pause: float) -> dict[str, Any]:
    for number, each in enumerate(writers):
        each.send(do="write", how=how, seconds=seconds, pause=pause, first=number * APART)
    told = [each.answer() for each in writers]
    return {"rate": sum(each["count"] for each in told) / seconds, "times": [t for each in told for t in each["times"]]}


def empty(database: "psycopg.Connection[Any]") -> None:
    """What is counted next begins with nothing."""
    database.execute("TRUNCATE audit_event, audit_pending, audit_leaf, audit_tile, audit_checkpoint, audit_log CASCADE")


def places(writer: Child, store: int, count: int) -> tuple[object, ...]:
    writer.order(do="fill", count=count)
    told = writer.order(do="sequence", store=store)
    if told["count"] < count:
        raise RuntimeError(f"{told['count']} events got a place, not {count}")
    rate = told["count"] / told["wall"]
    return f"{told['count']:,}", f"{rate:,.0f}", f"{told['own_us']:.1f}", f"{told['store_us']:.1f}"


def sizes(environment: dict[str, str], database: "psycopg.Connection[Any]") -> Iterator[tuple[object, ...]]:
    """Of what was written last; then without what says who people are, and without what says what happened."""
    hub.run(environment, str(hub.ROOT / "manage.py"), "run_journal", "both", "--once")
    (count,) = cast(tuple[int], database.execute("SELECT count(*) FROM audit_event").fetchone())
    yield ("live", *_bytes(database, count))
    database.execute("UPDATE audit_event SET subject_sealed = NULL, actor_sealed = NULL, network_sealed = NULL")
    yield ("without what says who people are", *_bytes(database, count))
    database.execute("DELETE FROM audit_event")
    yield ("without any part", *_bytes(database, count))


def _bytes(database: "psycopg.Connection[Any]", count: int) -> Iterator[str]:
    total = 0
    for table in TABLES:
        database.execute(f"VACUUM FULL {table}".encode())
        found = database.execute("SELECT pg_total_relation_size(%s)", [table]).fetchone()
        total += found[0] if found else 0
        yield f"{found[0] / count:.0f}" if found else ""
    yield f"{total / count:.0f}"


def soon(
    environment: dict[str, str], writers: Sequence[Child], database: "psycopg.Connection[Any]", *, seconds: float
) -> str:
    """From the commit of an event to the first checkpoint over it that anybody can read."""
    empty(database)
    command = [sys.executable, str(hub.ROOT / "manage.py"), "run_journal", "both"]
    journal = subprocess.Popen(command, cwd=hub.ROOT, env=environment, stdout=subprocess.DEVNULL, process_group=0)
    signed: list[tuple[int, float]] = []
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(database, signed, over))
    try:
        watching.start()
        # Not before it runs: the first checkpoint is over what was written so far.
        writers[0].order(do="fill", count=1)
        _wait_for(1, signed)
        for number, each in enumerate(writers):
            each.send(do="pace", rate=RATE / len(writers), seconds=seconds, first=number * APART)
        told = [each.answer() for each in writers]
        _wait_for(1 + sum(len(each["written"]) for each in told), signed)
    finally:
        over.set()
        watching.join()
        stop(journal, SIGTERM)
    return _lags(database, told, signed)


def _wait_for(size: int, signed: list[tuple[int, float]]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not signed or signed[-1][0] < size:
        if time.monotonic() > until:
            raise RuntimeError("events wait for their signature; nothing measured")
        time.sleep(LOOK_SECONDS)


def _watch(database: "psycopg.Connection[Any]", signed: list[tuple[int, float]], over: threading.Event) -> None:
    asked = "SELECT max(c.size) FROM audit_checkpoint c JOIN audit_log l ON l.id = c.log_id WHERE l.family = 'access'"
    while not over.wait(LOOK_SECONDS):
        found = database.execute(asked).fetchone()
        size = (found[0] if found else None) or 0
        if size and (not signed or signed[-1][0] < size):
            signed.append((size, time.time()))


def _lags(
    database: "psycopg.Connection[Any]", told: Sequence[dict[str, Any]], signed: Sequence[tuple[int, float]]
) -> str:
    written = {number: at for each in told for number, at in each["written"]}
    rows = database.execute(
        "SELECT (e.facts->>'mark')::bigint, f.index FROM audit_event e "
        "JOIN audit_leaf f ON f.reference = e.reference WHERE e.facts ? 'mark'"
    ).fetchall()
    sizes = [size for size, _ in signed]
    lags = sorted(signed[bisect_right(sizes, index)][1] - written[number] for number, index in rows)
    if len(lags) != len(written):
        raise RuntimeError(f"{len(lags)} events have a place, not {len(written)}")
    took = max(written.values()) - min(written.values())
    rate = len(lags) / took
    return (
        f"From an event to its signed checkpoint, at {rate:.0f} events a second for {took:.0f} s: "
        f"{lags[len(lags) // 2] * 1000:.0f} ms in the middle, {lags[len(lags) * 99 // 100] * 1000:.0f} ms for 99 of "
        f"100, {lags[-1] * 1000:.0f} ms the longest; {len(signed)} checkpoints.\n"
    )
