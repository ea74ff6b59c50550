"""Make the first signing keys of a new hub."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from idp.services.keys import ensure_keys


class Command(BaseCommand):
    help = "Makes a signing key for each algorithm that has none; does nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        for key in ensure_keys(now=timezone.now()):
            if options["verbosity"]:
                self.stdout.write(f"{key.algorithm}: {key.kid}")
