"""The directories that are followed: how each stands, and what is asked of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit.types import Actor
from directory import follow_words, following
from directory import services as directory_services
from directory import words as directory_words
from directory.access import may
from directory.models import DirectorySource
from directory.policy import Right
from directory.types import CannotChange, Mode, ServerKind, SourceState
from idp.gate import actor_of, opened_by, refusal
from idp.signin import reauth

# Whoever can say which directory is believed can become anybody: they prove who they are, now and then.
PROOF = timedelta(minutes=30)
SECONDS_TO_LOOK_AGAIN = "2"


@opened_by(Right.SEE_DIRECTORY, page="idp:directory")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = following.sources()
    context = {
        "rows": [each for each in rows if each.source.state != SourceState.RETIRED],
        "retired": [each for each in rows if each.source.state == SourceState.RETIRED],
        "todo": following.todo(),
        "ages": following.ages(now),
        "may_manage": may(request.user, Right.MANAGE_SOURCES),
        "now": now,
    }
    return render(request, "idp/directory/home.html", context)


@opened_by(Right.SEE_DIRECTORY, page="idp:directory_source")
@require_safe
def source(request: HttpRequest, source_id: int) -> HttpResponse:
    found = get_object_or_404(following.with_people().select_related("wanted_by"), pk=source_id)
    last = list(following.runs(found).filter(dry=False)[:5])
    error = last[0].error if last and found.failing_since else ""
    context = {
        "source": found,
        "people": found.people,
        "barred": found.barred,
        "groups": following.collectives_of(found),
        "runs": last,
        "error": follow_words.error(error) if error else "",
        "cure": follow_words.cure(error) if error else "",
        "dry": following.trial_of(found),
        "waits": following.waiting_of(found),
        "abilities": abilities_in_words(found),
        "server": ServerKind(found.server).label,
        "may_manage": may(request.user, Right.MANAGE_SOURCES),
        "may_activate": directory_services.may_activate(found),
        "may_ask": found.state == SourceState.ACTIVE,
    }
    return looked_at_again(render(request, "idp/directory/source.html", context), when=bool(found.wanted))


def looked_at_again(response: HttpResponse, *, when: bool) -> HttpResponse:
    """A page that waits for the worker looks again by itself, without a script."""
    if when:
        response["Refresh"] = SECONDS_TO_LOOK_AGAIN
    return response


def abilities_in_words(found: DirectorySource) -> list[tuple[str, str]]:
    """As they were kept: what, and whether it can be done (the sentences need the server itself)."""
    good = {"identity_shown", "mark_shown", "watermark_shown", "offered", "by_message", "by_assertion", "by_value"}
    return [
        (str(directory_words.ABILITIES[what]), "ok" if why in good else "wait")
        for what, why in found.abilities.items()
        if what in directory_words.ABILITIES
    ]


# Acts ----------------------------------------------------------------------------------------------------

Act = Callable[[HttpRequest, DirectorySource, Actor, datetime], None]


def _read(request: HttpRequest, found: DirectorySource, actor: Actor, now: datetime) -> None:
    directory_services.ask_pass(source_id=found.pk, mode=Mode.PIVOT, dry=False, actor=actor, now=now)
    messages.success(request, _("La lecture commence dans quelques secondes."))


def _read_all(request: HttpRequest, found: DirectorySource, actor: Actor, now: datetime) -> None:
    directory_services.ask_pass(source_id=found.pk, mode=Mode.DEEP, dry=False, actor=actor, now=now)
    messages.success(request, _("La lecture complète commence dans quelques secondes."))


def _show(request: HttpRequest, found: DirectorySource, actor: Actor, now: datetime) -> None:
    directory_services.ask_pass(source_id=found.pk, mode=Mode.DEEP, dry=True, actor=actor, now=now)
    messages.success(request, _("La lecture à blanc commence dans quelques secondes. Elle ne change rien."))


def _activate(request: HttpRequest, found: DirectorySource, actor: Actor, now: datetime) -> None:
    directory_services.activate(source_id=found.pk, actor=actor, now=now)
    messages.success(request, _("« %(name)s » est suivi à partir de maintenant.") % {"name": found.name})


def _pause(request: HttpRequest, found: DirectorySource, actor: Actor, now: datetime) -> None:
    directory_services.pause(source_id=found.pk, actor=actor, now=now)
    text = _("« %(name)s » est en pause : plus rien n’y est lu, et personne ne perd son compte.")
    messages.success(request, text % {"name": found.name})


def _retire(request: HttpRequest, found: DirectorySource, actor: Actor, now: datetime) -> None:
    directory_services.retire(source_id=found.pk, actor=actor, now=now)
    messages.success(request, _("« %(name)s » est retiré.") % {"name": found.name})


ACTS: dict[str, Act] = {
    "lire": _read,
    "tout-lire": _read_all,
    "a-blanc": _show,
    "suivre": _activate,
    "pause": _pause,
    "retirer": _retire,
}


# What is to be done first, and the step that has it.
CURES = {"source_not_tried": "essai", "source_not_probed": "possibilites"}


@login_required
@require_POST
def act(request: HttpRequest, source_id: int, act: str) -> HttpResponse:
    """One act by its name in the address, then back to where it was asked."""
    if act not in ACTS:
        raise Http404
    turned_away = refusal(request, Right.MANAGE_SOURCES, "idp:directory_act")
    if turned_away is not None:
        return turned_away
    found = get_object_or_404(DirectorySource, pk=source_id)
    back = reverse("idp:directory_source", args=[found.pk])
    if request.POST.get("back") == "essai":
        back = reverse("idp:directory_step", args=[found.pk, "essai"])
    if (asked := must_prove(request, back)) is not None:
        return asked
    try:
        ACTS[act](request, found, actor_of(request), timezone.now())
        if act == "suivre":
            # Set up and done: what comes next is told on its own page.
            back = reverse("idp:directory_source", args=[found.pk])
    except CannotChange as error:
        messages.error(request, str(directory_words.refusal(error.reason)))
        if error.reason in CURES:
            back = reverse("idp:directory_step", args=[found.pk, CURES[error.reason]])
    return HttpResponseRedirect(back)


def must_prove(request: HttpRequest, back: str, *, within: timedelta = PROOF) -> HttpResponse | None:
    if reauth.proof_since(request, timezone.now() - within):
        return None
    messages.info(request, _("Confirmez d’abord que c’est vous, puis recommencez."))
    return reauth.must_reauthenticate(request, back)
