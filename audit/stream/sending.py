"""The stream as the worker runs it: in the order of the log, from a cursor that survives, without waiting for anybody.

Entries are numbered by the sequencer alone, under its lock, so that nothing appears behind the cursor later.  At least
once: the cursor moves when a target has taken a batch, and a worker that is killed before sends it again.
"""

import hmac
import json
import logging
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation

from audit import words
from audit.models import Event, Leaf, StreamCursor
from audit.services import record
from audit.stream import ocsf, targets
from audit.stream.targets import Document, Lines, Syslog, Target
from audit.types import Action, Entry

log = logging.getLogger("audit.stream")
AT_ONCE = 500
BACK_OFF = tuple(timedelta(seconds=s) for s in (1, 5, 15, 60, 300))
# Longer than the longest call: a worker that was killed leaves the cursor to others after it.
LEASE = timedelta(minutes=1)
# A receiver that restarts is no news.
TOLD_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sending:
    """A batch on its way."""

    before: int
    last: int
    answer: "Future[None]"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one target fares."""

    cursor: StreamCursor
    waiting: int
    late_seconds: int

    @property
    def why(self) -> str:
        return words.name("reason", self.cursor.last_error)


def configured() -> list[Target]:
    """Where the operator wants the journal to go besides."""
    found: list[Target] = []
    address = targets.server(settings.STREAM_URL)
    if address:
        own = urlsplit(settings.ORIGIN).hostname or "-"
        files = (settings.STREAM_CA_FILE, settings.STREAM_CERTIFICATE_FILE)
        found.append(Syslog(*address, own, *files, confirms=settings.STREAM_CONFIRMS))
    if settings.STREAM_FILE:
        found.append(Lines(settings.STREAM_FILE))
    return found


class Streamer:
    """One thread sends for each target and does nothing else: the database belongs to whoever calls ``turn``."""

    def __init__(self, to: Sequence[Target] | None = None) -> None:
        self._targets = configured() if to is None else list(to)
        self._pool = ThreadPoolExecutor(max_workers=max(len(self._targets), 1), thread_name_prefix="stream")
        self._under_way: dict[str, Sending] = {}

    def turn(self, *, now: datetime) -> int:
        """Write down what came of what was sent, then send what is due; returns how many events are on their way."""
        return sum(self._one(target, now) for target in self._targets)

    def close(self, *, now: datetime) -> None:
        for name, sending in list(self._under_way.items()):
            if sending.answer.done():
                self._settle(name, sending, now)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, target: Target, now: datetime) -> int:
        under_way = self._under_way.get(target.name)
        if under_way is not None:
            if not under_way.answer.done():
                return 0
            self._settle(target.name, under_way, now)
        cursor = _cursor(target.name, now)
        if cursor.next_at > now:
            return 0
        leaves = list(Leaf.objects.filter(pk__gt=cursor.leaf).order_by("pk").select_related("log")[:AT_ONCE])
        if not leaves or not _take(cursor, now):
            return 0
        answer = self._pool.submit(target.send, documents(leaves))
        self._under_way[target.name] = Sending(cursor.leaf, leaves[-1].pk, answer)
        return len(leaves)

    def _settle(self, name: str, sending: Sending, now: datetime) -> None:
        del self._under_way[name]
        error = sending.answer.exception()
        if error is None:
            _taken(name, sending, now)
        else:
            code = why(error)
            if code == "stream_fault":
                log.error("the stream to %s fails: %s", name, type(error).__name__)
            _failed(name, code, now)


def _cursor(name: str, now: datetime) -> StreamCursor:
    """From the moment when the stream is switched on: what came before is in exports."""
    found = StreamCursor.objects.filter(name=name).first()
    if found is not None:
        return found
    last = Leaf.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return StreamCursor.objects.get_or_create(name=name, defaults={"leaf": last, "next_at": now})[0]


def _take(cursor: StreamCursor, now: datetime) -> bool:
    """Out of every other worker's reach, unless one of them was faster."""
    mine = StreamCursor.objects.filter(pk=cursor.pk, leaf=cursor.leaf, next_at=cursor.next_at)
    return bool(mine.update(next_at=now + LEASE))


@transaction.atomic
def _taken(name: str, sending: Sending, now: datetime) -> None:
    cursor = StreamCursor.objects.select_for_update().get(name=name)
    if cursor.told:
        record(Entry(Action.STREAM_RESUMED, facts={"stream": name}, at=now))
    # Never back: another worker may have sent the same after the lease, and more.
    cursor.leaf = max(cursor.leaf, sending.last)
    cursor.next_at, cursor.sent_at, cursor.attempts = now, now, 0
    cursor.failing_since, cursor.last_error, cursor.told = None, "", False
    cursor.save()


@transaction.atomic
def _failed(name: str, error: str, now: datetime) -> None:
    cursor = StreamCursor.objects.select_for_update().get(name=name)
    cursor.failing_since = cursor.failing_since or now
    cursor.next_at = now + BACK_OFF[min(cursor.attempts, len(BACK_OFF) - 1)]
    cursor.attempts, cursor.last_error = cursor.attempts + 1, error
    if not cursor.told and now - cursor.failing_since >= TOLD_AFTER:
        cursor.told = True
        record(Entry(Action.STREAM_FAILED, refused=True, reason=error, facts={"stream": name}, at=now))
    cursor.save()


def why(error: BaseException) -> str:
    """A code without any value: an error's own text may hold an address."""
    if isinstance(error, targets.UnconfirmedError):
        return "stream_unconfirmed"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "stream_certificate"
    if isinstance(error, ssl.SSLError):
        return "stream_tls"
    if isinstance(error, TimeoutError):
        return "stream_timeout"
    if isinstance(error, (ConnectionError, socket.gaierror)):
        return "stream_unreachable"
    return "stream_file" if isinstance(error, OSError) else "stream_fault"


def standing(now: datetime) -> list[Standing]:
    """How each target that is configured fares; no statement where none is."""
    names = [target.name for target in configured()]
    rows = list(StreamCursor.objects.filter(name__in=names).order_by("name")) if names else []
    return [_standing(row, now) for row in rows]


def _standing(row: StreamCursor, now: datetime) -> Standing:
    waiting = Leaf.objects.filter(pk__gt=row.leaf)
    first = waiting.order_by("pk").values_list("entry", flat=True).first()
    if first is None:
        return Standing(row, 0, 0)
    late = now - datetime.fromtimestamp(json.loads(bytes(first))["ts"], UTC)
    return Standing(row, waiting.count(), max(int(late.total_seconds()), 0))


def documents(leaves: Sequence[Leaf]) -> list[Document]:
    """What leaves of these entries; of one whose event is destroyed, nothing.  One statement."""
    events = Event.objects.select_related("tool", "actor_tool", "subject_key", "actor_key")
    found = events.in_bulk([leaf.reference for leaf in leaves], field_name="reference")
    with translation.override("en"):
        return [ocsf.document(_told(found[leaf.reference], leaf)) for leaf in leaves if leaf.reference in found]


def _told(event: Event, leaf: Leaf) -> ocsf.Told:
    return ocsf.Told(
        reference=str(event.reference),
        sequence=leaf.pk,
        log=leaf.log.name,
        at=event.at,
        action=event.action,
        label=event.get_action_display(),
        by=event.by,
        refused=event.refused,
        reason=event.reason,
        subject=name_outside(event.subject_id),
        actor=name_outside(event.actor_id),
        tool=event.tool.slug if event.tool else "",
        actor_tool=event.actor_tool.slug if event.actor_tool else "",
    )


def name_outside(person: UUID | None) -> str:
    """A pseudonym that is the same from line to line, and leads to nobody without the hub's salt."""
    if person is None:
        return ""
    if settings.STREAM_PEOPLE == "member":
        return str(person)
    return hmac.new(settings.PAIRWISE_SALT.encode(), b"trousseau stream\0" + person.bytes, sha256).hexdigest()[:32]
