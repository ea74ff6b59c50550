"""Reading members and collectives."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet

from audit.selectors import fold, has_words
from directory.models import Collective, Departure, DirectorySource, Member, StatusPeriod
from directory.normalise import login_key, logins_like, mail_key
from directory.types import Hold, MailState, MemberState, Role, RunStatus, SourceState

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
    # The hub's own have no source; of the states, "retired" is the last one by its letters.
    own_first, retired_last = F("entry_uuid").asc(nulls_first=True), F("source__state").asc(nulls_first=True)
    rows = Member.objects.active().filter(keys).select_related("source").order_by(retired_last, own_first)
    found = list(rows[:2])
    if len(found) > 1 and _is_of_the_past(found[1]) and not _is_of_the_past(found[0]):
        found = found[:1]
    if not found or (len(found) > 1 and not (found[0].is_local and not found[1].is_local)):
        return None
    by_login = bool(login) and found[0].login_key == login and not found[0].login_ambiguous
    by_mail = bool(mail) and found[0].email_key == mail and found[0].email_state == MailState.OK
    return found[0] if by_login or by_mail else None


def _is_of_the_past(member: Member) -> bool:
    """Whether their directory is retired: nobody checks their password, and what they are called is free for others."""
    return member.source is not None and member.source.state == SourceState.RETIRED


def crossed_names(member: Member) -> tuple[bool, bool]:
    """Whether their login is the address of somebody else who may enter, and their address somebody else's login.

    Both are typed in one place: such a word means nobody (``find_for_sign_in``).
    """
    as_mail = mail_key(member.login_key) if "@" in member.login_key else ""
    as_logins = logins_like(member.email_key)
    keys = Q(login_key__in=as_logins) | (Q(email_key=as_mail) if as_mail else Q())
    others = Member.objects.active().filter(keys).exclude(pk=member.pk).exclude(source__state=SourceState.RETIRED)
    if member.is_local:
        # What they are called no directory takes from them.
        others = others.filter(entry_uuid=None)
    found = list(others.values_list("login_key", "email_key")) if as_mail or as_logins else []
    return any(mail == as_mail != "" for _, mail in found), any(login in as_logins for login, _ in found)


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


def ended_before(moment: datetime) -> list[UUID]:
    """Everybody whose relation with the cooperative ended before this moment, by the directory or by the hub."""
    return list(gone_before(moment).order_by("pk").values_list("pk", flat=True))


def gone_before(moment: datetime, but: Collection[UUID] = ()) -> QuerySet[Member]:
    """The same people, without these."""
    by_directory = Q(state=MemberState.LEFT, state_since__lt=moment)
    by_directory |= Q(state=MemberState.MISSING, absent_for_good_at__lt=moment)
    return Member.objects.filter(by_directory | Q(hold=Hold.LEFT, hold_since__lt=moment)).exclude(pk__in=but)


def source_names(numbers: Collection[int] | None = None) -> dict[int, str]:
    """What these directories are called, or all of them."""
    rows = DirectorySource.objects.all() if numbers is None else DirectorySource.objects.filter(pk__in=numbers)
    return dict(rows.values_list("pk", "name"))


def collective_names(numbers: Collection[str] | None = None) -> dict[str, str]:
    """What these collectives are called, or all of them; by their identifiers as text."""
    rows = Collective.objects.all() if numbers is None else Collective.objects.filter(pk__in=numbers)
    return {str(pk): name for pk, name in rows.values_list("pk", "name")}


def erased_of(people: Collection[UUID]) -> set[UUID]:
    """Whose contact details were erased, and who did not come back since."""
    return set(Member.objects.filter(pk__in=people).exclude(erased_at=None).values_list("pk", flat=True))


def has_role(member: Member, *roles: Role) -> bool:
    """Whether this active member has one of the roles."""
    return member.is_active and bool(member.roles & set(roles))


def planned_departure(member: Member) -> Departure | None:
    """The departure that is dated and not over, if there is one."""
    return Departure.objects.filter(member=member, done_at=None, cancelled_at=None).first()


def path_of(member: Member) -> list[StatusPeriod]:
    """Where this member stood, in order; the last stretch has no end while it lasts."""
    return list(StatusPeriod.objects.filter(member=member))


def matching(text: str) -> list[UUID]:
    """People whose name, login or address holds every word of this, without accents or case.

    Compared here rather than in the database: SQLite folds no accents, and a cooperative has a thousand people.
    """
    words = fold(text).split()
    people = Member.objects.filter(erased_at=None).values_list("pk", "display_name", "login", "email")
    return [pk for pk, *names in people.iterator() if words and has_words(words, *names)]
