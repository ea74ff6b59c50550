"""Whose word a command is given on, by ``--as LOGIN``: nothing proves it but the shell."""

from django.core.management import CommandError

from directory.access import may
from directory.models import Member
from directory.normalise import login_key
from directory.policy import Right


def whoever_may(right: Right, login: str, *, who: str) -> Member:
    """Raises ``CommandError`` where this login is nobody ``who`` has the right."""
    member = Member.objects.filter(login_key=login_key(login), login_ambiguous=False).first()
    if member is None or not may(member, right):
        raise CommandError(f"{login} is nobody who {who}.")
    return member
