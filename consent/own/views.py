"""« Emporter mes données »: what there is to take, and the files."""

from io import BytesIO
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from consent import services, taking
from consent.own import exporting, given, sources
from consent.types import Download
from directory.models import Member


@login_required
@require_safe
def take(request: HttpRequest) -> HttpResponse:
    context = {"sections": sources.sections(), "portable": given.portable()}
    return render(request, "consent/own/take.html", context)


@login_required
@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """The data alone, streamed."""
    person, now = cast(Member, request.user).pk, timezone.now()
    if taking.is_enough(request, "consent:download", now):
        return redirect("consent:take")
    services.note_download(member_id=person, what=Download.RECORD, now=now)
    pieces = exporting.json_of(person, now=now)
    response = StreamingHttpResponse(pieces, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="mes-donnees-{timezone.localdate():%Y-%m-%d}.json"'
    response["Cache-Control"] = "no-store, private"
    return response


@login_required
@require_POST
def take_all(request: HttpRequest) -> HttpResponseBase:
    """Data, page and proofs in one file."""
    person, now = cast(Member, request.user).pk, timezone.now()
    if taking.is_enough(request, "consent:take_all", now):
        return redirect("consent:take")
    file = taking.zipped(lambda sink: exporting.export_all(sink, person, now=now))
    services.note_download(member_id=person, what=Download.ALL, now=now)
    return taking.as_file(file, f"mes-donnees-{timezone.localdate():%Y-%m-%d}.zip", "application/zip")


@login_required
@require_POST
def take_pdf(request: HttpRequest) -> HttpResponseBase:
    person, now = cast(Member, request.user).pk, timezone.now()
    if taking.is_enough(request, "consent:take_pdf", now):
        return redirect("consent:take")
    content = BytesIO(exporting.pdf(person, now=now))
    services.note_download(member_id=person, what=Download.PDF, now=now)
    return taking.as_file(content, f"mes-donnees-{timezone.localdate():%Y-%m-%d}.pdf", "application/pdf")


@login_required
@require_POST
def take_given(request: HttpRequest) -> HttpResponseBase:
    """What they gave on agreement or contract, in an open format (GDPR art. 20)."""
    person, now = cast(Member, request.user).pk, timezone.now()
    if taking.is_enough(request, "consent:take_given", now):
        return redirect("consent:take")
    file = taking.zipped(lambda sink: given.export(sink, person, now=now))
    services.note_download(member_id=person, what=Download.GIVEN, now=now)
    return taking.as_file(file, f"donnees-fournies-{timezone.localdate():%Y-%m-%d}.zip", "application/zip")


@login_required
@require_POST
def take_card(request: HttpRequest) -> HttpResponseBase:
    """Their details, for an address book."""
    member, now = cast(Member, request.user), timezone.now()
    if taking.is_enough(request, "consent:take_card", now):
        return redirect("consent:take")
    services.note_download(member_id=member.pk, what=Download.CARD, now=now)
    content = BytesIO(exporting.card(member).encode())
    return taking.as_file(content, "mes-coordonnees.vcf", "text/vcard; charset=utf-8")
