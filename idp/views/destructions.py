"""The page on which two people, each signed in with two factors, agree that a closed log of proof goes."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit import words
from audit.keeping import destruction
from audit.models import Destruction, Log
from audit.types import KeepingError
from directory import services
from directory.policy import Right
from idp.gate import actor_of, must_prove_now, opened_by

ACTS = {
    "proposer": services.propose_destruction,
    "accepter": services.approve_destruction,
    "renoncer": services.withdraw_destruction,
}


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed log: what was agreed on about it, or why it cannot go, in words."""

    log: Log
    proposal: Destruction | None
    stays: str


@opened_by(Right.DESTROY_LOGS, page="idp:destructions")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    logs = Log.objects.filter(destroyed_at=None).exclude(closed_at=None).order_by("-pk")
    return render(request, "idp/destructions.html", {"closed": [_closed(log, now) for log in logs], "now": now})


@opened_by(Right.DESTROY_LOGS, page="idp:destruction")
@require_POST
def act(request: HttpRequest, name: str, act: str) -> HttpResponse:
    if act not in ACTS:
        raise Http404
    log = get_object_or_404(Log, name=name)
    if (asked := must_prove_now(request, page="idp:destruction", back=reverse("idp:destructions"))) is not None:
        return asked
    try:
        ACTS[act](actor=actor_of(request), name=log.name, now=timezone.now())
    except KeepingError as error:
        text = words.name("reason", str(error))
        messages.error(request, f"{text[:1].upper()}{text[1:]}.")
    else:
        messages.success(request, _("C’est noté."))
    return HttpResponseRedirect(reverse("idp:destructions"))


def _closed(log: Log, now: datetime) -> Closed:
    try:
        destruction.check(log, now)
    except KeepingError as error:
        return Closed(log, None, words.name("reason", str(error)))
    return Closed(log, destruction.open_proposal(log, now), "")
