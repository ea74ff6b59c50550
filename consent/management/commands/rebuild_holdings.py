"""What each tool holds of whom, made anew from the ledger."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from audit.types import SYSTEM
from consent.ledger import holdings


class Command(BaseCommand):
    help = "Makes what each tool holds of whom anew from the ledger, where the nightly comparison found a difference."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = holdings.rebuild(actor=SYSTEM, now=timezone.now())
        self.stdout.write(f"{wrong} of what is held was something else in the ledger, and is as it says now")
