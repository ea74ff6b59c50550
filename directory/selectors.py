"""Reading members and collectives."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q

from audit.selectors import fold
from directory.models import Collective, Departure, DirectorySource, Member, StatusPeriod
from directory.normalise import login_key, mail_key
from directory.types import MailState, Role, RunStatus, SourceState

# Passes that read the whole directory: what was held back waits for a person, but was seen.
READ = (RunStatus.OK, RunStatus.PROBLEMS, RunStatus.HELD)


def member(member_id: UUID) -> Member | None:
    return Member.objects.filter(pk=member_id).first()


def find_for_sign_in(identifier: str) -> Member | None:
    """The one active member whom this login or address means; nobody when it could be two.

    What an account of the hub's own is called no directory can take from it: it is the way in when one lies.
    """
    login, mail = login_key(identifier), mail_key(identifier)
    keys = Q(login_key=login) if login else Q(pk__in=[])
    if mail:
        keys |= Q(email_key=mail)
    own_first = F("entry_uuid").asc(nulls_first=True)
    found = list(Member.objects.active().filter(keys).select_related("source").order_by(own_first)[:2])
    if not found or (len(found) > 1 and not (found[0].is_local and not found[1].is_local)):
        return None
    by_login = bool(login) and found[0].login_key == login and not found[0].login_ambiguous
    by_mail = bool(mail) and found[0].email_key == mail and found[0].email_state == MailState.OK
    return found[0] if by_login or by_mail else None


def collective_ids(member: Member) -> frozenset[UUID]:
    """Collectives the member belongs to, by themselves or through a nested one."""
    found = Collective.objects.filter(memberships__member=member, present=True)
    return frozenset(found.values_list("pk", flat=True))


def directory_age(now: datetime) -> timedelta | None:
    """How old the copy is: of the directory that was read longest ago, if several are followed.

    None where one was never read, or none is followed.
    """
    read = list(DirectorySource.objects.filter(state=SourceState.ACTIVE).values_list("read_at", flat=True))
    times = [each for each in read if each is not None]
    return now - min(times) if times and len(times) == len(read) else None


def is_out_of_date(member: Member, now: datetime) -> bool:
    """Whether this member's directory was not read for so long that nobody should rely on what the mirror says."""
    read_at = member.source.read_at if member.source else None
    return read_at is not None and now - read_at > settings.DIRECTORY_MAX_AGE


def has_role(member: Member, *roles: Role) -> bool:
    """Whether this active member has one of the roles."""
    return member.is_active and bool(member.roles & set(roles))


def planned_departure(member: Member) -> Departure | None:
    """The departure that is dated and not over, if there is one."""
    return Departure.objects.filter(member=member, done_at=None, cancelled_at=None).first()


def path_of(member: Member) -> list[StatusPeriod]:
    """Where this member stood, in order; the last stretch has no end while it lasts."""
    return list(StatusPeriod.objects.filter(member=member))


def digest_of(names: Iterable[str]) -> str:
    """Names exactly these: an approval given for them holds for no others."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]


def matching(text: str) -> list[UUID]:
    """People whose name, login or address holds every word of this, without accents or case.

    Compared here rather than in the database: SQLite folds no accents, and a cooperative has a thousand people.
    """
    words = fold(text).split()
    people = Member.objects.filter(erased_at=None).values_list("pk", "display_name", "login", "email")
    return [pk for pk, *names in people.iterator() if words and all(word in fold(" ".join(names)) for word in words)]
