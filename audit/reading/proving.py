"""The lines of a search with the proof of each."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from tempfile import TemporaryFile
from uuid import UUID

from django.db.models import QuerySet

from audit import bundle
from audit.exporting import finish
from audit.models import Event
from audit.parts import Part, Role
from audit.proving import Lines, Run, signed_logs
from audit.zipping import File, Waiting

Shown = Callable[[UUID | None], bool]


def is_proved(rows: QuerySet[Event]) -> bool:
    """Whether any of these lines has its place in a log that is signed as far as there."""
    plain = rows.select_related(None).order_by()
    return any(signed.places(plain).exists() for signed in signed_logs())


def proofs(rows: QuerySet[Event], *, shown: Shown, now: datetime) -> Iterator[File]:
    """The files of the export.  Lines that have no place yet, or one that nobody signed, are left out.

    Of people whom ``shown`` says, the part that says who they are goes along; of others it stays here, and is counted.
    Where somebody was never goes along: no page shows it either.
    """

    def show(event: Event, kept_back: Counter[str]) -> Iterator[Part]:
        return _shown(event, shown, kept_back)

    lines, waiting = Lines.of(rows), Waiting()
    withheld: dict[str, Counter[str]] = {}
    for signed in signed_logs():
        with TemporaryFile() as parts:
            run = Run(signed, lines, show=show, parts=parts)
            if run.is_empty:
                continue
            run.put(waiting)
            yield from waiting.taken()
        withheld[signed.log.name] = run.withheld
    finish(waiting, kind=bundle.SELECTION, withheld=withheld, now=now)
    yield from waiting.taken()


def _shown(event: Event, shown: Shown, withheld: Counter[str]) -> Iterator[Part]:
    yield event.common
    whose = {Role.SUBJECT: event.subject_id, Role.ACTOR: event.actor_id, Role.NETWORK: None}
    for role, person in whose.items():
        if (part := event.part(role)) is None:
            continue
        if role is not Role.NETWORK and shown(person):
            yield part
        else:
            withheld[role.value] += 1
