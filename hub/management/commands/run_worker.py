"""The hub's own loop: logout notices, mails, stale sessions, dates of departures, roles and keys, what expired;
and the process beside it that follows the directories."""

import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from audit.types import SYSTEM
from hub.followers import DirectoryProcess, log_failure
from idp.services import deliveries, keys, purge, sessions
from idp.services.accounts import factors, lifecycle, mails

PAUSE_SECONDS = 0.5
# What is ended is dead everywhere within a minute: this turn, and the notices that it queues.
LIFE_CYCLE = timedelta(seconds=20)
# What a job answers that wants its next turn now: the others have theirs in between.
MORE = object()


class Command(BaseCommand):
    help = "Runs the work that no request waits for, until it is told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        signal.signal(signal.SIGINT, lambda *_: stop.set())
        dispatcher = deliveries.Dispatcher()
        directory = DirectoryProcess()
        jobs = [
            Job("deliveries", timedelta(seconds=0), lambda now: dispatcher.turn(now=now)),
            Job("mails", timedelta(seconds=1), lambda now: mails.send_due(now=now)),
            Job("directory", timedelta(seconds=0), lambda _now: directory.turn()),
            Job("sessions", timedelta(seconds=30), _end_stale),
            Job("life cycle", LIFE_CYCLE, lambda now: lifecycle.turn(now=now)),
            Job("erasure", timedelta(hours=1), lambda now: lifecycle.erase(now=now)),
            Job("keys", timedelta(minutes=1), lambda now: keys.rotate_due(now=now)),
            Job("reminders", timedelta(minutes=10), lambda now: factors.remind_due(now=now)),
            Job("purge", timedelta(minutes=10), _purge),
        ]
        while not stop.wait(PAUSE_SECONDS):
            now = timezone.now()
            for job in jobs:
                job.run_if_due(now)
            close_old_connections()
        directory.close()
        dispatcher.close(now=timezone.now())


class Job:
    """One kind of work.  What fails is logged by its kind and tried again at its next turn; the others go on."""

    def __init__(self, name: str, every: timedelta, work: Callable[[datetime], object]) -> None:
        self.name, self.every, self.work = name, every, work
        self.due: datetime | None = None

    def run_if_due(self, now: datetime) -> None:
        # A clock that was ahead and is right again has left a day far off: nothing waits for that.
        if self.due is not None and self.due - self.every <= now < self.due:
            return
        self.due = now + self.every
        try:
            if self.work(now) is MORE:
                self.due = now
        except Exception as error:
            log_failure(self.name, error)


def _purge(now: datetime) -> object:
    return MORE if purge.purge_expired(now=now) >= purge.BATCH else None


def _end_stale(now: datetime) -> None:
    sessions.end_hub_sessions(sessions.expired(now), reason="expired", actor=SYSTEM, now=now)
    sessions.end_tool_sessions(sessions.left_open(now), reason="session_ended", actor=SYSTEM, now=now)
