"""Give a tool a new secret while the old one goes on working for a while."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.types import SYSTEM
from idp.services.tools import rotate_secret

DEFAULT_OVERLAP_HOURS = 24.0


class Command(BaseCommand):
    help = "Makes a new client secret, prints it this once, and keeps the old one valid for the overlap."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--overlap-hours", type=float, default=DEFAULT_OVERLAP_HOURS, help="0 ends the old at once")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        now, overlap = timezone.now(), timedelta(hours=options["overlap_hours"])
        try:
            secret = rotate_secret(slug=options["slug"], actor=SYSTEM, now=now, overlap=overlap)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        told = {"client_secret": secret, "old_secret_until": (now + overlap).isoformat(timespec="seconds")}
        if options["as_json"]:
            self.stdout.write(json.dumps(told))
            return
        for name, value in told.items():
            self.stdout.write(f"{name}: {value}")
