"""``manage.py first_technician LOGIN``: the way in where nobody has the technician's role yet."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from idp.services.accounts import first, links


class Command(BaseCommand):
    help = "Prints a link, good once and for an hour, that makes the first technician. No password comes with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("login", help="the login of the new account, which no member of the directory may have")
        parser.add_argument("--name", default="", help="the name that others see; the login where none is given")
        parser.add_argument("--mail", default="", help="where notices about this account go")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            secret = first.make(login=options["login"], name=options["name"], email=options["mail"], now=timezone.now())
        except first.NotNeeded as error:
            raise CommandError("there is a technician already: nothing was changed") from error
        except first.NameTaken as error:
            raise CommandError("this login is no login, or somebody else's: nothing was changed") from error
        self.stdout.write(links.address_of(secret))
        if options["verbosity"] > 0:
            self.stderr.write(
                "Good once, for an hour: choose a password there, then a second factor, and the role is yours."
            )
