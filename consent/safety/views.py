"""Security measures: what was done, what is to be done again, and a form for one more line."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit import gate
from audit.types import Actor
from consent.safety import selectors, services, words
from consent.safety.forms import LineForm
from consent.safety.types import SafetyInvalid


@gate.for_readers("safety:page")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    now, actor = timezone.now(), Actor(member=request.user.pk)
    form = LineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.note(line=form.line(), actor=actor, now=now)
        except SafetyInvalid as error:
            services.note_refused(actor=actor, reason="safety_invalid", now=now)
            form.tell(error)
        else:
            messages.success(request, _("La ligne est gardée."))
            return redirect("safety:page")
    due = [(words.DUE[kind], last) for kind, last in selectors.due(now).items()]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(
        request, "consent/safety/page.html", {"form": form, "lines": selectors.lines(), "due": due}, status=status
    )
