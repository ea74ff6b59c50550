"""What is kept for how long: rules, trial, holds and past runs, for the data protection officer only."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import gate, services, words
from audit.keeping import changes, data, erasure, holds, retention, turns
from audit.keeping.changes import said
from audit.keeping.forms import DateForm, DaysForm, HoldForm, LiftForm, NamingForm, PersonForm, RuleForm, SureForm
from audit.keeping.rules import Rules
from audit.kinds import Retention
from audit.models import Hold, Removal
from audit.parts import Role
from audit.reading.purpose import for_a_purpose
from audit.types import Actor, EventFilter, KeepingError, Reading, RemovalKind, RemovalState

RUNS = 20


@gate.for_readers("audit:keeping")
@require_safe
def keeping(request: HttpRequest) -> HttpResponse:
    now, rules = timezone.now(), changes.current()
    days = data.days_in_force(now)
    going = Removal.objects.filter(kind=RemovalKind.ERASURE, ended_at=None).order_by("pk")
    states: dict[str, list[datetime]] = {}
    for state, since in going.values_list("state", "began_at"):
        states.setdefault(state, []).append(since)
    context = {
        "now": now,
        "shortened": changes.in_force(now) != rules,
        "refusal": retention.refusal(),
        "last_run": retention.last_run(),
        "date_form": DateForm(),
        "erasures": [(RemovalState(state).label, len(each), each[0]) for state, each in states.items()],
        "roles": [words.ROLES[role] for role in Role],
        "rules": [(each, [words.period(_shown(rules, each, role)) for role in Role]) for each in Retention],
        "holds": [(hold, _held(hold)) for hold in holds.in_force(now).select_related("put_by")],
        # Erasures that are under way are counted above; of a run, how much went so far.
        "runs": [(run, data.told(run) if run.kind == RemovalKind.DATA else []) for run in _runs()],
        "categories": [(each, days[each.code]) for each in data.categories()],
    }
    return render(request, "audit/keeping.html", context)


def _runs() -> QuerySet[Removal]:
    """Erasures that are under way are counted elsewhere; so is a run that waits for somebody."""
    over = Removal.objects.exclude(ended_at=None, kind=RemovalKind.ERASURE)
    return over.exclude(ended_at=None, state=RemovalState.REFUSED).order_by("-pk")[:RUNS]


@gate.for_readers("audit:keeping")
@require_safe
def clocks(request: HttpRequest) -> HttpResponse:
    """How much of each category is past its period, and when the rest will be: numbers, and nobody's name."""
    context = {"clocks": data.clocks(timezone.now()), "ahead": data.AHEAD}
    return render(request, "audit/keeping_clocks.html", context)


@gate.for_readers("audit:keeping")
@require_http_methods(["GET", "HEAD", "POST"])
def days(request: HttpRequest, code: str) -> HttpResponse:
    """Another period for a category of what the hub holds."""
    category = data.category(code)
    if category is None or not category.is_ruled:
        raise Http404
    form = DaysForm(request.POST or None, category=category, days=data.days_of(code))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            data.change(
                actor=Actor(member=request.user.pk),
                code=code,
                days=values["days"],
                why=values["why"],
                shown=values["shown"],
                now=timezone.now(),
            )
        except KeepingError as error:
            form.add_error(None, _sentence(error))
        else:
            messages.success(
                request, _("La règle est changée : plus long dès maintenant, plus court dans quatorze jours.")
            )
            return redirect("audit:keeping")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "category": category, "history": data.history(code)[:RUNS]}
    return render(request, "audit/keeping_days.html", context, status=status)


@dataclass(frozen=True, slots=True)
class Share:
    """How much of what there is goes."""

    role: Any
    goes: int
    there: int

    @property
    def percent(self) -> int:
        return round(100 * self.goes / self.there) if self.there else 0


@gate.for_readers("audit:keeping")
@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: HttpRequest) -> HttpResponse:
    """What would go now; and, once somebody is sure, letting it go."""
    now = timezone.now()
    form = SureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        run = turns.begin(actor=Actor(member=request.user.pk), now=now)
        if run.state == RemovalState.GOING:
            messages.success(request, _("C’est parti : le service de fond s’en occupe, le résultat s’inscrit ici."))
        else:
            messages.warning(request, _("Rien n’est parti : regardez l’état de la conservation."))
        return redirect("audit:keeping")
    goes, there = retention.counted(now), retention.present()
    rows = [
        (
            each,
            [Share(words.ROLES[role], goes[each][role], there[each][role]) for role in Role] if each in goes else None,
        )
        for each in Retention
    ]
    clocks = [each for each in data.clocks(now) if each.category.is_ruled]
    total = sum(sum(counts.values()) for counts in goes.values()) + sum(each.due for each in clocks)
    context = {"form": form, "rows": rows, "clocks": clocks, "total": total}
    return render(request, "audit/keeping_trial.html", context, status=422 if request.method == "POST" else 200)


@gate.for_readers("audit:keeping")
@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, name: str) -> HttpResponse:
    if name not in Retention.values:
        raise Http404
    kind = Retention(name)
    form = RuleForm(request.POST or None, rules=changes.current(), retention=kind)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            changes.change(
                actor=Actor(member=request.user.pk),
                retention=kind,
                periods=form.periods,
                why=values["why"],
                version=values["version"],
                now=timezone.now(),
            )
        except KeepingError as error:
            form.add_error(None, _sentence(error))
        else:
            messages.success(
                request, _("La règle est changée : plus long dès maintenant, plus court dans quatorze jours.")
            )
            return redirect("audit:keeping")
    status = 422 if request.method == "POST" else 200
    return render(request, "audit/keeping_rule.html", {"form": form, "kind": kind}, status=status)


@gate.for_readers("audit:keeping")
@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest) -> HttpResponse:
    form = HoldForm(request.POST or None)
    if request.method == "POST" and _is_valid(form, Actor(member=request.user.pk)):
        values = form.cleaned_data
        try:
            holds.put(
                actor=Actor(member=request.user.pk),
                person=values["member"],
                retention=values["retention"] or None,
                why=values["why"],
                until=values["until"],
                now=timezone.now(),
            )
        except KeepingError as error:
            form.add_error(None, _sentence(error))
        else:
            messages.success(request, _("C’est suspendu : rien n’en partira."))
            return redirect("audit:keeping")
    status = 422 if request.method == "POST" else 200
    return render(request, "audit/keeping_hold.html", {"form": form}, status=status)


@gate.for_readers("audit:keeping")
@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: HttpRequest, hold_id: int) -> HttpResponse:
    found = Hold.objects.filter(pk=hold_id, lifted_at=None).first()
    if found is None:
        raise Http404
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        why = form.cleaned_data["why"]
        holds.lift(actor=Actor(member=request.user.pk), hold_id=hold_id, why=why, now=timezone.now())
        messages.success(request, _("La suspension est levée. Ce qui attendait peut partir."))
        return redirect("audit:keeping")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "hold": found, "what": _held(found)}
    return render(request, "audit/keeping_hold.html", context, status=status)


@gate.for_readers("audit:keeping")
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    if not DateForm(request.POST).is_valid():
        messages.error(request, _("Cochez la case si la date est la bonne."))
        return redirect("audit:keeping")
    try:
        retention.confirm(actor=Actor(member=request.user.pk), now=timezone.now())
    except KeepingError as error:
        messages.error(request, _sentence(error))
    else:
        messages.success(request, _("C’est noté : les durées de conservation s’appliquent de nouveau."))
    return redirect("audit:keeping")


@gate.for_readers("audit:keeping")
@require_http_methods(["GET", "HEAD", "POST"])
@for_a_purpose
def person(request: HttpRequest, reading: Reading) -> HttpResponse:
    """What would go of somebody, what would stay and why.  Their name is in no address."""
    form = PersonForm(request.POST or None)
    lines = None
    if request.method == "POST" and _is_valid(form, Actor(member=request.user.pk), reading):
        member, now = form.cleaned_data["member"], timezone.now()
        services.note_reading(reading=reading, wanted=EventFilter(member=member), view="keeping", now=now)
        lines = [
            (each.retention.label, words.ROLES[each.role], each.number, each.stays and words.name("stays", each.stays))
            for each in erasure.preview(member, now)
        ]
    status = 422 if request.method == "POST" and lines is None else 200
    return render(request, "audit/keeping_person.html", {"form": form, "lines": lines}, status=status)


def _is_valid(form: NamingForm, actor: Actor, reading: Reading | None = None) -> bool:
    """And a line about looking for somebody by name: that there is nobody is an answer too."""
    valid = form.is_valid()
    if form.results is not None:
        services.note_name_search(actor=actor, reading=reading, results=form.results, now=timezone.now())
    return valid


def _shown(rules: Rules, retention: Retention, role: Role) -> str:
    """Of facts alone it goes without saying that they stay when a person goes."""
    period = rules.of(retention, role)
    return said(replace(period, outlives=False) if role is Role.COMMON and period.is_endless else period)


def _held(hold: Hold) -> str:
    """Whom or what, in words."""
    if hold.retention:
        return str(words.name("retention", hold.retention))
    member = get_user_model()._default_manager.filter(pk=hold.person).first() if hold.person else None
    return str(member) if member else str(hold.person)


def _sentence(error: KeepingError) -> str:
    text = words.name("reason", str(error))
    return text[:1].upper() + text[1:] + "."
