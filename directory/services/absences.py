"""The end of an absence: whom the directory has not shown for long has left, and is kept as long as a leaver is.

Until then nothing is decided.  From then on the retention period runs, and the office knows.  The entry that returns
gives everything back in either case, as long as nothing was erased.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.services import record
from audit.types import SYSTEM, Action, Entry
from directory.ldap import sources
from directory.models import DirectorySource, Member
from directory.policy import is_followed
from directory.services import statuses
from directory.signals import member_acted_on
from directory.types import MemberState, SourceState

log = logging.getLogger("directory.absences")


def not_followed(now: datetime) -> list[int]:
    """The sources in use of which nobody knows what they show now: away, paused, or with something that waits."""
    return [source.pk for source in sources.in_use() if not _is_followed(source, now)]


def _is_followed(source: DirectorySource, now: datetime) -> bool:
    return source.state == SourceState.ACTIVE and is_followed(source.followed_until, now)


def absent(now: datetime) -> QuerySet[Member]:
    """Those whose absence has lasted so long that it counts as a departure."""
    over = Q(pk__in=[])
    in_use = sources.in_use()
    for source in in_use:
        if _is_followed(source, now):
            over |= Q(source=source, absent_from__lte=source.followed_for - settings.ABSENCE)
    # What nobody reads any more, by decision, or is nowhere, shows nobody again: there the calendar counts.
    unread = ~Q(source__in=[source.pk for source in in_use]) & Q(state_since__lte=now - settings.ABSENCE)
    missing = Member.objects.filter(state=MemberState.MISSING, absent_for_good_at=None, erased_at=None)
    return missing.filter(over | unread).order_by("pk")


def end_absences(*, now: datetime) -> int:
    """Take the absences that have lasted long enough for departures; returns how many."""
    _begin_counting()
    return sum(_ended(pk, now) for pk in list(absent(now).values_list("pk", flat=True)))


def _begin_counting() -> None:
    """Of those who were missing before anything was counted, the days until now count for nothing."""
    uncounted = Member.objects.filter(state=MemberState.MISSING, absent_from=None, absent_for_good_at=None)
    for source in _sources_of(uncounted):
        uncounted.filter(source=source).update(absent_from=source.followed_for)


def _sources_of(members: QuerySet[Member]) -> Iterator[DirectorySource]:
    ids = list(members.exclude(source=None).order_by().values_list("source", flat=True).distinct())
    return iter(DirectorySource.objects.filter(pk__in=ids) if ids else ())


def _ended(member_id: UUID, now: datetime) -> bool:
    """One that cannot be ended keeps no other one open."""
    try:
        return _end(member_id, now)
    except Exception as error:
        log.error("the absence of %s could not be ended: %s", member_id, type(error).__name__)
        return False


@transaction.atomic
def _end(member_id: UUID, now: datetime) -> bool:
    # It may have come back since it was looked for, or another worker may have been here.
    member = absent(now).select_for_update(of=("self",), no_key=True).filter(pk=member_id).first()
    if member is None:
        return False
    member.absent_for_good_at = now
    member.save(update_fields=["absent_for_good_at"])
    statuses.settle(now=now, only=[member_id])
    since = timezone.localdate(member.state_since or now, timezone.get_default_timezone())
    record(
        Entry(
            Action.ABSENCE_ENDED,
            subject=member_id,
            reason=member.state_reason,
            facts={"absent_since": since.isoformat()},
            at=now,
        )
    )
    member_acted_on.send(
        sender=Member,
        action=Action.ABSENCE_ENDED,
        member_id=member_id,
        actor=SYSTEM,
        facts={"absent_since": since},
        now=now,
    )
    return True
