"""A PostgreSQL and a Redis of our own, for as long as something needs them, and what any server started here needs."""

import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

START_LIMIT_SECONDS = 30
STOP_LIMIT_SECONDS = 20

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
