"""What members take with them as files, row by row: a long history is not held in memory, and has no ceiling."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext

from audit.bundle import Sink
from audit.exporting import hub_name
from audit.own.exporting import export_person
from audit.own.types import NothingProved
from audit.pdf import pdf_of
from branding import selectors as branding
from consent import activity
from consent.own import sources
from consent.own.given import details_of
from consent.own.types import Row, Section
from consent.own.vcard import card_of
from directory import photos
from directory.models import Member

FORMAT = "trousseau/own-record/2"
PAGES = {"fr": "mes-donnees.html", "en": "my-data.html"}
AT_ONCE = 500
# Of each section.  A page takes a sixth of a second to set: what somebody wrote to the officers alone can be thousands.
MOST_PRINTED, MOST_CHARACTERS = 100, 40_000
CHUNK = 1 << 16


def json_of(person: UUID, *, now: datetime, page: IO[bytes] | None = None) -> Iterator[str]:
    """The data.  ``page`` is given the same to be read without the hub and without a network: what it says is printed
    as it stands, and every row is read once for both.
    """
    sections, photo = sources.sections(), _photo(person)
    head = {"format": FORMAT, "generated_at": now.isoformat(), "member": str(person), "photo": photo}
    before = after = ""
    if page is not None:
        context = {"language": get_language(), "hub": hub_name(), "now": now, "sections": sections, "photo": photo}
        before, _, after = render_to_string("consent/own/page.html", context).partition("<!--sections-->")
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    _write(page, before)
    for section in sections:
        yield f',\n "{section.name}": ['
        separator = "\n  "
        for row in _shown_too(page, section, section.rows(person)):
            yield separator + json.dumps(row.data, ensure_ascii=False)
            separator = ",\n  "
        yield "\n ]"
    yield "\n}\n"
    _write(page, after)


def _shown_too(page: IO[bytes] | None, section: Section, rows: Iterable[Row]) -> Iterator[Row]:
    if page is None:
        yield from rows
        return
    _write(page, render_to_string("consent/own/heading.html", {"section": section}))
    left = iter(rows)
    some = list(islice(left, AT_ONCE))
    if not some:
        _write(page, render_to_string("consent/own/nothing.html"))
    while some:
        _write(page, render_to_string("consent/own/rows.html", {"rows": some}))
        yield from some
        some = list(islice(left, AT_ONCE))


def export_all(sink: Sink, person: UUID, *, now: datetime) -> None:
    """Data, page, and the lines of the journal with their proofs, as far as they are signed."""
    with TemporaryFile() as page:
        sink.put("mes-donnees.json", (piece.encode() for piece in json_of(person, now=now, page=page)))
        page.seek(0)
        sink.put(PAGES.get((get_language() or "fr")[:2], PAGES["fr"]), iter(lambda: page.read(CHUNK), b""))
    with suppress(NothingProved):
        export_person(sink, person, tell=activity.tell, now=now)


def pdf(person: UUID, *, now: datetime) -> bytes:
    """To print or to hand over: of each section what came last, so that it is ready in seconds however long somebody
    has been here; the archive has the rest."""
    told = [(section, *_printed(section.rows(person))) for section in sources.sections()]
    context = {"title": gettext("Mes données"), "author": hub_name(), "now": now, "sections": told}
    return pdf_of("consent/own/pdf.html", context, language=get_language() or "fr", accent=branding.shown().accent)


def _printed(rows: Iterable[Row]) -> tuple[list[str], bool]:
    """So much of these in words, and whether anything was left out."""
    told: list[str] = []
    room = MOST_CHARACTERS
    for row in rows:
        if room <= 0 or len(told) == MOST_PRINTED:
            return told, True
        told.append(row.said if len(row.said) <= room else f"{row.said[:room]}…")
        room -= len(row.said)
    return told, room < 0


def card(member: Member) -> str:
    return card_of(details_of(member))


def _photo(person: UUID) -> str | None:
    """As an address that holds its own content (RFC 2397)."""
    content = photos.content_of(person, photos.digest_of(person))
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}" if content else None


def _write(page: IO[bytes] | None, text: str) -> None:
    if page is not None:
        page.write(text.encode())
