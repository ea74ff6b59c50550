"""The page of tools and its star buttons."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audit.types import Actor
from directory.models import Member
from idp.selectors import tools_for
from launcher import cards, selectors, services

MAX_QUERY = 100


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    member = cast(Member, request.user)
    query = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_QUERY]
    now = timezone.localtime()
    context = {
        "first_name": member.given_name or member.display_name,
        "day_part": cards.day_part(now.hour),
        "today": now,
        "query": query,
        "board": selectors.board(member, query),
    }
    return render(request, "launcher/home.html", context)


@require_POST
@login_required
def favourite(request: HttpRequest, slug: str) -> HttpResponse:
    """Only a tool one may enter can be a favourite: an unknown tool and a closed one look the same."""
    member = cast(Member, request.user)
    tool = next((tool for tool in tools_for(member) if tool.slug == slug), None)
    if tool is None:
        raise Http404
    services.toggle_favourite(actor=Actor(member=member.pk), member_id=member.pk, tool_id=tool.pk)
    return HttpResponseRedirect(f"{reverse('launcher:home')}#outil-{tool.slug}")
