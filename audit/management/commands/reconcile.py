"""The nightly comparison of the journal with the tables, now."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from audit.reconciliation import selectors, services


class Command(BaseCommand):
    help = "Compares the journal with what the tables say happened since the last comparison; what is missing is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="what happened in the last so many days, compared before or not")
        parser.add_argument("--json", action="store_true", help="the result and every open gap, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        run = services.reconcile(now=now, since=now - timedelta(days=options["days"]) if options["days"] else None)
        opened = selectors.open_gaps()
        if options["json"]:
            gaps = [{"source": gap.source, "row": gap.row, "at": gap.at.isoformat()} for gap in opened.iterator(1000)]
            told = {"since": run.since.isoformat(), "until": run.until.isoformat(), "examined": run.examined}
            self.stdout.write(json.dumps({**told, "found": run.found, "open": gaps}, indent=1))
            return
        self.stdout.write(f"{run.examined} rows compared, {run.found} without a line; open in all: {opened.count()}")
        for gap in opened.iterator(1000):
            self.stdout.write(f"{gap.at.isoformat(timespec='seconds')} {gap.source} {gap.row}")
