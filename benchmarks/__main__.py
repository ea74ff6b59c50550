"""``python -m benchmarks``: what an operation costs the hub, beside npm ``oidc-provider``, in one run.

``--tokens`` instead shows how that grows with the tokens that are alive, and what removing the expired ones costs.
``--directory``: what a pass over a directory costs beside ``ldapsearch``, and what a sign-in by it does.
``--log``: what the journal's formats cost, and what it takes to check an export, beside SHA-256 alone.
``--journal``: what a line of the journal costs a request, and how soon it is signed, beside a chain under a lock.
``--ledger``: what a release costs the ledger, and the question after a breach over a long one, beside a recount.
``--answer``: how long a member with a long history waits for all that the hub holds of them.
``--finding``: what a search among the members takes, with and without a change before it, on either store.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import answer, directory, floor, hub, journal, ledger, log, peer, people, report, rounds, tokens


def arguments_of(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tokens", action="store_true", help="the second report")
    parser.add_argument("--directory", action="store_true", help="the third report")
    parser.add_argument("--log", action="store_true", help="the fourth report")
    parser.add_argument("--journal", action="store_true", help="the fifth report")
    parser.add_argument("--ledger", action="store_true", help="the sixth report")
    parser.add_argument("--answer", action="store_true", help="the seventh report")
    parser.add_argument("--finding", action="store_true", help="the eighth report")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each side (default: 3); medians are told")
    parser.add_argument("--clients", type=_numbers, default=[1, 4, 16, 64], help="numbers at once, e.g. 1,4,16,64")
    parser.add_argument("--live", type=_numbers, default=[10**3, 10**4, 10**5, 10**6], help="with --tokens: how many")
    parser.add_argument("--expired", type=int, default=200_000, help="with --tokens: how many are removed")
    parser.add_argument(
        "--people", type=_numbers, default=[10**3, 10**4, 10**5], help="with --directory and --finding: how many"
    )
    parser.add_argument(
        "--entries",
        type=_numbers,
        default=[10**5, 10**6],
        help="with --log, --journal, --ledger and --answer: how many",
    )
    found = parser.parse_args(argv)
    numbers = [*found.clients, *found.live, *found.people, *found.entries]
    if min(found.seconds, found.rounds, found.expired, *numbers) <= 0:
        parser.error("numbers are positive")
    return found


def _numbers(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",")})


@contextmanager
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trousseau-benchmarks-"))
    folder.chmod(0o711)  # PostgreSQL's user passes through to its own folder
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def side_by_side(arguments: argparse.Namespace, folder: Path) -> None:
    members = max(arguments.clients)
    before = floor.signature_ms()
    with ExitStack() as running:
        sides = [
            running.enter_context(hub.running(folder, members=members)).side,
            running.enter_context(peer.running(folder, members=members)),
        ]
        stations = [running.enter_context(rounds.station(side)) for side in sides]
        for told in rounds.alternated(
            stations, levels=arguments.clients, rounds=arguments.rounds, seconds=arguments.seconds
        ):
            print(f"  {told}", file=sys.stderr, flush=True)
        print(report.machine())
        print(report.floors(before, floor.signature_ms()))
        print(report.costs(*stations, clients=_usual(arguments.clients), signature_ms=before["RS256"]))
        print(report.growth(*stations, levels=arguments.clients))


def _usual(levels: list[int]) -> int:
    """The number of clients at which costs are compared: enough to keep both sides busy, few enough not to queue."""
    return min(levels, key=lambda level: abs(level - 4))


def main(argv: list[str]) -> int:
    arguments = arguments_of(argv)
    os.umask(0o077)
    with scratch() as folder:
        if arguments.tokens:
            tokens.run(folder, arguments)
        elif arguments.directory:
            directory.run(folder, arguments)
        elif arguments.log:
            log.run(folder, arguments)
        elif arguments.journal:
            journal.run(folder, arguments)
        elif arguments.ledger:
            ledger.run(folder, arguments)
        elif arguments.answer:
            answer.run(folder, arguments)
        elif arguments.finding:
            people.run(folder, arguments)
        else:
            side_by_side(arguments, folder)
    return 0


def interrupted(*_: object) -> None:
    """What was started is stopped on the way out."""
    raise SystemExit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    sys.exit(main(sys.argv[1:]))
