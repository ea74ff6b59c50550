"""Photos of members: read apart from the pass, of those whose entries have changed, a few at a time."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from audit.services import record
from audit.types import Action, Entry
from directory import pictures
from directory.ldap import sources
from directory.ldap.config import LdapConfig
from directory.ldap.connection import TOO_LARGE
from directory.ldap.neighbours import batches
from directory.ldap.plan import PHOTO_ISSUE
from directory.ldap.reading import Reading, reading
from directory.models import DirectorySource, Member, MemberPhoto, SyncIssue, SyncRun
from directory.pictures import PhotoRefused
from directory.runs import last_read
from directory.types import DirectoryRefused, DirectoryUnavailable, Hold, MemberState

log = logging.getLogger("directory.photos")
# Of so many entries the photos are in memory at once, and no more.
AT_ONCE = 10
SECONDS = 60.0
# And so many are listed at a time; the others have their turn in the next call.
LISTED = 1_000
# Where entries show no change mark, photos are looked at so often; and those that could not be taken.
AGAIN_EVERY = timedelta(days=1)
# In place of a digest: the photo of this entry, as it is now, did not come.
NOT_TAKEN = "not taken"


class _Due(NamedTuple):
    member: UUID
    entry: UUID
    dn: str
    csn: str


def follow_quietly(
    *,
    source: DirectorySource,
    now: datetime,
    seconds: float = SECONDS,
    is_overtaken: Callable[[], bool] = lambda: False,
) -> int:
    """As ``follow``; a server that is away or refuses is told by the pass, and costs nobody their photo."""
    try:
        return follow(source=source, now=now, seconds=seconds, is_overtaken=is_overtaken)
    except (DirectoryUnavailable, DirectoryRefused) as error:
        log.warning("photos of source %s could not be read: %s", source.pk, type(error).__name__)
        return 0


def follow(
    *,
    source: DirectorySource,
    now: datetime,
    seconds: float = SECONDS,
    is_overtaken: Callable[[], bool] = lambda: False,
) -> int:
    """Look at the photos of those whose entries changed since theirs was; returns how many were looked at.

    What does not fit in the time waits for the next call, and so does the rest where something more urgent came up,
    which is asked between batches.  A photo that cannot be shown is an issue of its entry, and
    nothing else; the good one of before goes, for the directory no longer has it.  One that cannot be taken, because it
    fills the memory or takes too long, is left alone until its entry changes, or for a day.
    Raises ``DirectoryUnavailable`` or ``DirectoryRefused``; what was looked at until then is kept.
    """
    config = sources.of(source)
    run = last_read(source)
    attribute = config.rules.person["photo"].lower()
    if run is None or not attribute:
        return 0
    due = _due(source, now)
    if not due:
        return 0
    look = partial(_look_at, attribute=attribute, run=run, now=now)
    looked_at, end = 0, monotonic() + seconds
    batch: Sequence[_Due] = ()
    try:
        with reading(config, seconds=max(seconds, SECONDS)) as read:
            for batch in batches(due, AT_ONCE):
                if monotonic() >= end or is_overtaken():
                    break
                looked_at += look(read, batch)
    except (DirectoryUnavailable, DirectoryRefused) as error:
        if not batch or not _may_be_a_photo(error):
            raise
        looked_at += _one_by_one(batch, config, look, run, now, end)
    return looked_at


def _look_at(read: Reading, batch: Sequence[_Due], *, attribute: str, run: SyncRun, now: datetime) -> int:
    by_entry = {each.entry.hex: each for each in batch}
    without, shown = [], set()
    for entry in read.photos(by_entry):
        each = by_entry.get(read.identity_of(entry))
        if each is None:
            continue
        shown.add(each)
        if raws := entry.attributes.get(attribute):
            _look(each, raws, run, now)
        else:
            without.append(each)
    _look_at_those_without(without, run, now)
    _put_off([each for each in batch if each not in shown], now)
    return len(shown)


def _may_be_a_photo(error: Exception) -> bool:
    """A server that falls silent may be sending one for ever."""
    return isinstance(error, DirectoryUnavailable) or str(error) == TOO_LARGE


def _one_by_one(
    batch: Sequence[_Due],
    config: LdapConfig,
    look: Callable[[Reading, Sequence[_Due]], int],
    run: SyncRun,
    now: datetime,
    end: float,
) -> int:
    """One of these did not come: which, is asked on a connection of its own for each, and the others are taken."""
    for number, each in enumerate(batch):
        if number and monotonic() >= end:
            # Whoever else there is comes first.
            _put_off(batch[number:], now)
            return number
        is_there = False
        try:
            with reading(config) as read:
                is_there = True
                look(read, [each])
        except (DirectoryUnavailable, DirectoryRefused) as error:
            if not is_there or not _may_be_a_photo(error):
                raise
            _give_up(each, run, now)
    return len(batch)


def _due(source: DirectorySource, now: datetime) -> Sequence[_Due]:
    again = Q(Q(csn="") | Q(photo__digest=NOT_TAKEN), photo__looked_at__lt=now - AGAIN_EVERY)
    changed = Q(photo=None) | ~Q(photo__csn=F("csn")) | again
    # Of whoever left by the hub's word the photo goes by its own clock, and is not read again meanwhile.
    there = Member.objects.filter(source=source, state__in=(MemberState.ACTIVE, MemberState.LOCKED), erased_at=None)
    there = there.exclude(hold=Hold.LEFT)
    rows = (
        there.filter(changed, entry_uuid__isnull=False)
        .order_by(F("photo__looked_at").asc(nulls_first=True), "pk")
        .values_list("pk", "entry_uuid", "dn", "csn")
    )
    return [_Due(pk, uuid, dn, csn) for pk, uuid, dn, csn in rows[:LISTED] if uuid is not None]


@transaction.atomic
def _put_off(unseen: Sequence[_Due], now: datetime) -> None:
    """Entries that the server did not show: they keep what they have, and come after everybody else."""
    members = [each.member for each in unseen]
    MemberPhoto.objects.bulk_create(
        (MemberPhoto(member_id=member, looked_at=now, updated_at=now) for member in members), ignore_conflicts=True
    )
    MemberPhoto.objects.filter(member__in=members).update(looked_at=now)


@transaction.atomic
def _give_up(due: _Due, run: SyncRun, now: datetime) -> None:
    """For the entry as it is now.  What is shown of before stays: nobody has seen that it is another."""
    _settle(due, "too_heavy", run, now)
    tried = {"digest": NOT_TAKEN, "csn": due.csn, "looked_at": now}
    MemberPhoto.objects.update_or_create(
        member_id=due.member, defaults=tried, create_defaults={**tried, "updated_at": now}
    )


@transaction.atomic
def _look_at_those_without(due: Sequence[_Due], run: SyncRun, now: datetime) -> None:
    """Most people have no photo, and had none: that takes three statements for all of them."""
    members = [each.member for each in due]
    known = (
        set(MemberPhoto.objects.filter(member__in=members).values_list("member_id", flat=True)) if members else set()
    )
    new = [each for each in due if each.member not in known]
    MemberPhoto.objects.bulk_create(
        (MemberPhoto(member_id=each.member, csn=each.csn, looked_at=now, updated_at=now) for each in new),
        ignore_conflicts=True,
    )
    _without_issue(new, now)
    for each in due:
        if each.member in known:
            _look(each, (), run, now)


@transaction.atomic
def _look(due: _Due, raws: Sequence[bytes], run: SyncRun, now: datetime) -> None:
    known = MemberPhoto.objects.select_for_update().filter(member_id=due.member).first()
    raw = raws[0] if raws else b""
    digest = pictures.digest_of(raw) if raw else ""
    if known is not None and known.digest == digest:
        MemberPhoto.objects.filter(member_id=due.member).update(csn=due.csn, looked_at=now)
        return
    content, refused = b"", ""
    if raw:
        try:
            content = pictures.read(raw).shown()
        except PhotoRefused as error:
            refused = error.reason
    _settle(due, refused, run, now)
    had = bytes(known.content) if known is not None else b""
    MemberPhoto.objects.update_or_create(
        member_id=due.member,
        defaults={"digest": digest, "content": content, "csn": due.csn, "looked_at": now, "updated_at": now},
    )
    # What came with somebody's arrival is told by the line of that.
    if known is not None and had != content:
        record(Entry(Action.MEMBER_CHANGED, subject=due.member, facts={"items": ["photo"]}, at=now))


def _settle(due: _Due, refused: str, run: SyncRun, now: datetime) -> None:
    """The issue of a photo: opened, told otherwise, or settled."""
    if not refused:
        _without_issue([due], now)
        return
    found = {"source_id": run.source_id, "dn": due.dn, "detail": refused, "last_run": run, "resolved_at": None}
    SyncIssue.objects.update_or_create(
        entry_uuid=due.entry,
        code=PHOTO_ISSUE,
        defaults={**found, "acknowledged_by": None},
        create_defaults={**found, "first_run": run},
    )


def _without_issue(due: Sequence[_Due], now: datetime) -> None:
    entries = [each.entry for each in due]
    SyncIssue.objects.filter(entry_uuid__in=entries, code=PHOTO_ISSUE, resolved_at=None).update(resolved_at=now)
