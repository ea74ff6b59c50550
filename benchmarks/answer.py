"""The seventh report: how long a member with a long history waits for all that the hub holds; on PostgreSQL.

What was taken is opened again: a row too few, or a proof that does not hold, ends the run.
"""

import argparse
import statistics
from pathlib import Path

from benchmarks import hub, report, stores
from benchmarks.children import Child, child

TAKEN = {
    "data": "the data alone, JSON",
    "proofs": "the lines alone, with proofs",
    "archive": "**the archive: data, page, lines with proofs**",
    "pdf": "the PDF to print",
}
ANSWER = ("{rows:,} rows and {lines:,} lines", "median s", "longest s", "own CPU s", "KiB", "MiB held")
# Lines of others in the same log, for each of the member's.
BESIDE = 9


def run(folder: Path, arguments: argparse.Namespace) -> None:
    print(report.machine_alone())
    with stores.postgresql(folder) as store:
        environment = hub.environment_without_directory(folder, 0) | {"DATABASE_URL": store.url}
        hub.run(environment, str(hub.ROOT / "manage.py"), "migrate")
        for entries in arguments.entries:
            # A process for each: how much memory it ever held is that of this length.
            with child("benchmarks.answering", environment) as taker:
                held = taker.order(do="live", entries=entries, beside=BESIDE)
                head = [each.format(**held) for each in ANSWER]
                print(report.table(head, [_taken(taker, what, arguments.rounds) for what in TAKEN]), flush=True)
                taker.order(do="check", folder=str(folder))


def _taken(taker: Child, what: str, rounds: int) -> tuple[str, ...]:
    # The first one warms up.
    told = [taker.order(do="take", what=what) for _ in range(rounds + 1)][1:]
    times = [each["seconds"] for each in told]
    own = statistics.median(each["own"] for each in told)
    size, held = told[-1]["bytes"] / 1024, told[-1]["peak"]
    return (
        TAKEN[what],
        f"{statistics.median(times):.2f}",
        f"{max(times):.2f}",
        f"{own:.2f}",
        f"{size:,.0f}",
        f"{held:.0f}",
    )
