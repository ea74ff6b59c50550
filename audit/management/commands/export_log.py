"""The logs of proof in a folder or a zip, with the program that checks them."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.bundle import Folder
from audit.exporting import export_logs
from audit.models import Log, Witness
from audit.zipping import Archive


class Command(BaseCommand):
    help = "Writes the logs of proof, with verify.py, into a new folder or a new .zip."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", type=Path)
        parser.add_argument("--log", action="append", default=[], help="one log only; may be given several times")
        parser.add_argument("--with-people", action="store_true", help="with what says who people are")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["target"]
        unknown = set(options["log"]) - set(Log.objects.values_list("name", flat=True))
        if unknown:
            raise CommandError(f"No such log: {', '.join(sorted(unknown))}")
        if target.exists():
            raise CommandError(f"{target} is there already.")
        choices: dict[str, Any] = {"names": options["log"], "with_people": options["with_people"]}
        if target.suffix == ".zip":
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                archive = Archive(file)
                written = export_logs(archive, now=timezone.now(), **choices)
                archive.close()
        else:
            written = export_logs(Folder(target), now=timezone.now(), **choices)
        for name, size in written.items():
            self.stdout.write(f"{name}: {size}, --key {Log.objects.get(name=name).key}")
        for witness in Witness.objects.order_by("pk"):
            self.stdout.write(f"{witness.owner}: --witness {witness.key}")
