"""``./trousseau test``: every check, the tests that start a hub of their own, then all others on SQLite and, beside it,
those of them that have a database on a private PostgreSQL and Redis.

With pytest arguments the checks and the coverage are left out, and only what the arguments select runs.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tools.checks import ROOT, run_static
from tools.servers import Running, postgresql, redis, stop

SOME_FAILED = 1  # pytest's exit codes: some test failed,
NO_TESTS = 5  # and nothing was selected
# So many of a run may be given a second chance, alone.
UNSTEADY = 3
# These start a hub of their own, with the database it comes with: a second time would tell nothing new.
OWN_HUB = (
    "tests/benchmarks",
    "tests/certification",
    "tests/demo",
    "tests/hub/test_leaving.py",
    "tests/idp/test_key_rotation_live.py",
    "tests/idp/test_outages.py",
    "tests/journeys",
    "tests/parties",
)


@dataclass
class Run:
    """One of pytest: which tests, how, where it writes what came of it, and its exit code when it is over."""

    tests: list[str]
    options: list[str]
    report: Path
    environment: dict[str, str] = field(default_factory=dict)
    code: int = 0

    @property
    def kept(self) -> Path:
        """Where pytest remembers what failed."""
        return self.report.with_suffix(".cache")

    @contextmanager
    def going(self, output: IO[str] | None = None) -> Iterator[Running]:
        """The run goes on meanwhile; ``output``: where it writes in place of the terminal."""
        command = [sys.executable, "-m", "pytest", f"--junit-xml={self.report}", "-o", f"cache_dir={self.kept}"]
        data = self.report.with_suffix(".data")
        data.mkdir()
        run = subprocess.Popen(
            [*command, *self.options, *self.tests],
            cwd=ROOT,
            env={**os.environ, "TROUSSEAU_DATA_DIR": str(data), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield run
        finally:
            stop(run, signal.SIGTERM)

    def failed(self) -> list[str]:
        told = self.kept / "v" / "cache" / "lastfailed"
        return sorted(json.loads(told.read_text())) if told.exists() else []

    def once_more(self) -> list[str]:
        """Give the few tests that failed the machine for themselves, once; returns them where all of them pass now.

        Real servers and real clocks beside each other miss a beat once in many thousand tests.  What passes alone is
        told by its name, to be looked into; more than a few, or a failure that stays, is a failure.
        """
        failed = self.failed()
        if self.code != SOME_FAILED or not 0 < len(failed) <= UNSTEADY:
            return []
        print(f"\n== {len(failed)} failed: once more, alone ==", flush=True)
        # Where the run judged how much of the code was reached, this judges it again, over both.
        added = ["--cov-append"] if "--cov" in self.options else []
        report = self.report.with_name(f"again-{self.report.name}")
        again = Run(failed, [*self.options, *added], report, self.environment)
        with again.going() as run:
            return failed if run.wait() == 0 else []


def count(reports: list[Path]) -> tuple[int, int, int]:
    """Passed, failed and skipped over all runs, as the runs themselves wrote them down."""
    total = failed = skipped = 0
    for report in reports:
        if not report.exists():
            continue
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 - written by pytest just now
            total += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def run_all(arguments: list[str], folder: Path, output: IO[str], stores: dict[str, str]) -> Iterator[Run]:
    """Each run when it is over; the last two go on beside each other, ``output`` is where the last one writes."""
    rest = [f"--ignore={path}" for path in OWN_HUB]
    on_sqlite = Run(arguments, [] if arguments else [*rest, "--cov"], folder / "sqlite.xml")
    on_postgresql = Run(arguments, [] if arguments else [*rest, "--stored"], folder / "postgresql.xml", stores)
    if not arguments:
        # Browsers and other people's programs beside hubs of their own: nothing else runs meanwhile.
        print("\n== Tests that start a hub of their own ==", flush=True)
        own = Run([*OWN_HUB], [], folder / "own.xml")
        with own.going() as first:
            own.code = first.wait()
        yield own
    # Each keeps one core busy.
    print("\n== Tests on SQLite ==", flush=True)
    with on_sqlite.going() as second, on_postgresql.going(output) as third:
        on_sqlite.code, on_postgresql.code = second.wait(), third.wait()
    print("\n== Tests on PostgreSQL and Redis ==", flush=True)
    output.seek(0)
    shutil.copyfileobj(output, sys.stdout)
    yield from (on_sqlite, on_postgresql)


def main() -> int:
    arguments = sys.argv[1:]
    for name in ("DATABASE_URL", "CACHE_URL"):
        os.environ.pop(name, None)
    sound = True
    if not arguments:
        print("== Checks ==", flush=True)
        sound = run_static()
    folder = Path(tempfile.mkdtemp(prefix="trousseau-test-"))
    folder.chmod(0o711)  # PostgreSQL's user passes through to its own folder
    unsteady: list[str] = []
    try:
        with ExitStack() as servers:
            database, cache = servers.enter_context(postgresql(folder)), servers.enter_context(redis(folder))
            said = servers.enter_context((folder / "postgresql.txt").open("w+"))
            runs = list(run_all(arguments, folder, said, {"DATABASE_URL": database, "CACHE_URL": cache}))
            for run in runs:
                passed_now = [] if arguments else run.once_more()
                sound = sound and (run.code == 0 or bool(passed_now))
                unsteady += passed_now
        passed, failed, skipped = count([run.report for run in runs])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if any(run.code == NO_TESTS for run in runs):
        print("\nNo test was run.")
    for name in unsteady:
        print(f"\nUnsteady: it failed beside the others and passed alone: {name}")
    print(f"\n{'Everything holds.' if sound else 'Something failed: see above.'}")
    told = f" ({len(unsteady)} of them alone, at the second time)" if unsteady else ""
    print(f"{passed + len(unsteady)} passed{told}, {failed - len(unsteady)} failed, {skipped} skipped", flush=True)
    return 0 if sound else 1


def interrupted(*_: object) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
