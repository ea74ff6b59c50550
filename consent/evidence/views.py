"""The page of the evidence pack: what is asked about, and the file."""

from http import HTTPStatus
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from audit import gate
from audit.purpose import Door
from audit.types import READING_LASTS, Actor
from consent.evidence import selectors, services
from consent.evidence.forms import EvidenceForm, NamingForm

NAMES = Door(
    field="evidence.reading",
    page="evidence:purpose",
    home="evidence:page",
    form=NamingForm,
    template="consent/evidence/purpose.html",
    lasts=READING_LASTS,
)


@gate.for_readers("evidence:purpose")
@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: HttpRequest) -> HttpResponse:
    return NAMES.answer(request)


@gate.for_readers("evidence:page")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    form = EvidenceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        named = form.cleaned_data["named"]
        reading = NAMES.current(request, now) if named else None
        if named and reading is None:
            return NAMES.ask(request)
        content = services.make(
            scope=form.scope(), number=uuid4(), actor=Actor(member=request.user.pk), now=now, reading=reading
        )
        response = StreamingHttpResponse(content, content_type="application/zip")
        name = f"dossier-de-controle-{timezone.localdate(now):%Y-%m-%d}.zip"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store, private"
        return response
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "consent/evidence/page.html", {"form": form, "latest": selectors.latest()}, status=status)
