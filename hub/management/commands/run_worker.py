"""The hub's own loop: logout notices, mails, news, stale sessions, dates of departures, roles and keys, what expired,
the days of the ledger, the journal's nightly comparison; and the process beside it that follows the directories."""

import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from audit import sequencer, signer, thinning
from audit.keeping import turns
from audit.reconciliation.services import reconcile_nightly
from audit.stream.sending import Streamer
from audit.types import SYSTEM
from consent.ledger import services as ledger
from consent.services import fill_register
from hub.followers import DirectoryProcess, log_failure
from idp.services import deliveries, erasures, keys, purge, sessions
from idp.services.accounts import factors, lifecycle, mails
from launcher.conditions.looking import Looker
from news import digests

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
            Job("removals", timedelta(seconds=5), _take_out),
            Job("retention", timedelta(minutes=10), lambda now: turns.night(now=now)),
            Job("keys", timedelta(minutes=1), lambda now: keys.rotate_due(now=now)),
            Job("erasures", timedelta(minutes=10), lambda now: erasures.turn(now=now)),
            Job("reminders", timedelta(minutes=10), lambda now: factors.remind_due(now=now)),
            Job("reconciliation", timedelta(minutes=10), lambda now: reconcile_nightly(now=now)),
            Job("ledger", timedelta(minutes=10), _close_days),
            Job("purge", timedelta(minutes=10), _purge),
            Job("news", timedelta(minutes=5), _tell_news),
            Job("register", timedelta(hours=1), lambda now: fill_register(now=now)),
            Job("checkpoints", timedelta(hours=1), _thin_out),
        ]
        looker = Looker()
        jobs.append(Job("conditions", timedelta(seconds=5), lambda now: looker.turn(now=now)))
        streamer = Streamer()
        jobs.append(Job("stream", timedelta(seconds=1), lambda now: streamer.turn(now=now)))
        if settings.JOURNAL_IN_WORKER:
            jobs.append(Job("journal", timedelta(seconds=0), _sequence))
            jobs.append(Job("signatures", timedelta(seconds=1), lambda _now: signer.sign_due(now=timezone.now())))
        while not stop.wait(PAUSE_SECONDS):
            now = timezone.now()
            for job in jobs:
                job.run_if_due(now)
            close_old_connections()
        directory.close()
        dispatcher.close(now=timezone.now())
        looker.close()
        streamer.close(now=timezone.now())


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


def _sequence(_: datetime) -> object:
    """By the time of now, not of when the turn began: an event is never older than the entry that holds it."""
    return MORE if sequencer.sequence(now=timezone.now()) >= sequencer.BATCH else None


def _take_out(now: datetime) -> object:
    return MORE if turns.turn(now=now) else None


def _close_days(now: datetime) -> object:
    return MORE if ledger.close_days(now=now) >= ledger.BATCH else None


def _tell_news(now: datetime) -> object:
    return MORE if digests.send_due(now=now) >= digests.AT_ONCE else None


def _purge(now: datetime) -> object:
    return MORE if purge.purge_expired(now=now) >= purge.BATCH else None


def _thin_out(now: datetime) -> object:
    return MORE if thinning.thin_out(now=now) >= thinning.BATCH else None


def _end_stale(now: datetime) -> None:
    sessions.end_hub_sessions(sessions.expired(now), reason="expired", actor=SYSTEM, now=now)
    sessions.end_tool_sessions(sessions.left_open(now), reason="session_ended", actor=SYSTEM, now=now)
