"""Give the signing keys their successors, by plan or at once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from idp.services.keys import rotate
from idp.types import SigningAlgorithm

BROKEN = """The old keys are gone: nothing that they signed is believed any more.
- For a minute, servers that have not heard of it may sign with an old key: these sign-ins fail and are tried again.
- Tools that keep the old key set (up to 10 minutes, some longer) refuse sign-ins until they fetch the new one.
- Access tokens in JWT form are refused by tools that check them themselves; they last 10 minutes at most.
- A sign-out asked for with an older ID token is confirmed by the member on a page of the hub.
Members stay signed in, and refresh tokens go on working."""


class Command(BaseCommand):
    help = "Publishes the next signing keys; they sign once every tool has had the time to fetch them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--algorithm", choices=SigningAlgorithm.values, help="this one only (all)")
        parser.add_argument(
            "--now",
            action="store_true",
            help="a key was stolen: new keys sign at once, old ones are erased and verify nothing",
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        made = rotate(algorithm=options["algorithm"], at_once=options["now"], now=timezone.now())
        if options["as_json"]:
            told = [
                {"algorithm": key.algorithm, "kid": key.kid, "active_at": key.active_at.isoformat()} for key in made
            ]
            self.stdout.write(json.dumps(told))
            return
        for key in made:
            self.stdout.write(f"{key.algorithm}: {key.kid} signs from {key.active_at:%Y-%m-%d %H:%M} UTC on")
        if options["now"]:
            self.stdout.write(BROKEN)
