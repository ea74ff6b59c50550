"""``manage.py follow_directory``: what the worker's own process for the directories does; by hand, for looking."""

import os
import resource
import signal
import sys
import threading
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from directory.services.turns import Follower
from hub.followers import log_failure

# From the beginning of a turn to that of the next, however long it takes: a change waits half of it for its probe.
EVERY_SECONDS = 0.5
LEAST_PAUSE_SECONDS = 0.2


class Command(BaseCommand):
    help = "Keeps members and collectives in step with the directories, until it is told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--beat", action="store_true", help="write a line per turn, and stop when input ends")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        signal.signal(signal.SIGINT, lambda *_: stop.set())
        bound_memory(settings.DIRECTORY_MEMORY_BYTES)
        if options["beat"]:
            threading.Thread(target=_end_with_the_parent, daemon=True).start()
        follower = Follower()
        pause = EVERY_SECONDS
        while not stop.wait(pause):
            began = monotonic()
            try:
                follower.turn(now=timezone.now())
            except Exception as error:
                log_failure("directory", error)
            close_old_connections()
            if options["beat"]:
                sys.stdout.write(".\n")
                sys.stdout.flush()
            pause = max(LEAST_PAUSE_SECONDS, EVERY_SECONDS - (monotonic() - began))
        follower.close()


def bound_memory(most: int) -> None:
    """A directory that answers without end ends its own pass, and not the machine.

    What is reserved and never written to does not count (Linux: RLIMIT_DATA), so that threads cost what they use.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _end_with_the_parent() -> None:
    """A worker that was killed leaves nobody behind: its end of this pipe closes with it."""
    # Not by ``sys.stdin``, whose lock this thread would hold while the program ends: Python calls that fatal.
    while os.read(0, 1024):
        pass
    os._exit(0)
