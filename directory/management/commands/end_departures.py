"""``manage.py end_departures``: the departures that are due, and, when there are many, their approval.

The worker carries out each departure at midnight by itself; many at once, or many that are late, wait.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from directory.services import carry_out_departures, departures


class Command(BaseCommand):
    help = "Ends the accounts whose last day is over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show how many would end; write nothing")
        parser.add_argument("--approve", metavar="DIGEST", default="", help="end the many that wait, exactly these")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        held = departures.waiting(now=now)
        if options["dry_run"]:
            self.stdout.write(f"{departures.due(now).count()} to end; nothing was written (dry run)")
        else:
            done = carry_out_departures(now=now, approved=options["approve"])
            self.stdout.write(f"{done} ended")
            held = held if done == 0 else None
        if held is not None:
            self.stdout.write(
                f"{held.count} at once are more than the hub ends by itself (is the clock right?). "
                f"To end exactly these: manage.py end_departures --approve {held.digest}"
            )
