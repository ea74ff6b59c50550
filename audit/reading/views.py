"""The journal's page, its search, and the names that its reader asks for; whatever is read leaves a line in it."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import gate, selectors, services
from audit.forms import JournalForm, RevealForm, SearchForm
from audit.reading.people import People
from audit.reading.purpose import back_to, for_a_purpose
from audit.types import Actor, Ground, Reading

# Names at once, and searches of one reader.  More names than this are nobody's need; an export with proof has them.
MOST_REVEALED = 500
MOST_SEARCHES = 50
MOST_FOUND = 50


@gate.for_readers("audit:journal")
@require_safe
@for_a_purpose
def journal(request: HttpRequest, reading: Reading) -> HttpResponse:
    form = JournalForm(request.GET, People(reading))
    if not form.is_valid():
        return show(request, reading, form, status=HTTPStatus.BAD_REQUEST)
    return _lines(request, reading, form)


@gate.for_readers("audit:search")
@require_POST
@for_a_purpose
def search(request: HttpRequest, reading: Reading) -> HttpResponse:
    """The criteria as they were typed, turned into an address that names nobody."""
    people, now = People(reading), timezone.now()
    form = JournalForm(request.POST, people, typed=True)
    valid = form.is_valid()
    if form.found is not None:
        # That nobody has this name is an answer too, whatever is wrong with the rest.
        services.note_name_search(actor=Actor(reading.reader), reading=reading, results=len(form.found), now=now)
    if not valid:
        return show(request, reading, form, status=HTTPStatus.BAD_REQUEST)
    person = form.cleaned_data["member"]
    if form.found and person is None:
        found = [(people.choice(pk), *names) for pk, names in form.found.items()]
        context = {
            "reading": reading,
            "found": found[:MOST_FOUND],
            "left_out": max(len(found) - MOST_FOUND, 0),
            "criteria": [(name, value) for name, value in request.POST.items() if name != "csrfmiddlewaretoken"],
        }
        return render(request, "audit/reading/found.html", context)
    if person and form.by_name and person not in people.named:
        services.reveal(reading=reading, people=[person], ground=Ground.SEARCHED, now=now)
    here = "audit:pictures" if request.POST.get("here") == "pictures" else "audit:journal"
    return HttpResponseRedirect(f"{reverse(here)}?{form.query()}")


@gate.for_readers("audit:reveal")
@require_http_methods(["GET", "HEAD", "POST"])
@for_a_purpose
def reveal(request: HttpRequest, reading: Reading, pseudonym: str) -> HttpResponse:
    """One name, for a reason; the person can see that it was asked for."""
    people = People(reading)
    person = people.find(pseudonym)
    if person is None:
        raise Http404
    back = request.POST.get("next") or request.GET.get("next", "")
    if person in people.named:
        return HttpResponseRedirect(back_to(back))
    form = RevealForm(request.POST if request.method == "POST" else None, initial={"next": back})
    if not form.is_valid():
        context = {"form": form, "reading": reading, "pseudonym": pseudonym, "back": back_to(back)}
        return render(request, "audit/reading/reveal.html", context, status=_status(request))
    ground = Ground(form.cleaned_data["ground"])
    services.reveal(reading=reading, people=[person], ground=ground, now=timezone.now())
    return HttpResponseRedirect(back_to(back))


@gate.for_readers("audit:reveal_all")
@require_http_methods(["GET", "HEAD", "POST"])
@for_a_purpose
def reveal_all(request: HttpRequest, reading: Reading) -> HttpResponse:
    """Everybody in a result, as it was shown; each of them has a line about it."""
    people, now = People(reading), timezone.now()
    criteria = JournalForm(request.GET, people)
    if not criteria.is_valid():
        return show(request, reading, criteria, status=HTTPStatus.BAD_REQUEST)
    journal = f"{reverse('audit:journal')}?{criteria.query()}"
    # How many they are tells something already, as does that there is nobody.
    services.note_reading(reading=reading, wanted=criteria.wanted, view="reveal_all", now=now)
    hidden = sorted(selectors.people_in(criteria.rows) - people.named)
    if not hidden:
        return HttpResponseRedirect(journal)
    form = RevealForm(request.POST if request.method == "POST" else None)
    context = {
        "form": form,
        "reading": reading,
        "count": len(hidden),
        "most": MOST_REVEALED,
        "refused": _refused(criteria, hidden),
        "shown": people.digest(hidden),
        "back": journal,
    }
    if context["refused"]:
        reason = str(context["refused"])
        services.note_refused_reveal(reading=reading, people=len(hidden), reason=reason, now=now)
        return render(request, "audit/reading/reveal_all.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if request.method == "POST" and request.POST.get("shown") != context["shown"]:
        return render(
            request, "audit/reading/reveal_all.html", {**context, "changed": True}, status=HTTPStatus.CONFLICT
        )
    if not form.is_valid():
        return render(request, "audit/reading/reveal_all.html", context, status=_status(request))
    services.reveal(reading=reading, people=hidden, ground=Ground(form.cleaned_data["ground"]), now=now)
    return HttpResponseRedirect(journal)


@gate.for_readers("audit:searches")
@require_POST
@for_a_purpose
def searches(request: HttpRequest, reading: Reading) -> HttpResponse:
    """Keep the criteria of the address under a name, or drop what was kept."""
    if number := request.POST.get("drop", ""):
        if number.isascii() and number.isdigit() and len(number) < 19:
            services.drop_search(owner=reading.reader, number=int(number))
        return HttpResponseRedirect(back_to(request.POST.get("next", "")))
    form = JournalForm(request.GET, People(reading))
    if not form.is_valid():
        return show(request, reading, form, status=HTTPStatus.BAD_REQUEST)
    naming = SearchForm(request.POST)
    kept = selectors.saved_searches(reading.reader)
    if naming.is_valid() and len(kept) >= MOST_SEARCHES:
        naming.add_error("name", _("%(most)s au plus : retirez-en une.") % {"most": MOST_SEARCHES})
    if not naming.is_valid():
        return _lines(request, reading, form, naming=naming, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    query = form.query(without=("member", "hour"))
    services.keep_search(owner=reading.reader, name=naming.cleaned_data["name"], query=query)
    return HttpResponseRedirect(f"{reverse('audit:journal')}?{form.query()}")


def _lines(request: HttpRequest, reading: Reading, form: JournalForm, **shown: Any) -> HttpResponse:
    """The line about this reading is written first, so that it is among them."""
    services.note_reading(reading=reading, wanted=form.wanted, now=timezone.now())
    return show(request, reading, form, page=selectors.page(form.rows, form.cursor), **shown)


def show(
    request: HttpRequest,
    reading: Reading,
    form: JournalForm,
    *,
    page: selectors.Page | None = None,
    naming: SearchForm | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """The page with these criteria, and the lines that were read, if any."""
    context: dict[str, Any] = {"form": form, "page": page, "reading": reading, "people": form.people}
    context["saved"] = selectors.saved_searches(reading.reader)
    if page:
        context |= {
            "query": form.query(),
            "filtered": bool(form.wanted.used),
            "member": form.cleaned_data["member"],
            "naming": naming or SearchForm(),
        }
    return render(request, "audit/journal.html", context, status=status)


def _refused(criteria: JournalForm, hidden: list[UUID]) -> str:
    """Why these are nobody's to name all at once, if so."""
    if not criteria.wanted.used:
        return "no_criteria"
    return "too_many_people" if len(hidden) > MOST_REVEALED else ""


def _status(request: HttpRequest) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
