"""Setting a directory up, step by step: each step is kept, then tried for real, and says what came of it.

What a try shows (a certificate, samples of people) is in the answer to the form and nowhere else: that is why these
forms are not followed by a redirect.  Reading a page never asks a server anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from audit.types import Actor
from directory import follow_words, following
from directory import services as directory_services
from directory import words as directory_words
from directory.ldap.probing import Known, Samples, Trouble
from directory.models import DirectorySource
from directory.policy import Right
from directory.services import trials
from directory.types import CannotChange, RunStatus, ServerKind, SourceState
from idp import access
from idp.gate import actor_of, opened_by
from idp.views.directory.forms import (
    AccountForm,
    AddressForm,
    BasesForm,
    CeilingsForm,
    MappingForm,
    NothingForm,
    StepForm,
    TlsForm,
)
from idp.views.directory.sources import PROOF, looked_at_again, must_prove

# Asked for when a step is opened, so that it still holds when its form is sent.
PROOF_TO_OPEN = PROOF - timedelta(minutes=15)
# What was wrong with a new source's address, for the page that comes after it was made.
TROUBLE = "directory_trouble"
RARE = {"locked", "photo"}


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a step: for the page, and what is wrong beside which field (none: with the whole)."""

    shown: dict[str, Any]
    wrong: tuple[tuple[str, str], ...] = ()
    # With these settings no password is right: nobody can be asked whose it is.
    shuts_out: bool = False


Try = Callable[[DirectorySource, Actor, datetime], Tried]


@dataclass(frozen=True, slots=True)
class Step:
    slug: str
    code: str
    form: type[StepForm]
    lead: str | Promise
    attempt: Try
    # Whether all of it is the operator's, for the directory of the settings.
    is_connection: bool = False


def _at(trouble: Trouble | None, *places: tuple[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    if trouble is None:
        return ()
    field = next((field for field, codes in places if trouble.code in codes), "")
    return ((field, follow_words.trouble(trouble)),)


def _address(source: DirectorySource, actor: Actor, now: datetime) -> Tried:
    found = trials.try_address(source, actor=actor, now=now)
    if isinstance(found, Trouble):
        return Tried({}, _at(found), shuts_out=True)
    rows = [(uri, str(follow_words.TROUBLES[trouble.code]) if trouble else "") for uri, trouble in found.addresses]
    trouble = found.trouble
    wrong = (("uri", follow_words.trouble(trouble)),) if trouble else ()
    return Tried({"reached": rows}, wrong, shuts_out=bool(wrong))


def _tls(source: DirectorySource, actor: Actor, now: datetime) -> Tried:
    found = trials.try_tls(source, actor=actor, now=now)
    if isinstance(found, Trouble):
        return Tried({}, _at(found), shuts_out=True)
    shown = {"secured": found, "believed": found.trouble is None}
    trouble = found.trouble
    if trouble is not None and trouble.code == "authority_unknown" and source.authorities:
        trouble = Trouble("authority_other")
    wrong = _at(trouble, ("authorities", ("authority_unknown", "authority_other")))
    return Tried(shown, wrong, shuts_out=bool(wrong))


def _account(source: DirectorySource, actor: Actor, now: datetime) -> Tried:
    reader, writer = trials.try_account(source, actor=actor, now=now)
    wrong: tuple[tuple[str, str], ...] = ()
    for found, name, secret in ((reader, "bind_dn", "bind_password"), (writer, "write_dn", "write_password")):
        if isinstance(found, Trouble):
            wrong += _at(found, (name, ("no_account", "dn_unreadable")), (secret, ("no_password", "wrong_password")))
    # Members are looked for by the reading account.
    shuts_out = isinstance(reader, Trouble)
    return Tried({"reader": _name_of(reader), "writer": _name_of(writer)}, wrong, shuts_out=shuts_out)


def _name_of(account: Known | Trouble | None) -> str:
    """As the server knows it (RFC 4532), without the word that says in which way (RFC 4513 §5.2.1.8)."""
    return account.authorisation.removeprefix("dn:").removeprefix("u:") if isinstance(account, Known) else ""


def _bases(source: DirectorySource, actor: Actor, now: datetime) -> Tried:
    found = trials.try_bases(source, actor=actor, now=now)
    if isinstance(found, Trouble):
        return Tried({}, _at(found), shuts_out=True)
    said = following.settings_connection() if source.from_settings else {}
    wrong: list[tuple[str, str]] = []
    for part, number in (("people", found.people), ("groups", found.groups)):
        if not isinstance(number, Trouble):
            continue
        # A branch that nobody named is below the root: where that is wrong, it is said there.
        is_named = said.get(f"{part}_base") or getattr(source, f"{part}_base")
        if found.root is not None and not is_named and number.code != "filter_unreadable":
            wrong.append(("base", _of_branch(found.root)))
        else:
            field = f"{part}_filter" if number.code == "filter_unreadable" else f"{part}_base"
            wrong.append((field, _of_branch(number)))
    if found.people == 0:
        wrong.append(("people_filter", str(follow_words.ADVICE["nobody_found"])))
    if found.former is not None:
        code = "no_former_branch" if found.former.code == "no_such_branch" else found.former.code
        wrong.append(("former_base", _of_branch(Trouble(code))))
    kind = found.server.kind if found.server else None
    shown = {
        "found": found,
        "people_found": found.people if isinstance(found.people, int) else None,
        "groups_found": found.groups if isinstance(found.groups, int) else None,
        "kind": kind.label if kind else "",
        "other_kind": kind is not None and kind != source.server,
    }
    return Tried(shown, tuple(dict.fromkeys(wrong)), shuts_out=not isinstance(found.people, int) or not found.people)


def _of_branch(found: Trouble) -> str:
    """With the example of a branch where what was typed is no name."""
    return follow_words.trouble(Trouble("branch_unreadable") if found.code == "dn_unreadable" else found)


def _mapping(source: DirectorySource, actor: Actor, now: datetime) -> Tried:
    found = trials.try_mapping(source, actor=actor, now=now)
    if isinstance(found, Trouble):
        return Tried({}, _at(found))
    # Nobody is locked, nobody has a photo: that is no sign of a mistyped name.
    rare = {each.attribute.lower() for each in following.mapping_of(source)["person"] if each.item in RARE}
    absent = [name for name in found.absent if name.lower() not in rare]
    return Tried({"samples": _in_words(found), "absent": absent, "nothing": not found.people})


def _in_words(found: Samples) -> list[dict[str, Any]]:
    return [
        {
            "title": str(title),
            "people": [
                {
                    "name": next((line.comes_to for line in each.lines if line.item in ("display_name", "name")), "")
                    or following.short(each.dn),
                    "dn": each.dn,
                    "state": follow_words.state_word(each.state),
                    "lines": [(str(follow_words.item(line.item)), line, _made_of(line)) for line in each.lines],
                    "problems": [follow_words.problem(code, detail) for code, detail in each.problems],
                }
                for each in samples
            ],
        }
        for title, samples in ((_("Trois personnes"), found.people), (_("Trois groupes"), found.groups))
        if samples
    ]


def _made_of(line: Any) -> str:
    """What the hub makes of an item, where that is no text of its own."""
    if line.item == "common_name":
        return _("sert quand le nom affiché manque") if line.values else ""
    if line.item == "locked":
        return _("verrouillé") if line.comes_to == "locked" else _("ouvert")
    return str(line.comes_to)


def _abilities(source: DirectorySource, actor: Actor, now: datetime) -> Tried:
    found = trials.try_abilities(source, actor=actor, now=now)
    if isinstance(found, Trouble):
        return Tried({}, _at(found))
    kind = ServerKind(source.server)
    rows = [
        {
            "what": directory_words.ABILITIES[each.what],
            "can": each.can,
            "why": directory_words.why(each),
            "hint": directory_words.hint(kind, each),
        }
        for each in found.each
    ]
    return Tried({"abilities": rows}, () if found.read.can else _at(Trouble("read_missing")))


def _trial(source: DirectorySource, actor: Actor, now: datetime) -> Tried:
    raise Http404


STEPS = (
    Step(
        "adresse",
        "address",
        AddressForm,
        gettext_lazy("Où répond l’annuaire ? Rien n’y est lu avant la dernière étape."),
        _address,
        True,
    ),
    Step(
        "chiffrement",
        "tls",
        TlsForm,
        gettext_lazy("Trousseau ne parle qu’à un serveur dont il vérifie le certificat, par une connexion chiffrée."),
        _tls,
        True,
    ),
    Step("compte", "account", AccountForm, gettext_lazy("Avec quel compte l’annuaire est-il lu ?"), _account, True),
    Step(
        "branches",
        "bases",
        BasesForm,
        gettext_lazy("Où sont les personnes et les groupes ? Les champs vides prennent la valeur grisée."),
        _bases,
    ),
    Step(
        "correspondance",
        "mapping",
        MappingForm,
        gettext_lazy(
            "Quel attribut donne quelle donnée ? Un champ vide : la donnée n’est pas lue. "
            "L’essai montre trois personnes et trois groupes, sans rien garder."
        ),
        _mapping,
    ),
    Step(
        "possibilites",
        "abilities",
        CeilingsForm,
        gettext_lazy("Ce que ce serveur permet, avec ce compte : à demander avant la lecture à blanc."),
        _abilities,
    ),
    Step(
        "essai",
        "trial",
        NothingForm,
        gettext_lazy("Trousseau lit tout l’annuaire et dit ce qui changerait. Rien ne change."),
        _trial,
    ),
)
BY_SLUG = {step.slug: step for step in STEPS}


@opened_by(Right.MANAGE_SOURCES, page="idp:directory_add")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """The first step of a source that is not there yet: it is made, tried, and gone on with."""
    here = reverse("idp:directory_add")
    if (asked := must_prove(request, here, within=_within(request))) is not None:
        return asked
    form = AddressForm(None, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
        return render(request, "idp/directory/step.html", _context(None, STEPS[0], form), status=status)
    actor, now = actor_of(request), timezone.now()
    name, uri = str(form.changes["name"]), str(form.changes["uri"])
    source = directory_services.add_source(name=name, uri=uri, actor=actor, now=now)
    tried = _address(source, actor, now)
    if tried.wrong:
        request.session[TROUBLE] = [source.pk, *tried.wrong[0]]
        return HttpResponseRedirect(reverse("idp:directory_step", args=[source.pk, "adresse"]))
    messages.success(request, _("L’annuaire répond à cette adresse."))
    return HttpResponseRedirect(reverse("idp:directory_step", args=[source.pk, "chiffrement"]))


@opened_by(Right.MANAGE_SOURCES, page="idp:directory_step")
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, source_id: int, step: str) -> HttpResponse:
    """One step: shown as it was kept, or kept and tried."""
    found = BY_SLUG.get(step)
    if found is None:
        raise Http404
    source = get_object_or_404(DirectorySource, pk=source_id)
    here = reverse("idp:directory_step", args=[source.pk, found.slug])
    if (asked := must_prove(request, here, within=_within(request))) is not None:
        return asked
    if found.code == "trial":
        return _trial_page(request, source, found)
    form = found.form(source, request.POST if request.method == "POST" else None, fixed=_is_fixed(source, found))
    if request.method != "POST":
        context = _context(source, found, form)
        trouble = request.session.pop(TROUBLE, None)
        if isinstance(trouble, list) and trouble[0] == source.pk:
            form.tell([(trouble[1], trouble[2])])
        return render(request, "idp/directory/step.html", context)
    return _kept_and_tried(request, source, found, form)


def _within(request: HttpRequest) -> timedelta:
    return PROOF if request.method == "POST" else PROOF_TO_OPEN


def _kept_and_tried(request: HttpRequest, source: DirectorySource, found: Step, form: StepForm) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    # What is shown and not changed is tried as it is.
    if not _is_fixed(source, found) and not form.is_valid():
        return render(request, "idp/directory/step.html", _context(source, found, form), status=422)
    had_secret = bool(source.bind_secret)
    if not _is_fixed(source, found):
        try:
            directory_services.change_source(source_id=source.pk, changes=form.changes, actor=actor, now=now)
        except CannotChange as error:
            form.add_error(None, str(directory_words.refusal(error.reason)))
            return render(request, "idp/directory/step.html", _context(source, found, form), status=422)
    source.refresh_from_db()
    tried = found.attempt(source, actor, now)
    source.refresh_from_db()
    # As it is kept now, with what is wrong beside it: a password is never shown again, nor asked for again.
    form = found.form(source, fixed=_is_fixed(source, found))
    form.tell(tried.wrong)
    context = _context(source, found, form) | tried.shown
    context["tried"] = True
    context["forgotten"] = had_secret and not source.bind_secret
    # What is kept counts at the next password that somebody types.
    context["shut_out"] = tried.shuts_out and source.state == SourceState.PAUSED and source.members.exists()
    return render(request, "idp/directory/step.html", context, status=422 if tried.wrong else 200)


def _is_fixed(source: DirectorySource, found: Step) -> bool:
    """Settings that are the operator's, and those of a source that is followed, are shown and not changed."""
    return (source.from_settings and found.is_connection) or source.state in (
        SourceState.ACTIVE,
        SourceState.RETIRED,
    )


def _context(source: DirectorySource | None, found: Step, form: StepForm) -> dict[str, Any]:
    place = STEPS.index(found)
    following_step = STEPS[place + 1] if place + 1 < len(STEPS) else None
    return {
        "source": source,
        "step": found,
        "title": follow_words.STEPS[found.code],
        "steps": [
            (each, follow_words.STEPS[each.code], each is found, source is not None and _is_done(source, each))
            for each in STEPS
        ],
        "number": place + 1,
        "before": STEPS[place - 1] if place else None,
        "after": following_step,
        "after_title": follow_words.STEPS[following_step.code] if following_step else "",
        "form": form,
        "fixed": source is not None and _is_fixed(source, found),
    }


def _is_done(source: DirectorySource, step: Step) -> bool:
    """Whether it went well with the settings as they are; all did of a directory that was read with them."""
    if source.mapping_digest:
        return True
    return directory_services.may_activate(source) if step.code == "trial" else step.code in source.tried


def _trial_page(request: HttpRequest, source: DirectorySource, found: Step) -> HttpResponse:
    """What is asked for, what runs, what came of it; the acts are of the source's own."""
    if request.method == "POST":
        raise Http404
    run = following.dry_run_of(source)
    if run is not None and source.probed_at is not None and run.started_at < source.probed_at:
        run = None
    running = bool(source.wanted) or (run is not None and run.status == RunStatus.RUNNING)
    trial = following.trial_of(source)
    context = _context(source, found, NothingForm(source)) | {
        "run": run,
        "running": running,
        "trial": trial,
        "may_activate": directory_services.may_activate(source),
        "brings_already": following.brings_people(source),
        "open_tools": access.open_to_everybody().count(),
        "error": follow_words.error(run.error) if run is not None and run.error else "",
        "cure": follow_words.cure(run.error) if run is not None and run.error else "",
        "may_manage": True,
    }
    return looked_at_again(render(request, "idp/directory/trial.html", context), when=running)
