"""The journal in pictures: when, what, with which tool; each bar leads to its lines, and each picture has its table."""

import calendar
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.db.models import F, Func, QuerySet
from django.db.models.functions import Coalesce, TruncDay, TruncHour, TruncMonth, TruncWeek
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from audit import gate, selectors, services, words
from audit.forms import JournalForm
from audit.kinds import RETENTION, Retention
from audit.models import Event
from audit.reading.people import People
from audit.reading.purpose import for_a_purpose
from audit.selectors import Count
from audit.types import Action, Reading

# Of the time line, in the units of its drawing.
WIDTH, HEIGHT = 1000, 160
MOST_ROWS = 15
RESULTS = {selectors.ACCEPTED: gettext_lazy("Accepté"), selectors.REFUSED: gettext_lazy("Refusé")}


@dataclass(frozen=True, slots=True)
class Unit:
    """How finely time is drawn: up to so many days, in slots that start so."""

    days: float
    trunc: type[Func]
    following: Callable[[datetime], datetime]
    words: str


def _next_day(slot: datetime, days: int = 1) -> datetime:
    """A day of the calendar, whatever the clocks do."""
    return timezone.make_aware(datetime.combine(timezone.localtime(slot).date() + timedelta(days), datetime.min.time()))


def _next_month(slot: datetime) -> datetime:
    day = timezone.localtime(slot).date()
    return _next_day(slot, calendar.monthrange(day.year, day.month)[1] - day.day + 1)


HOUR = Unit(2, TruncHour, lambda slot: slot + timedelta(hours=1), "hour")
DAY = Unit(100, TruncDay, _next_day, "day")
WEEK = Unit(700, TruncWeek, lambda slot: _next_day(slot, 7), "week")
MONTH = Unit(float("inf"), TruncMonth, _next_month, "month")


@dataclass(frozen=True, slots=True)
class Bar:
    """One slot of the time line.  Numbers of the drawing are text: a French comma is none of SVG's."""

    label: str
    query: str
    count: int
    refused: int
    x: str
    width: str
    top: str
    accepted_height: str
    refused_height: str
    refused_top: str


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    query: str
    count: int
    refused: int
    share: str
    refused_share: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``rest``: how many rows did not fit, with ``rest_count`` lines between them."""

    title: str
    rows: list[Row]
    rest: int
    rest_count: int


@gate.for_readers("audit:pictures")
@require_safe
@for_a_purpose
def pictures(request: HttpRequest, reading: Reading) -> HttpResponse:
    criteria = request.GET.copy()
    if not any(criteria.get(name) for name in ("period", "since", "until")):
        criteria["period"] = "month"
    form = JournalForm(criteria, People(reading))
    context: dict[str, Any] = {"form": form, "reading": reading, "people": form.people}
    if not form.is_valid():
        return render(request, "audit/reading/pictures.html", context, status=HTTPStatus.BAD_REQUEST)
    services.note_reading(reading=reading, wanted=form.wanted, view="pictures", now=timezone.now())
    context |= {"member": form.cleaned_data["member"], "query": form.query(), **_drawn(form)}
    return render(request, "audit/reading/pictures.html", context)


def _drawn(form: JournalForm) -> dict[str, Any]:
    rows = form.rows
    actions = selectors.counts(rows, F("action"))
    total = sum(each.count for each in actions)
    if not total:
        return {"total": 0}
    bars, unit, most = _time_line(form, rows)
    names = dict(selectors.tool_choices())
    tools = [each for each in selectors.counts(rows, Coalesce("tool__slug", "actor_tool__slug")) if each.what]
    reasons = selectors.counts(rows.exclude(reason=""), F("reason"))
    refused = sum(each.refused for each in actions)
    both = [Count(selectors.ACCEPTED, total - refused, 0), Count(selectors.REFUSED, refused, refused)]
    results = [each for each in both if each.count]
    return {
        "total": total,
        "refused": refused,
        "bars": bars,
        "unit": unit.words,
        "most": most,
        "size": f"{WIDTH} {HEIGHT}",
        "tables": [
            _chart(_("Par résultat"), results, form, "result", lambda code: str(RESULTS[code])),
            _chart(_("Par famille"), _families(actions), form, "family", lambda code: str(Retention(code).label)),
            _chart(_("Par action"), actions, form, "action", _action),
            _chart(_("Par outil"), tools, form, "tool", lambda slug: names.get(slug, slug)),
            _chart(_("Par motif"), reasons, form, "reason", lambda code: words.name("reason", code)),
        ],
    }


def _time_line(form: JournalForm, rows: QuerySet[Event]) -> tuple[list[Bar], Unit, int]:
    wanted, today = form.wanted, timezone.localdate()
    first, last = wanted.since, wanted.until or today
    if first is None or (last - first).days >= WEEK.days:
        # Years before the first line are nothing to look at, nor are those to come.
        first = timezone.localtime(rows.order_by("at").values_list("at", flat=True)[0]).date()
        last = max(first, min(last, today))
    unit = next(each for each in (HOUR, DAY, WEEK, MONTH) if (last - first).days < each.days)
    found: dict[datetime, Count] = {}
    for each in selectors.counts(rows, unit.trunc("at")):
        # The hour that comes twice in autumn is one.
        before = found.get(each.what, Count(each.what, 0, 0))
        found[each.what] = Count(each.what, before.count + each.count, before.refused + each.refused)
    slots = [*_slots(unit, first, last, found)]
    most = max(each.count for each in found.values())
    step = WIDTH / len(slots)
    return [_bar(slot, at, found.get(slot), form, unit, step, most) for at, slot in enumerate(slots)], unit, most


def _slots(unit: Unit, first: date, last: date, found: dict[datetime, Count]) -> Iterator[datetime]:
    """Every one from the first to the last, empty or not."""
    slot = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    if unit is WEEK:
        slot = _next_day(slot, -first.weekday())
    if unit is MONTH:
        slot = _next_day(slot, 1 - first.day)
    end, latest = _next_day(timezone.make_aware(datetime.combine(last, datetime.min.time()))), max(found)
    while slot < end or slot <= latest:
        yield slot
        slot = unit.following(slot)


def _bar(slot: datetime, place: int, found: Count | None, form: JournalForm, unit: Unit, step: float, most: int) -> Bar:
    count, refused = (found.count, found.refused) if found else (0, 0)
    tall, bad = count * HEIGHT / most, refused * HEIGHT / most
    first = timezone.localtime(slot)
    last = timezone.localtime(unit.following(slot)) - timedelta(seconds=1)
    narrower: dict[str, object] = {"since": first.date(), "until": last.date(), "period": ""}
    if unit is HOUR:
        narrower["hour"] = first.hour
    return Bar(
        label=_label(first, unit),
        query=form.query(narrower),
        count=count,
        refused=refused,
        x=f"{place * step + step * 0.08:.2f}",
        width=f"{step * 0.84:.2f}",
        top=f"{HEIGHT - tall:.2f}",
        accepted_height=f"{tall - bad:.2f}",
        refused_height=f"{bad:.2f}",
        refused_top=f"{HEIGHT - bad:.2f}",
    )


def _label(slot: datetime, unit: Unit) -> str:
    if unit is HOUR:
        return date_format(slot, "SHORT_DATE_FORMAT") + ", " + date_format(slot, "TIME_FORMAT")
    if unit is DAY:
        return date_format(slot, "DATE_FORMAT")
    if unit is WEEK:
        return _("semaine du %(day)s") % {"day": date_format(slot, "DATE_FORMAT")}
    return date_format(slot, "F Y")


def _families(actions: Iterable[Count]) -> list[Count]:
    count: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for each in actions:
        family = RETENTION.get(each.what, Retention.ADMINISTRATION)
        count[family] += each.count
        refused[family] += each.refused
    return [Count(family, count[family], refused[family]) for family in count]


def _action(code: str) -> str:
    return str(Action(code).label) if code in Action else code


def _chart(title: str, counted: list[Count], form: JournalForm, criterion: str, say: Callable[[str], str]) -> Chart:
    """The largest first, and no more than a picture can hold."""
    every = sorted(counted, key=lambda each: (-each.count, str(each.what)))
    ordered, rest = every[:MOST_ROWS], every[MOST_ROWS:]
    most = max((each.count for each in ordered), default=1)
    rows = [
        Row(
            label=say(each.what),
            query=form.query({criterion: each.what}),
            count=each.count,
            refused=each.refused,
            share=f"{each.count * 100 / most:.2f}",
            refused_share=f"{each.refused * 100 / most:.2f}",
        )
        for each in ordered
    ]
    return Chart(title, rows, len(rest), sum(each.count for each in rest))
