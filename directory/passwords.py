"""Setting passwords: in the directory for whoever has an entry there, in the hub for its own few accounts.

The caller writes the line in the journal, and calls these last in its transaction: when the directory does not take the
new password, nothing else has happened either.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from directory.ldap import passwords as ldap_passwords
from directory.ldap import sources
from directory.ldap.passwords import Outcome
from directory.models import Member
from directory.types import DirectoryRefused, DirectoryUnavailable

__all__ = ["Outcome", "can_reset", "change", "reset"]


def can_reset(member: Member) -> bool:
    """Whether the hub can set this person's password without knowing the old one."""
    if member.is_local:
        return True
    try:
        return sources.of_member(member).can_write
    except DirectoryRefused:
        return False


def change(member: Member, *, old: str, new: str) -> Outcome:
    """By its holder, who shows the old one.  Raises as ``ldap.passwords.change_password``."""
    uuid = member.entry_uuid
    if uuid is None:
        # Asked of the row and not of what was loaded: two changes at once must not both find the old one right.
        held = Member.objects.select_for_update(no_key=True).get(pk=member.pk)
        return _keep(held, new) if held.check_password(old) else Outcome.WRONG_OLD
    with _refusals_told():
        return ldap_passwords.change_password(sources.of_member(member), uuid, old, new)


def reset(member: Member, *, new: str) -> Outcome:
    """For a person who proved otherwise that they are the one.  Raises as ``ldap.passwords.reset_password``."""
    uuid = member.entry_uuid
    if uuid is None:
        return _keep(Member.objects.select_for_update(no_key=True).get(pk=member.pk), new)
    with _refusals_told():
        return ldap_passwords.reset_password(sources.of_member(member), uuid, new)


@contextmanager
def _refusals_told() -> Iterator[None]:
    """The hub's own accounts or certificate are at fault: that is nobody's password, and nothing was changed."""
    try:
        yield
    except DirectoryRefused as error:
        raise DirectoryUnavailable("the directory refuses the hub") from error


def _keep(member: Member, new: str) -> Outcome:
    """Argon2id, by Django's hasher: a salt of 128 bits, 100 MiB of memory."""
    member.set_password(new)
    member.save(update_fields=["password"])
    return Outcome.DONE
