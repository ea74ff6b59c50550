"""The third report: what a pass over a directory costs beside ``ldapsearch``, how soon a change shows, sign-ins by it.

Everything of one size is measured in turns, so that a neighbour of the machine disturbs both sides of a ratio.
"""

import argparse
import base64
import hashlib
import re
import resource
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from typing import Any

import psycopg
from argon2 import PasswordHasher, Type

from benchmarks import hub, meters, report, stores
from benchmarks.children import Child, child
from benchmarks.ldap_changes import MIX, ONE, Changes
from benchmarks.rounds import median, station
from demo.slapd import EmbeddedDirectory, program
from directory.ldap.rules import rules_from
from directory.ldap.servers import OPENLDAP
from tools.servers import stop

POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"
PASSING = "benchmarks.passing"
BIND_CLIENTS = (1, 4)
QUIET_LIMIT_SECONDS = 300.0
SHOWN_LIMIT_SECONDS = 60.0
# Of few people and of many, how often an account is closed: beyond three in a hundred a day somebody is asked.
MOST_CLOSED, MANY = (1, 3), 1000
# So often a round is looked how soon a change shows.
TIMES = (1, 3)
PASSES = (
    "people",
    "what",
    "store",
    "wall s",
    "client CPU s",
    "slapd CPU s",
    "store CPU s",
    "statements",
    "MiB, from",
    "wall / raw",
    "CPU / raw",
)
SOON = ("people", "somebody is", "from the change to its effect, median s", "longest s", "times")
SIGN_INS = ("sign-ins by bind", "clients", "a second", "client CPU ms", "slapd CPU ms")
# What is common to all that is measured of a pass.
FIGURES = ("wall", "client", "slapd", "store")


@dataclass
class Taken:
    """Several measurements of one thing."""

    each: list[dict[str, float]] = field(default_factory=list)

    def add(self, told: dict[str, Any]) -> None:
        self.each.append({name: float(told.get(name, 0)) for name in (*FIGURES, "statements", "peak", "start")})

    def median(self, name: str) -> float:
        return statistics.median(one[name] for one in self.each)

    def mean(self, name: str) -> float:
        return statistics.fmean(one[name] for one in self.each)

    @property
    def wall(self) -> float:
        return self.median("wall")

    @property
    def cpu(self) -> float:
        """Servers count in steps of 10 ms: their mean says more than their median."""
        return self.median("client") + self.mean("slapd") + self.mean("store")


def run(folder: Path, arguments: argparse.Namespace) -> None:
    print(report.machine_alone())
    print(f"Changes: {MIX}.\n")
    soon: list[tuple[object, ...]] = []
    with stores.postgresql(folder) as postgresql:
        copies = {POSTGRESQL: Copies(folder, postgresql), SQLITE: Copies(folder, None)}
        for people in arguments.people:
            with EmbeddedDirectory(folder / f"d{people}", members=people, durable=False, changes=False) as directory:
                size = Size(folder, directory, copies, people, arguments.rounds)
                print(report.table(PASSES, size.measured()), flush=True)
                soon += size.soon(arguments.rounds * TIMES[people >= MANY])
                if people == min(arguments.people):
                    signing_in = list(sign_ins(size, arguments))
    print(f"With the worker running, on {POSTGRESQL}:\n\n{report.table(SOON, soon)}")
    print(report.table(SIGN_INS, signing_in))
    print(hung(folder / "hung", arguments))


# Copies of the hub's database ---------------------------------------------------------------------------------------


class Copies:
    """Databases with the hub's tables and nothing in them, as many as wanted: migrated once, then copied."""

    def __init__(self, folder: Path, store: stores.Store | None) -> None:
        self._folder = folder / ("sqlite" if store is None else "postgresql-hub")
        self._store = store
        self._count = 0

    @property
    def pid(self) -> int:
        return self._store.pid if self._store else 0

    def fresh(self, directory: EmbeddedDirectory) -> dict[str, str]:
        """The environment of a hub whose database is new."""
        if self._count == 0:
            self._folder.mkdir()
            hub.run(self._environment(directory, 0), str(hub.ROOT / "manage.py"), "migrate")
        self._count += 1
        environment = self._environment(directory, self._count)
        if self._store is None:
            shutil.copy(self._folder / "0" / "hub.sqlite3", self._folder / str(self._count) / "hub.sqlite3")
        else:
            with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "hub{self._count}" TEMPLATE "hub0"'.encode())
        return environment

    def _environment(self, directory: EmbeddedDirectory, number: int) -> dict[str, str]:
        folder = self._folder / str(number)
        folder.mkdir()
        environment = hub.environment_of(folder, 0, directory)
        if self._store is not None:
            if number == 0:
                with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
                    connection.execute(b'CREATE DATABASE "hub0"')
            environment["DATABASE_URL"] = self._url(f"hub{number}")
        return environment

    def _url(self, database: str) -> str:
        if self._store is None:
            raise RuntimeError("a file has no address")
        return self._store.url.rpartition("/")[0] + f"/{database}"


# Passes ------------------------------------------------------------------------------------------------------------


class Size:
    """All that is measured of one number of people."""

    def __init__(
        self, folder: Path, directory: EmbeddedDirectory, copies: dict[str, Copies], people: int, rounds: int
    ) -> None:
        self.directory, self.people = directory, people
        self._folder, self._copies, self._rounds = folder, copies, rounds
        self._changes = Changes(directory)
        self._taken: dict[tuple[str, str], Taken] = {}
        self.environments: dict[str, dict[str, str]] = {}

    def measured(self) -> list[tuple[object, ...]]:
        self._first_imports()
        self._repeated("deep pass, nothing changed", "deep", self._rounds)
        # Shorter, and so more of them.
        self._repeated("pass, nothing changed", "pivot", self._rounds * max(1, min(10, 10_000 // self.people)))
        for count in sorted({min(100, self.people // 10), self.people // 10}):
            self._changed(f"pass, {count:,} changes", count)
        return list(self._rows())

    def _first_imports(self) -> None:
        for _ in range(self._rounds):
            self._raw()
            for store, copies in self._copies.items():
                self.environments[store] = copies.fresh(self.directory)
                with child(PASSING, self.environments[store]) as process:
                    self._pass(process, "first import", store, "pivot", expected="deep")
            self._say("first import")

    def _repeated(self, what: str, mode: str, times: int) -> None:
        with self._children() as children:
            for process in children.values():
                process.order(do="pass", mode="pivot", **self._servers(POSTGRESQL))  # warm
            for _ in range(times):
                self._raw()
                for store, process in children.items():
                    told = self._pass(process, what, store, mode, expected=mode)
                    if told["counts"]["written"]:
                        raise RuntimeError(f"{what}: {told['counts']}")
        self._say(what)

    def _changed(self, what: str, count: int) -> None:
        with self._children() as children:
            for process in children.values():
                process.order(do="pass", mode="pivot", **self._servers(POSTGRESQL))  # warm
            for _ in range(self._rounds):
                took = self._changes.make(count)
                self._raw()
                for store, process in children.items():
                    told = self._pass(process, what, store, "pivot", expected="pivot")
                    if told["counts"]["written"] < count or told["counts"]["held"]:
                        raise RuntimeError(f"{what}: {told['counts']}")
                    # What refint rewrote meanwhile is looked at once more by the pass after: not this one's cost.
                    self._pass(process, f"{what}: the one after", store, "pivot", expected="pivot")
                self._say(f"{what}, made in {took:.1f} s")

    def soon(self, times: int) -> Iterator[tuple[object, ...]]:
        """The worker runs; somebody is changed in the directory; when has the hub it?"""
        found: dict[str, list[float]] = {what: [] for what in ONE}
        environment = self.environments[POSTGRESQL]
        worker = subprocess.Popen(
            [sys.executable, str(hub.ROOT / "manage.py"), "run_worker"],
            cwd=hub.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
                self._until_shown(connection, "corrected")  # the worker's first turns: not measured
                _until_quiet(connection)
                for number in range(times):
                    for what, each in found.items():
                        if number >= MOST_CLOSED[self.people >= MANY] and ONE[what].closes:
                            continue
                        each.append(self._until_shown(connection, what))
                        self._until_looked_again(connection)
        finally:
            stop(worker, SIGTERM)
        self._say("time to effect")
        for what, each in found.items():
            yield f"{self.people:,}", what, f"{statistics.median(each):.2f}", f"{max(each):.2f}", len(each)

    def _until_shown(self, connection: "psycopg.Connection[Any]", what: str) -> float:
        person, group = self._changes.next_one()
        (member,) = connection.execute("SELECT id FROM directory_member WHERE dn = %s", [person]).fetchone() or (None,)
        asked, values = ONE[what].asked, {"member": member, "group": group}
        # Not in step with the worker's own second.
        time.sleep(secrets.randbelow(1000) / 1000)
        before = connection.execute(asked, values).fetchone()
        began = time.perf_counter()
        wanted = self._changes.change_one(what, person, group)
        if before is None or before == (wanted,):
            raise RuntimeError(f"{what}: the hub does not know who is changed, or says so already")
        while time.perf_counter() < began + SHOWN_LIMIT_SECONDS:
            if connection.execute(asked, values).fetchone() == (wanted,):
                return time.perf_counter() - began
            time.sleep(0.01)
        raise RuntimeError("a change in the directory was never seen")

    def _until_looked_again(self, connection: "psycopg.Connection[Any]") -> None:
        """What slapd does after a change, and the hub's second look at that, is not the next one's cost."""
        until = time.perf_counter() + SHOWN_LIMIT_SECONDS
        asked = "SELECT bool_or(look_again) FROM directory_directorysource"
        while connection.execute(asked).fetchone() == (True,):
            if time.perf_counter() > until:
                raise RuntimeError("the hub does not come to rest")
            time.sleep(0.1)
        self._changes.settle()

    @contextmanager
    def _children(self) -> Iterator[dict[str, Child]]:
        with ExitStack() as running:
            yield {store: running.enter_context(child(PASSING, self.environments[store])) for store in self._copies}

    def _servers(self, store: str) -> dict[str, int]:
        return {"slapd": self.directory.pid or 0, "store": self._copies[store].pid}

    def _pass(self, process: Child, what: str, store: str, mode: str, *, expected: str) -> dict[str, Any]:
        told = process.order(do="pass", mode=mode, **self._servers(store))
        if told["mode"] != expected:
            raise RuntimeError(f"{what}: a {told['mode']} pass")
        self._taken.setdefault((what, store), Taken()).add(told)
        return told

    def _raw(self) -> None:
        """Everybody's entry with what the hub maps of it, and all that a pass begins with."""
        rules = rules_from(OPENLDAP)
        names = (*OPENLDAP.pivots, *rules.person_attributes)
        self._taken.setdefault(("ldapsearch, entries", ""), Taken()).add(self._searched(names))
        self._taken.setdefault(("ldapsearch, pivots", ""), Taken()).add(self._searched(OPENLDAP.pivots))

    def _searched(self, names: tuple[str, ...]) -> dict[str, float]:
        directory = self.directory
        secret = self._folder / "reader"
        secret.write_text(directory.reader_password)
        command = [program("ldapsearch"), "-LLL", "-x", "-ZZ", "-H", directory.uri, "-D", directory.reader_dn]
        command += ["-y", str(secret), "-b", f"ou=personnes,{directory.base}", OPENLDAP.people_filter, *names]
        slapd = [directory.pid or 0]
        environment = {"LDAPTLS_CACERT": str(directory.ca_file), "LDAPTLS_REQCERT": "demand"}
        before, used, began = meters.cpu_seconds(slapd), _children_seconds(), time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        wall, spent = time.perf_counter() - began, _children_seconds() - used
        return {"wall": wall, "client": spent, "slapd": meters.cpu_seconds(slapd) - before}

    def _rows(self) -> Iterator[tuple[object, ...]]:
        raw = self._taken["ldapsearch, entries", ""]
        for (what, store), taken in self._taken.items():
            is_hub = bool(store)
            yield (
                f"{self.people:,}",
                what,
                store,
                _short(taken.wall),
                _short(taken.median("client")),
                _short(taken.mean("slapd")),
                _short(taken.mean("store")) if store == POSTGRESQL else "",
                f"{taken.median('statements'):.0f}" if is_hub else "",
                f"{taken.median('peak'):.0f}, {taken.median('start'):.0f}" if is_hub else "",
                f"{taken.wall / raw.wall:.2f}",
                f"{taken.cpu / raw.cpu:.2f}",
            )

    def _say(self, what: str) -> None:
        print(f"  {self.people:,}: {what}", file=sys.stderr, flush=True)


def _until_quiet(connection: "psycopg.Connection[Any]") -> None:
    """What a first import leaves to do: its lines get their places, and are compared with the tables for the night."""
    until = time.monotonic() + QUIET_LIMIT_SECONDS
    done = """
        SELECT NOT EXISTS (SELECT 1 FROM audit_pending)
           AND (EXISTS (SELECT 1 FROM audit_reconciliation) OR extract(hour FROM now() AT TIME ZONE 'Europe/Paris') < 2)
    """
    while connection.execute(done).fetchone() != (True,):
        if time.monotonic() > until:
            raise RuntimeError("the worker is not done with the first import")
        time.sleep(0.1)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _short(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 1 else f"{seconds:.2f}"


# Sign-ins ----------------------------------------------------------------------------------------------------------


def sign_ins(size: Size, arguments: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    password = secrets.token_urlsafe(16)
    found = size.directory.search("-b", f"ou=personnes,{size.directory.base}", "(uid=nouveau.*)", "entryUUID")
    people = re.findall(r"^dn: (.+)\nentryUUID: (.+)$", found, re.MULTILINE)[:20]
    with child(PASSING, size.environments[POSTGRESQL]) as process:
        for name, made in HASHES.items():
            hashed = made(password)
            change = f"changetype: modify\nreplace: userPassword\nuserPassword: {hashed}\n"
            size.directory.modify("\n".join(f"dn: {dn}\n{change}" for dn, _ in people))
            _no_reset(size.directory, [dn for dn, _ in people])
            for clients in BIND_CLIENTS:
                told = process.order(
                    do="binds",
                    people=[identity for _, identity in people],
                    password=password,
                    clients=clients,
                    seconds=arguments.seconds,
                    slapd=size.directory.pid,
                )
                yield name, clients, f"{told['rate']:.0f}", f"{told['client_ms']:.2f}", f"{told['slapd_ms']:.2f}"


def _no_reset(directory: EmbeddedDirectory, names: list[str]) -> None:
    """What an administrator sets must be replaced at the next sign-in, says the directory's policy."""
    marked = directory.search("-b", f"ou=personnes,{directory.base}", "(pwdReset=TRUE)", "1.1")
    own = [name for name in names if f"dn: {name}\n" in marked]
    if own:
        directory.modify("\n".join(f"dn: {name}\nchangetype: modify\ndelete: pwdReset\n" for name in own))


def _ssha(password: str) -> str:
    salt = secrets.token_bytes(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()  # noqa: S324


def _argon2(**cost: Any) -> Callable[[str], str]:
    return lambda password: "{ARGON2}" + PasswordHasher(**cost).hash(password)


HASHES: dict[str, Callable[[str], str]] = {
    "{SSHA}": _ssha,
    "{ARGON2}, slapd's default: argon2i, 4 MiB, t 3": _argon2(
        memory_cost=4096, time_cost=3, parallelism=1, type=Type.I
    ),
    "{ARGON2}, as OWASP advises: argon2id, 19 MiB, t 2": _argon2(memory_cost=19456, time_cost=2, parallelism=1),
}


# A directory that hangs --------------------------------------------------------------------------------------------


def hung(folder: Path, arguments: argparse.Namespace) -> str:
    """The first page of a member who is signed in, while the directory accepts connections and answers nothing."""
    folder.mkdir()
    folder.chmod(0o711)  # PostgreSQL's user passes through to its own folder
    with hub.running(folder, members=2) as running, station(running.side) as load:
        command = [sys.executable, str(hub.ROOT / "manage.py"), "run_worker"]
        worker = subprocess.Popen(
            command, cwd=hub.ROOT, env=running.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            load.round("home", clients=2, seconds=arguments.seconds)
            before, meanwhile = [], []
            for _ in range(arguments.rounds):
                before.append(load.round("home", clients=2, seconds=arguments.seconds))
                with running.directory.paused():
                    meanwhile.append(load.round("home", clients=2, seconds=arguments.seconds))
        finally:
            stop(worker, SIGTERM)
    rows = [
        (name, f"{found.server_ms:.2f}", f"{found.p50_ms:.1f} / {found.p95_ms:.1f}", f"{found.others:.0%}")
        for name, found in (("answers", median(before)), ("hangs", median(meanwhile)))
    ]
    ratio = median(meanwhile).p50_ms / median(before).p50_ms
    head = ("the directory", "server CPU ms", "p50 / p95 ms", "others")
    return f"The first page, signed in; hanging / answering {ratio:.2f}:\n\n{report.table(head, rows)}"
