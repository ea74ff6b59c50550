"""Pages of requests: one's own, and for the data protection officer the inbox, the workbench and the letters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any, cast
from uuid import UUID, uuid4

from django import forms as django_forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import gate
from audit.selectors import matching_members
from audit.services import note_consulted, note_name_search, note_refused_page
from audit.types import Actor, Purpose, Reading
from branding import selectors as branding
from consent import examination, taking
from consent.erasures import telling
from consent.erasures.services import why_not_closed
from consent.own import given
from consent.own.exporting import json_of
from consent.requests import letters, policy, selectors, services, words
from consent.requests.forms import EntryForm, LetterForm, RequestForm, SearchForm, WordsAndFileForm, WordsForm
from consent.requests.models import RequestFile, Restriction, SubjectRequest
from consent.requests.types import Came, Identity, Kind, Letter, RequestRefused, State, Upload, answer_to
from directory.models import Member

PER_PAGE = 50
MOST_FOUND = 30
# Who was found stands in the form under a signature: nobody else's number is typed in.
CHOICE = "consent.requests.member"
CHOICE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Row:
    """A request as lists and heads of pages show it."""

    request: SubjectRequest
    remaining: str
    picture: words.Picture
    asked: words.Text

    @property
    def clock(self) -> Any:
        return self.request.clock


def row_of(request: SubjectRequest, today: date) -> Row:
    drawn = words.picture(request.clock_on(today), today)
    return Row(request, words.remaining(request, today), drawn, words.ASKED[request.kind])


# One's own -----------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """What one asked, until when an answer is due, and asking for more."""
    person, now = cast(Member, request.user).pk, timezone.now()
    possible = selectors.possible(person)
    form = RequestForm(
        request.POST or None,
        tools=selectors.tools_of(person),
        kinds=possible,
        initial={"kind": request.GET.get("kind", ""), "tool": request.GET.get("tool", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = services.make(
                member_id=person,
                kind=Kind(form.cleaned_data["kind"]),
                text=form.cleaned_data["text"],
                tool_id=form.tool_id,
                actor=_actor(request),
                language=translation.get_language() or "fr",
                now=now,
            )
        except RequestRefused as error:
            _tell(request, form, error, "requests:mine")
        else:
            said = _("Votre demande %(reference)s est enregistrée : une réponse vous est due le %(day)s au plus tard.")
            day = date_format(made.due_on, "DATE_FORMAT")
            messages.success(request, said % {"reference": made.reference, "day": day})
            return redirect("requests:own", made.reference)
    today = timezone.localdate(now)
    context = {
        "form": form,
        "rows": [row_of(each, today) for each in selectors.of_member(person)],
        "kinds": [(kind, words.HELP[kind], kind in possible) for kind in Kind],
    }
    return render(request, "consent/requests/mine.html", context, status=_status(request))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest, reference: str) -> HttpResponse:
    """One request of one's own: its deadline, what was said, and saying something."""
    found, now = _own(request, reference, "requests:own"), timezone.now()
    form = WordsForm(request.POST or None, label=_("Votre message"))
    if request.method == "POST" and form.is_valid():
        try:
            services.reply(of=found, text=form.cleaned_data["text"], actor=_actor(request), now=now)
        except RequestRefused as error:
            _tell(request, form, error, "requests:own")
        else:
            messages.success(request, _("Votre message est parti."))
            return redirect("requests:own", found.reference)
    context = {
        "row": row_of(found, timezone.localdate(now)),
        "steps": [(step, words.TOLD[step.step]) for step in selectors.steps(found, notes=False)],
        "restriction": selectors.restriction_of(found),
        "objections": selectors.objections_of(found),
        "form": form,
    }
    return render(request, "consent/requests/own.html", context, status=_status(request))


@login_required
@require_POST
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    found = _own(request, reference, "requests:withdraw")
    try:
        services.withdraw(of=found, actor=_actor(request), now=timezone.now())
    except RequestRefused as error:
        _note_refused(request, "requests:withdraw", error.code)
        messages.info(request, words.problem(error.code))
    else:
        messages.success(request, _("Votre demande est reprise : personne n’y répondra. Vous pouvez en refaire une."))
    return redirect("requests:own", found.reference)


@login_required
@require_POST
def unfreeze(request: HttpRequest, reference: str) -> HttpResponse:
    """Whoever had their data restricted ends that when they like."""
    found = _own(request, reference, "requests:unfreeze")
    try:
        services.free(of=found, actor=_actor(request), now=timezone.now())
    except RequestRefused as error:
        _note_refused(request, "requests:unfreeze", error.code)
        messages.info(request, words.problem(error.code))
    else:
        messages.success(
            request, _("Vos données ne sont plus gelées : les outils que vous ouvrez les reçoivent à nouveau.")
        )
    return redirect("requests:own", found.reference)


@login_required
@require_safe
def file(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """What came with an answer, as long as it is kept."""
    found = selectors.file(_own(request, reference, "requests:file"), number, notes=False)
    if found is None:
        raise Http404
    return _sent(found)


def _own(request: HttpRequest, reference: str, page: str) -> SubjectRequest:
    """Somebody else's and none look the same; the attempt is on the record."""
    found = selectors.own(cast(Member, request.user).pk, reference)
    if found is None:
        _note_refused(request, page, "not_yours")
        raise Http404
    return found


# The officers' ---------------------------------------------------------------------------------------------------


@gate.for_readers("requests:inbox")
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits, the nearest deadline first; or what is over."""
    which, today = request.GET.get("liste", ""), timezone.localdate()
    if which not in ("", "closes"):
        raise Http404
    page = None
    if which:
        page = Paginator(selectors.closed(), PER_PAGE).get_page(request.GET.get("page"))
    shown = page.object_list if page is not None else selectors.waiting()
    rows = [row_of(each, today) for each in shown]
    context = {"rows": rows, "page": page, "which": which, "counts": selectors.counts()}
    return render(request, "consent/requests/inbox.html", context)


@gate.for_readers("requests:enter")
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Write down a request that came by letter or by word: whose it is first, then what it asks for."""
    if request.method == "POST" and "member" in request.POST:
        return _enter_for(request)
    form = SearchForm(request.POST or None)
    found: list[tuple[str, str, str]] = []
    if request.method == "POST" and form.is_valid():
        people = matching_members(form.cleaned_data["name"])
        now = timezone.now()
        # Entering a request is the purpose: it is not asked for.
        reading = _reading(request, uuid4(), now)
        note_name_search(actor=_actor(request), results=len(people), now=now, reading=reading)
        found = [(_choice(reading, pk), *names) for pk, names in list(people.items())[:MOST_FOUND]]
        if not found:
            form.add_error("name", words.problem("member_unknown"))
    status = HTTPStatus.OK if found else _status(request)
    return render(request, "consent/requests/enter.html", {"search": form, "found": found}, status=status)


def _enter_for(request: HttpRequest) -> HttpResponse:
    try:
        told = signing.loads(request.POST["member"], salt=CHOICE, max_age=CHOICE_SECONDS)
    except signing.BadSignature:
        told = {}
    person = Member.objects.filter(pk=told.get("member")).first() if told else None
    if person is None or told["reader"] != str(request.user.pk):
        _note_refused(request, "requests:enter", "member_unknown")
        messages.info(request, _("Cette liste a trop attendu : cherchez le nom de nouveau."))
        return redirect("requests:enter")
    now = timezone.now()
    # The form has the tools that hold something of them, whether or not a request comes of it.
    note_consulted(member_id=person.pk, reading=_reading(request, UUID(told["reading"]), now), now=now)
    typed = request.POST if "kind" in request.POST else None
    form = EntryForm(
        typed,
        tools=selectors.tools_of(person.pk),
        kinds=selectors.possible(person.pk),
        initial={"member": request.POST["member"]},
    )
    if typed is not None and form.is_valid():
        values = form.cleaned_data
        try:
            made = services.enter(
                member_id=person.pk,
                kind=Kind(values["kind"]),
                text=values["text"],
                tool_id=form.tool_id,
                came=Came(values["came"]),
                received_on=values["received_on"],
                actor=_actor(request),
                language="en" if person.language.startswith("en") else "fr",
                now=now,
            )
        except RequestRefused as error:
            _tell(request, form, error, "requests:enter", day_wrong="received_on")
        else:
            messages.success(request, _("La demande est enregistrée."))
            return redirect("requests:case", made.reference)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if typed is not None else HTTPStatus.OK
    return render(request, "consent/requests/enter.html", {"form": form, "person": person}, status=status)


def _reading(request: HttpRequest, number: UUID, now: datetime) -> Reading:
    return Reading(number, cast(Member, request.user).pk, Purpose.MEMBER_REQUEST, "", now)


def _choice(reading: Reading, member: UUID) -> str:
    told = {"member": str(member), "reader": str(reading.reader), "reading": str(reading.id)}
    return signing.dumps(told, salt=CHOICE)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that an officer does to a request, with its form on the workbench."""

    code: str
    title: Any
    label: Any
    do: Callable[..., None]
    done: Any
    letter: Callable[[SubjectRequest], Letter] | None = None
    button: Any = ""
    takes_file: bool = False
    danger: bool = False
    help_text: Any = ""
    words_needed: bool = True
    # Notes are written also when all is over.
    only_open: bool = True

    @property
    def from_letter(self) -> bool:
        return self.letter is not None

    def may(self, request: SubjectRequest, restriction: Restriction | None) -> bool:
        if self.only_open and not request.is_open:
            return False
        doubted = request.identity in (Identity.UNCHECKED, Identity.DOUBTED)
        return {
            "settle": doubted,
            "identity": request.state == State.OPEN,
            "extend": request.extended_on is None and timezone.localdate() <= request.clock.first_due,
            "answer": not doubted,
            "restrict": restriction is None,
            "announce": restriction is not None and restriction.announced_at is None,
            "free": restriction is not None and restriction.announced_at is not None,
        }.get(self.code, True)


ACTS = (
    Act(
        "settle",
        gettext_lazy("Noter que l’identité est vérifiée"),
        gettext_lazy("Comment l’identité a été vérifiée"),
        services.settle_identity,
        gettext_lazy("L’identité est vérifiée, le délai court."),
        button=gettext_lazy("L’identité est vérifiée"),
        help_text=gettext_lazy("Sans recopier le justificatif, qui ne sert plus ensuite. La personne lit ces mots."),
    ),
    Act(
        "answer",
        gettext_lazy("Répondre"),
        gettext_lazy("Lettre"),
        services.answer,
        gettext_lazy("La réponse est envoyée."),
        letter=lambda request: answer_to(request.kind),
        button=gettext_lazy("Envoyer la réponse"),
        takes_file=True,
    ),
    Act(
        "message",
        gettext_lazy("Écrire à la personne"),
        gettext_lazy("Message"),
        services.message,
        gettext_lazy("Le message est envoyé."),
    ),
    Act(
        "note",
        gettext_lazy("Ajouter une note ou une preuve"),
        gettext_lazy("Note, que la personne ne voit pas"),
        services.note,
        gettext_lazy("C’est noté."),
        button=gettext_lazy("Ajouter"),
        takes_file=True,
        words_needed=False,
        only_open=False,
    ),
    Act(
        "restrict",
        gettext_lazy("Geler les données"),
        gettext_lazy("Pourquoi, et jusqu’à quand : la personne le lit"),
        services.restrict,
        gettext_lazy("Les données sont gelées : plus rien ne part."),
        button=gettext_lazy("Geler dès maintenant"),
        help_text=gettext_lazy(
            "Elles restent gardées. Ce qui est déjà chez un outil y reste : demandez-lui aussi de ne plus s’en servir."
        ),
    ),
    Act(
        "announce",
        gettext_lazy("Annoncer la fin du gel"),
        gettext_lazy("Pourquoi le gel prend fin : la personne le lit"),
        services.announce_end,
        gettext_lazy("La fin du gel est annoncée : il peut être levé demain."),
        button=gettext_lazy("Annoncer"),
        only_open=False,
    ),
    Act(
        "free",
        gettext_lazy("Lever le gel"),
        gettext_lazy("Ce qui est à savoir : la personne le lit"),
        services.free,
        gettext_lazy("Le gel est levé."),
        button=gettext_lazy("Lever le gel"),
        words_needed=False,
        only_open=False,
        help_text=gettext_lazy("Un jour au moins après l’avoir annoncé."),
    ),
    Act(
        "identity",
        gettext_lazy("Demander un justificatif d’identité"),
        gettext_lazy("Lettre"),
        services.ask_identity,
        gettext_lazy("Le justificatif est demandé, le délai est suspendu."),
        letter=lambda _request: Letter.IDENTITY,
        button=gettext_lazy("Demander et suspendre le délai"),
        help_text=gettext_lazy("Seulement si un doute raisonnable existe : une session ouverte est déjà une preuve."),
    ),
    Act(
        "extend",
        gettext_lazy("Prolonger le délai de deux mois"),
        gettext_lazy("Lettre"),
        services.extend,
        gettext_lazy("Le délai est prolongé, la personne est prévenue."),
        letter=lambda _request: Letter.EXTENSION,
        button=gettext_lazy("Prolonger"),
        help_text=gettext_lazy(
            "Parce que la demande est complexe, ou qu’il y en a beaucoup ; dites laquelle des deux."
        ),
    ),
    Act(
        "refuse",
        gettext_lazy("Refuser"),
        gettext_lazy("Lettre"),
        examination.refuse,
        gettext_lazy("Le refus est envoyé."),
        letter=lambda _request: Letter.REFUSAL,
        button=gettext_lazy("Envoyer le refus"),
        danger=True,
        help_text=gettext_lazy("La lettre dit pourquoi, et nomme la CNIL et le tribunal."),
    ),
)


@gate.for_readers("requests:case")
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, reference: str) -> HttpResponse:
    """The workbench: what is asked, until when, what was done, and what can be done now."""
    found, now = _found(reference), timezone.now()
    act = next((each for each in ACTS if each.code == request.POST.get("act")), None)
    form = _form(act, found, now, request) if act is not None else None
    if act is not None and form is not None and form.is_valid():
        try:
            files = {"files": _files(form, found, now)} if isinstance(form, WordsAndFileForm) else {}
            act.do(of=found, text=form.cleaned_data["text"], actor=_actor(request), now=now, **files)
        except RequestRefused as error:
            _tell(request, form, error, "requests:case", request_over="")
            found = _found(reference)
        else:
            messages.success(request, str(act.done))
            return redirect("requests:case", found.reference)
    services.note_read(of=found, actor=_actor(request), now=now)
    restriction = selectors.restriction_of(found)
    forms = [
        (each, form if form is not None and each is act else _form(each, found, now))
        for each in ACTS
        if each.may(found, restriction) or each is act
    ]
    context = {
        "row": row_of(found, timezone.localdate(now)),
        "steps": selectors.steps(found, notes=True),
        "rights": [
            (each, words.APPLIES[each.applies])
            for each in selectors.rights(Kind(found.kind), found.member_id, found.tool_id)
        ],
        "forms": forms,
        "open_act": act,
        "restriction": restriction,
        "objections": selectors.objections_of(found),
        "own": found.member_id == request.user.pk,
        "sheet": selectors.sheet_of(found) if found.kind == Kind.ERASURE else None,
    }
    return render(request, "consent/requests/case.html", context, status=_status(request))


def _form(
    act: Act, found: SubjectRequest, now: datetime, request: HttpRequest | None = None
) -> WordsForm | WordsAndFileForm:
    """Bound to what was sent where ``request`` is given, else with the letter it starts from."""
    initial = {"text": _start(act.letter(found), found, now)} if act.letter is not None else {}
    told: dict[str, Any] = {
        "label": act.label,
        "help_text": act.help_text,
        "letter": act.letter is not None,
        "words_needed": act.words_needed,
        "rows": 14 if act.letter is not None else 4,
        "prefix": act.code,
        "initial": initial,
    }
    sent = (request.POST, request.FILES) if request is not None else ()
    if act.takes_file:
        return WordsAndFileForm(*sent, offers=Kind(found.kind) if act.code == "answer" else None, **told)
    return WordsForm(*sent[:1], **told)


def _files(form: WordsAndFileForm, found: SubjectRequest, now: datetime) -> tuple[Upload, ...]:
    """What was joined, and what the hub makes for whoever asks: it goes to them without being read on the way."""
    if not form.cleaned_data.get("record"):
        return form.uploads
    if found.kind == Kind.PORTABILITY:
        with taking.zipped(lambda sink: given.export(sink, found.member_id, now=now)) as file:
            name = f"donnees-fournies-{timezone.localdate(now):%Y-%m-%d}.zip"
            return (*form.uploads, Upload(name, "application/zip", file.read()))
    page = BytesIO()
    with translation.override(found.language):
        content = "".join(json_of(found.member_id, now=now, page=page)).encode()
    name = f"mes-donnees-{timezone.localdate(now):%Y-%m-%d}"
    # To be read by a person (GDPR 12(1)), and by a program.
    read, data = (
        Upload(f"{name}.html", "text/html", page.getvalue()),
        Upload(f"{name}.json", "application/json", content),
    )
    return (*form.uploads, read, data)


def _start(letter: Letter, found: SubjectRequest, now: datetime) -> str:
    """The letter as it starts: filled in, in the language of whoever asked."""
    template = selectors.template(letter, found.language)
    clock = found.clock_on(timezone.localdate(now))
    with translation.override(found.language):
        extended = policy.due(found.received_on, paused=found.paused_days, months=policy.EXTENDED_MONTHS)
        due = extended if letter == Letter.EXTENSION else clock.due
        values = {
            "nom": found.member.display_name,
            "reference": found.reference,
            # In the words that they chose it by.
            "objet": f"«\xa0{found.get_kind_display()}\xa0»"
            if found.language == "fr"
            else f"“{found.get_kind_display()}”",
            "recue_le": date_format(found.received_on, "DATE_FORMAT"),
            "echeance": date_format(due, "DATE_FORMAT"),
            "cooperative": branding.cooperative(),
            "contact": settings.DPO_CONTACT,
            **(_erased(found) if found.kind == Kind.ERASURE else {}),
        }
    return letters.fill(template.text, values)


def _erased(found: SubjectRequest) -> dict[str, str]:
    """What the run sheet came to; until every holder has answered, blanks that keep the letter from leaving."""
    run = selectors.sheet_of(found)
    if run is None or run.approved_at is None or why_not_closed(list(run.holders.all())):
        return letters.UNTOLD.get(found.language, letters.UNTOLD["fr"])
    told = telling.of(run)
    lines = {"efface": told.erased, "garde": told.kept, "destinataires": told.recipients}
    return {place: "\n".join(f"- {line}" for line in some) or f"- {_('rien')}" for place, some in lines.items()}


@gate.for_readers("requests:evidence")
@require_safe
def evidence(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    found = _found(reference)
    services.note_read(of=found, actor=_actor(request), now=timezone.now())
    wanted = selectors.file(found, number, notes=True)
    if wanted is None:
        raise Http404
    return _sent(wanted)


@gate.for_readers("requests:letters")
@require_safe
def all_letters(request: HttpRequest) -> HttpResponse:
    by_language = [(language, selectors.templates(Letter, language)) for language in letters.LANGUAGES]
    rows = [(each, [(language, found[each]) for language, found in by_language]) for each in Letter]
    return render(request, "consent/requests/letters.html", {"rows": rows})


@gate.for_readers("requests:letter")
@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: HttpRequest, name: str, language: str) -> HttpResponse:
    """What letters of this kind start from: another version of it, and those before."""
    if name not in Letter.values:
        raise Http404
    which = Letter(name)
    standing = selectors.template(which, language)
    form = LetterForm(request.POST or None, initial={"version": standing.version, "text": standing.text})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_letter(
                letter=which,
                language=language,
                version=form.cleaned_data["version"],
                text=form.cleaned_data["text"],
                actor=_actor(request),
                now=timezone.now(),
            )
        except RequestRefused as error:
            _tell(request, form, error, "requests:letter")
        else:
            messages.success(request, _("Le modèle est enregistré. Les versions d’avant restent."))
            return redirect("requests:letters")
    context = {
        "form": form,
        "letter": which,
        "language": language,
        "standing": standing,
        "versions": selectors.versions(which, language),
        "shipped": letters.shipped(which, language),
        "places": letters.PLACES,
    }
    return render(request, "consent/requests/letter.html", context, status=_status(request))


# -------------------------------------------------------------------------------------------------------------------


def _found(reference: str) -> SubjectRequest:
    found = selectors.found(reference)
    if found is None:
        raise Http404
    return found


def _sent(found: RequestFile) -> HttpResponse:
    """To be kept, never shown: it comes from outside, whatever it says it is."""
    response = HttpResponse(bytes(found.content), content_type="application/octet-stream")
    response["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=found.name) or "attachment"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store, private"
    return response


def _actor(request: HttpRequest) -> Actor:
    return Actor(member=request.user.pk)


def _tell(request: HttpRequest, form: django_forms.Form, error: RequestRefused, page: str, **places: str) -> None:
    """To the reader beside the field it is about, and to the journal."""
    _note_refused(request, page, error.code)
    about = {"kind_not_possible": "kind", "tool_unknown": "tool", "file_big": "file", "try_again": ""}
    about |= {"too_many_open": "", "too_many_today": ""} | places
    form.add_error(about.get(error.code, "text") or None, words.problem(error.code))


def _note_refused(request: HttpRequest, page: str, reason: str) -> None:
    note_refused_page(actor=_actor(request), page=page, reason=reason, now=timezone.now())


def _status(request: HttpRequest) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
