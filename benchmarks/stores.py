"""PostgreSQL and Redis of one's own, on loopback, set up as a hub in production would have them.

The tests' own PostgreSQL does without durability; what a commit costs is part of what is measured here.
"""

import os
import pwd
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any
from urllib.parse import quote

from tools.servers import free_port, stop, wait_for

POSTGRESQL_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    # As the manual of PostgreSQL advises for a machine of this size; everything else is as Debian ships it.
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}


@dataclass(frozen=True, slots=True)
class Store:
    """A running store, how it is reached, and the process under which its CPU time is found."""

    url: str
    pid: int


@contextmanager
def postgresql(folder: Path) -> Iterator[Store]:
    """Durable, on a Unix socket in a folder of its own.  As root it runs as ``postgres``: it refuses to be root."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3])).parent
    home, log = folder / "postgresql", folder / "postgresql.log"
    home.mkdir(mode=0o700)
    how: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
        how |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data = home / "data"
    initialise = [str(binaries / "initdb"), "-D", str(data), "-U", "trousseau", "-A", "trust", "-E", "UTF8"]
    subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, **how)
    options = {**POSTGRESQL_OPTIONS, "unix_socket_directories": str(home)}
    command = [str(binaries / "postgres"), "-D", str(data)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0, **how
        )
    try:
        asked = [str(binaries / "pg_isready"), "-q", "-h", str(home), "-U", "trousseau"]
        wait_for(server, "PostgreSQL", log, lambda: subprocess.run(asked).returncode == 0)
        yield Store(f"postgres://trousseau@{quote(str(home), safe='')}/postgres", server.pid)
    finally:
        stop(server, SIGINT)


@contextmanager
def redis(folder: Path, name: str) -> Iterator[Store]:
    """In memory only: it holds sessions and limits, which PostgreSQL also holds or which are over in minutes."""
    port, password, log = free_port(), secrets.token_urlsafe(24), folder / f"redis-{name}.log"
    home = folder / f"redis-{name}"
    home.mkdir()
    # Read from standard input: a password among the arguments would be visible to every user.
    configuration = f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {home}\n'
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["redis-server", "-"], stdin=subprocess.PIPE, stdout=output, stderr=output, process_group=0
        )
    try:
        if server.stdin is None:
            raise RuntimeError("Redis takes no configuration")
        server.stdin.write(configuration.encode())
        server.stdin.close()
        wait_for(server, "Redis", log, lambda: _listens(port))
        yield Store(f"redis://:{password}@127.0.0.1:{port}/0", server.pid)
    finally:
        stop(server, SIGTERM)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
