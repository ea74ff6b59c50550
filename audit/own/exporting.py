"""One person's entries with the proof that each stands in a signed log, for them to keep (``audit/verify.py``).

Of every entry what is about them is there: the facts, that it is about them or that they did it, and from where.  Who
else did it, or to whom they did it, is withheld (GDPR art. 15(4)).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.translation import gettext, override

from audit import bundle
from audit.bundle import Sink
from audit.exporting import finish, hub_name, keys_address
from audit.models import Event, Log
from audit.own.selectors import keys_of
from audit.own.types import NothingProved
from audit.own.words import Told, is_place_theirs
from audit.parts import Part, Role
from audit.proving import Lines, Placed, Run, signed_logs

CHUNK = 1 << 16
# One page for each language that the hub speaks.
PAGES = {"fr": "mes-lignes.html", "en": "my-lines.html"}
Teller = Callable[[Sequence[Event], UUID], Sequence[Told]]


def export_person(sink: Sink, person: UUID, *, tell: Teller, lines: Collection[UUID] = (), now: datetime) -> int:
    """Write somebody's entries of every log, as far as it is signed, or ``lines`` alone; returns how many.

    ``tell`` says them in words.  Raises ``NothingProved`` where no entry of theirs stands in a signed log.
    """
    wanted, written = _lines_of(person, lines), 0
    withheld: dict[str, Counter[str]] = {}
    with ExitStack() as stack:
        pages = {language: stack.enter_context(TemporaryFile()) for language in PAGES}

        def show(event: Event, kept_back: Counter[str]) -> Iterator[Part]:
            return _shown(event, person, kept_back)

        def follow(batch: Sequence[Placed]) -> None:
            _put_rows(pages, batch, tell, person)

        for signed in signed_logs():
            with TemporaryFile() as parts:
                run = Run(signed, wanted, show=show, parts=parts, follow=follow)
                if run.is_empty:
                    continue
                _put_heading(pages, signed.log)
                run.put(sink)
            written, withheld[signed.log.name] = written + run.count, run.withheld
        if not written:
            raise NothingProved
        for language, page in pages.items():
            sink.put(PAGES[language], _whole_page(language, page, written, now))
    finish(sink, kind=bundle.PERSON, withheld=withheld, now=now)
    return written


def _lines_of(person: UUID, only: Collection[UUID]) -> Lines:
    keys = keys_of(person)
    theirs = Event.objects.filter(Q(subject_key__in=keys) | Q(actor_key__in=keys))
    return Lines.of(theirs.filter(reference__in=only) if only else theirs)


def _shown(event: Event, person: UUID, withheld: Counter[str]) -> Iterator[Part]:
    yield event.common
    theirs = {
        Role.SUBJECT: event.subject_id == person,
        Role.ACTOR: event.actor_id == person,
        Role.NETWORK: is_place_theirs(event, person),
    }
    for role, sealed in event.sealed_parts.items():
        part = event.part(role) if theirs[role] else None
        if part is not None:
            yield part
        elif not theirs[role] and sealed:
            withheld[role.value] += 1


def _put_rows(pages: Mapping[str, IO[bytes]], batch: Sequence[Placed], tell: Teller, person: UUID) -> None:
    events = [each.event for each in batch]
    for language, page in pages.items():
        with override(language):
            told = zip((each.number for each in batch), tell(events, person), strict=True)
            rows = [(number, line, _facts(line)) for number, line in told]
            page.write(render_to_string("audit/own/lines.html", {"rows": rows}).encode())


def _facts(line: Told) -> str:
    """Said here: a tag of a template for each of them is most of the time that a long page takes."""
    said = gettext("%(label)s : %(value)s")
    return " · ".join(said % {"label": label, "value": value} for label, value in line.facts)


def _put_heading(pages: Mapping[str, IO[bytes]], log: Log) -> None:
    for language, page in pages.items():
        with override(language):
            page.write(render_to_string("audit/own/log.html", {"log": log}).encode())


def _whole_page(language: str, rows: IO[bytes], written: int, now: datetime) -> Iterable[bytes]:
    with override(language):
        context = {"language": language, "count": written, "now": now, "hub": hub_name(), "keys": keys_address()}
        before, _, after = render_to_string("audit/own/page.html", context).partition("<!--lines-->")
    yield before.encode()
    rows.seek(0)
    while chunk := rows.read(CHUNK):
        yield chunk
    yield after.encode()
