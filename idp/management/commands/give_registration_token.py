"""Let a program register tools (RFC 7591): the token is printed once."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.types import SYSTEM
from idp.services.registration import give_token


class Command(BaseCommand):
    help = "Makes an initial access token. Tools registered with it stay closed until open_tool lets somebody in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--label", required=True, help="whom it is for")
        add("--days", type=int, default=7)
        add("--uses", type=int, default=1, help="how many tools may be registered with it")
        add("--opens", action="store_true", help="its tools are open to every member at once (registration_opens)")
        add("--relaxes-pkce", action="store_true", help="its tools need no PKCE (test runs only)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DYNAMIC_REGISTRATION:
            self.stderr.write("dynamic_registration is off: the token serves once it is on.")
        try:
            token = give_token(
                label=options["label"],
                days=options["days"],
                uses=options["uses"],
                opens=options["opens"],
                relaxes_pkce=options["relaxes_pkce"],
                actor=SYSTEM,
                now=timezone.now(),
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(token)
