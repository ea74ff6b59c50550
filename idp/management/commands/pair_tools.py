"""Let one tool exchange its members' tokens for tokens of another, or end that."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.types import SYSTEM
from idp.services.tools import pair_tools, part_tools


class Command(BaseCommand):
    help = "Pairs two tools for token exchange (RFC 8693), one way; --end ends it with the tokens that it gave."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="slug of the tool that acts for its members")
        parser.add_argument("target", help="slug of the tool that is acted at; it has a resource identifier")
        wish = parser.add_mutually_exclusive_group(required=True)
        wish.add_argument("--scope", action="append", dest="scopes", help="what may be done there; repeat for several")
        wish.add_argument("--end", action="store_true", help="no exchange from now on")

    def handle(self, *args: Any, **options: Any) -> None:
        source, target, now = options["source"], options["target"], timezone.now()
        try:
            if options["end"]:
                part_tools(source=source, target=target, actor=SYSTEM, now=now)
                self.stdout.write(f"{source} -> {target}: ended")
                return
            pair = pair_tools(source=source, target=target, scopes=options["scopes"], actor=SYSTEM, now=now)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{source} -> {target}: {pair.scopes}")
