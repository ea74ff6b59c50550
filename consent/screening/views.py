"""Impact assessments: which processings were asked about, and the nine questions of one."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit import gate
from audit.types import Actor
from consent.register import policy as register
from consent.register import selectors as records
from consent.screening import policy, selectors, services
from consent.screening.forms import ScreeningForm, first
from consent.screening.types import ScreeningChanged, ScreeningInvalid


@gate.for_readers("screening:list")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate()
    rows = [(each, each.is_due(today)) for each in selectors.asked()]
    context = {"rows": rows, "due": sum(is_due for _each, is_due in rows)}
    return render(request, "consent/screening/list.html", context)


@gate.for_readers("screening:record")
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, reference: str) -> HttpResponse:
    row = records.record(reference)
    standing = records.current(row) if row else None
    if row is None or standing is None:
        raise Http404
    content, actor, now = register.content_of(standing.content), Actor(member=request.user.pk), timezone.now()
    kept = selectors.versions(row)
    version, last = (kept[0][0].version, kept[0][1]) if kept else (0, None)
    form = ScreeningForm(request.POST or None, initial={"version": version, **first(last, policy.seen_in(content))})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data["version"] or 0
        try:
            services.screen(of=row, screening=form.screening(), version=said, actor=actor, now=now)
        except ScreeningInvalid as error:
            services.note_refused(of=row, actor=actor, reason="screening_invalid", now=now)
            form.tell(error)
        except ScreeningChanged:
            services.note_refused(of=row, actor=actor, reason="screening_changed", now=now)
            form.add_error(None, _("Un autre examen a été enregistré entre-temps. Rouvrez la page pour partir de lui."))
        else:
            messages.success(request, _("L’examen est gardé."))
            return redirect("screening:list")
    context = {"form": form, "row": row, "content": content, "kept": kept, "sees": policy.seen_in(content)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "consent/screening/record.html", context, status=status)
