"""The sixth report: what a release costs the ledger, and the question after a breach over a long one; on PostgreSQL.

The answer is compared with a recount of every row by SQL that knows no projection; any difference ends the run.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

from benchmarks import hub, report, stores
from benchmarks.children import child

RELEASES = ("a release", "median ms", "own CPU µs", "store CPU µs", "CPU µs together")
LENGTHS = ("rows of the ledger", "held", "question ms", "people", "recount ms", "recount / question")
WORK = ("rows of the ledger", "made anew s", "compared s")
TURNS = 400


def run(folder: Path, arguments: argparse.Namespace) -> None:
    print(report.machine_alone())
    with stores.postgresql(folder) as store:
        environment = hub.environment_without_directory(folder, 0) | {"DATABASE_URL": store.url}
        hub.run(environment, str(hub.ROOT / "manage.py"), "migrate")
        with child("benchmarks.releasing", environment) as writer:
            writer.order(do="prepare")
            taken: dict[str, list[dict[str, Any]]] = {"the first of a day": [], "again that day": []}
            for turn in range(arguments.rounds + 1):
                for again, told in enumerate(taken.values()):
                    found = writer.order(do="release", again=bool(again), turn=turn, count=TURNS, store=store.pid)
                    if turn:  # the first one warms up
                        told.append(found)
            print(report.table(RELEASES, [_released(name, told) for name, told in taken.items()]), flush=True)
            lengths, work = [], []
            for entries in arguments.entries:
                made = writer.order(do="fill", entries=entries)
                answer = writer.order(do="ask", rounds=arguments.rounds)
                ratio = answer["recount_ms"] / answer["question_ms"]
                asked = (
                    f"{answer['question_ms']:.0f}",
                    answer["people"],
                    f"{answer['recount_ms']:.0f}",
                    f"{ratio:.0f}",
                )
                lengths.append((f"{made['rows']:,}", f"{made['held']:,}", *asked))
                work.append((f"{made['rows']:,}", f"{made['rebuilt_s']:.1f}", f"{made['compared_s']:.1f}"))
            print(report.table(LENGTHS, lengths))
            print(report.table(WORK, work))


def _released(name: str, told: list[dict[str, Any]]) -> tuple[str, ...]:
    ms, own, stored = (statistics.median(each[name] for each in told) for name in ("median_ms", "own_us", "store_us"))
    return name, f"{ms:.2f}", f"{own:.0f}", f"{stored:.0f}", f"{own + stored:.0f}"
