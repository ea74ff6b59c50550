"""The seventh report: what a search among the members takes, and the first one after a change; on either store.

Made-up people with names, trades, skills and places, most of whom show most of it to all, some to their collectives.
"""

import argparse
from pathlib import Path

from benchmarks import hub, report, stores
from benchmarks.children import child

# On the clock and of the process's own, but for the last two: what the work costs, whoever else uses the machine.
COLUMNS = (
    "store",
    "members",
    "search p95 ms",
    "own",
    "page p95 ms",
    "own",
    "after a change, own ms",
    "made anew, own ms",
)
FIGURES = ("search", "search_own", "page", "page_own", "changed", "anew")
# A cooperative of more is none.
MOST = 20_000


def run(folder: Path, arguments: argparse.Namespace) -> None:
    print(report.machine_alone())
    environment = hub.environment_without_directory(folder, 0)
    with stores.postgresql(folder) as store:
        for name, url in (("SQLite", f"sqlite:///{folder}/people.sqlite3"), ("PostgreSQL", store.url)):
            rows: list[tuple[str, ...]] = []
            own = environment | {"DATABASE_URL": url, "TROUSSEAU_LOG_LEVEL": "WARNING"}
            hub.run(own, str(hub.ROOT / "manage.py"), "migrate")
            hub.run(own, str(hub.ROOT / "manage.py"), "createcachetable")
            hub.run(own, str(hub.ROOT / "manage.py"), "collectstatic", "--noinput")
            with child("benchmarks.finding", own) as finder:
                for people in [each for each in arguments.people if each <= MOST]:
                    finder.order(do="fill", people=people)
                    told = finder.order(do="search", rounds=arguments.rounds)
                    rows.append((name, f"{people:,}", *(f"{told[each]:.1f}" for each in FIGURES)))
            print(report.table(COLUMNS, rows), flush=True)
