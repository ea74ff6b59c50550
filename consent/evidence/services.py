"""A pack leaves: on the record before it does, with the digest of what left after."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.services import record, record_all
from audit.types import Action, Actor, Entry, Reading
from audit.zipping import zipped
from consent.evidence import packing
from consent.evidence.selectors import Found
from consent.evidence.types import Scope


@transaction.atomic
def make(*, scope: Scope, number: UUID, actor: Actor, now: datetime, reading: Reading | None = None) -> Iterator[bytes]:
    """The pack, as a zip that streams.  With a ``reading``, people are called by their names, and each has a line."""
    found = Found(scope, now)
    facts: dict[str, object] = {
        "pack": str(number),
        "records": list(scope.references),
        "first_day": scope.since.isoformat(),
        "until_day": scope.until.isoformat(),
        **(reading.why if reading else {}),
    }
    record(Entry(Action.EVIDENCE_ASKED, actor=actor, facts=facts, at=now))
    if reading is not None:
        _note_named(found.people(), number=number, reading=reading, now=now)
    call = packing.names if reading else packing.pseudonyms(number)
    return zipped(packing.pack(found, number=number, call=call, finish=_finish(number, actor)))


def _note_named(people: Collection[UUID], *, number: UUID, reading: Reading, now: datetime) -> None:
    facts: dict[str, object] = {"pack": str(number), **reading.why}
    actor = Actor(reading.reader)
    record_all(Entry(Action.EVIDENCE_NAMED, actor, each, facts=facts, at=now) for each in sorted(people))


def _finish(number: UUID, actor: Actor) -> Callable[[str, int], None]:
    @transaction.atomic
    def finish(digest: str, files: int) -> None:
        facts: dict[str, object] = {"pack": str(number), "digest": digest, "files": files}
        record(Entry(Action.EVIDENCE_MADE, actor=actor, facts=facts, at=timezone.now()))

    return finish
