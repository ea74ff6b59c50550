"""Contracts with processors: who they are, what is missing, and one contract to be read point by point."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit import gate
from audit.types import Actor
from consent.contracts import policy, selectors, services, words
from consent.contracts.forms import ContractForm, first
from consent.contracts.types import ContractChanged, ContractInvalid
from consent.register import policy as register
from consent.register import selectors as records
from consent.register.models import RegisterRecord


@gate.for_readers("contracts:list")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    standing, found = selectors.standing_on(), records.register_on(timezone.localdate())
    rows = [
        (each, row, [words.HOLES[code] for code in row.holes])
        for each in found.records
        for row in selectors.of_record(each, standing)
    ]
    context = {"rows": rows, "incomplete": sum(bool(holes) for _each, _row, holes in rows)}
    return render(request, "consent/contracts/list.html", context)


@gate.for_readers("contracts:contract")
@require_http_methods(["GET", "HEAD", "POST"])
def contract(request: HttpRequest, reference: str, place: int) -> HttpResponse:
    row = records.record(reference)
    standing = records.current(row) if row else None
    if row is None or standing is None:
        raise Http404
    content = register.content_of(standing.content)
    names = dict(enumerate(policy.processors(content), 1))
    if place not in names:
        raise Http404
    kept = selectors.versions(row, names[place])
    last = kept[0] if kept else None
    initial = {"version": last.row.version if last else 0, "recipient": names[place]}
    form = ContractForm(
        request.POST or None, request.FILES or None, initial={**initial, **first(last.terms if last else None)}
    )
    if request.method == "POST" and form.is_valid() and _keep(request, row, form):
        messages.success(request, _("La lecture du contrat est gardée."))
        return redirect("contracts:list")
    context = {"form": form, "row": row, "content": content, "recipient": names[place], "kept": kept, "last": last}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "consent/contracts/contract.html", context, status=status)


def _keep(request: HttpRequest, row: RegisterRecord, form: ContractForm) -> bool:
    """Whether it is kept; what was wrong is said in the form, and on the record."""
    actor, now, said = Actor(member=request.user.pk), timezone.now(), form.cleaned_data
    try:
        services.keep(
            of=row,
            recipient=said["recipient"],
            terms=form.terms(),
            text=form.text(),
            version=said["version"] or 0,
            actor=actor,
            now=now,
        )
    except ContractInvalid as error:
        services.note_refused(of=row, actor=actor, reason="contract_invalid", now=now)
        form.tell(error)
    except ContractChanged:
        services.note_refused(of=row, actor=actor, reason="contract_changed", now=now)
        form.add_error(None, _("Ce contrat a été relu entre-temps. Rouvrez la page pour partir de là."))
    else:
        return True
    return False


@gate.for_readers("contracts:file")
@require_safe
def file(request: HttpRequest, reference: str, digest: str) -> HttpResponse:
    row = records.record(reference)
    found = selectors.file(row, digest) if row else None
    if row is None or found is None:
        raise Http404
    response = HttpResponse(bytes(found.content), content_type="application/pdf")
    # Under a name of ours: a document that somebody made is not opened in the hub's own window.
    response["Content-Disposition"] = f'attachment; filename="contrat-{row.reference}-{found.digest[:12]}.pdf"'
    response["Cache-Control"] = "no-store, private"
    return response
