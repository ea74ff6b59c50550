"""``manage.py grant_role LOGIN ROLE``: who is office, data protection officer or technician in the hub."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.types import SYSTEM
from directory.selectors import find_for_sign_in
from directory.services import grant_role, revoke_role
from directory.types import CannotChange, Role

EXPLAINED = {
    "incompatible_role": "this role does not go with another that this person has (take that one back first)",
}


class Command(BaseCommand):
    help = "Gives a member a role in the hub, or takes it back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("login", help="the member's login or mail address")
        parser.add_argument("role", choices=[str(role) for role in Role])
        parser.add_argument("--revoke", action="store_true", help="take the role back")

    def handle(self, *args: Any, **options: Any) -> None:
        member = find_for_sign_in(options["login"])
        if member is None:
            raise CommandError("no active member answers to this login or address, or more than one does")
        change = revoke_role if options["revoke"] else grant_role
        try:
            change(member_id=member.pk, role=Role(options["role"]), actor=SYSTEM, now=timezone.now())
        except CannotChange as refusal:
            raise CommandError(f"refused: {EXPLAINED.get(refusal.reason, refusal.reason)}") from refusal
        if options["verbosity"] > 0:
            # True as well where nothing had to change.
            has = "no longer has" if options["revoke"] else "has"
            self.stdout.write(f"{member.login or member.email} {has} the role {options['role']}")
