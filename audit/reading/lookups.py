"""Who looked at what: look-ups by whoever looked, beside what is usual for them, and by whoever was looked at."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from statistics import median
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from audit import gate, services, words
from audit.models import Event
from audit.reading.people import People
from audit.reading.purpose import for_a_purpose
from audit.types import Action, By, EventFilter, Reading

LOOKS = (
    Action.MEMBER_CONSULTED,
    Action.MEMBERS_SEARCHED,
    Action.COLLECTIVE_CONSULTED,
    Action.JOURNAL_READ,
    Action.PERSON_REVEALED,
    Action.INCIDENT_LISTED,
    Action.EVIDENCE_NAMED,
    Action.LOG_EXPORTED,
)
# What is usual for somebody: the middle one of so many weeks, those without a look-up too.
WEEKS = 12
WEEK = 7
# More than twice as much, and by more than a handful, is worth a question.
UNUSUAL, HANDFUL = 2, 5
MOST_SUBJECTS, MOST_PAIRS = 25, 50
PERIODS = {"week": WEEK, "month": 30, "half": 183}


class PeriodForm(forms.Form):
    period = forms.ChoiceField(
        label=_("Période"),
        required=False,
        choices=[("week", _("7 derniers jours")), ("month", _("30 derniers jours")), ("half", _("6 derniers mois"))],
    )


@dataclass(frozen=True, slots=True)
class Looker:
    """``usual`` is of a week, as ``this_week`` is; nothing before the journal has a whole week to compare with."""

    person: UUID | None
    count: int
    people: int
    files: int
    searches: int
    journal: int
    names: int
    exports: int
    this_week: int
    usual: float | None

    @property
    def is_unusual(self) -> bool:
        return self.usual is not None and is_unusual(self.this_week, self.usual)


@gate.for_readers("audit:lookups")
@require_safe
@for_a_purpose
def lookups(request: HttpRequest, reading: Reading) -> HttpResponse:
    people, now = People(reading), timezone.now()
    form = PeriodForm({"period": request.GET.get("period") or "month"})
    context: dict[str, Any] = {"form": form, "reading": reading, "people": people}
    if not form.is_valid():
        return render(request, "audit/reading/lookups.html", context, status=HTTPStatus.BAD_REQUEST)
    since = timezone.localdate(now) - timedelta(days=PERIODS[form.cleaned_data["period"]] - 1)
    services.note_reading(reading=reading, wanted=EventFilter(since=since), view="lookups", now=now)
    looks = _looks(since)
    today = timezone.localdate(now)
    weeks = _weeks_before(today)
    context |= {
        "lookers": _lookers(looks, today, weeks),
        "subjects": _subjects(looks),
        "pairs": _pairs(looks),
        "since": since,
        "weeks": weeks,
    }
    return render(request, "audit/reading/lookups.html", context)


def unusual(today: date) -> int:
    """How many people looked far more often in the last seven days than they use to; two statements, and no name."""
    weeks = _weeks_before(today)
    if not weeks:
        return 0
    counts = _weekly(today).values()
    return sum(is_unusual(this_week, median(before[:weeks])) for this_week, *before in counts)


def is_unusual(this_week: int, usual: float) -> bool:
    return this_week > UNUSUAL * usual and this_week > usual + HANDFUL


def _looks(since: date) -> QuerySet[Event]:
    """What people did to look at others; whoever opens their own file is nobody's concern."""
    start = timezone.make_aware(datetime.combine(since, datetime.min.time()))
    return Event.objects.filter(action__in=LOOKS, by=By.MEMBER, at__gte=start).order_by()


def _weeks_before(today: date) -> int:
    """How many whole weeks before the last seven days the journal tells of, of those that count."""
    first = Event.objects.aggregate(first=Min("at"))["first"]
    days = (today - timezone.localdate(first)).days + 1 if first else 0
    return min(max(days // WEEK - 1, 0), WEEKS)


def _lookers(looks: QuerySet[Event], today: date, weeks: int) -> list[Looker]:
    """Those who looked most come first; two statements."""
    weekly = _weekly(today)
    counted = looks.values(person=F("actor_key__person_id")).annotate(
        count=Count("pk"),
        people=Count("subject_key__person_id", distinct=True),
        files=Count("pk", filter=Q(action__in=[Action.MEMBER_CONSULTED, Action.COLLECTIVE_CONSULTED])),
        searches=Count("pk", filter=Q(action=Action.MEMBERS_SEARCHED)),
        journal=Count("pk", filter=Q(action=Action.JOURNAL_READ, facts__export__isnull=True)),
        names=Count("pk", filter=Q(action=Action.PERSON_REVEALED, refused=False)),
        exports=Count("pk", filter=Q(action=Action.LOG_EXPORTED) | Q(facts__export__isnull=False)),
    )
    lookers = []
    for row in counted:
        this_week, *before = weekly.get(row["person"], [0] * (WEEKS + 1))
        usual = median(before[:weeks]) if weeks else None
        lookers.append(Looker(this_week=this_week, usual=usual, **row))
    return sorted(lookers, key=lambda each: (-each.count, str(each.person)))


def _weekly(today: date) -> dict[UUID | None, list[int]]:
    """How many look-ups of each person in the last seven days, the seven before, and so on."""
    rows = _looks(today - timedelta(days=WEEK * (WEEKS + 1) - 1))
    by_day = rows.annotate(day=TruncDate("at")).values("actor_key__person_id", "day").annotate(count=Count("pk"))
    found: dict[UUID | None, list[int]] = defaultdict(lambda: [0] * (WEEKS + 1))
    for row in by_day:
        found[row["actor_key__person_id"]][max((today - row["day"]).days, 0) // WEEK] += row["count"]
    return found


def _subjects(looks: QuerySet[Event]) -> list[dict[str, Any]]:
    """Those who were looked at most."""
    of_somebody = looks.filter(subject_key__person_id__isnull=False)
    counted = of_somebody.values(person=F("subject_key__person_id")).annotate(
        count=Count("pk"), lookers=Count("actor_key__person_id", distinct=True), last=Max("at")
    )
    return [{**row} for row in counted.order_by("-count", "-last")[:MOST_SUBJECTS]]


def _pairs(looks: QuerySet[Event]) -> list[dict[str, Any]]:
    """Who looked at whom, how and why, the latest first."""
    of_somebody = looks.filter(subject_key__person_id__isnull=False)
    counted = (
        of_somebody.annotate(purpose=KeyTextTransform("purpose", "facts"))
        .values("actor_key__person_id", "subject_key__person_id", "action", "purpose")
        .annotate(count=Count("pk"), last=Max("at"))
    )
    return [
        {
            "looker": row["actor_key__person_id"],
            "person": row["subject_key__person_id"],
            "what": str(Action(row["action"]).label),
            "purpose": words.name("purpose", row["purpose"]) if row["purpose"] else "",
            "count": row["count"],
            "last": row["last"],
        }
        for row in counted.order_by("-last")[:MOST_PAIRS]
    ]
