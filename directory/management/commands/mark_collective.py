"""``manage.py mark_collective SLUG``: that being in a collective is nobody else's business, so that no tool is told."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.types import SYSTEM
from directory.models import Collective
from directory.services import mark_sensitive


class Command(BaseCommand):
    help = "Marks a collective as sensitive (health, beliefs, union): tools are never told who is in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the last part of the collective's address in the hub")
        parser.add_argument("--ordinary", action="store_true", help="take the mark back")

    def handle(self, *args: Any, **options: Any) -> None:
        collective = Collective.objects.filter(slug=options["slug"]).first()
        if collective is None:
            raise CommandError("no collective has this address")
        mark_sensitive(collective_id=collective.pk, sensitive=not options["ordinary"], actor=SYSTEM, now=timezone.now())
        if options["verbosity"] > 0:
            # True as well where nothing had to change.
            self.stdout.write(f"{collective.slug} is {'ordinary' if options['ordinary'] else 'sensitive'}")
