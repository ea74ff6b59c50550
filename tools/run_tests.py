"""``./trousseau test``: every check, the tests that start a hub of their own, then all others on SQLite and, beside it,
on a private PostgreSQL and Redis.

With pytest arguments the checks and the coverage are left out, and only what the arguments select runs.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote
from xml.etree import ElementTree

from tools.checks import ROOT, run_static

START_LIMIT_SECONDS = 30
STOP_LIMIT_SECONDS = 20
NO_TESTS = 5  # pytest's exit code when nothing was selected
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

Running = subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def stop(process: Running, how: signal.Signals) -> None:
    """End one process that was started here, by its id."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: Running, name: str, log: Path, ready: Any) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{name} did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own on a unix socket; yields its DATABASE_URL.

    It refuses to run as root: then it runs as the ``postgres`` user that its package creates.
    """
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3])).parent
    home = folder / "postgresql"
    home.mkdir(mode=0o700)
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data, log = home / "data", folder / "postgresql.log"
    plain = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    initialise = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "trousseau",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, cwd="/", env=plain, **identity)
    # The folder is the lock: only its owner (and root) reaches the socket.  Durability is not under test.
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "100",
    }
    command = [str(binaries / "postgres"), "-D", str(data)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=plain,
            process_group=0,
            **identity,
        )
    try:
        asked = [str(binaries / "pg_isready"), "-q", "-h", str(home), "-U", "trousseau"]
        wait_for(server, "PostgreSQL", log, lambda: subprocess.run(asked).returncode == 0)
        yield f"postgres://trousseau@{quote(str(home), safe='')}/postgres"
    finally:
        stop(server, signal.SIGINT)  # fast shutdown: sessions are cut, data is written


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis of our own on a loopback port with a password; yields its CACHE_URL."""
    port, password, log = free_port(), secrets.token_urlsafe(24), folder / "redis.log"
    # Read from standard input: a password among the arguments would be visible to every user.
    configuration = f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {folder}\n'
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["redis-server", "-"], stdin=subprocess.PIPE, stdout=output, stderr=output, process_group=0
        )
    if server.stdin is None:
        raise SystemExit("Redis takes no configuration")
    server.stdin.write(configuration.encode())
    server.stdin.close()

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7).startswith(b"-NOAUTH")
        except OSError:
            return False

    try:
        wait_for(server, "Redis", log, answers)
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        stop(server, signal.SIGTERM)


@contextmanager
def pytest(arguments: list[str], report: Path, output: IO[str] | None = None, **extra: str) -> Iterator[Running]:
    """One run, going on meanwhile; ``output``: where it writes in place of the terminal."""
    command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", *arguments]
    data = report.with_suffix(".data")
    data.mkdir()
    environment = {**os.environ, "TROUSSEAU_DATA_DIR": str(data), **extra}
    run = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield run
    finally:
        stop(run, signal.SIGTERM)


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
    reports = [folder / f"{name}.xml" for name in ("sqlite", "postgresql", "own")]
    try:
        with ExitStack() as servers:
            database = servers.enter_context(postgresql(folder))
            cache = servers.enter_context(redis(folder))
            said = servers.enter_context((folder / "postgresql.txt").open("w+"))
            alone = 0
            if not arguments:
                # Browsers and other people's programs beside hubs of their own: nothing else runs meanwhile.
                print("\n== Tests that start a hub of their own ==", flush=True)
                with pytest([*OWN_HUB, "--cov", "--cov-report=", "--cov-fail-under=0"], reports[2]) as own:
                    alone = own.wait()
            rest = arguments or [f"--ignore={path}" for path in OWN_HUB]
            # Both at once: each keeps one core busy.
            print("\n== Tests on SQLite ==", flush=True)
            covered = [] if arguments else ["--cov", "--cov-append"]
            on_sqlite = servers.enter_context(pytest([*rest, *covered], reports[0]))
            on_postgresql = servers.enter_context(
                pytest(rest, reports[1], said, DATABASE_URL=database, CACHE_URL=cache)
            )
            first, second = on_sqlite.wait(), on_postgresql.wait()
            print("\n== Tests on PostgreSQL and Redis ==", flush=True)
            said.seek(0)
            shutil.copyfileobj(said, sys.stdout)
        passed, failed, skipped = count(reports)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sound = sound and (alone, first, second) == (0, 0, 0)
    if NO_TESTS in (first, second):
        print("\nNo test was run.")
    print(f"\n{'Everything holds.' if sound else 'Something failed: see above.'}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 0 if sound else 1


def interrupted(*_: object) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
