"""The journal's page, for the data protection officer only; reading it leaves a line in it."""

import csv
import json
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit import gate, selectors, services, words
from audit.forms import JournalForm
from audit.models import Event
from audit.types import Actor

# Spreadsheets run what starts with one of these (OWASP, "CSV injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@gate.for_readers("audit:journal")
@require_safe
def journal(request: HttpRequest) -> HttpResponse:
    reader = Actor(member=request.user.pk)
    form = JournalForm(request.GET)
    page = None
    if form.is_valid():
        page = selectors.page(_read(form, reader, exported=False), form.cursor)
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    context = {"form": form, "page": page, "query": query.urlencode(), "filtered": form.is_valid() and form.wanted.used}
    return render(request, "audit/journal.html", context, status=200 if page else 400)


@gate.for_readers("audit:export")
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """The filtered lines as a table: UTF-8 with its mark, semicolons, no ceiling."""
    reader = Actor(member=request.user.pk)
    form = JournalForm(request.GET)
    if not form.is_valid():
        # Never the whole journal in place of the part that was asked for.
        return render(request, "audit/journal.html", {"form": form, "page": None}, status=400)
    rows = _read(form, reader, exported=True)
    response = StreamingHttpResponse(_csv(selectors.exported(rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="journal-{timezone.localdate():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "no-store, private"
    return response


def _read(form: JournalForm, reader: Actor, *, exported: bool) -> QuerySet[Event]:
    """The matching lines; the line about this reading is written first, so that it is among them."""
    wanted = form.wanted
    members: list[UUID] = selectors.matching_members(wanted.member) if wanted.member else []
    services.note_reading(actor=reader, wanted=wanted, members=members, exported=exported, now=timezone.now())
    return selectors.events(wanted, members=members)


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def _csv(events: Iterable[Event]) -> Iterator[str]:
    writer = csv.writer(_Echo(), delimiter=";", lineterminator="\r\n")
    yield "\ufeff"
    yield writer.writerow(
        [
            _("Référence"),
            _("Date"),
            _("Action"),
            _("Phrase"),
            _("Auteur (identifiant)"),
            _("Membre concerné (identifiant)"),
            _("Outil (identifiant)"),
            _("Session"),
            _("Refus"),
            _("Motif"),
            _("Faits"),
        ]
    )
    for event in events:
        yield writer.writerow([safe_cell(value) for value in _cells(event)])


def _cells(event: Event) -> list[object]:
    return [
        event.reference,
        timezone.localtime(event.at).isoformat(timespec="seconds"),
        event.action,
        words.sentence(event),
        event.actor_id or (f"tool:{event.actor_tool_id}" if event.actor_tool_id else ""),
        event.subject_id or "",
        event.tool_id or "",
        event.session or "",
        _("oui") if event.refused else _("non"),
        event.reason,
        json.dumps(event.facts, ensure_ascii=False, sort_keys=True),
    ]


def safe_cell(value: object) -> str:
    """Text that a spreadsheet takes for text."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
