"""The lines of a search as a file: no ceiling, streamed, people called as on the page; each export is a line itself."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC
from http import HTTPStatus
from itertools import chain
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit import gate, selectors, services, words
from audit.forms import JournalForm
from audit.models import Event
from audit.reading import ods, proving
from audit.reading.people import People
from audit.reading.purpose import for_a_purpose
from audit.reading.views import show
from audit.types import By, Reading
from audit.zipping import zipped

# Spreadsheets run what starts with one of these or its full-width form, some after blanks (OWASP, "CSV injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BLANK_STARTS = ("\t", "\r", "\n")
Row = list[str]


@gate.for_readers("audit:export")
@require_safe
@for_a_purpose
def export(request: HttpRequest, reading: Reading, kind: str) -> HttpResponseBase:
    """Every line that meets the criteria of the address."""
    people, now = People(reading), timezone.now()
    form = JournalForm(request.GET, people)
    if not form.is_valid():
        # Never the whole journal in place of the part that was asked for.
        return show(request, reading, form, status=HTTPStatus.BAD_REQUEST)
    rows, count = selectors.as_they_stand(form.rows)
    write, content_type = KINDS[kind]
    provable = kind != "zip" or proving.is_proved(rows)
    # That there was nothing to take is an answer too.
    services.note_reading(reading=reading, wanted=form.wanted, export=kind, lines=count if provable else 0, now=now)
    if not provable:
        messages.warning(request, _("Aucune de ces lignes n’est encore signée : réessayez dans un instant."))
        return HttpResponseRedirect(f"{reverse('audit:journal')}?{form.query()}")
    response = StreamingHttpResponse(write(rows, people), content_type=content_type)
    day = timezone.localdate(now)
    response["Content-Disposition"] = f'attachment; filename="journal-{day:%Y-%m-%d}-{count}.{kind}"'
    response["Cache-Control"] = "no-store, private"
    return response


def headings() -> Row:
    return [
        _("Référence"),
        _("Date"),
        _("Action"),
        _("Phrase"),
        _("Fait par"),
        _("Auteur"),
        _("Membre concerné"),
        _("Outil (identifiant)"),
        _("Session"),
        _("Refus"),
        _("Motif"),
        _("Faits"),
    ]


def cells(event: Event, people: People) -> Row:
    """People by their identifiers where the reader has their names, by pseudonyms elsewhere."""
    session = event.session
    return [
        str(event.reference),
        timezone.localtime(event.at).isoformat(timespec="seconds"),
        event.action,
        words.sentence(event, people.call),
        str(By(event.by).label),
        _person(event.actor_id, people) or (f"tool:{event.actor_tool_id}" if event.actor_tool_id else ""),
        _person(event.subject_id, people),
        str(event.tool_id or ""),
        people.pseudonym(session) if session else "",
        _("oui") if event.refused else _("non"),
        event.reason,
        json.dumps(event.told, ensure_ascii=False, sort_keys=True),
    ]


def table(rows: QuerySet[Event], people: People) -> Iterator[Row]:
    """How many lines there were stands last: a file without it was cut on its way."""
    count = 0
    for event in selectors.exported(rows):
        yield cells(event, people)
        count += 1
    yield [_("Fin. Nombre de lignes : %(count)s") % {"count": count}]


def _person(person: UUID | None, people: People) -> str:
    if person is None:
        return ""
    return str(person) if person in people.named else people.pseudonym(person)


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def csv_of(rows: QuerySet[Event], people: People) -> Iterator[bytes]:
    """UTF-8 with its mark, semicolons: what a French spreadsheet opens by itself."""
    writer = csv.writer(_Echo(), delimiter=";", lineterminator="\r\n")
    yield b"\xef\xbb\xbf"
    for row in chain([headings()], table(rows, people)):
        line: str = writer.writerow([safe_cell(value) for value in row])
        yield line.encode()


def safe_cell(value: object) -> str:
    """Text that a spreadsheet takes for text."""
    text = str(value)
    return f"'{text}" if text.startswith(BLANK_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


def ods_of(rows: QuerySet[Event], people: People) -> Iterator[bytes]:
    return ods.ods(_("Journal"), headings(), table(rows, people))


def jsonl_of(rows: QuerySet[Event], people: People) -> Iterator[bytes]:
    """One object a line, for programs; the last one says how many there were."""
    count = 0
    for event in selectors.exported(rows):
        session = event.session
        said = {
            "reference": str(event.reference),
            "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "action": event.action,
            "sentence": words.sentence(event, people.call),
            "by": event.by,
            "actor": _person(event.actor_id, people),
            "actor_tool": event.actor_tool_id,
            "subject": _person(event.subject_id, people),
            "tool": event.tool_id,
            "session": people.pseudonym(session) if session else "",
            "refused": event.refused,
            "reason": event.reason,
            "facts": event.told,
        }
        yield json.dumps(said, ensure_ascii=False).encode() + b"\n"
        count += 1
    yield json.dumps({"lines": count}).encode() + b"\n"


def proved_zip(rows: QuerySet[Event], people: People) -> Iterator[bytes]:
    """What can be checked elsewhere, and the same lines in words, which ``verify.py`` does not look at."""
    files = proving.proofs(rows, shown=lambda person: person in people.named, now=timezone.now())
    return zipped(chain(files, [("journal.csv", csv_of(rows, people))]))


Writer = Callable[[QuerySet[Event], People], Iterator[bytes]]
KINDS: dict[str, tuple[Writer, str]] = {
    "csv": (csv_of, "text/csv; charset=utf-8"),
    "ods": (ods_of, ods.TYPE),
    "jsonl": (jsonl_of, "application/jsonl; charset=utf-8"),
    "zip": (proved_zip, "application/zip"),
}
