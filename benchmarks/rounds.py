"""Rounds: a load generator per side, and what the servers spent while it ran."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import meters
from benchmarks.parties import Side

ROOT = Path(__file__).resolve().parents[1]
OPERATIONS = ("sso", "refresh", "client_credentials", "introspection", "userinfo", "discovery")


@dataclass(frozen=True, slots=True)
class Round:
    """CPU milliseconds per operation, operations a second, milliseconds from request to answer.

    ``others`` is the share of the machine that programs took which have no part in the round: the same work costs up to
    twice the CPU time while a neighbour fills the caches.
    """

    server_ms: float
    store_ms: float
    rate: float
    p50_ms: float
    p95_ms: float
    others: float

    @property
    def cpu_ms(self) -> float:
        return self.server_ms + self.store_ms


def median(rounds: list[Round]) -> Round:
    """Each figure's own median: a neighbour's burst spoils a round, not the result."""
    names = Round.__dataclass_fields__
    return Round(**{name: statistics.median(getattr(each, name) for each in rounds) for name in names})


@dataclass
class Station:
    """One side under its own load generator."""

    side: Side
    process: "subprocess.Popen[str]"
    taken: dict[tuple[str, int], list[Round]] = field(default_factory=dict)

    def round(self, operation: str, *, clients: int, seconds: float, filled: int = 0) -> Round:
        """Fresh tokens first, unmeasured; then everybody at once."""
        self.order({"operation": operation, "clients": clients, "filled": filled})
        before = self._spent()
        told = self.order({"operation": operation, "clients": clients, "seconds": seconds})
        server, store, generator, machine = (after - then for after, then in zip(self._spent(), before, strict=True))
        count, passed = told["count"], told["seconds"]
        others = max(0.0, machine - server - store - generator) / passed / (os.cpu_count() or 1)
        cost = (server * 1000 / count, store * 1000 / count)
        return Round(*cost, count / passed, told["p50_ms"], told["p95_ms"], others)

    def _spent(self) -> tuple[float, float, float, float]:
        processes = (self.side.server, self.side.store, (self.process.pid,))
        server, store, generator = (meters.cpu_seconds(list(each)) for each in processes)
        return server, store, generator, meters.machine_busy_seconds()

    def take(self, operation: str, clients: int, seconds: float) -> None:
        self.taken.setdefault((operation, clients), []).append(self.round(operation, clients=clients, seconds=seconds))

    def result(self, operation: str, clients: int) -> Round:
        return median(self.taken[operation, clients])

    def order(self, told: dict[str, Any]) -> dict[str, Any]:
        """Raises ``RuntimeError`` when the generator met a wrong answer: it has said which on standard error."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the load generator takes no orders")
        try:
            self.process.stdin.write(json.dumps(told) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.side.name}: wrong answer, nothing measured")
        result: dict[str, Any] = json.loads(answer)
        return result


@contextmanager
def station(side: Side) -> Iterator[Station]:
    """All members signed in, all agreements given."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            made = Station(side, process)
            made.order(side.orders())
            yield made
        finally:
            process.terminate()


def alternated(stations: list[Station], *, levels: list[int], rounds: int, seconds: float) -> Iterator[str]:
    """The sides in turn, each first as often: noise hits both.

    Levels take turns too, after everything has run once: what a just-in-time compiler learns with every request would
    otherwise be taken for the effect of more clients.
    """
    for operation in OPERATIONS:
        for each in stations:
            each.round(operation, clients=max(levels), seconds=seconds)
    yield "all warm"
    for operation in OPERATIONS:
        for number in range(rounds):
            for clients in levels if number % 2 == 0 else reversed(levels):
                for each in stations if number % 2 == 0 else reversed(stations):
                    each.take(operation, clients, seconds)
        yield operation
