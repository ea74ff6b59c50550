"""Several requests at the same moment: threads that start together, and one that is held in the middle of its work."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests.support.oidc import Party

LIMIT_SECONDS = 20
WAITING = "select count(*) from pg_locks where not granted and pid <> pg_backend_pid()"

# SQLite lets one writer in at a time: two requests never meet inside each other's transactions.
meets_inside = pytest.mark.skipif(
    "sqlite" in settings.DATABASES["default"]["ENGINE"], reason="SQLite lets one writer in at a time"
)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each act returns, all begun at the same moment; one after the other where there is room for one writer.

    Raises what an act raised, once all of them are over, and ``AssertionError`` for one that never ends.
    """
    if connection.vendor == "sqlite":
        return [act() for act in acts]
    barrier = threading.Barrier(len(acts))
    started = [Running(act, barrier).start() for act in acts]
    return results(started)


def results(started: list["Running"]) -> list[Any]:
    for each in started:
        each.thread.join(LIMIT_SECONDS)
    assert [each for each in started if each.thread.is_alive()] == [], "somebody waits for ever"
    raised = [each.error for each in started if each.error is not None]
    if raised:
        raise ExceptionGroup("not every act went well", raised)
    return [each.result for each in started]


@dataclass(eq=False)
class Running:
    """One act in a thread with a database connection of its own."""

    act: Callable[[], Any]
    barrier: threading.Barrier | None = None
    result: Any = None
    error: Exception | None = None
    thread: threading.Thread = field(init=False)

    def start(self) -> "Running":
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self) -> None:
        try:
            if self.barrier is not None:
                self.barrier.wait(LIMIT_SECONDS)
            self.result = self.act()
        except Exception as error:
            self.error = error
        finally:
            connection.close()


@dataclass
class Held:
    """The first call of a function, in whichever thread, waits once it is done until ``go``."""

    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pause(self) -> None:
        with self.lock:
            first = not self.reached.is_set()
            self.reached.set()
        if first:
            assert self.go.wait(LIMIT_SECONDS)


@contextmanager
def held_after(owner: Any, name: str) -> Iterator[Held]:
    original, held = getattr(owner, name), Held()

    def slow(*args: Any, **named: Any) -> Any:
        result = original(*args, **named)
        held.pause()
        return result

    with patch.object(owner, name, slow):
        yield held


def in_the_middle(first: Callable[[], Any], second: Callable[[], Any], *, at: tuple[Any, str]) -> tuple[Any, Any]:
    """Begin ``first``, hold it after its call of ``at``, begin ``second``, and let ``first`` go on as soon as
    ``second`` is over or waits for a lock.  Returns what both returned."""
    with held_after(*at) as held:
        begun = [Running(first).start()]
        assert held.reached.wait(LIMIT_SECONDS), begun[0].error
        begun.append(Running(second).start())
        try:
            _until_over_or_waiting(begun[1])
        finally:
            held.go.set()
        one, two = results(begun)
    return one, two


def _until_over_or_waiting(running: Running) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while running.thread.is_alive() and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)


def alike(party: Party) -> Party:
    """The same tool with a connection of its own."""
    return Party(party.tool, party.secret, http=Client(), verifier=party.verifier)


def same_browser(browser: Client) -> Client:
    """Another tab: the same cookies, a request of its own."""
    tab = Client()
    for name, cookie in browser.cookies.items():
        tab.cookies[name] = cookie.value
    return tab
