"""« Mes directives », for whoever leaves them; and for the officer, what somebody left who is gone."""

from http import HTTPStatus
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from audit import gate
from audit.types import Actor
from consent.directions import selectors, services
from consent.directions.forms import DirectionsForm
from consent.directions.types import DirectionsRefused
from directory.models import Member


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    person = cast(Member, request.user).pk
    said = selectors.own(person)
    initial = {"text": said.text, "contact": said.contact} if said else None
    form = DirectionsForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        is_news = services.leave(
            member_id=person,
            text=values["text"],
            contact=values["contact"],
            actor=Actor(member=person),
            now=timezone.now(),
        )
        messages.success(request, _("Vos directives sont enregistrées.") if is_news else _("Rien n’a changé."))
        return redirect("consent:directions")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return _private(render(request, "consent/directions/mine.html", {"form": form, "said": said}, status=status))


@login_required
@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    person = cast(Member, request.user).pk
    services.withdraw(member_id=person, actor=Actor(member=person), now=timezone.now())
    messages.success(request, _("Vos directives sont retirées : il n’en reste rien ici."))
    return redirect("consent:directions")


@gate.for_readers("protection:directions")
@require_POST
def read(request: HttpRequest, member: UUID) -> HttpResponse:
    """Opened by a deliberate act, never by a link: each time is a line of the journal, and the person's own."""
    person = get_object_or_404(Member, pk=member)
    try:
        said = services.read(member_id=person.pk, actor=Actor(member=request.user.pk), now=timezone.now())
    except DirectionsRefused as error:
        if str(error) == "directions_none":
            raise Http404 from error
        return render(
            request, "consent/directions/read.html", {"person": person}, status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    return _private(render(request, "consent/directions/read.html", {"person": person, "said": said}))


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    return response
