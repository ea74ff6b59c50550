"""What people of a retired directory were called is free for others who share it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import QuerySet

from audit.services import record_all
from audit.types import Action, Entry
from directory.models import DirectorySource, Member, SyncIssue
from directory.types import MailState, MemberState, SourceState

AT_ONCE = 1000


@transaction.atomic
def give_back(source: DirectorySource, *, now: datetime) -> None:
    """Whoever shared a login or an address with people of this directory alone has it for themself again.

    No pass would see it: nothing changed in the entries of those whom it frees.
    """
    own = Member.objects.filter(source=source)
    there = Member.objects.filter(state__in=(MemberState.ACTIVE, MemberState.LOCKED), entry_uuid__isnull=False)
    others = there.exclude(source__state=SourceState.RETIRED).exclude(source=source)
    for keys in _batches(own.exclude(login_key="").values_list("login_key", flat=True)):
        holders = others.filter(login_key__in=keys)
        freed = _alone(holders.values_list("pk", "login_key"), holders.filter(login_ambiguous=True))
        _free(freed, "login_shared", now, login_ambiguous=False)
    for keys in _batches(own.exclude(email_key="").values_list("email_key", flat=True)):
        holders = others.filter(email_key__in=keys)
        freed = _alone(holders.values_list("pk", "email_key"), holders.filter(email_state=MailState.SHARED))
        _free(freed, "mail_shared", now, email_state=MailState.OK)


def _alone(holders: Iterable[tuple[object, str]], shared: QuerySet[Member]) -> list[Member]:
    by_key = dict(holders)
    count = Counter(by_key.values())
    return [each for each in shared.select_for_update(of=("self",), no_key=True) if count[by_key[each.pk]] == 1]


def _free(freed: list[Member], issue: str, now: datetime, **change: object) -> None:
    Member.objects.filter(pk__in=[each.pk for each in freed]).update(**change)
    entries = [each.entry_uuid for each in freed if each.entry_uuid]
    SyncIssue.objects.filter(entry_uuid__in=entries, code=issue, resolved_at=None).update(resolved_at=now)
    record_all(Entry(Action.MEMBER_CHANGED, subject=each.pk, facts={"items": [*change]}, at=now) for each in freed)


def _batches(keys: QuerySet[Member, str]) -> Iterator[list[str]]:
    remaining = iter(sorted(set(keys)))
    while some := list(islice(remaining, AT_ONCE)):
        yield some
