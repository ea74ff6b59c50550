"""Make the first signing key of a new hub."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from idp.services.keys import ensure_key


class Command(BaseCommand):
    help = "Makes the first signing key; does nothing when there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_key(now=timezone.now())
