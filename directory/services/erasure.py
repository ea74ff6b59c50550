"""The end of the retention period: what identifies somebody who left goes, what proves something stays."""

import logging
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from audit.selectors import held_people
from audit.services import erase_person, record
from audit.types import SYSTEM, Action, Actor, Entry
from directory.corrections import forget_changes
from directory.kept import forget_photos, forget_profiles
from directory.ldap.plan import DETAILS
from directory.models import Collective, Member, Membership, SyncIssue
from directory.policy import digest_of, erasures_wait
from directory.services import absences
from directory.services.roles import end_roles_of
from directory.signals import members_erased
from directory.types import CannotChange, Hold, MailState, MemberState, Waiting

log = logging.getLogger("directory.erasure")
# Shown wherever a line of the journal or a proof names somebody who is no longer known.
NAME = "Ancien membre"
# Whatever is read of a person, but for the name that stands for them from now on.
EMPTIED = ("dn", "dn_key", "csn", *(each for each in DETAILS if each != "display_name"))


def due(now: datetime) -> QuerySet[Member]:
    """Who left so long ago that nothing of them may be kept: by the directory, or at the end of a departure.

    Not those about whom the data protection officer holds everything.
    """
    limit = now - settings.LEAVER_RETENTION
    # An entry that was moved back lately has its time to be welcomed back.
    is_back = Q(state=MemberState.ACTIVE, state_since__gt=limit)
    by_hub = Q(hold=Hold.LEFT, hold_since__lte=limit) & ~is_back
    # An absence is a departure only once it has lasted; and of a directory that is not read now, nobody knows whom it
    # shows again.
    by_directory = Q(state=MemberState.LEFT, state_since__lte=limit)
    by_directory |= Q(state=MemberState.MISSING, absent_for_good_at__lte=limit)
    gone = by_directory & ~Q(source__in=absences.not_followed(now)) | by_hub
    return Member.objects.filter(gone, erased_at=None).exclude(pk__in=held_people(now)).order_by("pk")


def waiting(*, now: datetime) -> Waiting | None:
    """The erasures that are due in such a number that a person should look first; None while all is well."""
    ids = list(due(now).values_list("pk", flat=True))
    if not erasures_wait(len(ids), people=Member.objects.filter(erased_at=None).count()):
        return None
    return Waiting(len(ids), digest_of(map(str, ids)))


def erase_leavers(*, now: datetime, approved: str = "") -> int:
    """Remove the contact details of those whose retention is over; returns how many.

    What is erased does not come back: too many at once wait, unless ``approved`` is the digest that ``waiting`` gave
    for exactly these.  A clock that jumped a year ahead erases nobody but a few.
    """
    held = waiting(now=now)
    if held is not None and approved != held.digest:
        return 0
    return sum(_erased(pk, now) for pk in list(due(now).values_list("pk", flat=True)))


def _erased(member_id: UUID, now: datetime) -> bool:
    """One that cannot be erased keeps nobody else's details here."""
    try:
        return _erase(member_id, now)
    except Exception as error:
        log.error("member %s could not be erased: %s", member_id, type(error).__name__)
        return False


def why_not_erased(member: Member, *, now: datetime) -> str:
    """Why nobody can be asked to erase all of this person now, as a code; nothing where it is possible."""
    if member.erased_at is not None:
        return "erased_already"
    if member.pk in held_people(now):
        return "hold_person"
    is_gone = member.hold == Hold.LEFT or member.state == MemberState.LEFT
    is_gone |= member.state == MemberState.MISSING and member.absent_for_good_at is not None
    # The account of somebody who works here is needed for the contract: their departure is dated first.
    return "" if is_gone else "still_there"


def erase_on_request(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """Before the end of the retention period, by the word of two people, in their transaction.

    Raises ``CannotChange``.
    """
    member = Member.objects.select_for_update(no_key=True).filter(pk=member_id).first()
    if member is None:
        raise CannotChange("member_unknown")
    if why := why_not_erased(member, now=now):
        raise CannotChange(why)
    _forget(member, actor=actor, reason="erasure_asked", now=now)


@transaction.atomic
def _erase(member_id: UUID, now: datetime) -> bool:
    member = due(now).select_for_update(no_key=True).filter(pk=member_id).first()
    if member is None:
        return False
    _forget(member, actor=SYSTEM, reason="retention_over", now=now)
    return True


def _forget(member: Member, *, actor: Actor, reason: str, now: datetime) -> None:
    """The row stays, under its identifier for life: subjects, consents and the journal lean on it.

    The login name goes as well.  Whoever gets it next is another entry, and so another person; the subject that was
    made from it at a tool stays taken (``KnownSubject``).
    """
    member_id = member.pk
    former_name = member.dn
    named = [word for word in (member.display_name, member.family_name, member.login, member.email) if word]
    for name in EMPTIED:
        setattr(member, name, "")
    member.display_name, member.email_state, member.login_ambiguous = NAME, MailState.NONE, False
    member.second_factor_by, member.erased_at = None, now
    member.set_unusable_password()
    member.save()
    # What those groups list means somebody less: they are worked out from the beginning, the next time they are read.
    groups = Collective.objects.filter(Q(memberships__member=member) | Q(leads=member))
    Collective.objects.filter(pk__in=groups.values("pk")).update(digest="")
    Membership.objects.filter(member=member).delete()
    forget_photos([member_id], now)
    forget_profiles([member_id], now)
    forget_changes([member_id])
    member.leads.clear()
    if member.entry_uuid is not None:
        SyncIssue.objects.filter(entry_uuid=member.entry_uuid).delete()
    if former_name:
        SyncIssue.objects.filter(detail__contains=former_name).update(detail="")
    # Before what this writes of them: the worker takes it out of the journal with the rest.
    erase_person(member_id, now=now)
    end_roles_of(member_id, actor=actor, reason=reason, now=now)
    record(Entry(Action.MEMBER_ERASED, actor=actor, subject=member_id, reason=reason, at=now))
    members_erased.send(sender=Member, member_ids=[member_id], named=named, now=now)
