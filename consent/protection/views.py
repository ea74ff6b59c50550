"""The officer's pages: read only over accounts, and counts where no person needs to be named."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit import gate
from audit.services import note_refused_page
from audit.types import Actor
from consent.corrections import selectors as corrected
from consent.findings import selectors as findings_of
from consent.findings import services as deciding
from consent.findings.types import BY_MODE, DecisionInvalid, FindingGone, Level
from consent.modes import selectors as modes
from consent.protection import cards, exports, selectors, services, words
from consent.protection.forms import DecisionForm, PreviewForm
from consent.protection.types import Sight, Urgency
from consent.selectors import notice as notice_of
from consent.types import DataCategory
from consent.views import show_notice


@gate.for_readers("protection:home")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits for the officer today, and what changed since they were here."""
    now = timezone.now()
    gathered = cards.by_urgency(now)
    before = selectors.visit_before(request.user.pk)  # type: ignore[arg-type]
    since = before or now - selectors.A_MONTH
    context = {
        "waiting": [(urgency, gathered[urgency]) for urgency in Urgency if urgency is not Urgency.CALM],
        "calm": gathered[Urgency.CALM],
        "is_calm": not (gathered[Urgency.NOW] or gathered[Urgency.SOON]),
        "urgencies": Urgency,
        "before": before,
        "since": since,
        "changed": selectors.changed_since(since),
    }
    return render(request, "consent/protection/home.html", context)


@gate.for_readers("protection:findings")
@require_safe
def findings(request: HttpRequest) -> HttpResponse:
    told, said = selectors.told_findings(now=timezone.now())
    levels = [(level, [each for each in told if each.finding.level is level]) for level in Level]
    # Where no tool is given time there is nothing to know of it.
    levels = [(level, some) for level, some in levels if some or level not in BY_MODE.values()]
    context = {"levels": levels, "said": said, "unseen": words.UNSEEN}
    return render(request, "consent/protection/findings.html", context)


@gate.for_readers("protection:finding")
@require_http_methods(["GET", "HEAD", "POST"])
def finding(request: HttpRequest, code: str) -> HttpResponse:
    """One finding, to be settled or accepted; whatever was decided meanwhile is not decided again."""
    now = timezone.now()
    told, _said = selectors.told_findings(now=now)
    each = next((one for one in told if one.finding.code == code and one.is_decided_here), None)
    if each is None:
        messages.info(request, _("Ce constat n’est plus là : il est réglé, accepté, ou n’a plus lieu d’être."))
        return redirect("protection:findings")
    form = DecisionForm(request.POST if request.method == "POST" else None, settles=each.is_settled)
    if request.method == "POST" and form.is_valid():
        try:
            deciding.decide(
                code=code,
                reason=form.cleaned_data["reason"],
                until=form.cleaned_data.get("until"),
                actor=Actor(member=request.user.pk),
                now=now,
            )
        except DecisionInvalid as error:
            _note_refused(request, str(error))
            form.add_error("until" if "until" in form.fields else None, str(words.PROBLEMS[str(error)]))
        except FindingGone:
            _note_refused(request, "finding_gone")
            messages.info(request, _("Ce constat n’est plus là : il est réglé, accepté, ou n’a plus lieu d’être."))
            return redirect("protection:findings")
        else:
            messages.success(request, _("C’est noté, et au journal."))
            return redirect("protection:findings")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "consent/protection/decide.html", {"each": each, "form": form}, status=status)


def _note_refused(request: HttpRequest, reason: str) -> None:
    actor = Actor(member=request.user.pk)
    note_refused_page(actor=actor, page="protection:finding", reason=reason, now=timezone.now())


@gate.for_readers("protection:matrix")
@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    rows = selectors.matrix(now=timezone.now())
    context = {"rows": rows, "categories": DataCategory, "sights": Sight}
    return render(request, "consent/protection/matrix.html", context)


@gate.for_readers("protection:matrix_tool")
@require_safe
def matrix_tool(request: HttpRequest, slug: str) -> HttpResponse:
    """Each item of a tool; and what a shorter sheet would have stopped, which changes nothing."""
    tool, now = _tool(slug), timezone.now()
    cells = selectors.of_tool(tool, now=now)
    declared = [line.item for cell, _details in cells for line in cell.lines if line.stated]
    form = PreviewForm(request.GET if "without" in request.GET else None, items=declared)
    context = {
        "tool": tool,
        "cells": cells,
        "form": form,
        "declared": declared,
        "mode": modes.standing(tool.pk, now=now),
    }
    if form.is_valid():
        left_out = form.cleaned_data["without"]
        context["stopped"] = findings_of.preview(tool.pk, [each for each in declared if each not in left_out], now=now)
        context["left_out"] = left_out
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    return render(request, "consent/protection/matrix_tool.html", context, status=status)


@gate.for_readers("protection:tools")
@require_safe
def tools(request: HttpRequest) -> HttpResponse:
    rows = selectors.engaged(now=timezone.now())
    context = {
        "rows": [each for each in rows if each.reference or each.holders],
        "others": [each for each in rows if not (each.reference or each.holders)],
    }
    return render(request, "consent/protection/tools.html", context)


@gate.for_readers("protection:corrections")
@require_safe
def corrections(request: HttpRequest) -> HttpResponse:
    """Which tool still has the value of before, of how many people and since when: nobody is named, nor any value."""
    return render(request, "consent/protection/corrections.html", {"rows": corrected.undelivered()})


@gate.for_readers("protection:notices")
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    return render(request, "consent/protection/notices.html", {"by_tool": selectors.notices()})


@gate.for_readers("protection:notice")
@require_safe
def notice(request: HttpRequest, number: int) -> HttpResponse:
    """What members saw, as it was shown."""
    shown = notice_of(number)
    if shown is None:
        raise Http404
    return show_notice(request, shown)


@gate.for_readers("protection:decisions")
@require_safe
def decisions(request: HttpRequest) -> HttpResponse:
    return render(request, "consent/protection/decisions.html", {"rows": selectors.asked(now=timezone.now())})


@gate.for_readers("protection:export")
@require_safe
def export(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """The same counts as a file; that they leave is on the record before they do."""
    now = timezone.now()
    rows = exports.table(selectors.asked(now=now))
    write, content_type = exports.KINDS[kind]
    services.note_export(actor=Actor(member=request.user.pk), kind=kind, lines=len(rows) - 1, now=now)
    response = StreamingHttpResponse(write(rows), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="accords-{timezone.localdate(now):%Y-%m-%d}.{kind}"'
    response["Cache-Control"] = "no-store, private"
    return response


def _tool(slug: str) -> Any:
    tool = selectors.tools().filter(slug=slug).first()
    if tool is None:
        raise Http404
    return tool
