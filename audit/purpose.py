"""What is known about people opens for a purpose: stated first, kept in the session for a while, on every line."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from audit import services
from audit.forms import PurposeForm
from audit.types import Purpose, Reading


class SendAgain(HttpResponseRedirect):
    """To where the form was on its way, with all that was typed."""

    status_code = HTTPStatus.TEMPORARY_REDIRECT


@dataclass(frozen=True, slots=True)
class Door:
    """In front of pages whose addresses begin like that of ``home``, in its namespace; ``page`` asks for the purpose.

    Who may pass at all is asked before, by those who put the door there.
    """

    field: str
    page: str
    home: str
    form: type[PurposeForm]
    template: str
    lasts: timedelta

    def opens(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """A view that is handed its ``reading``; without one, it is asked why, and the request goes on after."""

        @wraps(view)
        def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            reading = self.current(request, timezone.now())
            if reading is None:
                return self.ask(request)
            return view(request, *args, reading=reading, **kwargs)

        return enter

    def current(self, request: HttpRequest, now: datetime) -> Reading | None:
        """The reading that this session is in; nothing once it is over, or somebody else's."""
        kept = request.session.get(self.field)
        if not kept or kept["reader"] != str(request.user.pk):
            return None
        since = datetime.fromisoformat(kept["since"])
        stated = UUID(kept["id"]), UUID(kept["reader"]), Purpose(kept["purpose"]), kept["case"], since
        reading = Reading(*stated, self.lasts)
        return reading if since <= now < reading.until else None

    def ask(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            # What was typed stays in the body: it may be a name.  Criteria in the address stay there.
            return self._shown(request, self.form(initial={"next": request.get_full_path(), "again": True}))
        return HttpResponseRedirect(f"{reverse(self.page)}?{urlencode({'next': request.get_full_path()})}")

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The page that asks, and what it is told."""
        now = timezone.now()
        if request.method != "POST":
            reading = self.current(request, now)
            kept = {"purpose": reading.purpose, "case": reading.case} if reading else {}
            return self._shown(request, self.form(initial={"next": request.GET.get("next", ""), **kept}))
        form = self.form(request.POST)
        if not form.is_valid():
            return self._shown(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        said = form.cleaned_data
        reader: Any = request.user.pk
        reading = Reading(uuid4(), reader, Purpose(said["purpose"]), said.get("case", ""), now, self.lasts)
        services.note_purpose(reading=reading, page=self.home, now=now)
        request.session[self.field] = {
            "id": str(reading.id),
            "reader": str(reading.reader),
            "purpose": reading.purpose.value,
            "case": reading.case,
            "since": now.isoformat(),
        }
        return (SendAgain if said["again"] else HttpResponseRedirect)(self.back_to(said["next"]))

    def back_to(self, address: str) -> str:
        """A page behind this door, and nothing else: what a browser would make another path of is none of them."""
        home = reverse(self.home)
        if not (address.startswith(home) and url_has_allowed_host_and_scheme(address, allowed_hosts=None)):
            return home
        try:
            page = resolve(urlsplit(address).path)
        except Resolver404:
            return home
        return address if page.namespace == self.home.partition(":")[0] else home

    def _shown(self, request: HttpRequest, form: PurposeForm, status: int = HTTPStatus.OK) -> HttpResponse:
        typed = [] if request.method != "POST" else request.POST.lists()
        ours = {*form.fields, "csrfmiddlewaretoken"}
        carried = [(name, value) for name, values in typed if name not in ours for value in values]
        return render(request, self.template, {"form": form, "carried": carried}, status=status)
