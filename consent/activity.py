"""« Mon activité »: one's own lines of the journal with what they were for, and their picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils.dates import MONTHS
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from audit.models import Event
from audit.own import selectors as own
from audit.own import words
from audit.own.types import Kind, OwnFilter
from audit.own.words import Told
from audit.types import Cursor
from consent import selectors
from consent.display import channel_words
from consent.models import Processing, ProcessingPurpose

A_YEAR = timedelta(days=365)
# A picture of so many days has a bar for each; then one a week, then one a month.  Of one day it has its hours.
DAILY, WEEKLY = 31, 26 * 7
HEIGHT = 24


class ActivityForm(forms.Form):
    """The criteria, read from the address; a value that cannot be read is said and kept."""

    kind = forms.ChoiceField(label=_("Sorte"), required=False, choices=[("", _("Toutes")), *Kind.choices])
    tool = forms.ChoiceField(label=_("Outil"), required=False)
    since = DayField(label=_("Du"), required=False)
    until = DayField(label=_("Au"), required=False)
    before = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, tools: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tool = self.fields["tool"]
        assert isinstance(tool, forms.ChoiceField)  # noqa: S101
        tool.choices = [("", _("Tous")), *tools]
        tool.error_messages["invalid_choice"] = _("Aucune de vos lignes ne parle de cet outil.")
        self.fields["kind"].error_messages["invalid_choice"] = _("Cette sorte n’existe pas.")
        for name in ("since", "until"):
            self.fields[name].error_messages["invalid"] = _("Cette date n’existe pas. Exemple : 2026-03-12.")

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("La fin vient avant le début."))
        for name in {"since", "until"} & self.errors.keys():
            # A date input shows nothing for what it cannot read, and the reader would lose what they typed.
            self.fields[name].widget = forms.TextInput()
        return values

    @property
    def wanted(self) -> OwnFilter:
        values = self.cleaned_data
        return OwnFilter(values["kind"], values["tool"], values["since"], values["until"])

    @property
    def cursor(self) -> Cursor:
        return Cursor(before=self.cleaned_data["before"], after=self.cleaned_data["after"])


class LineForm(forms.Form):
    """Which line somebody wants the proof of; none means all."""

    line = forms.UUIDField(required=False)


def tell(events: Sequence[Event], person: UUID) -> list[Told]:
    """The lines in words, each with the processing that it was for.  Three statements at most."""
    sheets = sheets_of(events)
    return [words.tell(event, person, also=(*_way(event), *reasons(event, sheets))) for event in events]


def sheets_of(events: Iterable[Event]) -> dict[int, Processing]:
    """The sheets that these lines name, with their purposes and items."""
    named = {number for event in events if (number := _processing(event))}
    return Processing.objects.prefetch_related("purposes__items").in_bulk(named) if named else {}


def reasons(event: Event, sheets: Mapping[int, Processing]) -> tuple[tuple[str, str], ...]:
    """What a line's sheet is called, and what its items were wanted for."""
    sheet = sheets.get(_processing(event))
    if sheet is None:
        return ()
    items = event.told.get("items")
    purposes = selectors.purposes_for(sheet, items if isinstance(items, list) else [])
    return ((gettext("traitement"), sheet.shown_name), (gettext("pourquoi"), " ".join(map(_text, purposes))))


def _text(purpose: ProcessingPurpose) -> str:
    return purpose.shown_text


def _way(event: Event) -> tuple[tuple[str, str], ...]:
    """How data left, as the member saw it happen."""
    channel = event.told.get("channel")
    return ((gettext("quand"), str(channel_words(str(channel)))),) if channel else ()


def _processing(event: Event) -> int:
    found = event.told.get("processing")
    return found if isinstance(found, int) else 0


# The picture -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    place: int
    top: int
    height: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind over time: ``counts`` has a number for each stretch, ``bars`` what is drawn of them."""

    kind: Kind
    total: int
    counts: tuple[int, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """``stretches``: hours, days, weeks or months, each by its name; ``cut``: older lines are left out of it."""

    stretches: tuple[str, ...]
    lanes: tuple[Lane, ...]
    since: date
    until: date
    cut: bool
    height: int = HEIGHT

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """Stretch by stretch, for the table; those without any line left out."""
        columns = zip(*(lane.counts for lane in self.lanes), strict=True)
        return [(name, list(row)) for name, row in zip(self.stretches, columns, strict=True) if any(row)]


def picture(seen: Sequence[own.Seen]) -> Picture | None:
    """Of up to a year before the newest; of a single day, hour by hour."""
    if not seen:
        return None
    until = seen[-1].day
    since = max(seen[0].day, until - A_YEAR)
    start_of, name_of = _scale((until - since).days + 1)
    starts: list[Any]
    if since == until:
        starts = list(range(24))
    else:
        days = (since + timedelta(days=day) for day in range((until - since).days + 1))
        starts = list(dict.fromkeys(start_of(own.Seen(day, 0, Kind.ACCOUNT, 0)) for day in days))
    place_of = {start: place for place, start in enumerate(starts)}
    counts = {kind: [0] * len(starts) for kind in Kind if any(each.kind == kind for each in seen)}
    for each in seen:
        if each.day >= since:
            counts[each.kind][place_of[start_of(each)]] += each.count
    highest = max(max(row) for row in counts.values()) or 1
    lanes = tuple(
        Lane(kind, sum(row), tuple(row), tuple(_bar(place, count, highest) for place, count in enumerate(row) if count))
        for kind, row in counts.items()
    )
    return Picture(tuple(map(name_of, starts)), lanes, since, until, cut=seen[0].day < since)


def _bar(place: int, count: int, highest: int) -> Bar:
    # One line is still seen beside a day of hundreds.
    height = max(3, round(HEIGHT * (count / highest) ** 0.5))
    return Bar(place, HEIGHT - height, height)


def _scale(length: int) -> tuple[Callable[[own.Seen], Any], Callable[[Any], str]]:
    """How a line finds the stretch that it is in, and how a stretch is called; of days, by its first."""
    if length == 1:
        return (lambda seen: seen.hour), (lambda hour: time_format(time(hour), "TIME_FORMAT"))
    if length <= DAILY:
        return (lambda seen: seen.day), (lambda day: date_format(day, "SHORT_DATE_FORMAT"))
    if length <= WEEKLY:
        return (lambda seen: seen.day - timedelta(days=seen.day.weekday())), (
            lambda day: gettext("semaine du {day}").format(day=date_format(day, "SHORT_DATE_FORMAT"))
        )
    return (lambda seen: seen.day.replace(day=1)), (lambda day: f"{MONTHS[day.month]} {day.year}")
