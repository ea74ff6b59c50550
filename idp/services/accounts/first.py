"""The first technician: made at the command line where there is none, by a link that is shown once.

No password comes with it, and no right either before its holder has a second factor.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import SYSTEM, Action, Entry
from directory.models import Member, RoleGrant
from directory.normalise import login_key, mail_key
from directory.services import grant_role
from directory.types import MailState, Role
from idp.models import AccountLink
from idp.services.accounts import links
from idp.types import LinkKind

LIFETIME = timedelta(hours=1)
# From the link to the second factor: whoever does not finish that day asks for another one.
UNFINISHED = timedelta(days=1)


class NotNeeded(Exception):
    """A technician is there already: whoever has a shell asks them, or takes their role first."""


class NameTaken(Exception):
    """The login is a member's."""


@transaction.atomic
def make(*, login: str, name: str, email: str, now: datetime) -> str:
    """The secret of a link for a new account of the hub's own.  Raises ``NotNeeded`` or ``NameTaken``.

    Asked again before the first one was used, the same account gets another link.
    """
    if _technician_exists(now):
        raise NotNeeded
    member = _unfinished(login)
    if member is None:
        if Member.objects.filter(login_key=login_key(login)).exists() or not login_key(login):
            raise NameTaken(login)
        member = Member(login=login, login_key=login_key(login), display_name=name or login, state_since=now)
        if mail_key(email):
            member.email, member.email_key, member.email_state = email, mail_key(email), MailState.OK
        member.set_unusable_password()
        member.save()
        record(Entry(Action.LOCAL_ACCOUNT_CREATED, subject=member.pk, at=now))
    _, secret = links.issue(member_id=member.pk, kind=LinkKind.FIRST, actor=SYSTEM, lifetime=LIFETIME, now=now)
    record(Entry(Action.FIRST_ACCOUNT_MADE, subject=member.pk, at=now))
    return secret


@transaction.atomic
def finish(*, member_id: UUID, now: datetime) -> bool:
    """The second factor is there: the role with it, if this is the account that was made for it and none is."""
    if not is_awaited(member_id, now=now) or _technician_exists(now):
        return False
    # By the machine's operator, who made the link: nobody gives a role to themself.
    grant_role(member_id=member_id, role=Role.TECHNICIAN, actor=SYSTEM, now=now)
    return True


def is_awaited(member_id: UUID, *, now: datetime) -> bool:
    """Has this person used the link of the first technician, today, and no role yet?"""
    used = AccountLink.objects.filter(
        member_id=member_id, kind=LinkKind.FIRST, used_at__isnull=False, created_at__gt=now - UNFINISHED
    )
    return used.exists() and not RoleGrant.objects.filter(member_id=member_id, role=Role.TECHNICIAN).exists()


def _technician_exists(now: datetime) -> bool:
    grants = RoleGrant.objects.filter(role=Role.TECHNICIAN, member__in=Member.objects.active())
    return any(grant.is_in_force(now) for grant in grants)


def _unfinished(login: str) -> Member | None:
    """An account that an earlier command made and nobody has finished; it has no factor and no role.

    A password alone is no finish: who has it may have gone away before the second factor.
    """
    key = login_key(login)
    made = Member.objects.active().filter(login_key=key, entry_uuid=None, account_links__kind=LinkKind.FIRST)
    return made.first() if key else None
