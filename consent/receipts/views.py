"""« Mes accords »: every decision with its text and its receipt."""

from io import BytesIO
from typing import IO, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit.own.types import NothingProved
from consent import selectors, services, taking
from consent.receipts import exporting, policy
from consent.receipts.forms import ReceiptForm
from consent.receipts.selectors import decided, state_of
from consent.receipts.types import Decided, Form
from consent.types import Download
from directory.models import Member


@login_required
@require_safe
def agreements(request: HttpRequest) -> HttpResponse:
    person = cast(Member, request.user).pk
    rows = [(row, state_of(row)) for row in selectors.decisions(person)]
    context = {"rows": rows, "unanswered": selectors.unanswered(person)}
    return render(request, "consent/receipts/list.html", context)


@login_required
@require_safe
def receipt(request: HttpRequest, consent: int) -> HttpResponse:
    found = _theirs(cast(Member, request.user).pk, consent, "consent:receipt")
    context = {"decided": found, "record": policy.record_of(found), "consent": consent}
    return render(request, "consent/receipts/page.html", context)


@login_required
@require_POST
def take_receipt(request: HttpRequest, consent: int) -> HttpResponseBase:
    person, now = cast(Member, request.user).pk, timezone.now()
    found = _theirs(person, consent, "consent:take_receipt")
    wanted = ReceiptForm(request.POST)
    if not wanted.is_valid():
        raise taking.not_theirs(person, "consent:take_receipt", now)
    if taking.is_enough(request, "consent:take_receipt", now):
        return redirect("consent:receipt", consent)
    form = Form(wanted.cleaned_data["form"])
    try:
        file = _file(form, person, found)
    except NothingProved:
        messages.info(request, _("Ce n’est pas encore signé, ou ces lignes ne sont plus gardées. Réessayez bientôt."))
        return redirect("consent:receipt", consent)
    services.note_download(member_id=person, what=Download.RECEIPT, now=now)
    name = f"accord-{found.tool}-{found.events[0].at:%Y-%m-%d}.{form.value}"
    return taking.as_file(file, name, exporting.TYPES.get(form, "application/zip"))


def _file(form: Form, person: UUID, found: Decided) -> IO[bytes]:
    now = timezone.now()
    if form is Form.ZIP:
        return taking.zipped(lambda sink: exporting.export(sink, person, found, now=now))
    return BytesIO(exporting.content_of(form, found, exporting.proof_of(person, found, now=now)))


def _theirs(person: UUID, consent: int, page: str) -> Decided:
    found = decided(person, consent)
    if found is None:
        raise taking.not_theirs(person, page, timezone.now())
    return found
