"""``manage.py erase_leavers``: whose retention period is over, and, when there are many, their approval.

The worker erases the few that are due each day by itself.  What is erased does not come back.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from directory.services import erase_leavers, erasure


class Command(BaseCommand):
    help = "Removes the contact details of those who left longer ago than the retention period."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show how many would be erased; write nothing")
        parser.add_argument("--approve", metavar="DIGEST", default="", help="erase the many that wait, exactly these")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        held = erasure.waiting(now=now)
        count = erasure.due(now).count()
        if options["dry_run"]:
            self.stdout.write(f"{count} to erase; nothing was written (dry run)")
        else:
            done = erase_leavers(now=now, approved=options["approve"])
            self.stdout.write(f"{done} erased")
            held = held if done == 0 else None
        if held is not None:
            self.stdout.write(
                f"{held.count} at once are more than the hub erases by itself (is the clock right?). "
                f"To erase exactly these: manage.py erase_leavers --approve {held.digest}"
            )
