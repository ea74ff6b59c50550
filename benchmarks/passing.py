"""A child of the third report, in the hub's environment: passes over a directory, and sign-ins by it, one at a time.

Told by lines of JSON on standard input what to do, it answers each with a line: what that took.
"""

import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.db import connection
from django.utils import timezone

from benchmarks import meters

KIB_PER_MIB = 1024


def main() -> None:
    django.setup()
    connection.ensure_connection()
    work: dict[str, Callable[..., dict[str, Any]]] = {"pass": one_pass, "binds": binds}
    print(json.dumps({"start": peak_mib()}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(work[order.pop("do")](**order)), flush=True)


def one_pass(*, mode: str, slapd: int, store: int) -> dict[str, Any]:
    """Seconds of the clock and of the processor; ``store`` is 0 where the database lives in this process."""
    from directory.services import synchronise
    from directory.types import Mode

    statements = 0

    def count(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(sql, parameters, many, context)

    servers = [[slapd], [store] if store else []]
    before = [meters.cpu_seconds(pids) for pids in servers]
    own, began = _own_seconds(), time.perf_counter()
    with connection.execute_wrapper(count):
        run = synchronise(now=timezone.now(), mode=Mode(mode))
    wall, spent = time.perf_counter() - began, _own_seconds() - own
    after = [meters.cpu_seconds(pids) for pids in servers]
    return {
        "wall": wall,
        "client": spent,
        "slapd": after[0] - before[0],
        "store": after[1] - before[1],
        "statements": statements,
        "peak": peak_mib(),
        "mode": str(run.mode),
        "status": str(run.status),
        "counts": run.counts,
    }


def binds(*, people: list[str], password: str, clients: int, seconds: float, slapd: int) -> dict[str, Any]:
    """As many sign-ins as so many threads can have checked one after the other; each must be accepted."""
    from uuid import UUID

    from directory.ldap import sources
    from directory.ldap.passwords import Verdict, check_password

    config = sources.load()
    wrong: list[str] = []
    done = [0] * clients

    def client(number: int, until: float) -> None:
        while time.perf_counter() < until and not wrong:
            identity = people[(number + done[number] * clients) % len(people)]
            verdict = check_password(config, UUID(identity), password).verdict
            if verdict is not Verdict.ACCEPTED:
                wrong.append(verdict.value)
            done[number] += 1

    _at_once(client, clients, 0.2)
    done = [0] * clients
    before, own, began = meters.cpu_seconds([slapd]), _own_seconds(), time.perf_counter()
    _at_once(client, clients, seconds)
    passed = time.perf_counter() - began
    if wrong:
        raise RuntimeError(f"a right password was not accepted: {wrong[0]}")
    count = sum(done)
    return {
        "rate": count / passed,
        "client_ms": (_own_seconds() - own) * 1000 / count,
        "slapd_ms": (meters.cpu_seconds([slapd]) - before) * 1000 / count,
    }


def _at_once(client: Callable[[int, float], None], clients: int, seconds: float) -> None:
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=client, args=(number, until)) for number in range(clients)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    """The most memory that this program ever had.

    Not ``ru_maxrss``: that begins with what the process held before it became this program, a copy of its parent.
    """
    told = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in told.splitlines() if line.startswith("VmHWM"))) / KIB_PER_MIB


if __name__ == "__main__":
    main()
