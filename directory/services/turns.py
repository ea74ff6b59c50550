"""Following the directories: a probe twice a second, a pass where something moved, and one each quarter of an hour."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from directory.ldap import sources
from directory.ldap.reading import Probe
from directory.models import DirectorySource, SyncRun
from directory.policy import time_followed
from directory.runs import fail, open_run
from directory.services import acceptances, photos
from directory.services.passes import synchronise
from directory.types import DirectoryRefused, DirectoryUnavailable, Mode, SourceState

log = logging.getLogger("directory.turns")
# However quiet the probe is: what it cannot see, and servers that have none.
PIVOT_EVERY = timedelta(minutes=15)
# The hour of the nightly reading of everything, in the hub's time zone.
DEEP_HOUR = 3
# A server rewrites the groups of whoever was renamed or deleted in the background.
SETTLED_AFTER = timedelta(seconds=5)
# "As it is now" is written down so often while nothing changes.
CONFIRMED_EVERY = timedelta(minutes=1)
# Photos are looked at for so long, then it is asked again whether anybody has changed: that shows within two seconds.
PHOTO_SECONDS = 0.5
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=5)
UNCERTAINTY = 0.2
_SYSTEM = secrets.SystemRandom()


class Follower:
    """One per process: it keeps a connection open to each server, for the probe."""

    def __init__(self, *, photo_seconds: float = PHOTO_SECONDS) -> None:
        self._probes: dict[int, Probe] = {}
        self._passed: dict[int, datetime] = {}
        # The sources of which some photos are still to be looked at.
        self._photos: set[int] = set()
        self._photo_seconds = photo_seconds

    def turn(self, *, now: datetime) -> int:
        """Whatever is to be done now for each source; returns how many passes that was.

        What fails is marked, and tried again after 5 seconds, then ever later, at the latest after 5 minutes.
        """
        following = _to_follow()
        for gone in self._probes.keys() - {source.pk for source in following}:
            self._probes.pop(gone).close()
        return sum(self._one_apart(source, now) for source in following)

    def close(self) -> None:
        for probe in self._probes.values():
            probe.close()
        self._probes.clear()

    def _one_apart(self, source: DirectorySource, now: datetime) -> bool:
        """Whatever the content of one directory breaks here, the others are followed all the same."""
        try:
            return self._one(source, now)
        except Exception as error:
            log.error("source %s could not be followed: %s", source.pk, type(error).__name__)
            _try_later(source, now)
            return True

    def _one(self, source: DirectorySource, now: datetime) -> bool:
        # An accord may wait for the next try; whoever asks for a reading sees at once that it fails.
        is_asked = bool(source.wanted) or (bool(source.approval) and not _waits(source, now))
        asked = _take_what_is_asked(source, now) if is_asked else None
        if asked is None and (source.state != SourceState.ACTIVE or _waits(source, now)):
            return False
        try:
            if asked is None and not self._is_due(source, now):
                if source.pk in self._photos:
                    self._follow_photos(source, now)
                return False
            # Until it is through: the probe may answer where a list is refused.
            self._passed.pop(source.pk, None)
            if asked is not None:
                synchronise(
                    now=now,
                    source=source,
                    mode=asked.mode,
                    dry_run=asked.dry,
                    approved=asked.approval,
                    asked_by=asked.by,
                )
            else:
                mode = Mode.DEEP if _is_deep_due(source, now) else Mode.PIVOT
                synchronise(now=now, source=source, mode=mode)
            self._passed[source.pk] = now
        except (DirectoryUnavailable, DirectoryRefused):
            _try_later(source, now)
            return True
        _is_well(source)
        self._follow_photos(source, now)
        return True

    def _follow_photos(self, source: DirectorySource, now: datetime) -> None:
        marks: list[tuple[str, ...]] = []

        def is_overtaken() -> bool:
            """Somebody changed in the directory: that comes first, as far as its server marks changes."""
            marks.append(self._probe_of(source).watermark(sources.of(source)))
            return marks[0] != marks[-1]

        looked_at = photos.follow_quietly(
            source=source, now=now, seconds=self._photo_seconds, is_overtaken=is_overtaken
        )
        (self._photos.add if looked_at else self._photos.discard)(source.pk)

    def _is_due(self, source: DirectorySource, now: datetime) -> bool:
        passed = self._passed.get(source.pk)
        # A clock that was ahead and is right again has left a day far off: nothing waits for that.
        if passed is None or not passed <= now < passed + PIVOT_EVERY or _is_deep_due(source, now):
            return True
        if source.read_at is None or (source.look_again and now - source.read_at >= SETTLED_AFTER):
            return True
        # What the server does in the background has no mark. What somebody changes meanwhile has one, and is seen.
        return bool(source.watermark) and self._has_moved(source, now)

    def _probe_of(self, source: DirectorySource) -> Probe:
        return self._probes.setdefault(source.pk, Probe())

    def _has_moved(self, source: DirectorySource, now: datetime) -> bool:
        try:
            moved = " ".join(self._probe_of(source).watermark(sources.of(source))) != source.watermark
        except (DirectoryUnavailable, DirectoryRefused) as error:
            fail(open_run(SyncRun(source=source, started_at=now)), f"{type(error).__name__}: {error}", now)
            raise
        if not moved and not source.look_again:
            _confirm(source, now)
        return moved


def _to_follow() -> list[DirectorySource]:
    """The active ones, and drafts for which somebody asked something."""
    return [each for each in sources.in_use() if each.state == SourceState.ACTIVE or each.wanted]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody asked for in the pages."""

    mode: Mode
    dry: bool
    approval: str
    by: UUID | None


@transaction.atomic
def _take_what_is_asked(source: DirectorySource, now: datetime) -> _Asked | None:
    """What is asked for once: another process that follows this source does not do it too.

    What is accepted until a pass has answered to it, in the transaction that carries it out.
    """
    row = DirectorySource.objects.select_for_update(no_key=True).get(pk=source.pk)
    mode, dry, by = row.wanted, row.wanted_dry, row.wanted_by_id
    if mode:
        row.wanted, row.wanted_dry, row.wanted_by = "", False, None
        row.save(update_fields=["wanted", "wanted_dry", "wanted_by"])
    if mode and dry:
        return _Asked(Mode(mode), dry, "", by)
    if row.state != SourceState.ACTIVE:
        # Paused since it was asked for.
        return None
    approval = acceptances.standing(row, now)
    if not (mode or approval):
        return None
    return _Asked(Mode(mode or Mode.PIVOT), dry, approval, row.approved_by_id if approval else by)


def _waits(source: DirectorySource, now: datetime) -> bool:
    """Until the next try; a day far off that a wrong clock left behind is no reason."""
    return source.retry_at is not None and now < source.retry_at <= now + 2 * LONGEST_RETRY


def _is_deep_due(source: DirectorySource, now: datetime) -> bool:
    local = timezone.localtime(now, timezone.get_default_timezone())
    last = local.replace(hour=DEEP_HOUR, minute=0, second=0, microsecond=0)
    if local < last:
        last -= timedelta(days=1)
    return source.deep_at is None or source.deep_at < last


def _confirm(source: DirectorySource, now: datetime) -> None:
    is_fresh = source.read_at is not None and source.read_at <= now < source.read_at + CONFIRMED_EVERY
    if not is_fresh or source.failing_since is not None:
        DirectorySource.objects.filter(pk=source.pk).update(read_at=now)
        if source.followed_until is not None:
            # By one process of several: the same minute does not count twice.
            DirectorySource.objects.filter(pk=source.pk, followed_until=source.followed_until).update(
                followed_for=time_followed(source.followed_for, source.followed_until, now), followed_until=now
            )
    _is_well(source)


def _try_later(source: DirectorySource, now: datetime) -> None:
    """Not all hubs of a network at the same moment, when a server comes back."""
    pause = min(FIRST_RETRY * 2 ** min(source.failures, 10), LONGEST_RETRY)
    pause *= _SYSTEM.uniform(1 - UNCERTAINTY, 1 + UNCERTAINTY)
    DirectorySource.objects.filter(pk=source.pk).update(
        failures=source.failures + 1, retry_at=now + pause, failing_since=source.failing_since or now
    )


def _is_well(source: DirectorySource) -> None:
    if source.failures or source.retry_at or source.failing_since:
        DirectorySource.objects.filter(pk=source.pk).update(failures=0, retry_at=None, failing_since=None)
