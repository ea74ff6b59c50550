"""The logs of the database as somebody outside can check them (``audit/verify.py``)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse

from audit import bundle, witnesses
from audit.bundle import Disclosed, Sink
from audit.models import Event, Leaf, Log, Removal
from audit.parts import ERASING, GONE, Role
from audit.sequencer import DatabaseTiles
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry

AT_ONCE = 1000
PERSONAL = (Role.SUBJECT, Role.ACTOR, Role.NETWORK)


@transaction.atomic
def export_logs(
    sink: Sink, *, names: Sequence[str] = (), with_people: bool, actor: Actor = SYSTEM, now: datetime
) -> dict[str, int]:
    """Write these logs, or all, as far as they are signed; returns how many entries of each.

    ``with_people``: what says who people are goes along; else it is counted as withheld.  Logs that nobody has signed
    yet are left out.  The line about this is written first, and will be in the next export.
    """
    _freeze()
    logs = [log for log in Log.objects.filter(destroyed_at=None).order_by("pk") if not names or log.name in names]
    facts: dict[str, object] = {"logs": [log.name for log in logs], "with_people": with_people}
    record(Entry(Action.LOG_EXPORTED, actor=actor, facts=facts, at=now))
    written: dict[str, int] = {}
    withheld: dict[str, Counter[str]] = defaultdict(Counter)
    for log in logs:
        checkpoints = list(log.checkpoints.order_by("size"))
        if not checkpoints:
            continue
        *older, last = witnesses.with_lines(checkpoints)
        size = checkpoints[-1].size
        bundle.write_log(
            sink,
            log.name,
            checkpoint=last,
            older=older,
            tiles=DatabaseTiles(log),
            entries=_entries(log, size),
            parts=_parts(log, size, with_people=with_people, withheld=withheld[log.name]),
        )
        written[log.name] = size
    for name, counts in _announced_elsewhere(written).items():
        withheld[name].update(counts)
    finish(sink, kind=bundle.WHOLE, withheld=withheld, now=now)
    return written


def _freeze() -> None:
    """What is exported is of one moment: parts may go meanwhile.  SQLite's transactions are like that by themselves."""
    if connection.vendor == "postgresql" and not connection.needs_rollback and len(connection.savepoint_ids) == 0:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _announced_elsewhere(written: dict[str, int]) -> dict[str, Counter[str]]:
    """Parts that are gone, and whose announcement is not among these entries: not signed yet, or in another log."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    counted = [removal.unsaid for removal in Removal.objects.exclude(unsaid={})]
    said = Event.objects.filter(action__in=ERASING).order_by("pk")
    places = {
        reference: (log, index)
        for reference, log, index in Leaf.objects.filter(reference__in=said.order_by().values("reference")).values_list(
            "reference", "log__name", "index"
        )
    }
    for event in said.iterator(AT_ONCE):
        log, index = places.get(event.reference, ("", 0))
        if index >= written.get(log, 0):
            counted.append(event.facts.get(GONE) or {})
    for gone in counted:
        for log, counts in gone.items():
            if log in written:
                found[log].update(counts)
    return found


def finish(sink: Sink, *, kind: str, withheld: Mapping[str, Mapping[str, int]], now: datetime) -> None:
    """What stands in every export, and is written last: it says what was counted on the way."""
    bundle.write_guide(sink, keys=keys_address())
    bundle.write_manifest(
        sink,
        kind=kind,
        hub=hub_name(),
        created=now.astimezone(UTC).isoformat(timespec="seconds"),
        withheld={name: dict(counts) for name, counts in withheld.items() if counts},
    )


def hub_name() -> str:
    return urlsplit(settings.ORIGIN).netloc


def keys_address() -> str:
    """Where everybody finds the public keys of the logs; never moved, for exports say it."""
    return f"{settings.ORIGIN}{reverse('log_keys')}"


@cache
def verifier() -> bytes:
    return Path(__file__).with_name("verify.py").read_bytes()


@cache
def digest_of_verifier() -> str:
    return sha256(verifier()).hexdigest()


def _entries(log: Log, size: int) -> Iterator[bytes]:
    rows = Leaf.objects.filter(log=log, index__lt=size).order_by("index").values_list("entry", flat=True)
    return (bytes(entry) for entry in rows.iterator(AT_ONCE))


def _parts(log: Log, size: int, *, with_people: bool, withheld: Counter[str]) -> Iterator[Disclosed]:
    """What is left of each event, in the order of the entries; its personal parts are counted where they stay here."""
    for start in range(0, size, AT_ONCE):
        places = Leaf.objects.filter(log=log, index__range=(start, min(start + AT_ONCE, size) - 1))
        references = list(places.order_by("index").values_list("reference", flat=True))
        rows = Event.objects.select_related("subject_key", "actor_key").in_bulk(references, field_name="reference")
        for reference in references:
            event = rows.get(reference)
            if event is None:
                continue
            yield Disclosed(reference, event.common)
            for role in PERSONAL:
                if (part := event.part(role)) is None:
                    continue
                if with_people:
                    yield Disclosed(reference, part)
                else:
                    withheld[role.value] += 1
