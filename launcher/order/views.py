"""A member lays out their own page: by buttons, and by dragging where scripts run."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from directory.models import Member
from launcher import cards, selectors
from launcher.order import services

MOST = 500


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The order as it is; a POST brings the whole of it anew, as it was dragged."""
    member = cast(Member, request.user)
    board = selectors.board(member)
    if request.method != "POST":
        return render(request, "launcher/order/page.html", {"board": board})
    known = {card.slug: card.pk for shelf in board.shelves for card in shelf.cards}
    wanted = list(dict.fromkeys(request.POST.get("order", "").split(",")[:MOST]))
    services.put(member=member, tools=[known[slug] for slug in wanted if slug in known], now=timezone.now())
    return redirect("launcher:order")


@login_required
@require_POST
def move(request: HttpRequest, slug: str) -> HttpResponse:
    """One place up or down, among the tools that stand with it."""
    member = cast(Member, request.user)
    shelves = selectors.board(member).shelves
    by_slug = {card.slug: card for shelf in shelves for card in shelf.cards}
    if slug not in by_slug:
        raise Http404
    up = request.POST.get("move") == "up"
    order: list[int] = []
    for shelf in shelves:
        slugs = [card.slug for card in shelf.cards]
        slugs = cards.moved(slugs, slug, up=up) if slug in slugs else slugs
        order += [by_slug[each].pk for each in slugs]
    services.put(member=member, tools=order, now=timezone.now())
    return HttpResponseRedirect(f"{reverse('launcher:order')}#outil-{slug}")


@login_required
@require_POST
def reset(request: HttpRequest) -> HttpResponse:
    services.put(member=cast(Member, request.user), tools=(), now=timezone.now())
    messages.success(request, _("Vos outils sont à nouveau dans l’ordre de la coopérative."))
    return redirect("launcher:order")


@login_required
@require_POST
def view(request: HttpRequest) -> HttpResponse:
    """By section or by collective, from now on."""
    by_collective = request.POST.get("by") == "collective"
    services.stand_by_collective(member=cast(Member, request.user), by_collective=by_collective, now=timezone.now())
    return redirect("launcher:home")


@login_required
@require_POST
def keys(request: HttpRequest) -> HttpResponse:
    """Whether one key alone does something on the page of tools."""
    is_used = request.POST.get("one_key") == "on"
    services.use_one_key(member=cast(Member, request.user), is_used=is_used, now=timezone.now())
    messages.success(
        request,
        _("Les touches du clavier sont en service.") if is_used else _("Les touches « / » et « ? » ne font plus rien."),
    )
    return HttpResponseRedirect(f"{reverse('launcher:order')}#touches")
