"""The page of tools and its star buttons."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audit.types import Actor
from directory.models import Member
from idp.selectors import tools_for
from idp.services.accounts import welcome
from launcher import cards, selectors, services
from news.selectors import on_top

MAX_QUERY = 100
# In this browser alone: a proxy does not know who is signed in.
FOR_EVER = "private, max-age=31536000, immutable"


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
        "waiting": selectors.waiting_answers(member),
        "notice": welcome.notice_digest() if welcome.is_news(request, member.pk) else "",
        "news": () if query else on_top(member, now),
    }
    return render(request, "launcher/home.html", context)


@require_POST
@login_required
def favourite(request: HttpRequest, slug: str) -> HttpResponse:
    """Only a tool one may enter can be a favourite: an unknown tool and a closed one look the same."""
    member = cast(Member, request.user)
    tool = get_object_or_404(tools_for(member), slug=slug)
    services.toggle_favourite(actor=Actor(member=member.pk), member_id=member.pk, tool_id=tool.pk)
    return HttpResponseRedirect(f"{reverse('launcher:home')}#outil-{tool.slug}")


@login_required
@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    """Its address changes with it, so a browser asks once."""
    content = selectors.logo(digest)
    if not content:
        raise Http404
    response = HttpResponse(content, content_type="image/webp")
    response["Cache-Control"] = FOR_EVER
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Content-Disposition"] = "inline"
    return response
