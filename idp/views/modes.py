"""The technician's pages of tools that came from another hub, and of what they still get beside their sheets."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.services import note_refused_page
from consent import selectors as consent_selectors
from consent.findings import selectors as findings
from consent.modes import selectors, services, words
from consent.modes.forms import ModeForm
from consent.modes.types import Chosen, ModeInvalid
from consent.policy import asked_items
from consent.types import Mode
from directory.policy import Right
from idp.gate import actor_of, opened_by
from idp.models import Tool


@opened_by(Right.SET_TOOL_MODES, page="idp:tool_modes")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    lenient = {row.tool_id: row for row in selectors.lenient(now=now)}
    imported = Tool.objects.exclude(imported_on=None).order_by("name")
    context = {"rows": [(tool, lenient.get(tool.pk)) for tool in imported]}
    return render(request, "idp/tool_modes.html", context)


@opened_by(Right.SET_TOOL_MODES, page="idp:tool_mode")
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, slug: str) -> HttpResponse:
    """What would leave, what would stop, and the form; what was chosen counts at once."""
    tool, now = get_object_or_404(Tool, slug=slug), timezone.now()
    form = ModeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        chosen = Chosen(Mode(said["mode"]), said["until"])
        try:
            services.choose(
                tool_id=tool.pk,
                chosen=chosen,
                reason=said["reason"],
                imported_on=tool.imported_on,
                actor=actor_of(request),
                now=now,
            )
        except ModeInvalid as error:
            _note_refused(request, str(error))
            form.add_error("until" if str(error).startswith("until") else None, str(words.PROBLEMS[str(error)]))
        else:
            messages.success(request, _("C’est noté, au journal aussi, et la protection des données en est avertie."))
            return HttpResponseRedirect(reverse("idp:tool_mode", args=[tool.slug]))
    sheet = consent_selectors.terms(tool.pk)
    standing = selectors.standing(tool.pk, now=now)
    declared = frozenset(sheet.bases) if sheet else frozenset[str]()
    context = {
        "tool": tool,
        "form": form,
        "help": words.HELP,
        "has_sheet": sheet is not None,
        "standing": standing,
        "more": None if standing else findings.let_out(tool.pk, asked_items(tool.scopes.split()), now=now),
        "stopped": findings.preview(tool.pk, declared, now=now) if standing else None,
        "history": selectors.history(tool.pk),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "idp/tool_mode.html", context, status=status)


@opened_by(Right.SET_TOOL_MODES, page="idp:tool_strict")
@require_POST
def strict(request: HttpRequest, slug: str) -> HttpResponse:
    """One click: nothing that is not declared leaves any more."""
    tool = get_object_or_404(Tool, slug=slug)
    row = services.choose(
        tool_id=tool.pk,
        chosen=Chosen(Mode.ENFORCE, None),
        reason="",
        imported_on=tool.imported_on,
        actor=actor_of(request),
        now=timezone.now(),
    )
    if row is None:
        messages.info(request, _("Rien n’a changé : l’outil s’en tient déjà à sa fiche."))
    else:
        messages.success(request, _("Plus rien ne part en dehors de la fiche."))
    return HttpResponseRedirect(reverse("idp:tool_mode", args=[tool.slug]))


def _note_refused(request: HttpRequest, reason: str) -> None:
    note_refused_page(actor=actor_of(request), page="idp:tool_mode", reason=reason, now=timezone.now())
