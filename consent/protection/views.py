"""The officer's pages: read only over accounts, and counts where no person needs to be named."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit import gate
from consent.findings.types import Level
from consent.protection import cards, selectors
from consent.protection.types import Sight, Urgency
from consent.types import DataCategory


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
    told = selectors.told_findings(now=timezone.now())
    levels = [(level, [each for each in told if each.finding.level is level]) for level in Level]
    return render(request, "consent/protection/findings.html", {"levels": levels})


@gate.for_readers("protection:matrix")
@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    rows = selectors.matrix(now=timezone.now())
    context = {"rows": rows, "categories": DataCategory, "sights": Sight}
    return render(request, "consent/protection/matrix.html", context)


@gate.for_readers("protection:matrix_tool")
@require_safe
def matrix_tool(request: HttpRequest, slug: str) -> HttpResponse:
    tool = _tool(slug)
    context = {"tool": tool, "cells": selectors.of_tool(tool, now=timezone.now())}
    return render(request, "consent/protection/matrix_tool.html", context)


def _tool(slug: str) -> Any:
    tool = selectors.tools().filter(slug=slug).first()
    if tool is None:
        raise Http404
    return tool
