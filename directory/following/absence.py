"""Whom the directory no longer shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, QuerySet

from directory import follow_words as words
from directory.models import Member
from directory.types import MemberState


@dataclass(frozen=True, slots=True)
class Absent:
    member: Member
    why: str
    cure: str
    # When what the hub knows of them is erased: on that day once the absence counts as a departure, else not before.
    until: datetime
    is_dated: bool


def absent() -> QuerySet[Member]:
    """Whom the directory no longer shows, and whose details are still here; the next to be erased first."""
    found = Member.objects.filter(state=MemberState.MISSING, erased_at=None).exclude(entry_uuid=None)
    found = found.select_related("source")
    first = F("absent_for_good_at").asc(nulls_last=True), F("state_since").asc(nulls_first=True)
    return found.order_by(*first, "order_key", "pk")


def absence_of(member: Member, now: datetime) -> Absent:
    why, cure = words.ABSENCES.get(member.state_reason, words.ABSENCES["entry_gone"])
    if member.absent_for_good_at is not None:
        return Absent(member, str(why), str(cure), member.absent_for_good_at + settings.LEAVER_RETENTION, True)
    counted = timedelta()
    if member.source is not None and member.absent_from is not None:
        counted = member.source.followed_for - member.absent_from
    left = max(settings.ABSENCE - counted, timedelta())
    return Absent(member, str(why), str(cure), now + left + settings.LEAVER_RETENTION, False)


# What asks for somebody ---------------------------------------------------------------------------------------------
