"""The sequencer and the signer as programs of their own, for whoever gives each its own system user or machine."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from audit import sequencer, signer

PAUSE_SECONDS = 0.5


class Command(BaseCommand):
    help = "Gives events their place in the log of proof and signs it; the worker does both unless it is told not to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", choices=["sequence", "sign", "both"])
        parser.add_argument("--once", action="store_true", help="do what is due and end")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if not options["once"]:
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            signal.signal(signal.SIGINT, lambda *_: stop.set())
        while True:
            if options["part"] != "sign":
                while sequencer.sequence(now=timezone.now()) >= sequencer.BATCH and not stop.is_set():
                    pass
            if options["part"] != "sequence":
                signer.sign_due(now=timezone.now())
            if options["once"] or stop.wait(PAUSE_SECONDS):
                return
            close_old_connections()
