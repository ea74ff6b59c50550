"""After a restored backup or a lost key: the way on for a log that its signer refuses to sign."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.heads import Heads
from audit.models import Log
from audit.services import renew_log
from audit.types import SYSTEM, Actor, LogError
from directory.management.people import whoever_may
from directory.policy import Right


class Command(BaseCommand):
    help = "Gives up a log of proof that can no longer be signed, and opens the one that follows; says so in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("log", nargs="?", help="its name; without one, says how each log is")
        parser.add_argument("--as", dest="login", metavar="LOGIN", help="who does it: the line in the journal says so")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["log"] is None:
            for log in Log.objects.order_by("pk"):
                self.stdout.write(f"{log.name}: {log.size}; {log.trouble or ('given up' if log.given_up else 'well')}")
            return
        actor = (
            Actor(whoever_may(Right.KEEP_PROOF, options["login"], who="keeps the proof").pk)
            if options["login"]
            else SYSTEM
        )
        try:
            head = Heads(settings.AUDIT_DIR).head(options["log"]) or ""
            following = renew_log(name=options["log"], head=head, now=timezone.now(), actor=actor)
        except LogError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(following)
