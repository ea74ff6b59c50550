"""``manage.py destroy_log``: a log of proof in which nothing personal is left goes whole, as two people agreed."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import words
from audit.types import KeepingError
from directory import services


class Command(BaseCommand):
    help = (
        "Destroys a closed log of proof that two people, one of them the data protection officer, "
        "agreed to destroy on the hub's page, after writing it elsewhere and checking it there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("log", help="its name, access-2026h2 for one")
        parser.add_argument(
            "--export", type=Path, required=True, metavar="FOLDER", help="write and check it there, then destroy it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, target = options["log"], options["export"]
        try:
            count = services.carry_out_destruction(name=name, target=target, now=timezone.now())
        except KeepingError as error:
            raise CommandError(f"{error}: {words.name('reason', str(error))}") from None
        self.stdout.write(f"{name}: {count} entries are in {target}, checked, and destroyed here.")
