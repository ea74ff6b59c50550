"""The pages of breaches, for the data protection officer: the register, one breach, its helper, its drafts."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import gate
from audit.types import Actor, Reading
from consent.incidents import drafts, exports, forms, policy, selectors, services, words
from consent.incidents.purpose import CONCERNED
from consent.incidents.selectors import Known
from consent.incidents.types import Aside, Count, IncidentChanged, IncidentInvalid, StepKind
from consent.register import selectors as register


@dataclass(frozen=True, slots=True)
class Writing:
    """One kind of step as a page: its form, what that starts with, and what is said when it is written."""

    kind: StepKind
    form: type[forms.StepForm]
    title: str | Promise
    lead: str | Promise
    first: Callable[[Known], dict[str, Any]] = lambda known: {}


def _draft(known: Known) -> dict[str, Any]:
    return asdict(known.standing.form or drafts.form_of(known.standing, register.parties()[0]))


def _letter(known: Known) -> dict[str, Any]:
    return asdict(known.standing.letter or drafts.letter_of(known.standing))


def _decision(known: Known) -> dict[str, Any]:
    return asdict(known.standing.decision) if known.standing.decision else {}


def _notice(known: Known) -> dict[str, Any]:
    return {"phase": "complement" if known.standing.notices else "initial"}


WRITINGS = {
    "faits": Writing(
        StepKind.FACTS,
        forms.FactsForm,
        gettext_lazy("Ce que l’on sait"),
        gettext_lazy(
            "Écrivez ce qui est sûr, complétez ensuite. Ce qui était écrit avant reste dans l’histoire du dossier."
        ),
        lambda known: forms.first_facts(known.standing),
    ),
    "risque": Writing(
        StepKind.RISK,
        forms.DecisionForm,
        gettext_lazy("Apprécier le risque"),
        gettext_lazy("Votre décision et sa raison restent au dossier, aussi quand personne n’est averti."),
        _decision,
    ),
    "notification": Writing(
        StepKind.FORM,
        forms.DraftForm,
        gettext_lazy("Brouillon de notification"),
        gettext_lazy(
            "Les rubriques du téléservice de la CNIL, remplies avec ce que dit le dossier. Corrigez, puis recopiez."
        ),
        _draft,
    ),
    "lettre": Writing(
        StepKind.LETTER,
        forms.LetterForm,
        gettext_lazy("Lettre aux personnes"),
        gettext_lazy(
            "En mots simples : ce qui s’est passé, ce qui peut arriver, ce que chacun peut faire (article 34)."
        ),
        _letter,
    ),
    "avertir-cnil": Writing(
        StepKind.NOTICE,
        forms.NoticeForm,
        gettext_lazy("CNIL avertie"),
        gettext_lazy("Trousseau n’envoie rien : notez ici ce que vous avez envoyé. Un complément peut suivre."),
        _notice,
    ),
    "avertir-personnes": Writing(
        StepKind.TELLING,
        forms.TellingForm,
        gettext_lazy("Personnes averties"),
        gettext_lazy("Trousseau n’envoie rien : notez ici qui a été averti, quand et comment."),
        lambda known: {"people": known.people},
    ),
    "clore": Writing(
        StepKind.CLOSING,
        forms.ClosingForm,
        gettext_lazy("Clore le dossier"),
        gettext_lazy("La violation reste au registre. Toute nouvelle étape rouvre le dossier."),
    ),
}


@gate.for_readers("incidents:list")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    found = selectors.incidents(timezone.now())
    open_ones = [each for each in found if each.clock.is_running]
    return render(request, "consent/incidents/list.html", {"found": found, "open_ones": open_ones})


@gate.for_readers("incidents:new")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = forms.FactsForm(request.POST or None, initial=forms.first_facts(None))
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            reference = services.open_incident(facts=form.content(), actor=_actor(request), now=now)
        except IncidentInvalid as error:
            form.tell(error)
        else:
            messages.success(request, _("La violation est au registre. Le délai court."))
            return redirect("incidents:incident", reference)
    context = {"form": form, "title": _("Nouvelle violation"), "lead": WRITINGS["faits"].lead}
    return render(request, "consent/incidents/step.html", context, status=_status(request))


@gate.for_readers("incidents:incident")
@require_safe
def incident(request: HttpRequest, reference: str) -> HttpResponse:
    known = _found(reference)
    return _page(request, known, forms.CountForm(initial=_window(known)))


@gate.for_readers("incidents:incident")
@require_POST
def count(request: HttpRequest, reference: str) -> HttpResponse:
    """The helper: who was held by a tool in a window, counted and kept."""
    known, now = _found(reference), timezone.now()
    form = forms.CountForm(request.POST)
    if form.is_valid():
        said = form.said()
        try:
            services.ask(
                reference=reference,
                tool_id=said["tool"],
                since=said["since"],
                until=said["until"],
                actor=_actor(request),
                now=now,
            )
        except IncidentInvalid as error:
            form.tell(error)
        else:
            return redirect(f"{request.path.removesuffix('compter/')}#counts")
    _note_refused(request, reference, StepKind.COUNT, "incident_invalid")
    return _page(request, known, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@gate.for_readers("incidents:incident")
@require_POST
def set_aside(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """A count of the wrong tool or window: the drafts do without it, the file keeps it."""
    known = _found(reference)
    try:
        services.write(
            reference=reference,
            content=Aside(number),
            version=known.version,
            actor=_actor(request),
            now=timezone.now(),
        )
    except (IncidentInvalid, IncidentChanged):
        _note_refused(request, reference, StepKind.ASIDE, "incident_invalid")
        messages.info(request, _("Ce comptage était déjà écarté."))
    else:
        messages.success(request, _("Ce comptage est écarté. Il reste dans l’historique du dossier."))
    return redirect(f"{reverse('incidents:incident', args=[reference])}#helper")


@gate.for_readers("incidents:incident")
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, reference: str, step: str) -> HttpResponse:
    known, writing = _found(reference), WRITINGS.get(step)
    if writing is None:
        raise Http404
    first = {"version": known.version, **writing.first(known)}
    form = writing.form(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            services.write(
                reference=reference,
                content=form.content(),
                version=form.cleaned_data["version"] or 0,
                actor=_actor(request),
                now=timezone.now(),
            )
        except IncidentInvalid as error:
            _note_refused(request, reference, writing.kind, "incident_invalid")
            form.tell(error)
        except IncidentChanged:
            _note_refused(request, reference, writing.kind, "incident_changed")
            form.add_error(None, _("Le dossier a changé entre-temps. Rouvrez la page pour partir de ce qu’il dit."))
        else:
            messages.success(request, _("C’est au dossier."))
            return redirect("incidents:incident", reference)
    context = {"form": form, "known": known, "title": writing.title, "lead": writing.lead, "step": step}
    return render(request, "consent/incidents/step.html", context, status=_status(request))


@gate.for_readers("incidents:people")
@require_http_methods(["GET", "HEAD", "POST"])
@CONCERNED.opens
def people(request: HttpRequest, reference: str, number: str, reading: Reading) -> HttpResponseBase:
    """Those whom a question found, to be written to.  Nothing leaves before each of them has a line about it."""
    known = _found(reference)
    asked = next((each for at, each in known.standing.counts if at == int(number)), None)
    if asked is None:
        raise Http404
    found = list(selectors.addressees(asked))
    if request.method != "POST":
        without = sum(not (each.member and each.member.email) for each in found)
        context = {"known": known, "asked": asked, "found": len(found), "without": without, "reading": reading}
        return render(request, "consent/incidents/people.html", context)
    services.note_list(
        reference=reference,
        asked=asked,
        people=[each.concerned for each in found],
        reading=reading,
        now=timezone.now(),
    )
    return _file(exports.people_csv(found), f"{reference}-personnes.csv", "text/csv; charset=utf-8")


@gate.for_readers("incidents:export")
@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    now = timezone.now()
    found = selectors.incidents(now)
    services.note_export(actor=_actor(request), kind=kind, lines=len(found), now=now)
    write, content_type = exports.KINDS[kind]
    return _file(write(found), f"violations-{timezone.localdate(now):%Y-%m-%d}.{kind}", content_type)


@gate.for_readers("incidents:incident")
@require_safe
def draft(request: HttpRequest, reference: str, kind: str) -> HttpResponseBase:
    """The notice as it was kept, or would be: to be printed, or for a program."""
    known = _found(reference)
    form = known.standing.form or drafts.form_of(known.standing, register.parties()[0])
    services.note_export(actor=_actor(request), kind=kind, lines=1, reference=reference, now=timezone.now())
    if kind == "json":
        return _file(iter([exports.form_json(reference, form)]), f"{reference}.json", "application/json")
    rows = [(label, getattr(form, name)) for name, label in words.HEADINGS.items()]
    return render(request, "consent/incidents/draft.html", {"known": known, "rows": rows})


@gate.for_readers("incidents:incident")
@require_safe
def letter(request: HttpRequest, reference: str, language: str) -> HttpResponse:
    known = _found(reference)
    found = known.standing.letter or drafts.letter_of(known.standing)
    context = {"known": known, "text": getattr(found, language), "language": language}
    return render(request, "consent/incidents/letter.html", context)


def _page(request: HttpRequest, known: Known, form: forms.CountForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
    facts = known.standing.facts
    context = {
        "known": known,
        "standing": known.standing,
        "facts": facts,
        "form": form,
        "counts": [_shown(number, each) for number, each in known.standing.counts[::-1]],
        "separate": selectors.separate(each for _number, each in known.standing.counts),
        "history": known.steps[::-1],
        "owes_telling": policy.owes_telling(known.standing),
    }
    return render(request, "consent/incidents/incident.html", context, status=status)


def _shown(number: int, asked: Count) -> dict[str, Any]:
    return {
        "number": number,
        "asked": asked,
        "categories": [(words.category(code), people) for code, people in asked.categories.items()],
        "items": [(words.item(code), people, code in asked.sensitive) for code, people in asked.items.items()],
        "sensitive": [words.sensitive(code) for code in asked.sensitive],
    }


def _window(known: Known) -> dict[str, Any]:
    facts = known.standing.facts
    return {"since": facts.began or facts.aware, "until": facts.ended or timezone.now()}


def _found(reference: str) -> Known:
    known = selectors.incident(reference, timezone.now())
    if known is None:
        raise Http404
    return known


def _file(content: Any, name: str, content_type: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store, private"
    return response


def _actor(request: HttpRequest) -> Actor:
    return Actor(member=request.user.pk)


def _note_refused(request: HttpRequest, reference: str, kind: StepKind, reason: str) -> None:
    services.note_refused(
        actor=_actor(request), reference=reference, step=kind.value, reason=reason, now=timezone.now()
    )


def _status(request: HttpRequest) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
