"""The page of proof, checkpoints to keep, and witnesses."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit import gate, mailing, qr, witnesses
from audit.models import Checkpoint
from audit.proof import selectors
from audit.proof.forms import WitnessForm
from audit.stream import sending
from audit.types import Actor, WitnessError


@gate.for_readers("audit:proof")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """How far the log of proof has come, its checkpoints to keep elsewhere, and who looks at it from there."""
    return _page(request, WitnessForm())


@gate.for_readers("audit:witness_add")
@require_POST
def witness_add(request: HttpRequest) -> HttpResponse:
    form = WitnessForm(request.POST)
    if form.is_valid():
        try:
            witnesses.add(**form.cleaned_data, actor=_actor(request), now=timezone.now())
        except WitnessError as error:
            form.add_error("key", form.said(error.code))
        else:
            messages.success(request, _("Le témoin est ajouté. Il compte dès qu’il signe."))
            return redirect("audit:proof")
    return _page(request, form, status=422)


@gate.for_readers("audit:witness_trust")
@require_POST
def witness_trust(request: HttpRequest, witness_id: int) -> HttpResponse:
    witnesses.trust(witness_id=witness_id, actor=_actor(request), now=timezone.now())
    return redirect("audit:proof")


@gate.for_readers("audit:witness_end")
@require_POST
def witness_end(request: HttpRequest, witness_id: int) -> HttpResponse:
    witnesses.end(witness_id=witness_id, actor=_actor(request), now=timezone.now())
    messages.success(request, _("Ce témoin ne compte plus. Ce qu’il a signé reste."))
    return redirect("audit:proof")


@gate.for_readers("audit:mails_kept")
@require_POST
def mails_kept(request: HttpRequest) -> HttpResponse:
    mailing.say_mails_are_kept(actor=_actor(request), now=timezone.now())
    messages.success(request, _("C’est noté. La question revient dans six mois."))
    return redirect("audit:proof")


@gate.for_readers("audit:checkpoints")
@require_safe
def checkpoints(request: HttpRequest) -> HttpResponse:
    """What the daily mail says, to be printed: word for word, and each as a picture for a telephone."""
    now = timezone.now()
    shown = [(each, qr.svg_data_uri(each.note)) for each in mailing.to_keep(now)]
    return render(request, "audit/proof/checkpoints.html", {"shown": shown, "now": now})


@gate.for_readers("audit:checkpoint")
@require_safe
def checkpoint(request: HttpRequest, name: str) -> HttpResponse:
    """The last checkpoint of a log, to be kept outside the reach of whoever runs the hub."""
    last = Checkpoint.objects.filter(log__name=name).order_by("-size").first()
    if last is None:
        raise Http404
    response = HttpResponse(last.note, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{last.size}.txt"'
    response["Cache-Control"] = "no-store, private"
    return response


def _page(request: HttpRequest, form: WitnessForm, *, status: int = 200) -> HttpResponse:
    now, logs = timezone.now(), list(selectors.logs())
    context = {
        "logs": logs,
        "standing": selectors.standing(logs, now),
        "contradictions": witnesses.contradictions(),
        "watch": witnesses.watch(now),
        "mailing": mailing.last_mailing(),
        "mails_kept_at": mailing.mails_kept_at(now),
        "streams": sending.standing(now),
        "form": form,
        "now": now,
    }
    return render(request, "audit/proof/page.html", context, status=status)


def _actor(request: HttpRequest) -> Actor:
    return Actor(member=request.user.pk)
