"""Say who may enter a tool; the operator's answer to a tool that registered itself."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.types import SYSTEM
from consent.types import SheetInvalid
from idp.management import sheet_options
from idp.services.tools import NotDeclared, set_access
from idp.types import ToolState


class Command(BaseCommand):
    help = "Opens a tool to everyone or to collectives, or closes it; whoever is not named may not enter."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--state", choices=ToolState.values, default=ToolState.OPEN)
        parser.add_argument("--everyone", action="store_true")
        parser.add_argument("--collective", action="append", default=[], dest="collectives")
        sheet_options.add_to(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tool = set_access(
                slug=options["slug"],
                state=ToolState(options["state"]),
                everyone=options["everyone"],
                collectives=options["collectives"],
                sheet=sheet_options.sheet_from(options),
                actor=SYSTEM,
                now=timezone.now(),
            )
        except NotDeclared as error:
            raise CommandError(sheet_options.incomplete(options["slug"], error)) from error
        except SheetInvalid as error:
            raise CommandError(sheet_options.invalid(error)) from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{tool.slug}: {tool.state}")
