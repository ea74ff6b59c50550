"""Commands of the hub in processes of their own, which can be killed at any moment without a word.

``python -m tests.support.elsewhere`` has Django ready and forks at each order: a process is there in milliseconds, and
is a whole one, with connections of its own.  It works on what is committed in the test's database; where that is
SQLite in memory, on a file with the same content, which is fetched afterwards.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Moment:
    """When a process ends itself: as the statement or commit with this number begins, or once that is over.

    Statements are counted without those that only mark a place in a transaction.
    """

    what: str  # "statement" or "commit"
    number: int
    after: bool = False


@dataclass(frozen=True)
class Ended:
    code: int
    told: str


@dataclass
class Started:
    """A command under way; ``kill`` is safe from any thread, even before its number is known here."""

    office: "Office"
    pid: int = 0
    known: threading.Event = field(default_factory=threading.Event)

    def kill(self) -> None:
        assert self.known.wait(PATIENCE_SECONDS)
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> Ended:
        deadline = time.monotonic() + PATIENCE_SECONDS
        # Asked again and again: others may be begun meanwhile, by another thread.
        while (told := self.office.ask(do="look", pid=self.pid))["code"] is None:
            assert time.monotonic() < deadline, "a command never ends"
            time.sleep(0.005)
        return Ended(told["code"], told["told"])


class Office:
    """The process that forks, and the database that its children work on."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hub.sqlite3"
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.elsewhere"],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **order: Any) -> dict[str, Any]:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(order, default=str) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def prepare(self, *command: str, ldap: dict[str, Any], moment: Moment | None = None) -> tuple[Started, Any]:
        """Not begun yet: whoever is to kill it can be told of it first."""
        begun = Started(self)

        def go() -> Started:
            order = {"do": "start", "command": command, "ldap": ldap, "database": self.database()}
            begun.pid = self.ask(**order, moment=vars(moment) if moment else None)["pid"]
            begun.known.set()
            return begun

        return begun, go

    def start(self, *command: str, ldap: dict[str, Any], moment: Moment | None = None) -> Started:
        started: Started = self.prepare(*command, ldap=ldap, moment=moment)[1]()
        return started

    def run(self, *command: str, ldap: dict[str, Any], moment: Moment | None = None) -> Ended:
        return self.start(*command, ldap=ldap, moment=moment).end()

    # The database ---------------------------------------------------------------------------------------------

    def database(self) -> dict[str, Any]:
        names = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
        here = {name: connection.settings_dict[name] for name in names}
        return here | {"NAME": str(self.file)} if connection.vendor == "sqlite" else here

    def send(self) -> None:
        """What is in the test's database is what the processes find."""
        if connection.vendor != "sqlite":
            return
        for each in self.file.parent.glob(self.file.name + "*"):
            each.unlink()
        connection.ensure_connection()
        with closing(sqlite3.connect(self.file)) as file:
            connection.connection.backup(file)

    def fetch(self) -> None:
        """What the processes left is what the test finds."""
        if connection.vendor != "sqlite":
            return
        connection.ensure_connection()
        with closing(sqlite3.connect(self.file)) as file:
            file.backup(connection.connection)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Kept:
    """The committed content of the test's database, to come back to as often as wanted."""

    def __init__(self) -> None:
        self._copy = sqlite3.connect(":memory:", check_same_thread=False)
        self._tables: list[str] = []
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            connection.connection.backup(self._copy)
            return
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS kept CASCADE")
            cursor.execute("CREATE SCHEMA kept")
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            self._tables = [name for (name,) in cursor.fetchall()]
            for name in self._tables:
                cursor.execute(f'CREATE TABLE kept."{name}" AS TABLE public."{name}"')

    def bring_back(self) -> None:
        if connection.vendor == "sqlite":
            self._copy.backup(connection.connection)
            return
        with connection.cursor() as cursor:
            # Without the order that foreign keys would ask for.
            cursor.execute("SET session_replication_role = replica")
            for name in self._tables:
                cursor.execute(f'DELETE FROM public."{name}"')  # noqa: S608 a table's own name
                cursor.execute(f'INSERT INTO public."{name}" OVERRIDING SYSTEM VALUE TABLE kept."{name}"')
            cursor.execute("SET session_replication_role = DEFAULT")

    def forget(self) -> None:
        self._copy.close()
        if connection.vendor != "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA IF EXISTS kept CASCADE")


@pytest.fixture(scope="session")
def _one_office() -> Iterator[Office]:
    with tempfile.TemporaryDirectory(prefix="trousseau-elsewhere-") as folder:
        found = Office(Path(folder))
        yield found
        found.close()


@pytest.fixture
def office(transactional_db: None, _one_office: Office) -> Office:
    """Where commands of the hub run in processes of their own."""
    return _one_office


@pytest.fixture
def kept(transactional_db: None) -> Iterator[list[Kept]]:
    made: list[Kept] = []
    yield made
    for each in made:
        each.forget()


# In the other process ----------------------------------------------------------------------------------------


def main() -> None:
    import django

    django.setup()
    folder = tempfile.mkdtemp(prefix="trousseau-told-")
    try:
        for line in sys.stdin:
            order = json.loads(line)
            answer = _begin(order, folder) if order["do"] == "start" else _look(order["pid"], folder)
            print(json.dumps(answer), flush=True)
    finally:
        shutil.rmtree(folder)


def _begin(order: dict[str, Any], folder: str) -> dict[str, Any]:
    pid = os.fork()
    if pid:
        return {"pid": pid}
    code = 70
    try:
        told = os.open(Path(folder, str(os.getpid())), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        for descriptor, what in ((0, os.open(os.devnull, os.O_RDONLY)), (1, told), (2, told)):
            os.dup2(what, descriptor)
        code = _carry_out(order)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing of the parent's is tidied up here.
        os._exit(code)


def _carry_out(order: dict[str, Any]) -> int:
    from django.core.management import execute_from_command_line
    from django.db import connections

    settings.LDAP = order["ldap"] | {"ca_file": Path(order["ldap"]["ca_file"])}
    connections["default"].settings_dict.update(order["database"])
    if order["moment"]:
        _die_at(Moment(**order["moment"]))
    try:
        execute_from_command_line(["manage.py", *order["command"]])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        connections.close_all()
    return 0


def _die_at(moment: Moment) -> None:
    from django.db import connections

    seen = 0

    def around(what: str, act: Any, *given: Any) -> Any:
        nonlocal seen
        seen += what == moment.what
        is_now = what == moment.what and seen == moment.number
        if is_now and not moment.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = act(*given)
        if is_now:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def execute(act: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        marks_only = str(sql).startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO"))
        return around("mark" if marks_only else "statement", act, sql, params, many, context)

    base: Any = BaseDatabaseWrapper
    commit = base._commit
    connections["default"].execute_wrappers.append(execute)
    # No public way in: the moment between the last statement and its being kept.
    base._commit = lambda own: around("commit", commit, own)


def _look(pid: int, folder: str) -> dict[str, Any]:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        return {"code": None, "told": ""}
    told = Path(folder, str(pid))
    text = told.read_text(errors="replace") if told.exists() else ""
    return {"code": os.waitstatus_to_exitcode(status), "told": text}


if __name__ == "__main__":
    main()
