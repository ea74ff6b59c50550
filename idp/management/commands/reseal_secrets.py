"""Seal everything at rest again under the first key of TROUSSEAU_KEY_ENCRYPTION_KEY."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.sealing import InvalidToken
from idp.services.reseal import reseal_all


class Command(BaseCommand):
    help = "Encrypts what is encrypted at rest under the first of the given keys; the others may go after it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = reseal_all(now=timezone.now())
        except InvalidToken as error:
            raise CommandError("Something is encrypted with a key that is not given.  Nothing was changed.") from error
        for kind, count in counts.items():
            self.stdout.write(f"{kind}: {count}")
